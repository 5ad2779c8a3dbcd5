package directory_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/directory"
	"baton.example/baton/internal/password"
	"baton.example/baton/internal/store"
	"baton.example/baton/internal/store/sqlite"
)

// What the API shows is held to conversations in package api. Here is what
// only shows from inside, or takes days.

var monday = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)

// A town is a directory on SQLite with people in it.
type town struct {
	*directory.Directory

	t     *testing.T
	db    store.Store
	admin *access.Actor
}

func newTown(t *testing.T) *town {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "baton.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return newTownOn(t, db)
}

func newTownOn(t *testing.T, db store.Store) *town {
	t.Helper()
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return &town{
		Directory: directory.New(db, password.NewHasher()), t: t, db: db,
		admin: &access.Actor{Admin: true, Settings: baton.DefaultSettings(), Now: monday},
	}
}

// person makes a user who acts.
func (w *town) person(name string) *access.Actor {
	w.t.Helper()
	email := name + "@example.com"
	u, err := w.CreateUser(w.t.Context(), w.admin, directory.UserChange{Username: &name, Name: &name, Email: &email})
	if err != nil {
		w.t.Fatal(err)
	}
	return &access.Actor{User: u, Settings: baton.DefaultSettings(), Now: monday}
}

// group makes a group of the actor.
func (w *town) group(a *access.Actor, name string, in directory.Ref) directory.Ref {
	w.t.Helper()
	g, err := w.CreateGroup(w.t.Context(), a, in, directory.GroupChange{Name: &name, Path: &name})
	if err != nil {
		w.t.Fatal(err)
	}
	return directory.RefOf(g.ID)
}

// join makes somebody an Owner of a group.
func (w *town) join(by *access.Actor, in directory.Ref, who *access.Actor, until baton.Date) {
	w.t.Helper()
	_, err := w.AddMember(w.t.Context(), by, directory.Place{Group: in}, who.User.ID,
		directory.MemberChange{AccessLevel: baton.OwnerAccess, ExpiresAt: &until})
	if err != nil {
		w.t.Fatal(err)
	}
}

// later returns the actor some days on.
func later(a *access.Actor, days int) *access.Actor {
	b := *a
	b.Now = a.Now.AddDate(0, 0, days)
	return &b
}

func wantCode(t *testing.T, what string, err error, want baton.Code) {
	t.Helper()
	if got := baton.CodeOf(err); err == nil || got != want {
		t.Errorf("%s: %v, want code %d", what, err, want)
	}
}

func TestWhoHasTheMachineOwnsNothing(t *testing.T) {
	w := newTown(t)
	g := w.group(w.admin, "tools", "")
	members, total, err := w.Members(t.Context(), w.admin, directory.Place{Group: g}, store.Page{Limit: 10})
	if err != nil || total != 0 || len(members) != 0 {
		t.Errorf("members: %v, %d, %v; want none", members, total, err)
	}
	name := "mine"
	_, err = w.CreateProject(t.Context(), w.admin, 0, directory.ProjectChange{Name: &name})
	wantCode(t, "a project in no namespace", err, baton.CodeInvalid)
}

func TestMembershipEnds(t *testing.T) {
	w := newTown(t)
	alice, bob := w.person("alice"), w.person("bob")
	g := w.group(alice, "tools", "")
	w.join(alice, g, bob, "2026-01-07")

	name := "kit"
	if _, err := w.UpdateGroup(t.Context(), later(bob, 1), g, directory.GroupChange{Name: &name}); err != nil {
		t.Errorf("on the last day: %v", err)
	}
	_, err := w.UpdateGroup(t.Context(), later(bob, 2), g, directory.GroupChange{Name: &name})
	wantCode(t, "on the day of the end", err, baton.CodeNotFound)
}

// An Owner whose membership has ended does not keep the group from being
// without one.
func TestLastOwnerAmongExpired(t *testing.T) {
	w := newTown(t)
	alice, bob := w.person("alice"), w.person("bob")
	g := w.group(alice, "tools", "")
	w.join(alice, g, bob, "2026-01-07")

	in := directory.Place{Group: g}
	wantCode(t, "leave behind an expired Owner",
		w.RemoveMember(t.Context(), later(alice, 2), in, alice.User.ID), baton.CodeDenied)
	wantCode(t, "delete the last Owner",
		w.DeleteUser(t.Context(), later(w.admin, 2), alice.User.ID, false), baton.CodeConflict)
	if err := w.RemoveMember(t.Context(), alice, in, alice.User.ID); err != nil {
		t.Errorf("leave behind an Owner: %v", err)
	}
}

