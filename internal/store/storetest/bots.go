package storetest

import (
	"context"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

// bot stores the bot of a group or project.
func (s *suite) bot(of baton.Source) baton.User {
	s.Helper()
	name := s.unique("bot")
	u := baton.User{
		Username: name, Name: "ci", Email: name + "@example.com", State: baton.UserActive,
		Bot: true, BotOf: of, CreatedAt: kept, UpdatedAt: kept,
	}
	s.tx(func(ctx context.Context, tx store.Tx) (err error) {
		u.ID, err = tx.InsertUser(ctx, u)
		return err
	})
	return u
}

var botTests = []test{
	{"Bot/RoundTrip", func(s *suite) {
		g := s.group("g", 0)
		for _, of := range []baton.Source{baton.InGroup(g.ID), baton.InProject(s.project("p", g.ID).ID)} {
			want := s.bot(of)
			same(s, must(s.User(s.Context(), want.ID)), want)
			changed := want
			changed.Name, changed.BotOf = "other", baton.Source{}
			s.tx(func(ctx context.Context, tx store.Tx) error { return tx.UpdateUser(ctx, changed) })
			want.Name = "other"
			same(s, must(s.User(s.Context(), want.ID)), want)
		}
	}},
	{"Bot/SourceGone", func(s *suite) {
		for _, of := range []baton.Source{baton.InGroup(99), baton.InProject(99)} {
			s.stale(func(ctx context.Context, tx store.Tx) error {
				_, err := tx.InsertUser(ctx, baton.User{
					Username: "b", Email: "b@example.com", State: baton.UserActive, Bot: true, BotOf: of, CreatedAt: now, UpdatedAt: now,
				})
				return err
			})
		}
	}},
	{"Bot/Tokens", func(s *suite) {
		ctx := s.Context()
		g := s.group("g", 0)
		p := s.project("p", g.ID)
		ofGroup, second, ofProject := s.bot(baton.InGroup(g.ID)), s.bot(baton.InGroup(g.ID)), s.bot(baton.InProject(p.ID))
		s.token(baton.AccessToken{UserID: s.user("u").ID})
		s.token(baton.AccessToken{UserID: s.bot(baton.InGroup(s.group("h", 0).ID)).ID})
		a := s.token(baton.AccessToken{UserID: ofGroup.ID, Name: "a"})
		b := s.token(baton.AccessToken{UserID: second.ID, Name: "b"})
		c := s.token(baton.AccessToken{UserID: ofProject.ID, Name: "a"})
		for _, row := range []struct {
			f    store.AccessTokenFilter
			want []baton.TokenID
		}{
			{store.AccessTokenFilter{BotsOf: baton.InGroup(g.ID)}, []baton.TokenID{a.ID, b.ID}},
			{store.AccessTokenFilter{BotsOf: baton.InGroup(g.ID), Search: "B"}, []baton.TokenID{b.ID}},
			{store.AccessTokenFilter{BotsOf: baton.InProject(p.ID)}, []baton.TokenID{c.ID}},
			{store.AccessTokenFilter{BotsOf: baton.InProject(p.ID + 1)}, []baton.TokenID{}},
		} {
			same(s, ids(must(s.AccessTokens(ctx, row.f, all)), tokenID), row.want)
			same(s, must(s.CountAccessTokens(ctx, row.f)), len(row.want))
		}
		same(s, ids(must(s.Users(ctx, store.UserFilter{BotsOf: baton.InGroup(g.ID)}, all)), userID), []baton.UserID{ofGroup.ID, second.ID})
		same(s, ids(must(s.Users(ctx, store.UserFilter{BotsOf: baton.InProject(p.ID)}, all)), userID), []baton.UserID{ofProject.ID})
		same(s, must(s.CountUsers(ctx, store.UserFilter{BotsOf: baton.InProject(p.ID + 1)})), 0)
	}},
	{"Bot/GoesWithWhatItIsOf", func(s *suite) {
		ctx := s.Context()
		top := s.group("top", 0)
		sub := s.group("sub", top.ID)
		p, q := s.project("p", sub.ID), s.project("q", sub.ID)
		other := s.bot(baton.InGroup(s.group("other", 0).ID))
		var bots []baton.User
		for _, of := range []baton.Source{baton.InProject(p.ID), baton.InProject(q.ID), baton.InGroup(sub.ID), baton.InGroup(top.ID)} {
			b := s.bot(of)
			s.member(b, of, baton.OwnerAccess)
			bots = append(bots, b)
		}
		digest := baton.DigestOf("a bot's")
		s.tx(func(ctx context.Context, tx store.Tx) error {
			_, err := tx.InsertAccessToken(ctx, baton.AccessToken{UserID: bots[3].ID, CreatedAt: now}, digest)
			return err
		})
		same(s, must(s.Principal(ctx, digest)).User.ID, bots[3].ID)
		// What it made lives on, where that is elsewhere.
		runner := s.runner(baton.Runner{Type: baton.InstanceRunner, CreatorID: bots[3].ID})

		left := func() []baton.UserID {
			return ids(must(s.Users(ctx, store.UserFilter{}, all)), userID)
		}
		s.tx(func(ctx context.Context, tx store.Tx) error { return tx.DeleteProject(ctx, p.ID) })
		same(s, left(), []baton.UserID{other.ID, bots[1].ID, bots[2].ID, bots[3].ID})
		s.tx(func(ctx context.Context, tx store.Tx) error { return tx.DeleteNamespace(ctx, top.ID) })
		same(s, left(), []baton.UserID{other.ID})
		same(s, must(s.Principal(ctx, digest)).Token, nil)
		same(s, must(s.Runner(ctx, runner.ID)).CreatorID, 0)
	}},
	{"Bot/Retired", func(s *suite) {
		ctx := s.Context()
		of := baton.InGroup(s.group("g", 0).ID)
		day := 24 * time.Hour
		// Each is a bot with these tokens, and whether it is retired when asked
		// about the time of the tests.
		retired := map[baton.UserID]bool{s.user("nobody's bot").ID: false, s.bot(of).ID: true}
		for _, row := range []struct {
			retired bool
			tokens  []baton.AccessToken
			revoked time.Time
		}{
			{tokens: []baton.AccessToken{{}}},
			{tokens: []baton.AccessToken{{ExpiresAt: tomorrow}}},
			{tokens: []baton.AccessToken{{ExpiresAt: yesterday}, {}}},
			{tokens: []baton.AccessToken{{ExpiresAt: yesterday}}, retired: true},
			{tokens: []baton.AccessToken{{ExpiresAt: today}}, retired: true},
			{tokens: []baton.AccessToken{{}}, revoked: kept.Add(time.Microsecond)},
			{tokens: []baton.AccessToken{{}}, revoked: kept, retired: true},
			{tokens: []baton.AccessToken{{ExpiresAt: tomorrow}, {ExpiresAt: yesterday}}, revoked: kept, retired: true},
			{tokens: []baton.AccessToken{{Revoked: true, CreatedAt: kept.Add(day)}}},
			{tokens: []baton.AccessToken{{Revoked: true, CreatedAt: kept.Add(-day)}}, retired: true},
		} {
			bot := s.bot(of)
			retired[bot.ID] = row.retired
			for i, t := range row.tokens {
				t.UserID = bot.ID
				made := s.token(t)
				if i == 0 && !row.revoked.IsZero() {
					s.tx(func(ctx context.Context, tx store.Tx) error {
						return tx.RevokeAccessTokenFamily(ctx, made.ID, row.revoked)
					})
				}
			}
		}
		want := []baton.UserID{}
		for _, u := range must(s.Users(ctx, store.UserFilter{}, all)) {
			if retired[u.ID] {
				want = append(want, u.ID)
			}
		}
		same(s, must(s.RetiredBots(ctx, kept.Add(-time.Microsecond), all)), []baton.User{}) // not made yet
		same(s, ids(must(s.RetiredBots(ctx, kept, all)), userID), want)
		same(s, ids(must(s.RetiredBots(ctx, kept, store.Page{Limit: 2, Offset: 1})), userID), want[1:3])
	}},
}
