package sqlstore

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

// sortable is up to how many runners are looked up by what the list is
// narrowed to, and sorted. Above it the list is walked through in its order,
// and what does not belong to it is passed over: so many belong that the next
// one is not far.
const sortable = 10_000

func (r reader) Runners(ctx context.Context, f store.RunnerFilter, p store.Page) ([]baton.Runner, error) {
	l, err := r.listRunners(ctx, f)
	if err != nil {
		return nil, err
	}
	if l.choosable() {
		n, err := r.countListed(ctx, l, sortable+1)
		if err != nil {
			return nil, err
		}
		l.walk = n > sortable
	}
	ids, w := l.query(), new(where)
	w.write(ids.text, ids.args...)
	w.page(l.order(), p)
	// The page is cut from ids alone, which the indexes hold; what is passed
	// over is not read. Only then are the rows and their tags joined.
	return r.taggedRunners(ctx, nil, "SELECT "+runners.columns+", g.tag FROM ("+w.text.String()+
		") page JOIN runners r ON r.id = page.runner_id"+joinTags+"ORDER BY r.id, g.position", w.args...)
}

func (r reader) CountRunners(ctx context.Context, f store.RunnerFilter, most int) (int, error) {
	l, err := r.listRunners(ctx, f)
	if err != nil {
		return 0, err
	}
	return r.countListed(ctx, l, most)
}

func (r reader) countListed(ctx context.Context, l *runnerList, most int) (int, error) {
	ids := l.query()
	if l.walk {
		ids.write(" ORDER BY " + l.order())
	}
	return r.countUpTo(ctx, ids, most)
}

// countUpTo counts the rows of the query, but no further than most.
func (r reader) countUpTo(ctx context.Context, query condition, most int) (int, error) {
	w := new(where)
	w.write("SELECT count(*) FROM ("+query.text+" LIMIT ?) counted", append(slices.Clone(query.args), most)...)
	var n int
	_, err := r.value(ctx, "count Runner", &n, w.text.String(), w.args...)
	return n, err
}

// A runnerList is a query for the ids of runners.
//
// It is made from listed_runners. What a list is narrowed to by tag, type,
// pause and status is a range of the index listed_runners_kind, or a few; the
// primary key has the order of lists. Other filters are sets of ids, which are
// looked up there one by one.
type runnerList struct {
	tag   string // that leads, "" for all runners
	kinds []int
	signs []signs
	more  []condition
	// set, unless its text is "", is a query for ids: the list has those, and all
	// instance runners if instance is set.
	set      condition
	instance bool
	// rows tells that the conditions are on runners r as well.
	rows bool
	// version, unless its text is "", is a condition on managers m that holds for
	// those of many runners.
	version condition
	// walk is set when the list is to be walked through in its order.
	walk bool
}

// listRunners prepares the query. It finds out which of several tags is the
// rarest, and whether a version is one that many runners have.
func (r reader) listRunners(ctx context.Context, f store.RunnerFilter) (*runnerList, error) {
	l := &runnerList{kinds: kindsOf(f)}
	if err := r.byTags(ctx, l, f.Tags); err != nil {
		return nil, err
	}
	for _, state := range f.Contacts {
		l.signs = append(l.signs, signsOf(state, f.Now))
	}
	if f.Among != nil {
		l.set, l.instance = scope(f.Among), f.Among.Instance
	}
	l.sweep(f)
	if f.VersionPrefix == "" {
		return l, nil
	}
	// The range of what begins so: no text of a database is above the last
	// character of Unicode.
	versions := condition{"m.version >= ? AND m.version < ?", []any{f.VersionPrefix, f.VersionPrefix + string(utf8.MaxRune)}}
	if l.set.text != "" || l.walk {
		l.more = append(l.more, condition{"EXISTS (SELECT 1 FROM runner_managers m WHERE m.runner_id = l.runner_id AND " + versions.text + ")", versions.args})
		return l, nil
	}
	const byIndex = " ORDER BY m.version"
	n, err := r.countUpTo(ctx, condition{"SELECT 1 FROM runner_managers m WHERE " + versions.text + byIndex, versions.args}, sortable+1)
	if n > sortable {
		l.version, l.walk = versions, true
	} else {
		l.set = condition{"SELECT DISTINCT m.runner_id AS id FROM runner_managers m WHERE " + versions.text, versions.args}
	}
	return l, err
}

