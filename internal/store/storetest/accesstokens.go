package storetest

import (
	"context"
	"time"

	"github.com/google/go-cmp/cmp"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

func tokenID(t baton.AccessToken) baton.TokenID { return t.ID }

// token stores an access token.
func (s *suite) token(t baton.AccessToken) baton.AccessToken {
	s.Helper()
	if t.CreatedAt.IsZero() {
		t.CreatedAt = kept
	}
	digest := baton.DigestOf(s.unique("digest"))
	s.tx(func(ctx context.Context, tx store.Tx) (err error) {
		t.ID, err = tx.InsertAccessToken(ctx, t, digest)
		return err
	})
	return t
}

var accessTokenTests = []test{
	{"AccessToken/RoundTrip", func(s *suite) {
		u := s.user("u")
		want := s.token(baton.AccessToken{
			UserID: u.ID, Name: "n", Description: "d", Scopes: []baton.Scope{baton.ScopeAPI, baton.ScopeSudo}, ExpiresAt: tomorrow,
			LastUsedAt: kept, LastUsedIPs: []string{"::1", "10.0.0.1"},
		})
		want.Family = want.ID
		same(s, must(s.AccessToken(s.Context(), want.ID)), want)

		bare := s.token(baton.AccessToken{UserID: u.ID, Family: want.ID, Revoked: true})
		same(s, must(s.AccessToken(s.Context(), bare.ID)), bare)
	}},
	{"AccessToken/Missing", func(s *suite) {
		_, err := s.AccessToken(s.Context(), 1)
		s.missing(err, "Token")
		for _, fn := range []func(context.Context, store.Tx) error{
			func(ctx context.Context, tx store.Tx) error { return tx.RevokeAccessToken(ctx, 1, now) },
			func(ctx context.Context, tx store.Tx) error { return tx.RevokeAccessTokenFamily(ctx, 1, now) },
		} {
			s.missing(s.Tx(s.Context(), fn), "Token")
		}
		s.missing(s.TouchAccessToken(s.Context(), store.TokenUse{Token: 1, User: 1, At: now}), "Token")
	}},
	{"AccessToken/Conflict", func(s *suite) {
		u := s.user("u")
		s.field(s.Tx(s.Context(), func(ctx context.Context, tx store.Tx) error {
			for range 2 {
				if _, err := tx.InsertAccessToken(ctx, baton.AccessToken{UserID: u.ID, CreatedAt: now}, baton.DigestOf("same")); err != nil {
					return err
				}
			}
			return nil
		}), "token")
	}},
	{"AccessToken/UserGone", func(s *suite) {
		s.stale(func(ctx context.Context, tx store.Tx) error {
			_, err := tx.InsertAccessToken(ctx, baton.AccessToken{UserID: 99, CreatedAt: now}, baton.DigestOf("x"))
			return err
		})
	}},
	{"AccessToken/Revoke", func(s *suite) {
		ctx := s.Context()
		u := s.user("u")
		first := s.token(baton.AccessToken{UserID: u.ID})
		second := s.token(baton.AccessToken{UserID: u.ID, Family: first.ID})
		third := s.token(baton.AccessToken{UserID: u.ID, Family: first.ID})
		other := s.token(baton.AccessToken{UserID: u.ID})
		revoked := func() []baton.TokenID {
			yes := true
			return ids(must(s.AccessTokens(ctx, store.AccessTokenFilter{Revoked: &yes}, all)), tokenID)
		}
		s.tx(func(ctx context.Context, tx store.Tx) error { return tx.RevokeAccessToken(ctx, second.ID, now) })
		same(s, revoked(), []baton.TokenID{second.ID})
		s.tx(func(ctx context.Context, tx store.Tx) error { return tx.RevokeAccessTokenFamily(ctx, first.ID, now) })
		same(s, revoked(), []baton.TokenID{first.ID, second.ID, third.ID})
		s.missing(s.Tx(ctx, func(ctx context.Context, tx store.Tx) error { return tx.RevokeAccessTokenFamily(ctx, first.ID, now) }), "Token")
		s.tx(func(ctx context.Context, tx store.Tx) error { return tx.RevokeAccessToken(ctx, other.ID, now) })
		s.missing(s.Tx(ctx, func(ctx context.Context, tx store.Tx) error { return tx.RevokeAccessToken(ctx, other.ID, now) }), "Token")
	}},
	{"AccessToken/Touch", func(s *suite) {
		u := s.user("u")
		t := s.token(baton.AccessToken{UserID: u.ID})
		touch := func(at time.Time, ips ...string) {
			s.Helper()
			s.ok(s.TouchAccessToken(s.Context(), store.TokenUse{Token: t.ID, User: u.ID, At: at, IPs: ips}))
		}
		touch(now, "::1")
		touch(now.Add(time.Hour), "10.0.0.1", "::1")
		read := must(s.AccessToken(s.Context(), t.ID))
		same(s, read.LastUsedAt, kept.Add(time.Hour))
		same(s, read.LastUsedIPs, []string{"10.0.0.1", "::1"})
		same(s, must(s.User(s.Context(), u.ID)).LastActivityOn, today)
		touch(now.AddDate(0, 0, -1))
		same(s, must(s.User(s.Context(), u.ID)).LastActivityOn, today)
	}},
	{"AccessToken/List", func(s *suite) {
		ctx := s.Context()
		u, v := s.user("u"), s.user("v")
		day := 24 * time.Hour
		a := s.token(baton.AccessToken{UserID: u.ID, Name: "b Deploy", ExpiresAt: tomorrow, CreatedAt: kept, LastUsedAt: kept.Add(-day)})
		b := s.token(baton.AccessToken{UserID: u.ID, Name: "A_x", ExpiresAt: today, CreatedAt: kept.Add(-day), LastUsedAt: kept})
		c := s.token(baton.AccessToken{UserID: u.ID, Name: "a", Revoked: true, CreatedAt: kept.Add(day)})
		d := s.token(baton.AccessToken{UserID: v.ID, Name: "c", CreatedAt: kept})
		yes, no := true, false
		for _, row := range []struct {
			f    store.AccessTokenFilter
			want []baton.TokenID
		}{
			{store.AccessTokenFilter{}, []baton.TokenID{a.ID, b.ID, c.ID, d.ID}},
			{store.AccessTokenFilter{UserID: u.ID}, []baton.TokenID{a.ID, b.ID, c.ID}},
			{store.AccessTokenFilter{Search: "dEpLoy"}, []baton.TokenID{a.ID}},
			{store.AccessTokenFilter{Search: "_"}, []baton.TokenID{b.ID}},
			{store.AccessTokenFilter{Revoked: &yes}, []baton.TokenID{c.ID}},
			{store.AccessTokenFilter{Revoked: &no}, []baton.TokenID{a.ID, b.ID, d.ID}},
			{store.AccessTokenFilter{Active: &yes, Today: today}, []baton.TokenID{a.ID, d.ID}},
			{store.AccessTokenFilter{Active: &no, Today: today}, []baton.TokenID{b.ID, c.ID}},
			{store.AccessTokenFilter{CreatedAfter: kept}, []baton.TokenID{a.ID, c.ID, d.ID}},
			{store.AccessTokenFilter{CreatedBefore: kept}, []baton.TokenID{a.ID, b.ID, d.ID}},
			{store.AccessTokenFilter{CreatedBefore: kept.Add(-time.Microsecond)}, []baton.TokenID{b.ID}},
			{store.AccessTokenFilter{LastUsedAfter: kept}, []baton.TokenID{b.ID}},
			{store.AccessTokenFilter{LastUsedBefore: kept.Add(-day)}, []baton.TokenID{a.ID}},
			{store.AccessTokenFilter{ExpiresAfter: tomorrow}, []baton.TokenID{a.ID}},
			{store.AccessTokenFilter{ExpiresBefore: today}, []baton.TokenID{b.ID}},
			{store.AccessTokenFilter{Sort: "id_desc"}, []baton.TokenID{d.ID, c.ID, b.ID, a.ID}},
			{store.AccessTokenFilter{Sort: "created_at_asc"}, []baton.TokenID{b.ID, a.ID, d.ID, c.ID}},
			{store.AccessTokenFilter{Sort: "created_at_desc"}, []baton.TokenID{c.ID, d.ID, a.ID, b.ID}},
			{store.AccessTokenFilter{Sort: "expires_at_asc"}, []baton.TokenID{b.ID, a.ID, c.ID, d.ID}},
			{store.AccessTokenFilter{Sort: "expires_at_desc"}, []baton.TokenID{d.ID, c.ID, a.ID, b.ID}},
			{store.AccessTokenFilter{Sort: "last_used_at_asc"}, []baton.TokenID{a.ID, b.ID, c.ID, d.ID}},
			{store.AccessTokenFilter{Sort: "last_used_at_desc"}, []baton.TokenID{d.ID, c.ID, b.ID, a.ID}},
			{store.AccessTokenFilter{Sort: "name_asc"}, []baton.TokenID{b.ID, c.ID, a.ID, d.ID}}, // by bytes
			{store.AccessTokenFilter{Sort: "name_desc"}, []baton.TokenID{d.ID, a.ID, c.ID, b.ID}},
		} {
			same(s, ids(must(s.AccessTokens(ctx, row.f, all)), tokenID), row.want)
			same(s, must(s.CountAccessTokens(ctx, row.f)), len(row.want))
		}
		_, err := s.AccessTokens(ctx, store.AccessTokenFilter{Sort: "id; DROP TABLE users"}, all)
		s.code(err, baton.CodeInvalid)
	}},
}

var principalTests = []test{
	{"Principal", func(s *suite) {
		ctx := s.Context()
		u := s.user("u")
		want := baton.AccessToken{UserID: u.ID, Scopes: []baton.Scope{baton.ScopeAPI}, Revoked: true, ExpiresAt: yesterday, CreatedAt: kept}
		digest := baton.DigestOf("the token")
		settings := baton.DefaultSettings()
		settings.AdminMode = true
		s.tx(func(ctx context.Context, tx store.Tx) (err error) {
			want.ID, err = tx.InsertAccessToken(ctx, want, digest)
			return err
		})
		want.Family = want.ID
		same(s, must(s.Principal(ctx, digest)), store.Principal{Settings: baton.DefaultSettings(), Token: &want, User: &u})
		same(s, must(s.Principal(ctx, baton.Digest{})), store.Principal{Settings: baton.DefaultSettings()})

		s.tx(func(ctx context.Context, tx store.Tx) error { return tx.SetSettings(ctx, settings) })
		same(s, must(s.Principal(ctx, digest)), store.Principal{Settings: settings, Token: &want, User: &u})
		same(s, must(s.Principal(ctx, baton.DigestOf("?"))), store.Principal{Settings: settings})
	}},
	{"Principal/CallersMayChangeIt", func(s *suite) {
		ctx := s.Context()
		u := s.user("u")
		digest := baton.DigestOf("the token")
		s.tx(func(ctx context.Context, tx store.Tx) error {
			_, err := tx.InsertAccessToken(ctx, baton.AccessToken{
				UserID: u.ID, Scopes: []baton.Scope{baton.ScopeAPI}, LastUsedIPs: []string{"::1"}, CreatedAt: kept,
			}, digest)
			return err
		})
		want := must(s.Principal(ctx, digest))
		for range 3 { // what is read anew, what is kept, and what was changed
			p := must(s.Principal(ctx, digest))
			same(s, p, want)
			p.User.Admin, p.Token.Revoked = true, true
			p.Token.Scopes[0], p.Token.LastUsedIPs[0], p.Settings.ValidRunnerRegistrars[0] = "x", "x", "x"
			want = must(s.Principal(ctx, digest))
			same(s, want.User.Admin, false)
		}
	}},
	{"Principal/FollowsChanges", func(s *suite) {
		ctx := s.Context()
		u := s.user("u")
		digest := baton.DigestOf("the token")
		var id baton.TokenID
		s.tx(func(ctx context.Context, tx store.Tx) (err error) {
			id, err = tx.InsertAccessToken(ctx, baton.AccessToken{UserID: u.ID, CreatedAt: kept}, digest)
			return err
		})
		tx := func(fn func(context.Context, store.Tx) error) func() error {
			return func() error { return s.Tx(ctx, fn) }
		}
		for i, change := range []func() error{
			tx(func(ctx context.Context, tx store.Tx) error { return tx.RevokeAccessToken(ctx, id, now) }),
			func() error { return s.TouchAccessToken(ctx, store.TokenUse{Token: id, User: u.ID, At: now}) },
			tx(func(ctx context.Context, tx store.Tx) error {
				u.State = baton.UserBlocked
				return tx.UpdateUser(ctx, u)
			}),
			tx(func(ctx context.Context, tx store.Tx) error {
				settings := baton.DefaultSettings()
				settings.AdminMode = true
				return tx.SetSettings(ctx, settings)
			}),
			tx(func(ctx context.Context, tx store.Tx) error { return tx.DeleteUser(ctx, u.ID) }),
		} {
			before := must(s.Principal(ctx, digest))
			s.ok(change())
			if cmp.Equal(before, must(s.Principal(ctx, digest))) {
				s.Errorf("change %d is not seen", i)
			}
		}
	}},
}
