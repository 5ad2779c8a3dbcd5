package storetest

import (
	"context"
	"strings"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

func userID(u baton.User) baton.UserID { return u.ID }

var userTests = []test{
	{"User/RoundTrip", func(s *suite) {
		admin := s.user("admin")
		want := baton.User{
			Username: "Ada", Name: "Ada Ünlü 'ß' \"", Email: "Ada@Example.com", State: baton.UserBlocked,
			Admin: true, Bot: true, External: true, PrivateProfile: true, CanCreateGroup: true, ProjectsLimit: 100000,
			Note: "a\nb", CreatedBy: admin.ID, LastActivityOn: today, CreatedAt: now, UpdatedAt: now.Add(time.Second),
		}
		s.tx(func(ctx context.Context, tx store.Tx) (err error) {
			want.ID, err = tx.InsertUser(ctx, want)
			return err
		})
		want.CreatedAt, want.UpdatedAt = kept, kept.Add(time.Second)
		same(s, must(s.User(s.Context(), want.ID)), want)
		same(s, must(s.UserByName(s.Context(), "aDA")), want)
		same(s, must(s.UserByEmail(s.Context(), "aDA@eXample.com")), want)

		changed := baton.User{
			ID: want.ID, Username: "Countess", Name: "Ada L", Email: "c@example.com", State: baton.UserActive,
			CreatedBy: 0, CreatedAt: now.Add(time.Hour), UpdatedAt: kept.Add(time.Hour),
		}
		s.tx(func(ctx context.Context, tx store.Tx) error { return tx.UpdateUser(ctx, changed) })
		changed.CreatedAt, changed.CreatedBy = want.CreatedAt, want.CreatedBy
		same(s, must(s.User(s.Context(), want.ID)), changed)
	}},
	{"User/Missing", func(s *suite) {
		ctx := s.Context()
		_, err := s.User(ctx, 1)
		s.missing(err, "User")
		_, err = s.UserByName(ctx, "")
		s.missing(err, "User")
		_, err = s.UserByEmail(ctx, "")
		s.missing(err, "User")
		_, err = s.PasswordHash(ctx, 1)
		s.missing(err, "User")
		for _, fn := range []func(context.Context, store.Tx) error{
			func(ctx context.Context, tx store.Tx) error {
				return tx.UpdateUser(ctx, baton.User{ID: 1, State: baton.UserActive, UpdatedAt: now})
			},
			func(ctx context.Context, tx store.Tx) error { return tx.SetPasswordHash(ctx, 1, "x") },
			func(ctx context.Context, tx store.Tx) error { return tx.DeleteUser(ctx, 1) },
		} {
			s.missing(s.Tx(ctx, fn), "User")
		}
	}},
	{"User/Conflict", func(s *suite) {
		u, other := s.user("u"), s.user("other")
		again := baton.User{Username: "U1", Email: "new@example.com", State: baton.UserActive, CreatedAt: now, UpdatedAt: now}
		insert := func(ctx context.Context, tx store.Tx) error {
			_, err := tx.InsertUser(ctx, again)
			return err
		}
		s.field(s.Tx(s.Context(), insert), "username")
		again.Username, again.Email = "new", "U1@EXAMPLE.com"
		s.field(s.Tx(s.Context(), insert), "email")
		other.Username = u.Username
		s.field(s.Tx(s.Context(), func(ctx context.Context, tx store.Tx) error { return tx.UpdateUser(ctx, other) }), "username")
	}},
	{"User/List", func(s *suite) {
		ctx := s.Context()
		var a, b, c baton.User
		s.tx(func(ctx context.Context, tx store.Tx) (err error) {
			for _, u := range []struct {
				to *baton.User
				baton.User
			}{
				{&a, baton.User{Username: "anna", Name: "100% Anna_", Email: "a@example.com", State: baton.UserActive, Admin: true}},
				{&b, baton.User{Username: "Bert", Name: "Bert \\ Anderson", Email: "b@example.com", State: baton.UserBlocked}},
				{&c, baton.User{Username: "carl", Name: "ÉMILE Carl", Email: "carl@example.com", State: baton.UserDeactivated, Bot: true}},
			} {
				u.CreatedAt, u.UpdatedAt = kept, kept
				if u.ID, err = tx.InsertUser(ctx, u.User); err != nil {
					return err
				}
				*u.to = u.User
			}
			return nil
		})
		for _, row := range []struct {
			f    store.UserFilter
			want []baton.UserID
		}{
			{store.UserFilter{}, []baton.UserID{a.ID, b.ID, c.ID}},
			{store.UserFilter{Username: "bERT"}, []baton.UserID{b.ID}},
			{store.UserFilter{IDs: []baton.UserID{a.ID, b.ID, c.ID}}, []baton.UserID{a.ID, b.ID, c.ID}},
			{store.UserFilter{IDs: []baton.UserID{c.ID, 99}}, []baton.UserID{c.ID}},
			{store.UserFilter{Username: "ber"}, []baton.UserID{}},
			{store.UserFilter{Search: "AN"}, []baton.UserID{a.ID, b.ID}},
			{store.UserFilter{Search: "%"}, []baton.UserID{a.ID}},
			{store.UserFilter{Search: "_"}, []baton.UserID{a.ID}},
			{store.UserFilter{Search: `\`}, []baton.UserID{b.ID}},
			{store.UserFilter{Search: "ÉMile"}, []baton.UserID{c.ID}},
			{store.UserFilter{Search: strings.Repeat("%an", 50_000)}, []baton.UserID{}},
			{store.UserFilter{Search: "B@example.COM"}, []baton.UserID{b.ID}},
			{store.UserFilter{Search: "@example"}, []baton.UserID{}},
			{store.UserFilter{States: []baton.UserState{baton.UserBlocked, baton.UserDeactivated}}, []baton.UserID{b.ID, c.ID}},
			{store.UserFilter{Admins: true}, []baton.UserID{a.ID}},
			{store.UserFilter{Humans: true}, []baton.UserID{a.ID, b.ID}},
			{store.UserFilter{Humans: true, Search: "an", States: []baton.UserState{baton.UserActive}}, []baton.UserID{a.ID}},
		} {
			same(s, ids(must(s.Users(ctx, row.f, all)), userID), row.want)
			same(s, must(s.CountUsers(ctx, row.f)), len(row.want))
		}
		same(s, ids(must(s.Users(ctx, store.UserFilter{}, store.Page{Limit: 1, Offset: 1})), userID), []baton.UserID{b.ID})
		same(s, len(must(s.Users(ctx, store.UserFilter{}, store.Page{Limit: 1, Offset: 3}))), 0)
	}},
	{"User/Password", func(s *suite) {
		u := s.user("u")
		same(s, must(s.PasswordHash(s.Context(), u.ID)), "")
		s.tx(func(ctx context.Context, tx store.Tx) error { return tx.SetPasswordHash(ctx, u.ID, "$argon2id$x") })
		same(s, must(s.PasswordHash(s.Context(), u.ID)), "$argon2id$x")
		s.tx(func(ctx context.Context, tx store.Tx) error { return tx.UpdateUser(ctx, u) })
		same(s, must(s.PasswordHash(s.Context(), u.ID)), "$argon2id$x")
	}},
	{"User/Delete", func(s *suite) {
		ctx := s.Context()
		u, v := s.user("u"), s.user("v")
		g := s.group("g", 0)
		s.member(u, baton.InGroup(g.ID), baton.OwnerAccess)
		s.member(v, baton.InGroup(g.ID), baton.OwnerAccess)
		p := s.project("p", g.ID)
		var token baton.TokenID
		s.tx(func(ctx context.Context, tx store.Tx) (err error) {
			token, err = tx.InsertAccessToken(ctx, baton.AccessToken{UserID: u.ID, CreatedAt: now}, baton.DigestOf("t"))
			return err
		})
		c := s.creation(baton.Runner{Type: baton.ProjectRunner, ProjectID: p.ID, CreatorID: u.ID})
		c.Answer = func(baton.RunnerID) (store.Answer, error) {
			return store.Answer{UserID: u.ID, Sealed: []byte("s"), ExpiresAt: now}, nil
		}
		runner := must(s.CreateRunner(ctx, c))

		s.tx(func(ctx context.Context, tx store.Tx) error { return tx.DeleteUser(ctx, u.ID) })
		_, err := s.User(ctx, u.ID)
		s.missing(err, "User")
		_, err = s.AccessToken(ctx, token)
		s.missing(err, "Token")
		_, err = s.Answer(ctx, u.ID, baton.Digest{})
		s.missing(err, "Answer")
		same(s, ids(must(s.Members(ctx, baton.InGroup(g.ID), all)), func(m baton.Member) baton.UserID { return m.UserID }), []baton.UserID{v.ID})
		same(s, must(s.Runner(ctx, runner)).CreatorID, 0)
	}},
	{"User/DeleteNeedsNoPersonalNamespace", func(s *suite) {
		u := s.user("u")
		n := s.personal(u)
		s.stale(func(ctx context.Context, tx store.Tx) error { return tx.DeleteUser(ctx, u.ID) })
		s.tx(func(ctx context.Context, tx store.Tx) error {
			if err := tx.DeleteNamespace(ctx, n.ID); err != nil {
				return err
			}
			return tx.DeleteUser(ctx, u.ID)
		})
	}},
	{"User/IdsAreNeverUsedTwice", func(s *suite) {
		u := s.user("u")
		s.tx(func(ctx context.Context, tx store.Tx) error { return tx.DeleteUser(ctx, u.ID) })
		if v := s.user("v"); v.ID <= u.ID {
			s.Errorf("id %d was given after %d", v.ID, u.ID)
		}
	}},
}
