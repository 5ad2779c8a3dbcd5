package storetest

import (
	"context"
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

var accessTests = []test{
	{"Access/Model", func(s *suite) {
		worlds := 0
		rapid.Check(s.T, func(t *rapid.T) {
			worlds++
			w := drawWorld(t)
			w.store(s, t, worlds)
			w.check(s, t)
		})
	}},
	{"Access/NobodyInParticular", func(s *suite) {
		ctx := s.Context()
		n := s.group("hidden", 0)
		p := s.project("p", n.ID)
		s.tx(func(ctx context.Context, tx store.Tx) error {
			n.Path, n.Visibility = "public", baton.Public
			_, err := tx.InsertNamespace(ctx, n)
			return err
		})
		nobody := &store.Viewer{Today: today}
		same(s, ids(must(s.Groups(ctx, store.GroupFilter{VisibleTo: nobody}, all)), fullPath), []string{"public"})
		same(s, must(s.CountProjects(ctx, store.ProjectFilter{VisibleTo: nobody})), 0)
		same(s, must(s.CountGroups(ctx, store.GroupFilter{VisibleTo: nobody, Owned: true})), 0)
		same(s, must(s.CountProjects(ctx, store.ProjectFilter{VisibleTo: nobody, Membership: true})), 0)
		same(s, must(s.AccessLevel(ctx, 0, baton.InProject(p.ID), today)), baton.NoAccess)
		same(s, must(s.AccessLevel(ctx, 1, baton.InProject(99), today)), baton.NoAccess)
		same(s, must(s.AccessLevel(ctx, 1, baton.InGroup(99), today)), baton.NoAccess)
		same(s, must(s.SeesGroup(ctx, 1, 99, today)), false)
	}},
}

// A world is a small tree of groups and projects with members and shares: the
// rules of access once more, written to be read and not to be quick.
type world struct {
	users    []baton.UserID
	groups   []place // then the personal namespaces, one for each user
	projects []place
	members  []grant
	shares   []grant
}

// A place is a group or a project.
type place struct {
	id         int64
	parent     int // an index in groups, -1 for none
	owner      int // an index in users, -1 for none
	visibility baton.Visibility
}

// A grant is a member, or a share whose who is a group.
type grant struct {
	project bool
	where   int
	who     int
	level   baton.AccessLevel
	expires baton.Date
}

func (g grant) active() bool { return g.expires == "" || g.expires > today }

func drawWorld(t *rapid.T) *world {
	w := new(world)
	w.users = make([]baton.UserID, rapid.IntRange(1, 3).Draw(t, "users"))
	visibility := rapid.SampledFrom([]baton.Visibility{baton.Private, baton.Private, baton.Internal, baton.Public})
	groups := rapid.IntRange(1, 6).Draw(t, "groups")
	for i := range groups {
		w.groups = append(w.groups, place{
			parent: rapid.IntRange(-1, i-1).Draw(t, "parent"), owner: -1, visibility: visibility.Draw(t, "visibility"),
		})
	}
	for i := range w.users {
		w.groups = append(w.groups, place{parent: -1, owner: i, visibility: baton.Private})
	}
	for range rapid.IntRange(0, 4).Draw(t, "projects") {
		w.projects = append(w.projects, place{
			parent: rapid.IntRange(0, len(w.groups)-1).Draw(t, "namespace"), owner: -1, visibility: visibility.Draw(t, "visibility"),
		})
	}
	draw := func(name string, who int) []grant {
		return rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) grant {
			g := grant{
				project: len(w.projects) > 0 && rapid.Bool().Draw(t, "project"),
				who:     rapid.IntRange(0, who-1).Draw(t, "who"),
				level:   rapid.SampledFrom([]baton.AccessLevel{baton.MinimalAccess, baton.GuestAccess, baton.DeveloperAccess, baton.OwnerAccess}).Draw(t, "level"),
				expires: rapid.SampledFrom([]baton.Date{"", "", yesterday, today, tomorrow}).Draw(t, "expires"),
			}
			places := groups
			if g.project {
				places = len(w.projects)
			}
			g.where = rapid.IntRange(0, places-1).Draw(t, "where")
			return g
		}), 0, 5, func(g grant) string { return fmt.Sprint(g.project, g.where, g.who) }).Draw(t, name)
	}
	w.members = draw("members", len(w.users))
	w.shares = draw("shares", groups)
	return w
}

