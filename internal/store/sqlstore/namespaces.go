package sqlstore

import (
	"context"
	"fmt"
	"unicode/utf8"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

var namespaces = define("Namespace", "namespaces n JOIN routes r ON r.namespace_id = n.id", func(n *baton.Namespace) []column {
	return []column{
		{"n.id", &n.ID, generated},
		{"kind", &n.Kind, fixed},
		{"name", &n.Name, mutable},
		{"path", &n.Path, mutable},
		{"r.path", &n.FullPath, generated},
		{"r.name", &n.FullName, generated},
		{"parent_id", nullNumber(&n.ParentID), fixed},
		{"owner_id", nullNumber(&n.OwnerID), fixed},
		{"description", &n.Description, mutable},
		{"visibility", &n.Visibility, mutable},
		{"shared_runners_setting", &n.SharedRunnersSetting, mutable},
		{"subgroup_creation_level", &n.SubgroupCreationLevel, mutable},
		{"runner_registration_enabled", &n.RunnerRegistrationEnabled, mutable},
		{"allow_runner_registration_token", &n.AllowRunnerRegistrationToken, mutable},
		{"runner_token_expiration_interval", nullNumber(&n.RunnerTokenExpirationInterval), mutable},
		{"subgroup_runner_token_expiration_interval", nullNumber(&n.SubgroupRunnerTokenExpirationInterval), mutable},
		{"project_runner_token_expiration_interval", nullNumber(&n.ProjectRunnerTokenExpirationInterval), mutable},
		{"runner_token_overlap", nullable(&n.RunnerTokenOverlap), mutable},
		{"created_at", at(&n.CreatedAt), fixed},
		{"updated_at", at(&n.UpdatedAt), mutable},
	}
})

func (r reader) Namespace(ctx context.Context, id baton.NamespaceID) (baton.Namespace, error) {
	return namespaces.one(ctx, r, "WHERE n.id = $1", id)
}

func (r reader) NamespaceByPath(ctx context.Context, fullPath string) (baton.Namespace, error) {
	return namespaces.one(ctx, r, "WHERE lower(r.path) = $1", lower(fullPath))
}

func (r reader) PersonalNamespace(ctx context.Context, owner baton.UserID) (baton.Namespace, error) {
	return namespaces.one(ctx, r, "WHERE n.owner_id = $1", owner)
}

func (r reader) Ancestors(ctx context.Context, id baton.NamespaceID) ([]baton.Namespace, error) {
	all, err := namespaces.query(ctx, r, `
		WITH RECURSIVE up (id, parent_id, height) AS (
			SELECT id, parent_id, 0 FROM namespaces WHERE id = $1
			UNION ALL
			SELECT n.id, n.parent_id, up.height + 1 FROM up JOIN namespaces n ON n.id = up.parent_id
		)
		SELECT `+namespaces.from+` JOIN up ON up.id = n.id ORDER BY up.height`, id)
	if err == nil && len(all) == 0 {
		err = baton.NotFound(namespaces.thing)
	}
	return all, err
}

func (r reader) Groups(ctx context.Context, f store.GroupFilter, p store.Page) ([]baton.Namespace, error) {
	w := groupsWhere(f)
	w.page("n.id", p)
	return namespaces.filtered(ctx, r, w)
}

func (r reader) CountGroups(ctx context.Context, f store.GroupFilter) (int, error) {
	return namespaces.count(ctx, r, groupsWhere(f))
}

func groupsWhere(f store.GroupFilter) *where {
	w := new(where)
	w.and("n.kind = 'group'")
	w.search(f.Search, "n.name", "n.path")
	if f.ParentID != 0 {
		w.and("n.parent_id = ?", f.ParentID)
	}
	if f.TopLevel {
		w.and("n.parent_id IS NULL")
	}
	if f.VisibleTo != nil {
		w.visible("n.visibility", "n.id IN ("+reach+" SELECT id FROM seen)", f.VisibleTo)
		if f.Owned {
			w.and("n.id IN ("+reach+" SELECT id FROM open)", reachArgs(f.VisibleTo, baton.OwnerAccess)...)
		}
	}
	return w
}

// A route is the full path and the full name of a namespace or project.
type route struct{ path, name string }

// under returns the route of a thing in a namespace, 0 for a top-level one. It
// is CodeStale when there is no such namespace, and CodeInvalid when the path
// gets too long.
func (w writer) under(ctx context.Context, id baton.NamespaceID, path, name string) (route, error) {
	if id == 0 {
		return route{path, name}, nil
	}
	parent, err := w.route(ctx, "SELECT path, name FROM routes WHERE namespace_id = $1", int64(id))
	if baton.IsNotFound(err) {
		return route{}, Gone(err)
	}
	if err != nil {
		return route{}, err
	}
	full := parent.path + "/" + path
	return route{full, parent.name + " / " + name}, fits(len(full))
}

// fits returns the error of a full path with so many bytes.
func fits(n int) error {
	if n <= baton.MaxFullPath {
		return nil
	}
	return baton.Invalid([]baton.FieldError{{
		Field: "path", Problem: fmt.Sprintf("is too long (maximum is %d bytes with the paths of the groups that it is in)", baton.MaxFullPath),
	}})
}

func (w writer) InsertNamespace(ctx context.Context, n baton.Namespace) (baton.NamespaceID, error) {
	route, err := w.under(ctx, n.ParentID, n.Path, n.Name)
	if err != nil {
		return 0, err
	}
	id, err := namespaces.insert(ctx, w, &n)
	if err != nil {
		return 0, err
	}
	_, err = w.exec(ctx, "insert route", "INSERT INTO routes (path, name, namespace_id) VALUES ($1, $2, $3)", route.path, route.name, id)
	return baton.NamespaceID(id), err
}

func (w writer) UpdateNamespace(ctx context.Context, n baton.Namespace) error {
	old, err := w.Namespace(ctx, n.ID)
	if err != nil {
		return err
	}
	if err := namespaces.update(ctx, w, &n, int64(n.ID)); err != nil {
		return err
	}
	if old.Name == n.Name && old.Path == n.Path {
		return nil
	}
	route, err := w.under(ctx, old.ParentID, n.Path, n.Name)
	if err != nil {
		return err
	}
	// What is below begins with the old path and a slash, and '0' is the
	// character after the slash: a range of the index.
	var longest int
	if _, err := w.value(ctx, "measure routes", &longest, `SELECT coalesce(max(octet_length(path)), 0) FROM routes
		WHERE lower(path) >= $1 || '/' AND lower(path) < $1 || '0'`, lower(old.FullPath)); err != nil {
		return err
	}
	if err := fits(longest - len(old.FullPath) + len(route.path)); err != nil {
		return err
	}
	const move = `UPDATE routes SET path = $1 || substr(path, $2), name = $3 || substr(name, $4) WHERE `
	args := []any{
		route.path, utf8.RuneCountInString(old.FullPath) + 1,
		route.name, utf8.RuneCountInString(old.FullName) + 1,
	}
	if _, err := w.exec(ctx, "move routes", move+"lower(path) >= $5 || '/' AND lower(path) < $5 || '0'",
		append(args, lower(old.FullPath))...); err != nil {
		return err
	}
	_, err = w.exec(ctx, "move route", move+"namespace_id = $5", append(args, n.ID)...)
	return err
}

// subtree is a namespace and what is below it (doomed), and the projects in
// these (doomed_projects).
const subtree = `WITH RECURSIVE doomed (id) AS (
		SELECT id FROM namespaces WHERE id = $1
		UNION ALL
		SELECT n.id FROM doomed JOIN namespaces n ON n.parent_id = doomed.id
	), doomed_projects (id) AS (
		SELECT p.id FROM doomed JOIN projects p ON p.namespace_id = doomed.id
	) `

func (w writer) DeleteNamespace(ctx context.Context, id baton.NamespaceID) error {
	if err := w.disown(ctx, subtree, int64(id)); err != nil {
		return err
	}
	if err := w.deleteBots(ctx, subtree, "bot_namespace_id IN (SELECT id FROM doomed) OR ", int64(id)); err != nil {
		return err
	}
	if _, err := w.exec(ctx, "delete projects", subtree+"DELETE FROM projects WHERE id IN (SELECT id FROM doomed_projects)", id); err != nil {
		return err
	}
	// One statement for all: the references to parents are checked at its end.
	return w.touch(ctx, namespaces.thing, "delete Namespace", subtree+"DELETE FROM namespaces WHERE id IN (SELECT id FROM doomed)", id)
}
