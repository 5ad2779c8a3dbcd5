package storetest

import (
	"context"
	"sync"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

// registrationToken returns a token of the source as it is stored.
func registrationToken(of baton.Source, number int, text string) store.RegistrationToken {
	return store.RegistrationToken{
		Source: of, Number: number, Digest: baton.DigestOf(text), Sealed: []byte{0, 255, byte(number)}, CreatedAt: kept,
	}
}

func (s *suite) setRegistrationToken(t store.RegistrationToken) {
	s.Helper()
	s.tx(func(ctx context.Context, tx store.Tx) error { return tx.SetRegistrationToken(ctx, t) })
}

var registrationTokenTests = []test{
	{"RegistrationToken/RoundTrip", func(s *suite) {
		ctx := s.Context()
		g := s.group("g", 0)
		p := s.project("p", g.ID)
		// The group and the project have the same number.
		sources := []baton.Source{{}, baton.InGroup(g.ID), baton.InProject(p.ID)}
		tokens := make([]store.RegistrationToken, len(sources))
		for i, of := range sources {
			_, err := s.RegistrationToken(ctx, of)
			s.missing(err, "Registration token")
			tokens[i] = registrationToken(of, 1, s.unique("token"))
			given := tokens[i]
			given.CreatedAt = now
			s.setRegistrationToken(given)
		}
		for _, want := range tokens {
			same(s, must(s.RegistrationToken(ctx, want.Source)), want)
			same(s, must(s.RegistrationTokenByDigest(ctx, want.Digest)), want)
		}
	}},
	{"RegistrationToken/Replaced", func(s *suite) {
		ctx := s.Context()
		g := s.group("g", 0)
		for _, of := range []baton.Source{{}, baton.InGroup(g.ID), baton.InProject(s.project("p", g.ID).ID)} {
			old, next := registrationToken(of, 1, s.unique("token")), registrationToken(of, 2, s.unique("token"))
			s.setRegistrationToken(old)
			next.CreatedAt = kept.Add(time.Hour)
			s.setRegistrationToken(next)
			same(s, must(s.RegistrationToken(ctx, of)), next)
			_, err := s.RegistrationTokenByDigest(ctx, old.Digest)
			s.missing(err, "Registration token")
			same(s, must(s.RegistrationTokenByDigest(ctx, next.Digest)), next)
		}
	}},
	{"RegistrationToken/Refused", func(s *suite) {
		ctx := s.Context()
		g := s.group("g", 0)
		set := func(t store.RegistrationToken) error {
			return s.Tx(ctx, func(ctx context.Context, tx store.Tx) error { return tx.SetRegistrationToken(ctx, t) })
		}
		s.ok(set(registrationToken(baton.Source{}, 1, "taken")))
		s.field(set(registrationToken(baton.InGroup(g.ID), 1, "taken")), "token")
		s.code(set(registrationToken(baton.InGroup(99), 1, "a")), baton.CodeStale)
		s.code(set(registrationToken(baton.InProject(99), 1, "b")), baton.CodeStale)
	}},
	{"RegistrationToken/EndsWithItsSource", func(s *suite) {
		ctx := s.Context()
		top := s.group("top", 0)
		below := s.group("below", top.ID)
		p := s.project("p", below.ID)
		q := s.project("q", top.ID)
		for _, of := range []baton.Source{{}, baton.InGroup(top.ID), baton.InGroup(below.ID), baton.InProject(p.ID), baton.InProject(q.ID)} {
			s.setRegistrationToken(registrationToken(of, 1, s.unique("token")))
		}
		gone := func(of baton.Source) {
			s.Helper()
			_, err := s.RegistrationToken(ctx, of)
			s.missing(err, "Registration token")
		}
		s.tx(func(ctx context.Context, tx store.Tx) error { return tx.DeleteProject(ctx, q.ID) })
		gone(baton.InProject(q.ID))
		must(s.RegistrationToken(ctx, baton.InGroup(top.ID)))
		s.tx(func(ctx context.Context, tx store.Tx) error { return tx.DeleteNamespace(ctx, top.ID) })
		for _, of := range []baton.Source{baton.InGroup(top.ID), baton.InGroup(below.ID), baton.InProject(p.ID)} {
			gone(of)
		}
		must(s.RegistrationToken(ctx, baton.Source{}))
	}},
	{"RegistrationToken/MadeAtOnce", func(s *suite) {
		// Many want the first token of a source: one makes it, all see that one.
		ctx := s.Context()
		of := baton.InGroup(s.group("g", 0).ID)
		const n = 8
		seen := make([]baton.Digest, n)
		var group sync.WaitGroup
		for i := range seen {
			mine := registrationToken(of, 1, s.unique("token"))
			group.Go(func() {
				err := s.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
					t, err := tx.RegistrationToken(ctx, of)
					if baton.IsNotFound(err) {
						t, err = mine, tx.SetRegistrationToken(ctx, mine)
					}
					seen[i] = t.Digest
					return err
				})
				if err != nil {
					s.Error(err)
				}
			})
		}
		group.Wait()
		for _, digest := range seen {
			if digest != seen[0] {
				s.Error("two were given different tokens")
			}
		}
		same(s, must(s.RegistrationToken(ctx, of)).Digest == seen[0], true)
	}},
}
