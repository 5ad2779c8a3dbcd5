package sqlstore

import (
	"context"
	"database/sql"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

var projects = define("Project", "projects p JOIN routes r ON r.project_id = p.id", func(p *baton.Project) []column {
	return []column{
		{"p.id", &p.ID, generated},
		{"namespace_id", &p.NamespaceID, fixed},
		{"name", &p.Name, mutable},
		{"path", &p.Path, mutable},
		{"r.path", &p.FullPath, generated},
		{"r.name", &p.FullName, generated},
		{"description", &p.Description, mutable},
		{"visibility", &p.Visibility, mutable},
		{"creator_id", nullNumber(&p.CreatorID), fixed},
		{"default_branch", &p.DefaultBranch, mutable},
		{"ci_config_path", &p.CIConfigPath, mutable},
		{"build_timeout", &p.BuildTimeout, mutable},
		{"shared_runners_enabled", &p.SharedRunnersEnabled, mutable},
		{"group_runners_enabled", &p.GroupRunnersEnabled, mutable},
		{"runner_registration_enabled", &p.RunnerRegistrationEnabled, mutable},
		{"runner_token_expiration_interval", nullNumber(&p.RunnerTokenExpirationInterval), mutable},
		{"last_activity_at", at(&p.LastActivityAt), mutable},
		{"created_at", at(&p.CreatedAt), fixed},
		{"updated_at", at(&p.UpdatedAt), mutable},
	}
})

func (r reader) Project(ctx context.Context, id baton.ProjectID) (baton.Project, error) {
	return projects.one(ctx, r, "WHERE p.id = $1", id)
}

func (r reader) ProjectByPath(ctx context.Context, fullPath string) (baton.Project, error) {
	return projects.one(ctx, r, "WHERE lower(r.path) = $1", lower(fullPath))
}

func (r reader) Projects(ctx context.Context, f store.ProjectFilter, p store.Page) ([]baton.Project, error) {
	w := projectsWhere(f)
	w.page("p.id", p)
	return projects.filtered(ctx, r, w)
}

func (r reader) CountProjects(ctx context.Context, f store.ProjectFilter) (int, error) {
	return projects.count(ctx, r, projectsWhere(f))
}

func projectsWhere(f store.ProjectFilter) *where {
	w := new(where)
	w.search(f.Search, "p.name", "p.path")
	if f.NamespaceID != 0 {
		w.and("p.namespace_id = ?", f.NamespaceID)
	}
	if f.RunnerID != 0 {
		w.and("p.id IN (SELECT project_id FROM runner_projects WHERE runner_id = ?)", f.RunnerID)
	}
	if f.VisibleTo != nil {
		const reached = "p.id IN (" + reach + " SELECT id FROM open_projects)"
		w.visible("p.visibility", reached, f.VisibleTo)
		if f.Owned {
			w.and(reached, reachArgs(f.VisibleTo, baton.OwnerAccess)...)
		}
		if f.Maintained {
			w.and(reached, reachArgs(f.VisibleTo, baton.MaintainerAccess)...)
		}
		if f.Membership {
			w.and(reached, reachArgs(f.VisibleTo, baton.GuestAccess)...)
		}
	}
	return w
}

func (w writer) InsertProject(ctx context.Context, p baton.Project) (baton.ProjectID, error) {
	route, err := w.under(ctx, p.NamespaceID, p.Path, p.Name)
	if err != nil {
		return 0, err
	}
	id, err := projects.insert(ctx, w, &p)
	if err != nil {
		return 0, err
	}
	_, err = w.exec(ctx, "insert route", "INSERT INTO routes (path, name, project_id) VALUES ($1, $2, $3)", route.path, route.name, id)
	return baton.ProjectID(id), err
}

func (w writer) UpdateProject(ctx context.Context, p baton.Project) error {
	old, err := w.Project(ctx, p.ID)
	if err != nil {
		return err
	}
	if err := projects.update(ctx, w, &p, int64(p.ID)); err != nil {
		return err
	}
	if err := w.letIn(ctx, &p); err != nil {
		return err
	}
	if old.Name == p.Name && old.Path == p.Path {
		return nil
	}
	route, err := w.under(ctx, old.NamespaceID, p.Path, p.Name)
	if err != nil {
		return err
	}
	_, err = w.exec(ctx, "move route", "UPDATE routes SET path = $1, name = $2 WHERE project_id = $3", route.path, route.name, p.ID)
	return err
}

func (w writer) DeleteProject(ctx context.Context, id baton.ProjectID) error {
	const with = "WITH doomed_projects (id) AS (SELECT id FROM projects WHERE id = $1) "
	if err := w.disown(ctx, with, int64(id)); err != nil {
		return err
	}
	if err := w.deleteBots(ctx, with, "", int64(id)); err != nil {
		return err
	}
	return w.touch(ctx, projects.thing, "delete Project", "DELETE FROM projects WHERE id = $1", id)
}

// otherProjects are those that a runner has left, nextOwner is the one that it
// passes to.
const (
	otherProjects = `FROM runner_projects rp WHERE rp.runner_id = runners.id AND rp.project_id NOT IN (SELECT id FROM doomed_projects)`
	nextOwner     = `(SELECT rp.project_id ` + otherProjects + ` ORDER BY rp.created_at, rp.project_id LIMIT 1)`
)

func (r reader) RunnerLosses(ctx context.Context, of baton.Source) ([]store.RunnerLoss, error) {
	with, id := subtree, int64(of.Namespace)
	if of.Project != 0 {
		with, id = "WITH doomed_projects (id) AS (SELECT id FROM projects WHERE id = $1), doomed (id) AS (SELECT id FROM namespaces WHERE 1 = 0) ", int64(of.Project)
	}
	var all []store.RunnerLoss
	for _, query := range []string{
		`SELECT 0, runners.id, runners.group_id, NULL, f.path, NULL, NULL
			FROM runners JOIN routes f ON f.namespace_id = runners.group_id
			WHERE runners.group_id IN (SELECT id FROM doomed) ORDER BY runners.id`,
		`SELECT CASE WHEN t.path IS NULL THEN 0 ELSE 1 END AS kind, runners.id, NULL, runners.project_id, f.path, t.project_id, t.path
			FROM runners JOIN routes f ON f.project_id = runners.project_id LEFT JOIN routes t ON t.project_id = ` + nextOwner + `
			WHERE runners.project_id IN (SELECT id FROM doomed_projects) ORDER BY kind, runners.id`,
		`SELECT 2, runners.id, NULL, a.project_id, f.path, NULL, NULL
			FROM runner_projects a JOIN runners ON runners.id = a.runner_id JOIN routes f ON f.project_id = a.project_id
			WHERE a.project_id IN (SELECT id FROM doomed_projects) AND runners.project_id <> a.project_id
				AND (runners.project_id NOT IN (SELECT id FROM doomed_projects) OR EXISTS (SELECT 1 ` + otherProjects + `))
			ORDER BY runners.id, a.project_id`,
	} {
		err := r.each(ctx, "find losses of Runner", func(rows *sql.Rows) error {
			var l store.RunnerLoss
			err := rows.Scan(&l.Kind, &l.Runner, nullNumber(&l.From.Namespace), nullNumber(&l.From.Project), &l.FromPath,
				nullNumber(&l.To), nullText(&l.ToPath))
			all = append(all, l)
			return err
		}, with+query, id)
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// disown finds new owners for the project runners of the projects that are
// about to go, or removes the runners; see RunnerLosses. The table
// doomed_projects is defined by the WITH clause, of which $1 is the argument.
func (w writer) disown(ctx context.Context, with string, id int64) error {
	if _, err := w.exec(ctx, "delete Runner", with+`DELETE FROM runners
		WHERE project_id IN (SELECT id FROM doomed_projects) AND NOT EXISTS (SELECT 1 `+otherProjects+`)`, id); err != nil {
		return err
	}
	_, err := w.exec(ctx, "pass on Runner", with+`UPDATE runners
		SET project_id = `+nextOwner+`
		WHERE project_id IN (SELECT id FROM doomed_projects)`, id)
	return err
}

// deleteBots removes the bots of the projects in doomed_projects (see
// [writer.disown]), and those for which another condition, which ends in OR,
// holds.
func (w writer) deleteBots(ctx context.Context, with, or string, id int64) error {
	_, err := w.exec(ctx, "delete bots",
		with+"DELETE FROM users WHERE "+or+"bot_project_id IN (SELECT id FROM doomed_projects)", id)
	return err
}

// route reads one route.
func (r reader) route(ctx context.Context, query string, args ...any) (route, error) {
	var found route
	err := r.each(ctx, "read route", func(rows *sql.Rows) error {
		return rows.Scan(&found.path, &found.name)
	}, query, args...)
	if err == nil && found.path == "" {
		err = baton.NotFound(namespaces.thing)
	}
	return found, err
}
