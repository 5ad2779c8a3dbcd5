package storetest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

func runnerID(r baton.Runner) baton.RunnerID { return r.ID }

var runnerTests = []test{
	{"Runner/Losses", func(s *suite) {
		ctx := s.Context()
		g := s.group("g", 0)
		below := s.group("below", g.ID)
		here, there, far := s.project("here", g.ID), s.project("there", below.ID), s.project("far", s.group("far", 0).ID)
		s.runner(baton.Runner{}) // an instance runner loses nothing
		ofGroup := s.runner(baton.Runner{Type: baton.GroupRunner, GroupID: below.ID})
		owned := func(p baton.Project, more ...baton.Project) baton.RunnerID {
			r := s.runner(baton.Runner{Type: baton.ProjectRunner, ProjectID: p.ID})
			for i, other := range more {
				s.tx(func(ctx context.Context, tx store.Tx) error {
					return tx.AssignRunner(ctx, r.ID, other.ID, now.Add(time.Duration(i)*time.Second))
				})
			}
			return r.ID
		}
		alone, together, passes, stays := owned(here), owned(here, there), owned(here, there, far), owned(far, here)

		inGroup, inHere, inThere := baton.InGroup(below.ID), baton.InProject(here.ID), baton.InProject(there.ID)
		same(s, must(s.RunnerLosses(ctx, baton.InGroup(g.ID))), []store.RunnerLoss{
			{Kind: store.RunnerRemoved, Runner: ofGroup.ID, From: inGroup, FromPath: "g/below"},
			{Kind: store.RunnerRemoved, Runner: alone, From: inHere, FromPath: "g/here"},
			{Kind: store.RunnerRemoved, Runner: together, From: inHere, FromPath: "g/here"},
			{Kind: store.RunnerPassed, Runner: passes, From: inHere, FromPath: "g/here", To: far.ID, ToPath: "far/far"},
			{Kind: store.RunnerUnassigned, Runner: passes, From: inThere, FromPath: "g/below/there"},
			{Kind: store.RunnerUnassigned, Runner: stays, From: inHere, FromPath: "g/here"},
		})
		same(s, must(s.RunnerLosses(ctx, inHere)), []store.RunnerLoss{
			{Kind: store.RunnerRemoved, Runner: alone, From: inHere, FromPath: "g/here"},
			{Kind: store.RunnerPassed, Runner: together, From: inHere, FromPath: "g/here", To: there.ID, ToPath: "g/below/there"},
			{Kind: store.RunnerPassed, Runner: passes, From: inHere, FromPath: "g/here", To: there.ID, ToPath: "g/below/there"},
			{Kind: store.RunnerUnassigned, Runner: stays, From: inHere, FromPath: "g/here"},
		})
		same(s, must(s.RunnerLosses(ctx, baton.InProject(99))), nil)

		// What was foretold is what happens.
		s.tx(func(ctx context.Context, tx store.Tx) error { return tx.DeleteNamespace(ctx, g.ID) })
		for _, id := range []baton.RunnerID{ofGroup.ID, alone, together} {
			_, err := s.Runner(ctx, id)
			s.missing(err, "Runner")
		}
		for _, id := range []baton.RunnerID{passes, stays} {
			same(s, must(s.Runner(ctx, id)).ProjectID, far.ID)
			same(s, len(must(s.RunnerProjects(ctx, id))), 1)
		}
	}},
	{"Runner/RoundTrip", func(s *suite) {
		ctx := s.Context()
		u := s.user("u")
		g := s.group("g", 0)
		p := s.project("p", g.ID)
		for _, r := range []baton.Runner{
			{Type: baton.InstanceRunner, RunUntagged: true},
			{Type: baton.GroupRunner, GroupID: g.ID, Registered: true, Paused: true, TokenRotationDeadline: kept.Add(time.Minute)},
			{
				Type: baton.ProjectRunner, ProjectID: p.ID, CreatorID: u.ID, Description: "d ß", MaintenanceNote: "n", Locked: true,
				MaximumTimeout: 600, Tags: []string{"zeta", "alpha", "ünï,x"},
			},
		} {
			c := s.creation(r)
			want := c.Runner
			c.Runner.CreatedAt, c.Runner.UpdatedAt = now, now
			c.TokenExpiresAt = now.Add(time.Hour)
			want.ID = must(s.CreateRunner(ctx, c))
			same(s, must(s.Runner(ctx, want.ID)), want)
			runner, token, err := s.RunnerByToken(ctx, c.Token)
			s.ok(err)
			same(s, runner, want)
			same(s, token, baton.RunnerToken{RunnerID: want.ID, Number: 1, ExpiresAt: kept.Add(time.Hour), CreatedAt: kept})
		}
	}},
	{"Runner/Missing", func(s *suite) {
		ctx := s.Context()
		_, err := s.Runner(ctx, 1)
		s.missing(err, "Runner")
		_, _, err = s.RunnerByToken(ctx, baton.DigestOf("x"))
		s.missing(err, "Runner")
		_, err = s.Manager(ctx, 1, "s")
		s.missing(err, "Runner manager")
		_, err = s.LatestManager(ctx, 1)
		s.missing(err, "Runner manager")
		same(s, len(must(s.Managers(ctx, 1))), 0)
		same(s, len(must(s.RunnerProjects(ctx, 1))), 0)
		s.missing(s.Tx(ctx, func(ctx context.Context, tx store.Tx) error { return tx.DeleteRunner(ctx, 1) }), "Runner")
		s.missing(s.TouchRunner(ctx, store.Contact{Manager: baton.Manager{RunnerID: 1, SystemID: "s", ContactedAt: now}}), "Runner")
	}},
	{"Runner/List", func(s *suite) {
		ctx := s.Context()
		g := s.group("g", 0)
		a := s.runner(baton.Runner{Tags: []string{"linux", "arm"}})
		b := s.runner(baton.Runner{Paused: true, Tags: []string{"linux"}})
		c := s.runner(baton.Runner{Type: baton.GroupRunner, GroupID: g.ID})
		yes, no := true, false
		for _, row := range []struct {
			f    store.RunnerFilter
			want []baton.Runner
		}{
			{store.RunnerFilter{}, []baton.Runner{a, b, c}},
			{store.RunnerFilter{Types: []baton.RunnerType{baton.GroupRunner, baton.ProjectRunner}}, []baton.Runner{c}},
			{store.RunnerFilter{Paused: &yes}, []baton.Runner{b}},
			{store.RunnerFilter{Paused: &no}, []baton.Runner{a, c}},
			{store.RunnerFilter{Tags: []string{"linux"}}, []baton.Runner{a, b}},
			{store.RunnerFilter{Tags: []string{"arm", "linux"}}, []baton.Runner{a}},
			{store.RunnerFilter{Tags: []string{"Linux"}}, []baton.Runner{}},
			{store.RunnerFilter{Tags: []string{"linux"}, Paused: &no}, []baton.Runner{a}},
			{store.RunnerFilter{Types: []baton.RunnerType{}}, []baton.Runner{}},
		} {
			same(s, must(s.Runners(ctx, row.f, all)), row.want)
			same(s, must(s.CountRunners(ctx, row.f, most)), len(row.want))
		}
		// What is counted is bounded.
		same(s, must(s.CountRunners(ctx, store.RunnerFilter{}, 2)), 2)
		// A page has so many runners, not so many tags.
		same(s, must(s.Runners(ctx, store.RunnerFilter{}, store.Page{Limit: 2})), []baton.Runner{a, b})
		same(s, must(s.Runners(ctx, store.RunnerFilter{}, store.Page{Limit: 2, Offset: 1})), []baton.Runner{b, c})
	}},
	{"Runner/ListByManyTags", func(s *suite) {
		tags := make([]string, 1001)
		for i := range tags {
			tags[i] = fmt.Sprintf("t%04d", i)
		}
		full := s.runner(baton.Runner{Tags: tags[:baton.MaxRunnerTags]})
		few := s.runner(baton.Runner{Tags: tags[:3]})
		for _, row := range []struct {
			tags []string
			want []baton.Runner
		}{
			{tags[:3], []baton.Runner{full, few}},
			{slices.Repeat(tags[:3], 400), []baton.Runner{full, few}},
			{tags[:4], []baton.Runner{full}},
			{tags[:baton.MaxRunnerTags], []baton.Runner{full}},
			{tags[1 : baton.MaxRunnerTags+1], []baton.Runner{}},
			{tags[:baton.MaxRunnerTags+1], []baton.Runner{}},
			{tags, []baton.Runner{}},
		} {
			f := store.RunnerFilter{Tags: row.tags}
			same(s, must(s.Runners(s.Context(), f, all)), row.want)
			same(s, must(s.CountRunners(s.Context(), f, most)), len(row.want))
		}
	}},
	{"Runner/ListByContact", func(s *suite) {
		ctx := s.Context()
		silent := s.runner(baton.Runner{Tags: []string{"t"}})
		online := s.runner(baton.Runner{})
		offline := s.runner(baton.Runner{})
		later := kept.Add(baton.StaleAfter)
		touch := func(r baton.Runner, version string, at time.Time) baton.Runner {
			s.ok(s.TouchRunner(ctx, store.Contact{Manager: baton.Manager{RunnerID: r.ID, SystemID: "s", Version: version, ContactedAt: at}}))
			return must(s.Runner(ctx, r.ID))
		}
		online = touch(online, "18.11.0", later)
		offline = touch(offline, "18.1.0", later.Add(-baton.OnlineWindow))
		for _, row := range []struct {
			f    store.RunnerFilter
			want []baton.Runner
		}{
			{store.RunnerFilter{Contacts: []store.ContactState{store.ContactOnline}}, []baton.Runner{online}},
			{store.RunnerFilter{Contacts: []store.ContactState{store.ContactOffline}}, []baton.Runner{offline}},
			{store.RunnerFilter{Contacts: []store.ContactState{store.ContactNever}}, []baton.Runner{silent}},
			{store.RunnerFilter{Contacts: []store.ContactState{store.ContactStale}}, []baton.Runner{silent}},
			{store.RunnerFilter{Contacts: []store.ContactState{store.ContactStale, store.ContactOnline}}, []baton.Runner{}},
			{store.RunnerFilter{Contacts: []store.ContactState{store.ContactNever}, Tags: []string{"t"}}, []baton.Runner{silent}},
			{store.RunnerFilter{VersionPrefix: "18.1"}, []baton.Runner{online, offline}},
			{store.RunnerFilter{VersionPrefix: "18.11"}, []baton.Runner{online}},
			{store.RunnerFilter{VersionPrefix: "8"}, []baton.Runner{}},
		} {
			row.f.Now = later
			same(s, must(s.Runners(ctx, row.f, all)), row.want)
			same(s, must(s.CountRunners(ctx, row.f, most)), len(row.want))
		}
		// A week after its last call, and not before, a runner is stale.
		stale := store.RunnerFilter{Contacts: []store.ContactState{store.ContactStale}, Now: later.Add(baton.StaleAfter - time.Microsecond)}
		same(s, must(s.Runners(ctx, stale, all)), []baton.Runner{silent, offline})
		stale.Now = later.Add(baton.StaleAfter)
		same(s, must(s.Runners(ctx, stale, all)), []baton.Runner{silent, online, offline})
	}},
	{"Runner/ListToTheMicrosecond", func(s *suite) {
		ctx := s.Context()
		at := kept.Add(baton.StaleAfter)
		online := at.Add(-baton.OnlineWindow)
		made := func(created, contact time.Time) baton.RunnerID {
			c := s.creation(baton.Runner{})
			c.Runner.CreatedAt = created
			id := must(s.CreateRunner(ctx, c))
			if !contact.IsZero() {
				s.ok(s.TouchRunner(ctx, store.Contact{Manager: baton.Manager{RunnerID: id, SystemID: "s", ContactedAt: contact}}))
			}
			return id
		}
		early := kept.Add(-time.Hour)
		in := made(early, online.Add(time.Microsecond))
		out := made(early, online)
		week := made(early, kept)
		less := made(early, kept.Add(time.Microsecond))
		silent := made(kept, time.Time{})
		young := made(kept.Add(time.Microsecond), time.Time{})
		for state, want := range map[store.ContactState][]baton.RunnerID{
			store.ContactOnline:  {in},
			store.ContactOffline: {out, week, less},
			store.ContactNever:   {silent, young},
			store.ContactStale:   {week, silent},
		} {
			same(s, ids(must(s.Runners(ctx, store.RunnerFilter{Contacts: []store.ContactState{state}, Now: at}, all)), runnerID), want)
		}
	}},
	{"Runner/ListFollows", func(s *suite) {
		ctx := s.Context()
		r := s.runner(baton.Runner{Tags: []string{"a", "b"}})
		other := s.runner(baton.Runner{Tags: []string{"b"}})
		listed := func(f store.RunnerFilter, want ...baton.RunnerID) {
			s.Helper()
			f.Now = kept.Add(time.Hour)
			same(s, ids(must(s.Runners(ctx, f, all)), runnerID), append([]baton.RunnerID{}, want...))
		}
		yes := true
		online := store.RunnerFilter{Tags: []string{"b"}, Contacts: []store.ContactState{store.ContactOnline}}

		r.Tags, r.Paused = []string{"b", "c"}, true
		s.ok(s.Tx(ctx, func(ctx context.Context, tx store.Tx) error { return tx.UpdateRunner(ctx, r) }))
		listed(store.RunnerFilter{Tags: []string{"a"}})
		listed(store.RunnerFilter{Tags: []string{"b"}, Paused: &yes}, r.ID)
		listed(store.RunnerFilter{Tags: []string{"c"}, Paused: &yes}, r.ID)
		listed(online)

		s.ok(s.TouchRunner(ctx, store.Contact{Manager: baton.Manager{RunnerID: other.ID, SystemID: "s", ContactedAt: kept}}))
		listed(online, other.ID)

		s.ok(s.Tx(ctx, func(ctx context.Context, tx store.Tx) error { return tx.DeleteRunner(ctx, other.ID) }))
		listed(online)
		listed(store.RunnerFilter{}, r.ID)
	}},
	{"Runner/ListAmong", func(s *suite) {
		ctx := s.Context()
		u, other := s.user("u"), s.user("o")
		top := s.group("top", 0)
		sub := s.group("sub", top.ID)
		p, q := s.project("p", sub.ID), s.project("q", sub.ID)
		instance := s.runner(baton.Runner{Tags: []string{"t"}})
		ofTop := s.runner(baton.Runner{Type: baton.GroupRunner, GroupID: top.ID, Tags: []string{"t"}})
		ofSub := s.runner(baton.Runner{Type: baton.GroupRunner, GroupID: sub.ID})
		ofP := s.runner(baton.Runner{Type: baton.ProjectRunner, ProjectID: p.ID})
		ofQ := s.runner(baton.Runner{Type: baton.ProjectRunner, ProjectID: q.ID})
		s.member(u, baton.InGroup(sub.ID), baton.OwnerAccess)
		s.member(other, baton.InProject(q.ID), baton.MaintainerAccess)
		for _, row := range []struct {
			among store.RunnerScope
			want  []baton.Runner
		}{
			{store.RunnerScope{}, []baton.Runner{}},
			{store.RunnerScope{Instance: true}, []baton.Runner{instance}},
			{store.RunnerScope{Groups: []baton.NamespaceID{top.ID, sub.ID}}, []baton.Runner{ofTop, ofSub}},
			{store.RunnerScope{Project: p.ID}, []baton.Runner{ofP}},
			{store.RunnerScope{Instance: true, Groups: []baton.NamespaceID{sub.ID}, Project: q.ID}, []baton.Runner{instance, ofSub, ofQ}},
			{store.RunnerScope{Managed: &store.Viewer{UserID: u.ID, Today: today}}, []baton.Runner{ofSub, ofP, ofQ}},
			{store.RunnerScope{Managed: &store.Viewer{UserID: other.ID, Today: today}}, []baton.Runner{ofQ}},
		} {
			f := store.RunnerFilter{Among: &row.among}
			same(s, must(s.Runners(ctx, f, all)), row.want)
			same(s, must(s.CountRunners(ctx, f, most)), len(row.want))
		}
		same(s, must(s.Runners(ctx, store.RunnerFilter{
			Tags: []string{"t"}, Among: &store.RunnerScope{Groups: []baton.NamespaceID{top.ID}},
		}, all)), []baton.Runner{ofTop})

		same(s, must(s.Projects(ctx, store.ProjectFilter{RunnerID: ofP.ID}, all)), []baton.Project{p})
		viewer := &store.Viewer{UserID: other.ID, Today: today}
		same(s, must(s.CountProjects(ctx, store.ProjectFilter{RunnerID: ofQ.ID, VisibleTo: viewer, Maintained: true})), 1)
		same(s, must(s.CountProjects(ctx, store.ProjectFilter{RunnerID: ofP.ID, VisibleTo: viewer, Maintained: true})), 0)

		// A Maintainer below a group is one where its runners are let in.
		below := func() bool { return must(s.MaintainsBelow(ctx, other.ID, top.ID, today)) }
		same(s, below(), false)
		q.GroupRunnersEnabled = true
		s.tx(func(ctx context.Context, tx store.Tx) error { return tx.UpdateProject(ctx, q) })
		same(s, below(), true)
		same(s, must(s.MaintainsBelow(ctx, other.ID, 99, today)), false)
	}},
	{"Runner/Update", func(s *suite) {
		ctx := s.Context()
		r := s.runner(baton.Runner{Description: "d", MaximumTimeout: 600, Tags: []string{"a", "b"}, TokenRotationDeadline: kept})
		bystander := s.runner(baton.Runner{Tags: []string{"a"}})
		r.TokenOverlap = new(0)
		r.Description, r.MaintenanceNote, r.Paused, r.Locked, r.RunUntagged = "", "n", true, true, true
		r.AccessLevel, r.MaximumTimeout, r.Tags, r.UpdatedAt = baton.RefProtected, 0, []string{"c", "a"}, kept.Add(time.Hour)
		s.tx(func(ctx context.Context, tx store.Tx) error { return tx.UpdateRunner(ctx, r) })
		same(s, must(s.Runner(ctx, r.ID)), r)
		same(s, must(s.Runner(ctx, bystander.ID)), bystander)
		// What others write is left alone.
		r.ContactedAt, r.AskedForJobs, r.TokenRotationDeadline, r.Tags = kept, true, time.Time{}, nil
		s.tx(func(ctx context.Context, tx store.Tx) error { return tx.UpdateRunner(ctx, r) })
		r.ContactedAt, r.AskedForJobs, r.TokenRotationDeadline = time.Time{}, false, kept
		same(s, must(s.Runner(ctx, r.ID)), r)
		r.ID = 99
		s.missing(s.Tx(ctx, func(ctx context.Context, tx store.Tx) error { return tx.UpdateRunner(ctx, r) }), "Runner")
	}},
	{"Runner/Tokens", func(s *suite) {
		ctx := s.Context()
		c := s.creation(baton.Runner{Tags: []string{"a", "b"}})
		c.TokenExpiresAt = now.Add(time.Hour)
		id := must(s.CreateRunner(ctx, c))
		digests := map[int]baton.Digest{1: c.Token}
		rotate := func(number, retired int, at, retiredAt time.Time) {
			s.Helper()
			digests[number] = baton.DigestOf(s.unique("token"))
			s.tx(func(ctx context.Context, tx store.Tx) error {
				return tx.RotateRunnerToken(ctx, store.Rotation{
					Token:  baton.RunnerToken{RunnerID: id, Number: number, CreatedAt: at},
					Digest: digests[number], Retired: retired, RetiredAt: retiredAt,
				})
			})
		}
		holds := func(want ...baton.RunnerToken) {
			s.Helper()
			for i := range want {
				want[i].RunnerID = id
			}
			same(s, must(s.RunnerTokens(ctx, id)), want)
			for number, digest := range digests {
				r, t, err := s.RunnerByToken(ctx, digest)
				i := slices.IndexFunc(want, func(t baton.RunnerToken) bool { return t.Number == number })
				if i < 0 {
					s.missing(err, "Runner")
					continue
				}
				s.ok(err)
				same(s, t, want[i])
				same(s, r, must(s.Runner(ctx, id)))
			}
		}
		first := baton.RunnerToken{Number: 1, CreatedAt: kept, ExpiresAt: kept.Add(time.Hour)}
		second := baton.RunnerToken{Number: 2, CreatedAt: kept.Add(time.Second)}
		third := baton.RunnerToken{Number: 3, CreatedAt: kept.Add(2 * time.Second)}
		holds(first)

		// The one that is retired works on for a while; it does not live longer
		// for it, and the others go on.
		rotate(2, 1, now.Add(time.Second), now.Add(time.Minute))
		first.ExpiresAt = kept.Add(time.Minute)
		holds(first, second)
		same(s, must(s.Runner(ctx, id)).UpdatedAt, kept.Add(time.Second))
		rotate(3, 1, now.Add(2*time.Second), now.Add(time.Hour))
		holds(first, second, third)

		// At once; what has expired goes too.
		rotate(4, 3, now.Add(2*time.Minute), time.Time{})
		fourth := baton.RunnerToken{Number: 4, CreatedAt: kept.Add(2 * time.Minute)}
		holds(second, fourth)

		// All of them, at once or in the end.
		rotate(5, 0, now.Add(3*time.Minute), now.Add(4*time.Minute))
		second.ExpiresAt, fourth.ExpiresAt = kept.Add(4*time.Minute), kept.Add(4*time.Minute)
		fifth := baton.RunnerToken{Number: 5, CreatedAt: kept.Add(3 * time.Minute)}
		holds(second, fourth, fifth)
		rotate(6, 0, now.Add(3*time.Minute), time.Time{})
		holds(baton.RunnerToken{Number: 6, CreatedAt: kept.Add(3 * time.Minute)})

		s.tx(func(ctx context.Context, tx store.Tx) error { return tx.DeleteRunner(ctx, id) })
		same(s, len(must(s.RunnerTokens(ctx, id))), 0)
	}},
	{"Runner/DeleteManager", func(s *suite) {
		ctx := s.Context()
		id := s.runner(baton.Runner{}).ID
		for _, system := range []string{"a", "b"} {
			s.ok(s.TouchRunner(ctx, store.Contact{Manager: baton.Manager{RunnerID: id, SystemID: system, TokenNumber: 2, TokenCreatedAt: now, ContactedAt: now}}))
		}
		m := must(s.Manager(ctx, id, "a"))
		same(s, m.TokenNumber, 2)
		same(s, m.TokenCreatedAt, kept)
		forget := func(ctx context.Context, tx store.Tx) error { return tx.DeleteManager(ctx, m.ID) }
		s.tx(forget)
		same(s, ids(must(s.Managers(ctx, id)), func(m baton.Manager) string { return m.SystemID }), []string{"b"})
		s.missing(s.Tx(ctx, forget), "Runner manager")
	}},
	{"Runner/Assign", func(s *suite) {
		ctx := s.Context()
		g := s.group("g", 0)
		p, q := s.project("p", g.ID), s.project("q", g.ID)
		r := s.runner(baton.Runner{Type: baton.ProjectRunner, ProjectID: p.ID})
		assign := func(id baton.RunnerID, project baton.ProjectID) error {
			return s.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
				return tx.AssignRunner(ctx, id, project, now.Add(time.Hour))
			})
		}
		s.ok(assign(r.ID, q.ID))
		same(s, must(s.RunnerProjects(ctx, r.ID)), []baton.Project{p, q})
		same(s, must(s.AssignedAt(ctx, r.ID, q.ID)), kept.Add(time.Hour))
		s.field(assign(r.ID, q.ID), "project_id")
		s.code(assign(99, q.ID), baton.CodeStale)
		s.code(assign(r.ID, 99), baton.CodeStale)
		unassign := func(ctx context.Context, tx store.Tx) error { return tx.UnassignRunner(ctx, r.ID, q.ID) }
		s.tx(unassign)
		same(s, must(s.RunnerProjects(ctx, r.ID)), []baton.Project{p})
		s.missing(s.Tx(ctx, unassign), "Runner project")
		_, err := s.AssignedAt(ctx, r.ID, q.ID)
		s.missing(err, "Runner project")
	}},
	{"Runner/Delete", func(s *suite) {
		ctx := s.Context()
		g := s.group("g", 0)
		p := s.project("p", g.ID)
		c := s.creation(baton.Runner{Type: baton.ProjectRunner, ProjectID: p.ID, Tags: []string{"t"}})
		id := must(s.CreateRunner(ctx, c))
		same(s, ids(must(s.RunnerProjects(ctx, id)), projectID), []baton.ProjectID{p.ID})
		s.ok(s.TouchRunner(ctx, store.Contact{Manager: baton.Manager{RunnerID: id, SystemID: "s", ContactedAt: now}}))
		s.tx(func(ctx context.Context, tx store.Tx) error { return tx.DeleteRunner(ctx, id) })
		_, err := s.Runner(ctx, id)
		s.missing(err, "Runner")
		_, _, err = s.RunnerByToken(ctx, c.Token)
		s.missing(err, "Runner")
		same(s, len(must(s.Managers(ctx, id))), 0)
		same(s, must(s.CountAuditEvents(ctx, store.AuditFilter{}, most)), 1) // the log stays
		if next := s.runner(baton.Runner{}); next.ID <= id {
			s.Errorf("id %d was given after %d", next.ID, id)
		}
	}},
	{"Runner/Touch", func(s *suite) {
		ctx := s.Context()
		id := s.runner(baton.Runner{}).ID
		touch := func(c store.Contact) {
			s.Helper()
			c.Manager.RunnerID = id
			s.ok(s.TouchRunner(ctx, c))
		}
		touch(store.Contact{Manager: baton.Manager{
			SystemID: "s1", Version: "18.0", Revision: "abc", Platform: "linux", Architecture: "arm64", Executor: "docker", IP: "::1", ContactedAt: now,
		}})
		want := baton.Manager{
			RunnerID: id, SystemID: "s1", Version: "18.0", Revision: "abc", Platform: "linux", Architecture: "arm64", Executor: "docker",
			IP: "::1", ContactedAt: kept, CreatedAt: kept,
		}
		m := must(s.Manager(ctx, id, "s1"))
		want.ID = m.ID
		same(s, m, want)
		r := must(s.Runner(ctx, id))
		same(s, r.ContactedAt, kept)
		same(s, r.AskedForJobs, false)

		// What is not reported stays, and so does the later of two times.
		touch(store.Contact{AskedForJobs: true, Manager: baton.Manager{SystemID: "s1", Version: "18.1", ContactedAt: now.Add(-time.Hour)}})
		want.Version = "18.1"
		same(s, must(s.Manager(ctx, id, "s1")), want)
		touch(store.Contact{Manager: baton.Manager{SystemID: "s2", ContactedAt: now.Add(time.Hour)}})
		same(s, ids(must(s.Managers(ctx, id)), func(m baton.Manager) string { return m.SystemID }), []string{"s2", "s1"})
		same(s, must(s.LatestManager(ctx, id)).SystemID, "s2")
		r = must(s.Runner(ctx, id))
		same(s, r.ContactedAt, kept.Add(time.Hour))
		same(s, r.AskedForJobs, true)
		same(s, r.UpdatedAt, kept)
	}},
	{"Runner/TouchAtOnce", func(s *suite) {
		ctx := s.Context()
		id := s.runner(baton.Runner{}).ID
		var group sync.WaitGroup
		for i := range 32 {
			group.Go(func() {
				err := s.TouchRunner(ctx, store.Contact{Manager: baton.Manager{
					RunnerID: id, SystemID: []string{"a", "b"}[i%2], ContactedAt: now.Add(time.Duration(i) * time.Second),
				}})
				if err != nil {
					s.Error(err)
				}
			})
		}
		group.Wait()
		same(s, must(s.Runner(ctx, id)).ContactedAt, kept.Add(31*time.Second))
		managers := must(s.Managers(ctx, id))
		same(s, ids(managers, func(m baton.Manager) time.Time { return m.ContactedAt }), []time.Time{kept.Add(31 * time.Second), kept.Add(30 * time.Second)})
	}},
}
