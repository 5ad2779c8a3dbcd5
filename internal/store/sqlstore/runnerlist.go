package sqlstore

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

func (r reader) Runners(ctx context.Context, f store.RunnerFilter, p store.Page) ([]baton.Runner, error) {
	l := listRunners(f)
	l.w.page(l.order, p)
	// The page is cut from ids alone, which the indexes hold; what is passed
	// over is not read. Only then are the rows and their tags joined.
	return r.taggedRunners(ctx, nil, "SELECT "+runners.columns+", g.tag FROM (SELECT "+l.id+" AS id FROM "+l.from+l.w.text.String()+
		") page JOIN runners r ON r.id = page.id"+joinTags+"ORDER BY r.id, g.position", l.w.args...)
}

func (r reader) CountRunners(ctx context.Context, f store.RunnerFilter, most int) (int, error) {
	l := listRunners(f)
	l.w.write(" LIMIT ?", most)
	var n int
	_, err := r.value(ctx, "count Runner", &n, "SELECT count(*) FROM (SELECT 1 FROM "+l.from+l.w.text.String()+") counted", l.w.args...)
	return n, err
}

// A runnerList is a query for the ids of runners: from and w are its FROM and
// WHERE clauses, order is the id or an expression of the same value.
type runnerList struct {
	from, id, order string
	w               *where
}

// listRunners builds the query from what is set. A tag leads, if there is one:
// its index holds the ids of the runners in order, and the table of runners is
// not needed unless something else is asked of them. Before are the arguments of
// the query that this one stands in, if it does.
func listRunners(f store.RunnerFilter, before ...any) *runnerList {
	l := &runnerList{from: "runners r", id: "r.id", w: &where{args: before}}
	if len(f.Tags) > 0 {
		l.from, l.id = "runner_tags t", "t.runner_id"
		l.tags(f.Tags)
		if f.Types != nil || f.Paused != nil || len(f.Contacts) > 0 || !f.SilentSince.IsZero() || f.Governed != nil || f.Unshared {
			l.from += " JOIN runners r ON r.id = t.runner_id"
		}
	}
	l.attributes(f)
	for _, state := range f.Contacts {
		l.contact(state, f)
	}
	if !f.SilentSince.IsZero() {
		l.silent(f.SilentSince)
	}
	if f.IDs != nil {
		l.ids(f.IDs)
	}
	if f.After != 0 {
		l.w.and(l.id+" > ?", f.After)
	}
	if f.Governed != nil {
		l.w.governed(*f.Governed)
	}
	if f.Unshared {
		l.w.and("(r.type <> ? OR NOT EXISTS (SELECT 1 FROM runner_projects a WHERE a.runner_id = r.id AND a.project_id <> r.project_id))",
			baton.ProjectRunner)
	}
	l.order = l.id
	if (len(f.Contacts) > 0 || !f.SilentSince.IsZero()) && len(f.Tags) == 0 && f.After == 0 {
		// The plus keeps the database from walking through all runners in
		// order: it is to read the times that match, and to sort their ids. Who
		// goes on after an id reads them all in the end, and is to walk.
		l.order = "+" + l.id
	}
	if prefix := f.VersionPrefix; prefix != "" {
		// The range of what begins so: no text of a database is above the last
		// character of Unicode.
		l.w.and(l.id+" IN (SELECT runner_id FROM runner_managers WHERE version >= ? AND version < ?)", prefix, prefix+string(utf8.MaxRune))
	}
	if f.Among != nil {
		l.among(f.Among)
	}
	return l
}

// tags adds the condition that the runner has all of the tags. Their number is
// that of the request, and so is bounded here: a condition for each would be
// too deep for SQLite, and another statement for each number.
func (l *runnerList) tags(all []string) {
	all = slices.Compact(slices.Sorted(slices.Values(all)))
	l.w.and("t.tag = ?", all[0])
	switch others := all[1:]; {
	case len(all) > baton.MaxRunnerTags:
		l.w.and("1 = 0")
	case len(others) > 0:
		l.w.and("(SELECT count(*) FROM runner_tags o WHERE o.runner_id = t.runner_id AND o.tag IN "+placesFor(others)+") = ?",
			append(padded(others), len(others))...)
	}
}

func (l *runnerList) attributes(f store.RunnerFilter) {
	switch {
	case f.Types == nil:
	case len(f.Types) == 0:
		l.w.and("1 = 0")
	default:
		in(l.w, "r.type", f.Types)
	}
	switch {
	case f.Paused == nil:
	case f.SilentSince.IsZero():
		l.w.and("r.paused = ?", *f.Paused)
	default:
		// Few runners are silent and half of all are paused, or none: this keeps
		// SQLite from the index of the latter.
		l.w.and("coalesce(r.paused, FALSE) = ?", *f.Paused)
	}
}

func (l *runnerList) contact(state store.ContactState, f store.RunnerFilter) {
	online := f.Now.Add(-baton.OnlineWindow)
	switch state {
	case store.ContactOnline:
		l.w.and("r.contacted_at > ?", at(&online))
	case store.ContactOffline:
		l.w.and("r.contacted_at <= ?", at(&online))
	case store.ContactNever:
		l.w.and("r.contacted_at IS NULL")
	case store.ContactStale:
		l.silent(f.Now.Add(-baton.StaleAfter))
	}
}

// silent adds the condition that the runner was last seen then or before.
func (l *runnerList) silent(since time.Time) {
	l.w.and("r.created_at <= ? AND (r.contacted_at IS NULL OR r.contacted_at <= ?)", at(&since), at(&since))
}

// ids adds the condition that the runner is one of these.
func (l *runnerList) ids(wanted []baton.RunnerID) {
	if len(wanted) == 0 {
		l.w.and("1 = 0")
		return
	}
	l.w.and(l.id+" IN "+placesFor(wanted), padded(wanted)...)
}

// among adds the scope as one list of ids, each part of which has an index: an
// OR of conditions on several tables would be tried on every runner.
func (l *runnerList) among(s *store.RunnerScope) {
	var parts []string
	var args []any
	add := func(part string, more ...any) {
		parts = append(parts, part)
		args = append(args, more...)
	}
	const assigned = "SELECT runner_id FROM runner_projects WHERE project_id "
	if s.Instance {
		add("SELECT id FROM runners WHERE type = ?", baton.InstanceRunner)
	}
	for _, id := range s.Groups {
		add("SELECT id FROM runners WHERE group_id = ?", id)
	}
	if s.Project != 0 {
		add(assigned+"= ?", s.Project)
	}
	if s.Managed != nil {
		add("SELECT id FROM runners WHERE group_id IN ("+reach+"SELECT id FROM open)", reachArgs(s.Managed, baton.OwnerAccess)...)
		add(assigned+"IN ("+reach+"SELECT id FROM open_projects)", reachArgs(s.Managed, baton.MaintainerAccess)...)
	}
	if len(parts) == 0 {
		parts = []string{"SELECT id FROM runners WHERE 1 = 0"}
	}
	l.w.and(l.id+" IN ("+strings.Join(parts, " UNION ALL ")+")", args...)
}
