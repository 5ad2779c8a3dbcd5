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
	if err := w.disown(ctx, "WITH doomed_projects (id) AS (SELECT id FROM projects WHERE id = $1) ", int64(id)); err != nil {
		return err
	}
	return w.touch(ctx, projects.thing, "delete Project", "DELETE FROM projects WHERE id = $1", id)
}

// disown finds new owners for the project runners of the projects that are
// about to go, or removes the runners. The table doomed_projects is defined
// by the WITH clause, of which $1 is the argument.
func (w writer) disown(ctx context.Context, with string, id int64) error {
	const others = `FROM runner_projects rp WHERE rp.runner_id = runners.id AND rp.project_id NOT IN (SELECT id FROM doomed_projects)`
	if _, err := w.exec(ctx, "delete Runner", with+`DELETE FROM runners
		WHERE project_id IN (SELECT id FROM doomed_projects) AND NOT EXISTS (SELECT 1 `+others+`)`, id); err != nil {
		return err
	}
	_, err := w.exec(ctx, "pass on Runner", with+`UPDATE runners
		SET project_id = (SELECT rp.project_id `+others+` ORDER BY rp.created_at, rp.project_id LIMIT 1)
		WHERE project_id IN (SELECT id FROM doomed_projects)`, id)
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
