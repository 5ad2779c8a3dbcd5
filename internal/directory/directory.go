// Package directory keeps who is who and what is whose: users with their
// personal namespaces, groups, projects, memberships, shares, and the
// application settings.
//
// Every use case is one method and, if it writes, one transaction. It takes the
// [access.Actor] first and asks [access.Policy] itself, so the API, the pages
// and the command line can share it without repeating a check. What somebody
// may not see is reported as missing, like in GitLab, before what they may not
// do is denied.
package directory

import (
	"context"
	"strconv"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/password"
	"baton.example/baton/internal/store"
)

// A Store is what the directory needs of the database.
type Store interface {
	reader
	Tx(ctx context.Context, fn func(ctx context.Context, tx store.Tx) error) error
}

// A reader is what both a [Store] and a transaction can be asked.
type reader interface {
	store.SettingsReader
	store.UserReader
	store.AccessTokenReader
	store.NamespaceReader
	store.ProjectReader
	store.MemberReader
	store.AuditReader
	store.PipelineReader
}

// A Directory is the use cases.
type Directory struct {
	store  Store
	hasher *password.Hasher
}

// New returns a directory that keeps what it knows in s, and hashes passwords
// with h.
func New(s Store, h *password.Hasher) *Directory {
	return &Directory{store: s, hasher: h}
}

// A Ref names a group or project in the way of GitLab's API: by its id in
// decimal, or by its full path.
// https://docs.gitlab.com/api/rest/#namespaced-paths.
type Ref string

// RefOf returns the ref of an id.
func RefOf[ID ~int64](id ID) Ref { return Ref(strconv.FormatInt(int64(id), 10)) }

// id returns the id that the ref holds, and false for a path. Digits are
// always an id, although a path may consist of them, as in GitLab.
func (r Ref) id() (int64, bool) {
	if r == "" {
		return 0, false
	}
	for _, c := range r {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	// A number too large for an id names nothing; 0 is nobody's id.
	n, err := strconv.ParseInt(string(r), 10, 64)
	if err != nil {
		return 0, true
	}
	return n, true
}

// findGroup returns the group if the actor may see it.
func findGroup(ctx context.Context, r reader, a *access.Actor, ref Ref) (baton.Namespace, error) {
	var g baton.Namespace
	var err error
	if id, ok := ref.id(); ok {
		g, err = r.Namespace(ctx, baton.NamespaceID(id))
	} else {
		g, err = r.NamespaceByPath(ctx, string(ref))
	}
	if baton.IsNotFound(err) || err == nil && g.Kind != baton.GroupNamespace {
		return baton.Namespace{}, baton.NotFound("Group")
	}
	if err != nil {
		return baton.Namespace{}, err
	}
	sees, err := access.Policy{Members: r}.CanGroup(ctx, a, access.Read, &g)
	if err != nil {
		return baton.Namespace{}, err
	}
	if !sees {
		return baton.Namespace{}, baton.NotFound("Group")
	}
	return g, nil
}

// groupFor returns the group if the actor has the ability in it.
func groupFor(ctx context.Context, r reader, a *access.Actor, ref Ref, do access.Ability) (baton.Namespace, error) {
	g, err := findGroup(ctx, r, a, ref)
	if err != nil {
		return baton.Namespace{}, err
	}
	can, err := access.Policy{Members: r}.CanGroup(ctx, a, do, &g)
	if err != nil {
		return baton.Namespace{}, err
	}
	if !can {
		return baton.Namespace{}, baton.Denied("")
	}
	return g, nil
}

// findProject returns the project if the actor may see it.
func findProject(ctx context.Context, r reader, a *access.Actor, ref Ref) (baton.Project, error) {
	var p baton.Project
	var err error
	if id, ok := ref.id(); ok {
		p, err = r.Project(ctx, baton.ProjectID(id))
	} else {
		p, err = r.ProjectByPath(ctx, string(ref))
	}
	if baton.IsNotFound(err) {
		return baton.Project{}, baton.NotFound("Project")
	}
	if err != nil {
		return baton.Project{}, err
	}
	sees, err := access.Policy{Members: r}.CanProject(ctx, a, access.Read, &p)
	if err != nil {
		return baton.Project{}, err
	}
	if !sees {
		return baton.Project{}, baton.NotFound("Project")
	}
	return p, nil
}

// projectFor returns the project if the actor has the ability in it.
func projectFor(ctx context.Context, r reader, a *access.Actor, ref Ref, do access.Ability) (baton.Project, error) {
	p, err := findProject(ctx, r, a, ref)
	if err != nil {
		return baton.Project{}, err
	}
	can, err := access.Policy{Members: r}.CanProject(ctx, a, do, &p)
	if err != nil {
		return baton.Project{}, err
	}
	if !can {
		return baton.Project{}, baton.Denied("")
	}
	return p, nil
}

// viewer returns who looks at lists: nil for an administrator, who sees
// everything.
func viewer(a *access.Actor) *store.Viewer {
	if a.Admin {
		return nil
	}
	return viewerOf(a)
}

// viewerOf returns the actor as one who sees what is their own.
func viewerOf(a *access.Actor) *store.Viewer {
	return &store.Viewer{UserID: a.User.ID, External: a.User.External, Today: a.Today()}
}

// every collects a list that is read in pages, for the few places that must
// see all of it.
func every[T any](page func(store.Page) ([]T, error)) ([]T, error) {
	const limit = 100
	var all []T
	for {
		some, err := page(store.Page{Limit: limit, Offset: len(all)})
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
		if len(some) < limit {
			return all, nil
		}
	}
}

// set writes what a change holds; nil leaves things as they are.
func set[T any](dst, v *T) {
	if v != nil {
		*dst = *v
	}
}
