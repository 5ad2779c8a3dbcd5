package sqlstore

import (
	"context"
	"database/sql"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

var runners = define("Runner", "runners r", func(r *baton.Runner) []column {
	return []column{
		{"id", &r.ID, fixed},
		{"type", &r.Type, fixed},
		{"group_id", nullNumber(&r.GroupID), fixed},
		{"project_id", nullNumber(&r.ProjectID), fixed},
		{"creator_id", nullNumber(&r.CreatorID), fixed},
		{"registered", &r.Registered, fixed},
		{"description", &r.Description, mutable},
		{"maintenance_note", &r.MaintenanceNote, mutable},
		{"paused", &r.Paused, mutable},
		{"locked", &r.Locked, mutable},
		{"run_untagged", &r.RunUntagged, mutable},
		{"access_level", &r.AccessLevel, mutable},
		{"maximum_timeout", nullNumber(&r.MaximumTimeout), mutable},
		{"token_overlap", nullable(&r.TokenOverlap), later},
		{"token_rotation_deadline", at(&r.TokenRotationDeadline), fixed},
		{"contacted_at", at(&r.ContactedAt), fixed},
		{"asked_for_jobs", &r.AskedForJobs, fixed},
		{"created_at", at(&r.CreatedAt), fixed},
		{"updated_at", at(&r.UpdatedAt), mutable},
	}
})

var managers = define("Runner manager", "runner_managers m", func(m *baton.Manager) []column {
	return []column{
		{"m.id", &m.ID, generated},
		{"runner_id", &m.RunnerID, fixed},
		{"system_id", &m.SystemID, fixed},
		{"version", &m.Version, mutable},
		{"revision", &m.Revision, mutable},
		{"platform", &m.Platform, mutable},
		{"architecture", &m.Architecture, mutable},
		{"executor", &m.Executor, mutable},
		{"ip", &m.IP, mutable},
		{"token_number", nullNumber(&m.TokenNumber), mutable},
		{"token_created_at", at(&m.TokenCreatedAt), mutable},
		{"contacted_at", at(&m.ContactedAt), mutable},
		{"created_at", at(&m.CreatedAt), fixed},
	}
})

// taggedRunners reads runners with their tags in one query: a row for each tag.
// The query selects more, the columns of the runner and the tag from a FROM
// clause that joins the tags and is ordered by runner and position.
func (r reader) taggedRunners(ctx context.Context, more []any, query string, args ...any) ([]baton.Runner, error) {
	all := []baton.Runner{}
	err := r.each(ctx, "read Runner", func(rows *sql.Rows) error {
		var v baton.Runner
		var tag string
		if err := rows.Scan(append(append(runners.values(&v, reads), more...), nullText(&tag))...); err != nil {
			return err
		}
		if n := len(all); n == 0 || all[n-1].ID != v.ID {
			all = append(all, v)
		}
		if tag != "" {
			last := &all[len(all)-1]
			last.Tags = append(last.Tags, tag)
		}
		return nil
	}, query, args...)
	return all, err
}

const joinTags = " LEFT JOIN runner_tags g ON g.runner_id = r.id "

func (r reader) Runner(ctx context.Context, id baton.RunnerID) (baton.Runner, error) {
	return runners.first(r.taggedRunners(ctx, nil,
		"SELECT "+runners.columns+", g.tag FROM runners r"+joinTags+"WHERE r.id = $1 ORDER BY g.position", id))
}

func (r reader) RunnerProjects(ctx context.Context, id baton.RunnerID) ([]baton.Project, error) {
	return projects.list(ctx, r, "JOIN runner_projects a ON a.project_id = p.id WHERE a.runner_id = $1 ORDER BY a.created_at, p.id", id)
}

func (r reader) AssignedAt(ctx context.Context, id baton.RunnerID, project baton.ProjectID) (time.Time, error) {
	a, err := runnerProjects.one(ctx, r, "WHERE a.runner_id = $1 AND a.project_id = $2", id, project)
	return a.createdAt, err
}

func (w writer) AssignRunner(ctx context.Context, id baton.RunnerID, project baton.ProjectID, at time.Time) error {
	return runnerProjects.add(ctx, w, &projectOfRunner{id, project, at})
}

func (w writer) UnassignRunner(ctx context.Context, id baton.RunnerID, project baton.ProjectID) error {
	return w.touch(ctx, runnerProjects.thing, "delete Runner project",
		"DELETE FROM runner_projects WHERE runner_id = $1 AND project_id = $2", id, project)
}

// latestFirst is the order of the index runner_managers_contact.
const latestFirst = "WHERE m.runner_id = $1 ORDER BY m.contacted_at DESC NULLS LAST, m.id DESC"

func (r reader) Managers(ctx context.Context, id baton.RunnerID) ([]baton.Manager, error) {
	return managers.list(ctx, r, latestFirst, id)
}

func (r reader) LatestManager(ctx context.Context, id baton.RunnerID) (baton.Manager, error) {
	return managers.one(ctx, r, latestFirst+" LIMIT 1", id)
}

func (r reader) Manager(ctx context.Context, id baton.RunnerID, systemID string) (baton.Manager, error) {
	return managers.one(ctx, r, "WHERE m.runner_id = $1 AND m.system_id = $2", id, systemID)
}

// known keeps what is known when the manager reported nothing.
func known(column string) string {
	return column + " = CASE WHEN excluded." + column + " = '' THEN runner_managers." + column + " ELSE excluded." + column + " END, "
}

var touchManager = managers.insertText + " ON CONFLICT (runner_id, system_id) DO UPDATE SET " +
	known("version") + known("revision") + known("platform") + known("architecture") + known("executor") + known("ip") +
	`token_number = excluded.token_number, token_created_at = excluded.token_created_at, contacted_at = CASE WHEN runner_managers.contacted_at > excluded.contacted_at
		THEN runner_managers.contacted_at ELSE excluded.contacted_at END`

// TouchRunner implements [store.UseRecorder].
func (s *Store) TouchRunner(ctx context.Context, c store.Contact) error {
	return s.record(ctx, func(ctx context.Context, w writer) error { return w.touchRunner(ctx, c) })
}

func (w writer) touchRunner(ctx context.Context, c store.Contact) error {
	m := c.Manager
	if m.CreatedAt.IsZero() {
		m.CreatedAt = m.ContactedAt
	}
	// The runner ahead: its row lock orders concurrent calls of its managers.
	err := w.touch(ctx, runners.thing, "touch Runner", `UPDATE runners SET
			contacted_at = CASE WHEN contacted_at > $1 THEN contacted_at ELSE $1 END,
			asked_for_jobs = asked_for_jobs OR $2
		WHERE id = $3`, at(&m.ContactedAt), c.AskedForJobs, m.RunnerID)
	if err != nil {
		return err
	}
	_, err = w.exec(ctx, "touch Runner manager", touchManager, managers.values(&m, inserts)...)
	return err
}

func (w writer) UpdateRunner(ctx context.Context, r baton.Runner) error {
	if err := runners.update(ctx, w, &r, int64(r.ID)); err != nil {
		return err
	}
	if _, err := w.exec(ctx, "delete tags", "DELETE FROM runner_tags WHERE runner_id = $1", r.ID); err != nil {
		return err
	}
	for i, tag := range r.Tags {
		if err := runnerTags.add(ctx, w, &tagOfRunner{r.ID, i, tag}); err != nil {
			return err
		}
	}
	return nil
}

// touchAll runs a statement that must touch a row for each of the ids: it is NotFound
// otherwise. What follows from statement is the list of ids.
func touchAll[ID ~int64](ctx context.Context, w writer, thing, doing, statement string, ids []ID, args ...any) error {
	if len(ids) == 0 {
		return nil
	}
	which := &where{args: args}
	which.write(statement)
	which.write(placesFor(ids), padded(ids)...)
	n, err := w.exec(ctx, doing, which.text.String(), which.args...)
	if err == nil && n != len(ids) {
		return baton.NotFound(thing)
	}
	return err
}

func (w writer) PauseRunners(ctx context.Context, t time.Time, ids ...baton.RunnerID) error {
	return touchAll(ctx, w, runners.thing, "pause Runner", "UPDATE runners SET paused = TRUE, updated_at = $1 WHERE id IN ", ids, at(&t))
}

func (w writer) DeleteManager(ctx context.Context, ids ...baton.ManagerID) error {
	return touchAll(ctx, w, managers.thing, "delete Runner manager", "DELETE FROM runner_managers WHERE id IN ", ids)
}

func (w writer) DeleteRunner(ctx context.Context, ids ...baton.RunnerID) error {
	return touchAll(ctx, w, runners.thing, "delete Runner", "DELETE FROM runners WHERE id IN ", ids)
}