// store stores the world and takes over the ids.
func (w *world) store(s *suite, t *rapid.T, number int) {
	err := s.Tx(context.Background(), func(ctx context.Context, tx store.Tx) error {
		for i := range w.users {
			name := fmt.Sprintf("w%du%d", number, i)
			w.users[i] = must(tx.InsertUser(ctx, baton.User{
				Username: name, Email: name, State: baton.UserActive, CreatedAt: kept, UpdatedAt: kept,
			}))
		}
		for i, g := range w.groups {
			n := baton.Namespace{
				Kind: baton.GroupNamespace, Path: fmt.Sprintf("w%dg%d", number, i), Visibility: g.visibility, CreatedAt: kept, UpdatedAt: kept,
			}
			if g.parent >= 0 {
				n.ParentID = baton.NamespaceID(w.groups[g.parent].id)
			}
			if g.owner >= 0 {
				n.Kind, n.OwnerID = baton.UserNamespace, w.users[g.owner]
			}
			w.groups[i].id = int64(must(tx.InsertNamespace(ctx, n)))
		}
		for i, p := range w.projects {
			w.projects[i].id = int64(must(tx.InsertProject(ctx, baton.Project{
				NamespaceID: baton.NamespaceID(w.groups[p.parent].id), Path: fmt.Sprintf("p%d", i), Visibility: p.visibility,
				LastActivityAt: kept, CreatedAt: kept, UpdatedAt: kept,
			})))
		}
		for _, m := range w.members {
			if err := tx.InsertMember(ctx, baton.Member{
				Source: w.source(m), UserID: w.users[m.who], AccessLevel: m.level, ExpiresAt: m.expires, CreatedAt: kept,
			}); err != nil {
				return err
			}
		}
		for _, h := range w.shares {
			if err := tx.InsertShare(ctx, baton.Share{
				Source: w.source(h), WithGroup: baton.NamespaceID(w.groups[h.who].id), AccessLevel: h.level, ExpiresAt: h.expires, CreatedAt: kept,
			}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) source(g grant) baton.Source {
	if g.project {
		return baton.InProject(baton.ProjectID(w.projects[g.where].id))
	}
	return baton.InGroup(baton.NamespaceID(w.groups[g.where].id))
}

// up returns the group and its ancestors.
func (w *world) up(group int) []int {
	var all []int
	for ; group >= 0; group = w.groups[group].parent {
		all = append(all, group)
	}
	return all
}

// member returns the highest membership of the user in the groups, or in the
// project.
func (w *world) member(user int, project bool, in ...int) baton.AccessLevel {
	level := baton.NoAccess
	for _, m := range w.members {
		if m.project == project && m.who == user && m.active() && slices.Contains(in, m.where) {
			level = max(level, m.level)
		}
	}
	return level
}

// shared returns what shares of the groups, or of the project, give the user.
func (w *world) shared(user int, project bool, in ...int) baton.AccessLevel {
	level := baton.NoAccess
	for _, h := range w.shares {
		if h.project == project && h.active() && slices.Contains(in, h.where) {
			level = max(level, guest(min(h.level, w.member(user, false, w.up(h.who)...))))
		}
	}
	return level
}

// guest returns a level that is inherited or shared: below Guest it is neither.
func guest(level baton.AccessLevel) baton.AccessLevel {
	if level < baton.GuestAccess {
		return baton.NoAccess
	}
	return level
}

// inherited returns what the group and its ancestors give to what is in it.
func (w *world) inherited(user, group int) baton.AccessLevel {
	up := w.up(group)
	level := max(guest(w.member(user, false, up...)), w.shared(user, false, up...))
	if w.groups[up[len(up)-1]].owner == user {
		level = baton.OwnerAccess
	}
	return level
}

func (w *world) groupLevel(user, group int) baton.AccessLevel {
	return max(w.inherited(user, group), w.member(user, false, group))
}

func (w *world) projectLevel(user, project int) baton.AccessLevel {
	return max(w.inherited(user, w.projects[project].parent), w.member(user, true, project), w.shared(user, true, project))
}

func (w *world) sees(user, group int) bool {
	for i := range w.groups {
		if slices.Contains(w.up(i), group) && w.groupLevel(user, i) > 0 {
			return true
		}
	}
	for i, p := range w.projects {
		if slices.Contains(w.up(p.parent), group) && guest(w.projectLevel(user, i)) > 0 {
			return true
		}
	}
	return false
}

// check compares every answer of the store with the model's.
func (w *world) check(s *suite, t *rapid.T) {
	ctx := context.Background()
	equal := func(what string, got, want any) {
		t.Helper()
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%s: %v, want %v, in %+v", what, got, want, w)
		}
	}
	// Other worlds in the same store are visible as far as they are public.
	ofGroups := func(f store.GroupFilter) []int64 {
		return mine(ids(must(s.Groups(ctx, f, store.Page{Limit: 1e6})), func(n baton.Namespace) int64 { return int64(n.ID) }), w.groups)
	}
	ofProjects := func(f store.ProjectFilter) []int64 {
		return mine(ids(must(s.Projects(ctx, f, store.Page{Limit: 1e6})), func(p baton.Project) int64 { return int64(p.ID) }), w.projects)
	}
	for u, user := range w.users {
		viewer := &store.Viewer{UserID: user, External: u == 0, Today: today}
		shown := func(p place) bool {
			return p.visibility == baton.Public || p.visibility == baton.Internal && !viewer.External
		}
		var visible, owned []int64
		for i, g := range w.groups {
			level := w.groupLevel(u, i)
			id := baton.NamespaceID(g.id)
			equal("level in group", must(s.AccessLevel(ctx, user, baton.InGroup(id), today)), level)
			equal("sees group", must(s.SeesGroup(ctx, user, id, today)), w.sees(u, i))
			if g.owner >= 0 {
				continue // lists of groups have no personal namespaces
			}
			if shown(g) || w.sees(u, i) {
				visible = append(visible, g.id)
			}
			if level == baton.OwnerAccess {
				owned = append(owned, g.id)
			}
		}
		equal("visible groups", ofGroups(store.GroupFilter{VisibleTo: viewer}), visible)
		equal("owned groups", ofGroups(store.GroupFilter{VisibleTo: viewer, Owned: true}), owned)
		var joined []int64
		visible, owned = nil, nil
		for i, p := range w.projects {
			level := w.projectLevel(u, i)
			equal("level in project", must(s.AccessLevel(ctx, user, baton.InProject(baton.ProjectID(p.id)), today)), level)
			if shown(p) || guest(level) > 0 {
				visible = append(visible, p.id)
			}
			if guest(level) > 0 {
				joined = append(joined, p.id)
			}
			if level == baton.OwnerAccess {
				owned = append(owned, p.id)
			}
		}
		equal("visible projects", ofProjects(store.ProjectFilter{VisibleTo: viewer}), visible)
		equal("projects of a member", ofProjects(store.ProjectFilter{VisibleTo: viewer, Membership: true}), joined)
		equal("owned projects", ofProjects(store.ProjectFilter{VisibleTo: viewer, Owned: true}), owned)
	}
}

// mine returns the ids that are places of this world.
func mine(ids []int64, places []place) []int64 {
	return slices.DeleteFunc(ids, func(id int64) bool {
		return !slices.ContainsFunc(places, func(p place) bool { return p.id == id })
	})
}