// byTags leaves the runners that have all of the tags. The rarest leads. Their
// number is that of the request, and so is bounded here: a condition for each
// would be too deep for SQLite, and another statement for each number.
func (r reader) byTags(ctx context.Context, l *runnerList, tags []string) error {
	tags = slices.Compact(slices.Sorted(slices.Values(tags)))
	switch {
	case len(tags) == 0:
		return nil
	case len(tags) == 1:
		l.tag = tags[0]
		return nil
	case len(tags) > baton.MaxRunnerTags:
		l.kinds = nil // no runner has so many
		return nil
	}
	rarest, fewest := 0, sortable+1
	for i, tag := range tags {
		n, err := r.countUpTo(ctx, condition{"SELECT 1 FROM listed_runners l WHERE l.tag = ? ORDER BY l.runner_id", []any{tag}}, fewest)
		if err != nil {
			return err
		}
		if n < fewest {
			rarest, fewest = i, n
		}
	}
	l.tag = tags[rarest]
	others := slices.Delete(tags, rarest, rarest+1)
	l.more = append(l.more, condition{
		"(SELECT count(*) FROM listed_runners o WHERE o.runner_id = l.runner_id AND o.tag IN " + placesFor(others) + ") = ?",
		append(padded(others), len(others)),
	})
	return nil
}

// sweep adds what stale runner policies ask for.
func (l *runnerList) sweep(f store.RunnerFilter) {
	if !f.SilentSince.IsZero() {
		l.signs = append(l.signs, silent(f.SilentSince))
	}
	switch {
	case f.Governed == nil:
	case *f.Governed == (baton.Source{}) || l.set.text != "":
		l.more, l.rows = append(l.more, governed(*f.Governed)), true
	default:
		l.set = governedRunners(*f.Governed)
	}
	if f.Unshared {
		l.more, l.rows = append(l.more, condition{
			"(r.type <> ? OR NOT EXISTS (SELECT 1 FROM runner_projects a WHERE a.runner_id = r.id AND a.project_id <> r.project_id))",
			[]any{baton.ProjectRunner},
		}), true
	}
	// Who names runners, or goes on after one and reads all in the end, is to
	// walk.
	switch {
	case f.IDs == nil:
	case len(f.IDs) == 0:
		l.kinds = nil
	default:
		l.more, l.walk = append(l.more, condition{"l.runner_id IN " + placesFor(f.IDs), padded(f.IDs)}), true
	}
	if f.After != 0 {
		l.more, l.walk = append(l.more, condition{"l.runner_id > ?", []any{f.After}}), true
	}
}