func TestDeleteUser(t *testing.T) {
	w := newTown(t)
	ctx := t.Context()
	alice, bob := w.person("alice"), w.person("bob")
	top := w.group(alice, "tools", "")
	w.group(alice, "ci", top)
	shared := w.group(alice, "shared", "")
	w.join(alice, shared, bob, "")
	name := "mine"
	if _, err := w.CreateProject(ctx, alice, 0, directory.ProjectChange{Name: &name}); err != nil {
		t.Fatal(err)
	}

	wantCode(t, "a sole Owner", w.DeleteUser(ctx, w.admin, alice.User.ID, false), baton.CodeConflict)
	if err := w.DeleteUser(ctx, w.admin, alice.User.ID, true); err != nil {
		t.Fatal(err)
	}
	groups, _, err := w.Groups(ctx, w.admin, directory.GroupList{}, store.Page{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, g := range groups {
		paths = append(paths, g.FullPath)
	}
	if diff := cmp.Diff([]string{"shared"}, paths); diff != "" {
		t.Errorf("groups left (-want +got):\n%s", diff)
	}
	if n, err := w.db.CountProjects(ctx, store.ProjectFilter{}); n != 0 || err != nil {
		t.Errorf("%d projects left, %v", n, err)
	}
	// The name is free again.
	w.person("alice")
}

func TestNamespacesPages(t *testing.T) {
	w := newTown(t)
	alice := w.person("alice")
	for _, name := range []string{"a", "b", "c"} {
		w.group(alice, name, "")
	}
	want := []string{"alice", "a", "b", "c"}
	for limit := 1; limit <= 5; limit++ {
		var got []string
		for offset := 0; offset < 6; offset += limit {
			rows, total, err := w.Namespaces(t.Context(), alice, "", store.Page{Limit: limit, Offset: offset})
			if err != nil || total != len(want) || len(rows) > limit {
				t.Fatalf("%d from %d: %d rows of %d, %v", limit, offset, len(rows), total, err)
			}
			for _, n := range rows {
				got = append(got, n.FullPath)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("pages of %d: %v, want %v", limit, got, want)
		}
	}
}

func TestNestingEnds(t *testing.T) {
	w := newTown(t)
	alice := w.person("alice")
	var in directory.Ref
	for range 20 {
		in = w.group(alice, "g", in)
	}
	name := "g"
	_, err := w.CreateGroup(t.Context(), alice, in, directory.GroupChange{Name: &name, Path: &name})
	wantCode(t, "the 21st group", err, baton.CodeInvalid)
}

// What is more open than the group must not get into it, nor the group become
// less open than what it holds.
func TestVisibilityIsNested(t *testing.T) {
	w := newTown(t)
	ctx := t.Context()
	alice := w.person("alice")
	g := w.group(alice, "tools", "")
	internal, private, name := baton.Internal, baton.Private, "open"
	if _, err := w.UpdateGroup(ctx, alice, g, directory.GroupChange{Visibility: &internal}); err != nil {
		t.Fatal(err)
	}
	sub, err := w.CreateGroup(ctx, alice, g, directory.GroupChange{Name: &name, Path: &name, Visibility: &internal})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.UpdateGroup(ctx, alice, g, directory.GroupChange{Visibility: &private})
	wantCode(t, "below a subgroup", err, baton.CodeInvalid)
	if err := w.DeleteGroup(ctx, alice, directory.RefOf(sub.ID)); err != nil {
		t.Fatal(err)
	}
	group, err := w.Group(ctx, alice, g)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.CreateProject(ctx, alice, group.ID, directory.ProjectChange{Name: &name, Visibility: &internal}); err != nil {
		t.Fatal(err)
	}
	_, err = w.UpdateGroup(ctx, alice, g, directory.GroupChange{Visibility: &private})
	wantCode(t, "below a project", err, baton.CodeInvalid)
}

// A closure may run again after it has run and failed: what it leaves behind
// must not be seen by the next run.
func TestTransactionsMayRunTwice(t *testing.T) {
	w := newTown(t)
	twice := directory.New(runsTwice{w.db}, password.NewHasher())
	name, email := "alice", "alice@example.com"
	u, err := twice.CreateUser(t.Context(), w.admin, directory.UserChange{Username: &name, Name: &name, Email: &email})
	if err != nil {
		t.Fatal(err)
	}
	alice := &access.Actor{User: u, Settings: baton.DefaultSettings(), Now: monday}
	g, err := twice.CreateGroup(t.Context(), alice, "", directory.GroupChange{Name: new("tools"), Path: new("tools")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := twice.CreateProject(t.Context(), alice, g.ID, directory.ProjectChange{Name: new("runner")}); err != nil {
		t.Fatal(err)
	}
	tokens := access.NewTokens(runsTwice{w.db})
	made, err := tokens.CreateFor(t.Context(), w.admin, u.ID, access.NewAccessToken{Name: "ci", Scopes: []baton.Scope{"api"}})
	if err != nil {
		t.Fatal(err)
	}
	if made.Family != made.ID {
		t.Errorf("token %d is of the family %d", made.ID, made.Family)
	}
	if _, err := tokens.Rotate(t.Context(), alice, made.ID, ""); err != nil {
		t.Fatal(err)
	}
}

// runsTwice is a store whose transactions fail once before they succeed.
type runsTwice struct{ store.Store }

func (s runsTwice) Tx(ctx context.Context, fn func(context.Context, store.Tx) error) error {
	_ = s.Store.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
		_ = fn(ctx, tx)
		return context.DeadlineExceeded
	})
	return s.Store.Tx(ctx, fn)
}
