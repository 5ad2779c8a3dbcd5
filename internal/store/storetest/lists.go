package storetest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

// Sortable is up to how many runners a list of them may look up and sort for a
// page; and one more is counted at most.
const Sortable = 10_000

// A RunnerList is a list of runners of a [Fleet].
type RunnerList struct {
	store.RunnerFilter

	// Narrowed tells whether there is more to ask than a tag. Then the runners
	// are a few ranges of one index, or, if there are more than [Sortable], part
	// of a range that has the order of the list.
	Narrowed bool
	// Set tells that the filter leads to ids in other tables.
	Set bool
}

// RunnerLists returns the filters of lists of runners by a name: alone, and in
// the pairs that people use.
func RunnerLists(now time.Time) map[string]RunnerList {
	instance := []baton.RunnerType{baton.InstanceRunner}
	specific := []baton.RunnerType{baton.GroupRunner, baton.ProjectRunner}
	project := &store.RunnerScope{Instance: true, Groups: []baton.NamespaceID{1001, 1012}, Project: 1}
	alone := &store.RunnerScope{Groups: []baton.NamespaceID{1001, 1012}, Project: 1}
	all := map[string]store.RunnerFilter{
		"all":                      {},
		"type":                     {Types: instance},
		"types":                    {Types: specific},
		"no type":                  {Types: []baton.RunnerType{}},
		"paused":                   {Paused: new(true)},
		"active":                   {Paused: new(false)},
		"type and paused":          {Types: instance, Paused: new(true)},
		"type and active":          {Types: instance, Paused: new(false)},
		"types and paused":         {Types: specific, Paused: new(true)},
		"tags":                     {Tags: []string{"few", "most"}},
		"rare version":             {VersionPrefix: "16."},
		"common version":           {VersionPrefix: "18."},
		"project":                  {Among: project},
		"project, type and paused": {Among: project, Types: instance, Paused: new(true)},
		"project without instance": {Among: alone},
	}
	for _, tag := range []string{"few", "some", "most"} {
		all["tag "+tag] = store.RunnerFilter{Tags: []string{tag}}
		all["paused and tag "+tag] = store.RunnerFilter{Paused: new(true), Tags: []string{tag}}
	}
	for _, state := range []store.ContactState{store.ContactOnline, store.ContactOffline, store.ContactNever, store.ContactStale} {
		contacts := []store.ContactState{state}
		all[string(state)] = store.RunnerFilter{Contacts: contacts}
		all["project, "+string(state)] = store.RunnerFilter{Contacts: contacts, Among: project}
		for _, tag := range []string{"few", "some", "most"} {
			all[string(state)+" and tag "+tag] = store.RunnerFilter{Contacts: contacts, Tags: []string{tag}}
		}
	}
	lists := make(map[string]RunnerList, len(all))
	for name, f := range all {
		f.Now = now
		lists[name] = RunnerList{
			RunnerFilter: f,
			Narrowed:     f.Types != nil || f.Paused != nil || len(f.Contacts) > 0,
			Set:          f.Among != nil || f.VersionPrefix != "",
		}
	}
	return lists
}

// has tells whether the runner belongs to the list, by what the filter says and
// not by how stores find out.
func (l RunnerList) has(r baton.Runner) bool {
	if l.Types != nil && !slices.Contains(l.Types, r.Type) || l.Paused != nil && r.Paused != *l.Paused {
		return false
	}
	for _, tag := range l.Tags {
		if !slices.Contains(r.Tags, tag) {
			return false
		}
	}
	for _, state := range l.Contacts {
		called := !r.ContactedAt.IsZero()
		online := called && r.ContactedAt.After(l.Now.Add(-baton.OnlineWindow))
		holds := map[store.ContactState]bool{
			store.ContactOnline:  online,
			store.ContactOffline: called && !online,
			store.ContactNever:   !called,
			store.ContactStale:   r.Status(l.Now) == baton.StatusStale,
		}[state]
		if !holds {
			return false
		}
	}
	return true
}

// A FleetList is the right answer for a list of a fleet.
type FleetList struct{ ids []baton.RunnerID }

// FleetLists returns the right answers for the lists that are not of a set.
func FleetLists(ctx context.Context, tb testing.TB, s store.Store, lists map[string]RunnerList) map[string]FleetList {
	tb.Helper()
	all, err := s.Runners(ctx, store.RunnerFilter{}, store.Page{Limit: 1 << 30})
	if err != nil {
		tb.Fatal(err)
	}
	right := map[string]FleetList{}
	for name, l := range lists {
		if l.Set {
			continue
		}
		ids := []baton.RunnerID{}
		for _, r := range all {
			if l.has(r) {
				ids = append(ids, r.ID)
			}
		}
		right[name] = FleetList{ids}
	}
	return right
}

// Check compares a page, and how many runners were counted, with what is right.
func (f FleetList) Check(tb testing.TB, name string, p store.Page, page []baton.Runner, total int) {
	tb.Helper()
	if total != len(f.ids) {
		tb.Errorf("%s: counted %d of %d", name, total, len(f.ids))
	}
	got := []baton.RunnerID{}
	for _, r := range page {
		got = append(got, r.ID)
	}
	from := min(p.Offset, len(f.ids))
	if diff := cmp.Diff(f.ids[from:min(from+p.Limit, len(f.ids))], got); diff != "" {
		tb.Errorf("%s from %d: -want +got\n%s", name, p.Offset, diff)
	}
}