// kindsOf returns the kinds of runner that the filter leaves, as
// listed_runners numbers them.
func kindsOf(f store.RunnerFilter) []int {
	var kinds []int
	for kind := range allKinds {
		t := []baton.RunnerType{baton.InstanceRunner, baton.GroupRunner, baton.ProjectRunner}[kind%3]
		if (f.Types == nil || slices.Contains(f.Types, t)) && (f.Paused == nil || *f.Paused == (kind >= 3)) {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// allKinds is how many kinds there are: three types, paused or not.
const allKinds = 6

// instances returns the kinds that are instance runners.
func instances(kinds []int) []int {
	return slices.DeleteFunc(slices.Clone(kinds), func(kind int) bool { return kind%3 != 0 })
}

// Signs are the runners of a contact state: the bounds of last_sign, both
// inclusive, and what holds for those at a bound, whose hour belongs to the
// state in part.
type signs struct {
	from, to int64
	bounds   []any
	exactly  condition
}

func signsOf(state store.ContactState, now time.Time) signs {
	const first, last = -1 << 62, 1 << 62
	online := now.Add(-baton.OnlineWindow)
	switch state {
	case store.ContactOnline:
		h := hour(online)
		return signs{h, last, []any{h}, condition{"r.contacted_at > ?", []any{at(&online)}}}
	case store.ContactOffline:
		h := hour(online)
		return signs{0, h, []any{h}, condition{"r.contacted_at <= ?", []any{at(&online)}}}
	case store.ContactStale:
		return silent(now.Add(-baton.StaleAfter))
	case store.ContactNever:
	}
	return signs{from: first, to: -1}
}

// silent are the runners whose last sign was then or before.
func silent(since time.Time) signs {
	h := hour(since)
	return signs{^h, h, []any{^h, h}, condition{"coalesce(r.contacted_at, r.created_at) <= ?", []any{at(&since)}}}
}

// hour counts hours as listed_runners does.
func hour(t time.Time) int64 { return t.Unix() / int64(time.Hour/time.Second) }

// conditions are those on listed_runners l. With plain they name the columns
// as they are, for an index of kinds and signs; else that index is kept out.
func (l *runnerList) conditions(kinds []int, plain bool) []condition {
	kind, sign := "+l.kind", "+l.last_sign"
	if plain {
		kind, sign = "l.kind", "l.last_sign"
	}
	all := []condition{{"l.tag = ?", []any{l.tag}}}
	if len(kinds) < allKinds || plain && len(l.signs) > 0 {
		all = append(all, condition{oneOf(kind, kinds), nil})
	}
	for _, s := range l.signs {
		all = append(all, condition{sign + " >= ? AND " + sign + " <= ?", []any{s.from, s.to}})
	}
	for _, s := range l.signs {
		if len(s.bounds) > 0 {
			all = append(all, condition{
				"(+l.last_sign NOT IN (?" + strings.Repeat(", ?", len(s.bounds)-1) + ") OR " +
					"(SELECT count(*) FROM runners r WHERE r.id = l.runner_id AND " + s.exactly.text + ") = 1)",
				append(slices.Clone(s.bounds), s.exactly.args...),
			})
		}
	}
	if l.rows {
		all = append(all, condition{"r.id = l.runner_id", nil})
	}
	return append(all, l.more...)
}

// oneOf is the condition that the column has one of the values.
func oneOf(column string, values []int) string {
	if len(values) == 0 {
		return "1 = 0"
	}
	return column + " IN (" + strings.Trim(strings.ReplaceAll(fmt.Sprint(values), " ", ", "), "[]") + ")"
}

// choosable reports whether the runners can be looked up and sorted as well as
// walked through.
func (l *runnerList) choosable() bool {
	switch {
	case l.walk:
		return false
	case l.set.text != "":
		return l.instance
	}
	return len(l.kinds) < allKinds || len(l.signs) > 0
}

// order is what the ids are sorted by. The plus keeps the database from
// walking through a list that is to be looked up.
func (l *runnerList) order() string {
	switch {
	case l.version.text != "":
		return "m.runner_id"
	case l.set.text == "" && (l.walk || !l.choosable()), l.instance && l.walk:
		return "l.runner_id"
	case l.instance:
		return "+u.runner_id"
	}
	return "+l.runner_id"
}

// query returns the query for the ids, without order and bounds.
func (l *runnerList) query() condition {
	var q condition
	switch {
	case l.version.text != "":
		q.write("SELECT DISTINCT m.runner_id FROM runner_managers m")
		// Not a range of versions: their order is not that of the list. And not an
		// equation either, which PostgreSQL would take to hold for few.
		begins := condition{"CASE WHEN " + l.version.text + " THEN 1 ELSE 0 END <> 0", l.version.args}
		if l.tag == "" && len(l.kinds) == allKinds && len(l.signs) == 0 && len(l.more) == 0 {
			q.where(begins)
			break
		}
		q.write(" CROSS JOIN " + l.tables())
		q.where(append([]condition{begins, {"l.runner_id = m.runner_id", nil}}, l.conditions(l.kinds, false)...)...)
	case l.set.text == "":
		l.listed(&q, l.kinds)
	case !l.instance:
		l.lookUp(&q)
	case l.walk:
		l.listed(&q, l.kinds, condition{
			"(" + oneOf("+l.kind", instances(l.kinds)) + " OR l.runner_id IN (" + l.set.text + "))", l.set.args,
		})
	default:
		q.write("SELECT u.runner_id FROM (")
		l.listed(&q, instances(l.kinds))
		q.write(" UNION ALL ")
		l.lookUp(&q)
		q.write(") u")
	}
	return q
}

// tables are those that the conditions are on.
func (l *runnerList) tables() string {
	if l.rows {
		return "listed_runners l CROSS JOIN runners r"
	}
	return "listed_runners l"
}

// listed writes the query for the runners of the kinds.
func (l *runnerList) listed(q *condition, kinds []int, more ...condition) {
	q.write("SELECT l.runner_id FROM " + l.tables())
	q.where(append(l.conditions(kinds, !l.walk), more...)...)
}

// lookUp writes the query for the runners of the set.
func (l *runnerList) lookUp(q *condition) {
	q.write("SELECT l.runner_id FROM ("+l.set.text+") s CROSS JOIN "+l.tables(), l.set.args...)
	q.where(append([]condition{{"l.runner_id = s.id", nil}}, l.conditions(l.kinds, false)...)...)
}

// scope returns the query for the ids of a scope, without those of all instance
// runners. Each part has an index: an OR of conditions on several tables would
// be tried on every runner.
func scope(s *store.RunnerScope) condition {
	var parts []string
	var args []any
	add := func(part string, more ...any) {
		parts = append(parts, part)
		args = append(args, more...)
	}
	for _, id := range s.Groups {
		add("SELECT id FROM runners WHERE group_id = ?", id)
	}
	if s.Project != 0 {
		add("SELECT runner_id AS id FROM runner_projects WHERE project_id = ?", s.Project)
	}
	if s.Managed != nil {
		add("SELECT id FROM runners WHERE group_id IN ("+reach+"SELECT id FROM open)", reachArgs(s.Managed, baton.OwnerAccess)...)
		add("SELECT DISTINCT runner_id FROM runner_projects WHERE project_id IN ("+reach+"SELECT id FROM open_projects)", reachArgs(s.Managed, baton.MaintainerAccess)...)
	}
	if len(parts) == 0 {
		add("SELECT id FROM runners WHERE 1 = 0")
	}
	return condition{strings.Join(parts, " UNION ALL "), args}
}
