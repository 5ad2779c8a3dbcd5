package storetest

import (
	"context"
	"errors"
	"strings"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

func namespaceID(n baton.Namespace) baton.NamespaceID { return n.ID }

func projectID(p baton.Project) baton.ProjectID { return p.ID }

func fullPath(n baton.Namespace) string { return n.FullPath }

var namespaceTests = []test{
	{"Namespace/LongPaths", func(s *suite) {
		ctx := s.Context()
		part := func() string { // nothing that a database could compress
			var b strings.Builder
			for b.Len() < 255 {
				b.WriteString(strings.TrimLeft(baton.NewToken("").Reveal(), "-"))
			}
			return b.String()[:255]
		}
		top := s.group("top", 0)
		deepest := top
		for range 7 {
			deepest = s.group(part(), deepest.ID)
		}
		tooLong := func(fn func(ctx context.Context, tx store.Tx) error) {
			s.Helper()
			err := s.Tx(ctx, fn)
			s.code(err, baton.CodeInvalid)
			if e, _ := errors.AsType[*baton.Error](err); len(e.Fields) != 1 || e.Fields[0].Field != "path" {
				s.Errorf("the error is of %v, want the path", e.Fields)
			}
		}
		left := baton.MaxFullPath - len(deepest.FullPath) - len("/")
		tooLong(func(ctx context.Context, tx store.Tx) error {
			n := deepest
			n.ParentID, n.Path = deepest.ID, part()[:left+1]
			_, err := tx.InsertNamespace(ctx, n)
			return err
		})
		tooLong(func(ctx context.Context, tx store.Tx) error {
			_, err := tx.InsertProject(ctx, baton.Project{NamespaceID: deepest.ID, Path: part()[:left+1], Visibility: baton.Private})
			return err
		})
		same(s, len(s.project(part()[:left], deepest.ID).FullPath), baton.MaxFullPath)
		same(s, len(s.group(part()[:left-1], deepest.ID).FullPath), baton.MaxFullPath-1)
		// What is below moves along, and has to fit too.
		top.Path = "longer"
		tooLong(func(ctx context.Context, tx store.Tx) error { return tx.UpdateNamespace(ctx, top) })
		top.Path = "pot"
		s.tx(func(ctx context.Context, tx store.Tx) error { return tx.UpdateNamespace(ctx, top) })
	}},
	{"Namespace/RoundTrip", func(s *suite) {
		ctx := s.Context()
		parent := s.group("tools", 0)
		want := baton.Namespace{
			Kind: baton.GroupNamespace, Name: "CI", Path: "Ci", ParentID: parent.ID, Description: "d", Visibility: baton.Internal,
			SharedRunnersSetting: baton.SharedRunnersDisabledAndOverridable, SubgroupCreationLevel: baton.SubgroupsByOwner,
			RunnerRegistrationEnabled: true, AllowRunnerRegistrationToken: true, RunnerTokenExpirationInterval: 1,
			SubgroupRunnerTokenExpirationInterval: 2, ProjectRunnerTokenExpirationInterval: 3, CreatedAt: now, UpdatedAt: now,
		}
		s.tx(func(ctx context.Context, tx store.Tx) (err error) {
			want.ID, err = tx.InsertNamespace(ctx, want)
			return err
		})
		want.FullPath, want.FullName, want.CreatedAt, want.UpdatedAt = "tools/Ci", "The tools / CI", kept, kept
		same(s, must(s.Namespace(ctx, want.ID)), want)
		same(s, must(s.NamespaceByPath(ctx, "TOOLS/ci")), want)
		same(s, must(s.Ancestors(ctx, want.ID)), []baton.Namespace{want, parent})
		same(s, must(s.Ancestors(ctx, parent.ID)), []baton.Namespace{parent})

		changed := baton.Namespace{
			ID: want.ID, Kind: baton.UserNamespace, Name: "CI", Path: "Ci", ParentID: 77, OwnerID: 77, Visibility: baton.Public,
			SharedRunnersSetting: baton.SharedRunnersEnabled, SubgroupCreationLevel: baton.SubgroupsByMaintainer, UpdatedAt: kept.Add(time.Hour),
		}
		s.tx(func(ctx context.Context, tx store.Tx) error { return tx.UpdateNamespace(ctx, changed) })
		changed.Kind, changed.ParentID, changed.OwnerID, changed.CreatedAt = want.Kind, want.ParentID, 0, want.CreatedAt
		changed.FullPath, changed.FullName = want.FullPath, want.FullName
		same(s, must(s.Namespace(ctx, want.ID)), changed)
	}},
	{"Namespace/Personal", func(s *suite) {
		u := s.user("u")
		n := s.personal(u)
		same(s, must(s.PersonalNamespace(s.Context(), u.ID)), n)
		same(s, n.OwnerID, u.ID)
		same(s, must(s.AccessLevel(s.Context(), u.ID, baton.InGroup(n.ID), today)), baton.OwnerAccess)
		s.field(s.Tx(s.Context(), func(ctx context.Context, tx store.Tx) error {
			again := n
			again.Path = "second"
			_, err := tx.InsertNamespace(ctx, again)
			return err
		}), "owner_id")
	}},
	{"Namespace/Missing", func(s *suite) {
		ctx := s.Context()
		_, err := s.Namespace(ctx, 1)
		s.missing(err, "Namespace")
		_, err = s.NamespaceByPath(ctx, "a")
		s.missing(err, "Namespace")
		_, err = s.PersonalNamespace(ctx, 1)
		s.missing(err, "Namespace")
		_, err = s.Ancestors(ctx, 1)
		s.missing(err, "Namespace")
		s.missing(s.Tx(ctx, func(ctx context.Context, tx store.Tx) error { return tx.UpdateNamespace(ctx, baton.Namespace{ID: 1}) }), "Namespace")
		s.missing(s.Tx(ctx, func(ctx context.Context, tx store.Tx) error { return tx.DeleteNamespace(ctx, 1) }), "Namespace")
		s.stale(func(ctx context.Context, tx store.Tx) error {
			_, err := tx.InsertNamespace(ctx, baton.Namespace{Kind: baton.GroupNamespace, ParentID: 99})
			return err
		})
	}},
	{"Namespace/PathsAreShared", func(s *suite) {
		g := s.group("a", 0)
		s.group("b", g.ID)
		s.project("c", g.ID)
		taken := func(path string, parent baton.NamespaceID) {
			s.Helper()
			s.field(s.Tx(s.Context(), func(ctx context.Context, tx store.Tx) error {
				n := g
				n.Path, n.ParentID = path, parent
				_, err := tx.InsertNamespace(ctx, n)
				return err
			}), "path")
		}
		taken("A", 0)
		taken("B", g.ID)
		taken("C", g.ID) // a project's
		s.group("b", 0)  // elsewhere it is free
	}},
	{"Namespace/Rename", func(s *suite) {
		ctx := s.Context()
		top := s.group("top", 0)
		mid := s.group("mid", top.ID)
		low := s.group("low", mid.ID)
		p := s.project("p", low.ID)
		beside := s.group("mid-2", top.ID) // its path begins like mid's
		inside := s.project("p", beside.ID)
		rename := func(n baton.Namespace, path, name string) error {
			n.Path, n.Name = path, name
			return s.Tx(ctx, func(ctx context.Context, tx store.Tx) error { return tx.UpdateNamespace(ctx, n) })
		}
		s.ok(rename(mid, "Mitte", "Die Möglichkeit"))
		same(s, must(s.Namespace(ctx, low.ID)).FullPath, "top/Mitte/low")
		same(s, must(s.Namespace(ctx, low.ID)).FullName, "The top / Die Möglichkeit / The low")
		same(s, must(s.Project(ctx, p.ID)).FullPath, "top/Mitte/low/p")
		same(s, must(s.Project(ctx, p.ID)).FullName, "The top / Die Möglichkeit / The low / The p")
		same(s, must(s.Project(ctx, inside.ID)), inside)
		same(s, must(s.ProjectByPath(ctx, "TOP/mitte/LOW/p")).ID, p.ID)

		s.ok(rename(must(s.Namespace(ctx, mid.ID)), "m", "M")) // shorter, and from a name with more bytes than characters
		same(s, must(s.Project(ctx, p.ID)).FullName, "The top / M / The low / The p")
		s.ok(rename(must(s.Namespace(ctx, top.ID)), "TOP", "The top")) // only the case
		same(s, must(s.Project(ctx, p.ID)).FullPath, "TOP/m/low/p")
		s.field(rename(must(s.Namespace(ctx, mid.ID)), "MID-2", "M"), "path")
		same(s, must(s.Project(ctx, p.ID)).FullPath, "TOP/m/low/p")
	}},
	{"Namespace/List", func(s *suite) {
		ctx := s.Context()
		a := s.group("alpha", 0)
		b := s.group("beta", a.ID)
		c := s.group("gamma", b.ID)
		s.personal(s.user("user"))
		for _, row := range []struct {
			f    store.GroupFilter
			want []baton.NamespaceID
		}{
			{store.GroupFilter{}, []baton.NamespaceID{a.ID, b.ID, c.ID}},
			{store.GroupFilter{Search: "ETA"}, []baton.NamespaceID{b.ID}},
			{store.GroupFilter{Search: "the"}, []baton.NamespaceID{a.ID, b.ID, c.ID}},
			{store.GroupFilter{ParentID: a.ID}, []baton.NamespaceID{b.ID}},
			{store.GroupFilter{TopLevel: true}, []baton.NamespaceID{a.ID}},
		} {
			same(s, ids(must(s.Groups(ctx, row.f, all)), namespaceID), row.want)
			same(s, must(s.CountGroups(ctx, row.f)), len(row.want))
		}
		same(s, ids(must(s.Groups(ctx, store.GroupFilter{}, store.Page{Limit: 1, Offset: 1})), fullPath), []string{"alpha/beta"})
	}},
	{"Namespace/Delete", func(s *suite) {
		ctx := s.Context()
		u := s.user("u")
		top, other := s.group("top", 0), s.group("other", 0)
		low := s.group("low", top.ID)
		inTop, inLow, outside := s.project("p", top.ID), s.project("q", low.ID), s.project("r", other.ID)
		s.member(u, baton.InGroup(low.ID), baton.OwnerAccess)
		s.member(u, baton.InProject(inLow.ID), baton.OwnerAccess)
		s.tx(func(ctx context.Context, tx store.Tx) error {
			for _, share := range []baton.Share{
				{Source: baton.InGroup(low.ID), WithGroup: other.ID, AccessLevel: 30, CreatedAt: now},
				{Source: baton.InGroup(other.ID), WithGroup: low.ID, AccessLevel: 30, CreatedAt: now},
			} {
				if err := tx.InsertShare(ctx, share); err != nil {
					return err
				}
			}
			return nil
		})
		instance := s.runner(baton.Runner{})
		group := s.runner(baton.Runner{Type: baton.GroupRunner, GroupID: low.ID})
		own := s.runner(baton.Runner{Type: baton.ProjectRunner, ProjectID: inLow.ID})
		foreign := s.runner(baton.Runner{Type: baton.ProjectRunner, ProjectID: outside.ID})

		s.tx(func(ctx context.Context, tx store.Tx) error { return tx.DeleteNamespace(ctx, top.ID) })
		for _, id := range []baton.NamespaceID{top.ID, low.ID} {
			_, err := s.Namespace(ctx, id)
			s.missing(err, "Namespace")
		}
		for _, id := range []baton.ProjectID{inTop.ID, inLow.ID} {
			_, err := s.Project(ctx, id)
			s.missing(err, "Project")
		}
		for _, r := range []baton.Runner{group, own} {
			_, err := s.Runner(ctx, r.ID)
			s.missing(err, "Runner")
		}
		same(s, must(s.Runner(ctx, instance.ID)), instance)
		same(s, must(s.Runner(ctx, foreign.ID)), foreign)
		same(s, must(s.Project(ctx, outside.ID)), outside)
		same(s, len(must(s.Shares(ctx, baton.InGroup(other.ID)))), 0)
		s.group("top", 0) // the path is free
	}},
}

var projectTests = []test{
	{"Project/RoundTrip", func(s *suite) {
		ctx := s.Context()
		u := s.user("u")
		g := s.group("g", 0)
		want := baton.Project{
			NamespaceID: g.ID, Name: "N", Path: "P", Description: "d", Visibility: baton.Public, CreatorID: u.ID, DefaultBranch: "trunk",
			CIConfigPath: "ci.yml", BuildTimeout: 600, SharedRunnersEnabled: true, GroupRunnersEnabled: true, RunnerRegistrationEnabled: true,
			RunnerTokenExpirationInterval: 9, LastActivityAt: now, CreatedAt: now, UpdatedAt: now,
		}
		s.tx(func(ctx context.Context, tx store.Tx) (err error) {
			want.ID, err = tx.InsertProject(ctx, want)
			return err
		})
		want.FullPath, want.FullName, want.LastActivityAt, want.CreatedAt, want.UpdatedAt = "g/P", "The g / N", kept, kept, kept
		same(s, must(s.Project(ctx, want.ID)), want)
		same(s, must(s.ProjectByPath(ctx, "G/p")), want)

		changed := baton.Project{
			ID: want.ID, NamespaceID: 77, Name: "New", Path: "new", Visibility: baton.Private, DefaultBranch: "main", BuildTimeout: 3600,
			LastActivityAt: kept.Add(time.Hour), UpdatedAt: kept.Add(time.Hour),
		}
		s.tx(func(ctx context.Context, tx store.Tx) error { return tx.UpdateProject(ctx, changed) })
		changed.NamespaceID, changed.CreatorID, changed.CreatedAt = want.NamespaceID, want.CreatorID, want.CreatedAt
		changed.FullPath, changed.FullName = "g/new", "The g / New"
		same(s, must(s.Project(ctx, want.ID)), changed)
		_, err := s.ProjectByPath(ctx, "g/P")
		s.missing(err, "Project")
	}},
	{"Project/Missing", func(s *suite) {
		ctx := s.Context()
		_, err := s.Project(ctx, 1)
		s.missing(err, "Project")
		_, err = s.ProjectByPath(ctx, "a/b")
		s.missing(err, "Project")
		s.missing(s.Tx(ctx, func(ctx context.Context, tx store.Tx) error { return tx.UpdateProject(ctx, baton.Project{ID: 1}) }), "Project")
		s.missing(s.Tx(ctx, func(ctx context.Context, tx store.Tx) error { return tx.DeleteProject(ctx, 1) }), "Project")
		s.stale(func(ctx context.Context, tx store.Tx) error {
			_, err := tx.InsertProject(ctx, baton.Project{NamespaceID: 99})
			return err
		})
	}},
	{"Project/Conflict", func(s *suite) {
		g := s.group("g", 0)
		p := s.project("p", g.ID)
		q := s.project("q", g.ID)
		s.field(s.Tx(s.Context(), func(ctx context.Context, tx store.Tx) error {
			p.Path = "P"
			_, err := tx.InsertProject(ctx, p)
			return err
		}), "path")
		s.field(s.Tx(s.Context(), func(ctx context.Context, tx store.Tx) error {
			q.Path = "P"
			return tx.UpdateProject(ctx, q)
		}), "path")
	}},
	{"Project/List", func(s *suite) {
		ctx := s.Context()
		g, h := s.group("g", 0), s.group("h", 0)
		p, q, r := s.project("one", g.ID), s.project("two", g.ID), s.project("three", h.ID)
		for _, row := range []struct {
			f    store.ProjectFilter
			want []baton.ProjectID
		}{
			{store.ProjectFilter{}, []baton.ProjectID{p.ID, q.ID, r.ID}},
			{store.ProjectFilter{Search: "ONE"}, []baton.ProjectID{p.ID}},
			{store.ProjectFilter{NamespaceID: g.ID}, []baton.ProjectID{p.ID, q.ID}},
		} {
			same(s, ids(must(s.Projects(ctx, row.f, all)), projectID), row.want)
			same(s, must(s.CountProjects(ctx, row.f)), len(row.want))
		}
		same(s, ids(must(s.Projects(ctx, store.ProjectFilter{}, store.Page{Limit: 1, Offset: 2})), projectID), []baton.ProjectID{r.ID})
	}},
	{"Project/Delete", func(s *suite) {
		ctx := s.Context()
		g := s.group("g", 0)
		p, q := s.project("p", g.ID), s.project("q", g.ID)
		own := s.runner(baton.Runner{Type: baton.ProjectRunner, ProjectID: p.ID, Tags: []string{"t"}})
		other := s.runner(baton.Runner{Type: baton.ProjectRunner, ProjectID: q.ID})
		s.member(s.user("u"), baton.InProject(p.ID), baton.GuestAccess)
		s.tx(func(ctx context.Context, tx store.Tx) error { return tx.DeleteProject(ctx, p.ID) })
		_, err := s.Project(ctx, p.ID)
		s.missing(err, "Project")
		_, err = s.Runner(ctx, own.ID)
		s.missing(err, "Runner")
		same(s, must(s.Runner(ctx, other.ID)), other)
		s.project("p", g.ID) // the path is free
	}},
}
