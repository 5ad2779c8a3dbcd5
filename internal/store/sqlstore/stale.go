package sqlstore

import (
	"context"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

var stalePolicies = define("Stale runner policy", "stale_runner_policies s", func(p *baton.StaleRunnerPolicy) []column {
	return []column{
		{"namespace_id", nullNumber(&p.Source.Namespace), fixed},
		{"project_id", nullNumber(&p.Source.Project), fixed},
		{"runner_age", nullNumber(&p.RunnerAge), fixed},
		{"runner_action", &p.RunnerAction, fixed},
		{"manager_age", nullNumber(&p.ManagerAge), fixed},
		{"automatic", &p.Automatic, fixed},
		{"created_at", at(&p.CreatedAt), fixed},
		{"updated_at", at(&p.UpdatedAt), fixed},
	}
})

// ofSource is the condition in the words of the one index that covers every kind
// of source, the instance's included.
const ofSource = "WHERE coalesce(namespace_id, 0) = $1 AND coalesce(project_id, 0) = $2"

func (r reader) StalePolicy(ctx context.Context, of baton.Source) (baton.StaleRunnerPolicy, error) {
	return stalePolicies.one(ctx, r, ofSource, of.Namespace, of.Project)
}

func (r reader) NearestStalePolicy(ctx context.Context, of baton.Source) (baton.StaleRunnerPolicy, error) {
	// One of the two ids is set at most. The instance is above everything.
	return stalePolicies.first(stalePolicies.query(ctx, r, `
		WITH RECURSIVE up (id, parent_id, height) AS (
			SELECT id, parent_id, 0 FROM namespaces
			WHERE id = $1 OR id = (SELECT namespace_id FROM projects WHERE id = $2)
			UNION ALL
			SELECT n.id, n.parent_id, up.height + 1 FROM up JOIN namespaces n ON n.id = up.parent_id
		), nearest (namespace_id, project_id, height) AS (
			SELECT namespace_id, project_id, -1 FROM stale_runner_policies WHERE project_id = $2
			UNION ALL
			SELECT p.namespace_id, p.project_id, up.height FROM up CROSS JOIN stale_runner_policies p WHERE p.namespace_id = up.id
			UNION ALL
			SELECT namespace_id, project_id, 1000000 FROM stale_runner_policies `+ofInstance+`
			ORDER BY 3 LIMIT 1
		)
		SELECT `+stalePolicies.from+` JOIN nearest n ON coalesce(n.namespace_id, 0) = coalesce(s.namespace_id, 0)
			AND coalesce(n.project_id, 0) = coalesce(s.project_id, 0)`, int64(of.Namespace), int64(of.Project)))
}

// ofInstance is ofSource for the instance.
const ofInstance = "WHERE coalesce(namespace_id, 0) = 0 AND coalesce(project_id, 0) = 0"

func (r reader) AutomaticStalePolicies(ctx context.Context) ([]baton.StaleRunnerPolicy, error) {
	return stalePolicies.list(ctx, r, "WHERE s.automatic ORDER BY coalesce(s.project_id, 0), coalesce(s.namespace_id, 0)")
}

var setStalePolicy = stalePolicies.insertText + ` ON CONFLICT (coalesce(namespace_id, 0), coalesce(project_id, 0)) DO UPDATE SET
	runner_age = excluded.runner_age, runner_action = excluded.runner_action, manager_age = excluded.manager_age,
	automatic = excluded.automatic, created_at = excluded.created_at, updated_at = excluded.updated_at`

func (w writer) SetStalePolicy(ctx context.Context, p baton.StaleRunnerPolicy) error {
	_, err := w.exec(ctx, "set Stale runner policy", setStalePolicy, stalePolicies.values(&p, inserts)...)
	return err
}

func (w writer) DeleteStalePolicy(ctx context.Context, of baton.Source) error {
	return w.touch(ctx, stalePolicies.thing, "delete Stale runner policy", "DELETE FROM stale_runner_policies "+ofSource, of.Namespace, of.Project)
}

// governed is the condition that a policy of the source is for the runner r.
//
// What is left for the instance is found by what is not: groups with a policy,
// and all that is below, are few beside those without.
func governed(of baton.Source) condition {
	if of != (baton.Source{}) {
		ids := governedRunners(of)
		return condition{"r.id IN (" + ids.text + ")", ids.args}
	}
	const others = `WITH RECURSIVE others (id) AS (
			SELECT namespace_id FROM stale_runner_policies WHERE namespace_id IS NOT NULL
			UNION
			SELECT n.id FROM others JOIN namespaces n ON n.parent_id = others.id
		) `
	return condition{"(r.group_id IS NULL OR r.group_id NOT IN (" + others + `SELECT id FROM others))
		AND (r.project_id IS NULL OR r.project_id NOT IN (` + others + `SELECT p.id FROM others CROSS JOIN projects p WHERE p.namespace_id = others.id
			UNION ALL SELECT project_id FROM stale_runner_policies WHERE project_id IS NOT NULL))`, nil}
}

// governedRunners is the query for the ids of the runners that a policy of the
// group or project is for. What is in a group is found from above, stopping
// where a nearer policy is.
func governedRunners(of baton.Source) condition {
	if of.Project != 0 {
		return condition{"SELECT id FROM runners WHERE project_id = ?", []any{of.Project}}
	}
	const inside = `WITH RECURSIVE inside (id) AS (
			SELECT id FROM namespaces WHERE id = ?
			UNION ALL
			SELECT n.id FROM inside JOIN namespaces n ON n.parent_id = inside.id
			WHERE NOT EXISTS (SELECT 1 FROM stale_runner_policies s WHERE s.namespace_id = n.id)
		) `
	return condition{"SELECT id FROM runners WHERE group_id IN (" + inside + "SELECT id FROM inside) UNION ALL SELECT id FROM runners WHERE project_id IN (" +
		inside + `SELECT p.id FROM inside CROSS JOIN projects p
			WHERE p.namespace_id = inside.id AND NOT EXISTS (SELECT 1 FROM stale_runner_policies s WHERE s.project_id = p.id))`, []any{of.Namespace, of.Namespace}}
}

func (r reader) SilentManagers(ctx context.Context, f store.SilentManagerFilter, p store.Page) ([]baton.Manager, error) {
	w, err := r.silentManagers(ctx, f)
	if err != nil {
		return nil, err
	}
	w.page("m.id", p)
	return managers.list(ctx, r, "JOIN runners r ON r.id = m.runner_id"+w.text.String(), w.args...)
}

func (r reader) CountSilentManagers(ctx context.Context, f store.SilentManagerFilter) (int, error) {
	w, err := r.silentManagers(ctx, f)
	if err != nil {
		return 0, err
	}
	var n int
	_, err = r.value(ctx, "count Runner manager", &n,
		"SELECT count(*) FROM runner_managers m JOIN runners r ON r.id = m.runner_id"+w.text.String(), w.args...)
	return n, err
}

func (r reader) silentManagers(ctx context.Context, f store.SilentManagerFilter) (*where, error) {
	w := new(where)
	w.times("m.contacted_at", time.Time{}, f.Since)
	switch {
	case f.IDs == nil:
	case len(f.IDs) == 0:
		w.and("1 = 0")
	default:
		w.and("m.id IN "+placesFor(f.IDs), padded(f.IDs)...)
	}
	if f.After != 0 {
		w.and("m.id > ?", f.After)
	}
	if f.Governed != nil {
		c := governed(*f.Governed)
		w.and(c.text, c.args...)
	}
	if f.Besides != nil {
		l, err := r.listRunners(ctx, *f.Besides)
		if err != nil {
			return nil, err
		}
		ids := l.query()
		w.and("m.runner_id NOT IN ("+ids.text+")", ids.args...)
	}
	return w, nil
}
