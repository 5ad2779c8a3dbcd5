package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

var createTests = []test{
	{"CreateRunner/StoresAll", func(s *suite) {
		ctx := s.Context()
		u := s.user("u")
		g := s.group("g", 0)
		p := s.project("p", g.ID)
		c := s.creation(baton.Runner{Type: baton.ProjectRunner, ProjectID: p.ID, CreatorID: u.ID, Tags: []string{"b", "a"}})
		var told baton.RunnerID
		c.Audit = func(id baton.RunnerID) baton.AuditEvent {
			told = id
			return baton.AuditEvent{
				Name: "n", AuthorID: u.ID, AuthorName: "a", IP: "::1", Source: baton.InProject(p.ID), TargetType: "t", TargetID: int64(id), TargetDetails: "d", Message: "m",
				Changes: []baton.AuditChange{{Attribute: "a", From: "b", To: "c"}}, CreatedAt: now,
			}
		}
		want := store.Answer{UserID: u.ID, Key: baton.DigestOf("k"), Request: baton.DigestOf("r"), Sealed: []byte{0, 255}, ExpiresAt: now}
		c.Answer = func(id baton.RunnerID) (store.Answer, error) { return want, nil }
		id := must(s.CreateRunner(ctx, c))
		same(s, told, id)
		want.ExpiresAt = kept
		same(s, must(s.Answer(ctx, u.ID, want.Key)), want)
		same(s, must(s.RunnerProjects(ctx, id)), []baton.Project{p})
		events := must(s.AuditEvents(ctx, store.AuditFilter{}, all))
		e := c.Audit(id)
		e.ID, e.CreatedAt = events[0].ID, kept
		same(s, events, []baton.AuditEvent{e})

		s.tx(func(ctx context.Context, tx store.Tx) error {
			same(s, must(tx.DeleteAnswers(ctx, now.Add(-time.Microsecond))), 0)
			same(s, must(tx.DeleteAnswers(ctx, now)), 1)
			return nil
		})
		_, err := s.Answer(ctx, u.ID, want.Key)
		s.missing(err, "Answer")
	}},
	{"CreateRunner/Refused", func(s *suite) {
		ctx := s.Context()
		u := s.user("u")
		answered := func(c store.RunnerCreation) store.RunnerCreation {
			c.Answer = func(baton.RunnerID) (store.Answer, error) {
				return store.Answer{UserID: u.ID, Key: baton.DigestOf("k"), Sealed: []byte{1}, ExpiresAt: now}, nil
			}
			return c
		}
		first := answered(s.creation(baton.Runner{}))
		must(s.CreateRunner(ctx, first))
		create := func(c store.RunnerCreation) error {
			_, err := s.CreateRunner(ctx, c)
			return err
		}
		s.field(create(answered(s.creation(baton.Runner{}))), "key")
		sameToken := s.creation(baton.Runner{})
		sameToken.Token = first.Token
		s.field(create(sameToken), "token")
		s.code(create(s.creation(baton.Runner{CreatorID: 99})), baton.CodeStale)
		s.code(create(s.creation(baton.Runner{Type: baton.GroupRunner, GroupID: 99})), baton.CodeStale)
		s.code(create(s.creation(baton.Runner{Type: baton.ProjectRunner, ProjectID: 99})), baton.CodeStale)

		sealing := errors.New("cannot seal")
		unsealed := s.creation(baton.Runner{})
		unsealed.Answer = func(baton.RunnerID) (store.Answer, error) { return store.Answer{}, sealing }
		if _, err := s.CreateRunner(ctx, unsealed); !errors.Is(err, sealing) {
			s.Errorf("error %v, want %v", err, sealing)
		}
		same(s, must(s.CountRunners(ctx, store.RunnerFilter{}, most)), 1)
		same(s, must(s.CountAuditEvents(ctx, store.AuditFilter{}, most)), 1)
	}},
	{"CreateRunner/Cancelled", func(s *suite) {
		ctx, cancel := context.WithCancel(s.Context())
		cancel()
		if _, err := s.CreateRunner(ctx, s.creation(baton.Runner{})); !errors.Is(err, context.Canceled) {
			s.Errorf("error %v, want that of the context", err)
		}
		same(s, must(s.CountRunners(s.Context(), store.RunnerFilter{}, most)), 0)
	}},
	{"CreateRunner/Panic", func(s *suite) {
		c := s.creation(baton.Runner{})
		c.Audit = func(baton.RunnerID) baton.AuditEvent { panic("audit") }
		func() {
			defer func() {
				if recover() == nil {
					s.Error("the panic did not reach the caller")
				}
			}()
			_, _ = s.CreateRunner(s.Context(), c) // panics
		}()
		s.runner(baton.Runner{})
		same(s, must(s.CountRunners(s.Context(), store.RunnerFilter{}, most)), 1)
	}},
	{"CreateRunner/AtOnce", func(s *suite) {
		// Good and bad ones share batches, and every one has its own outcome.
		ctx := s.Context()
		const n = 96
		creations := make([]store.RunnerCreation, n)
		for i := range creations {
			creations[i] = s.creation(baton.Runner{Description: strconv.Itoa(i), Tags: []string{fmt.Sprint("t", i)}})
			if i%16 == 5 {
				creations[i].Runner.CreatorID = 99
			}
		}
		var mu sync.Mutex
		var stored []baton.RunnerID
		var group sync.WaitGroup
		for i, c := range creations {
			group.Go(func() {
				id, err := s.CreateRunner(ctx, c)
				switch {
				case i%16 == 5:
					if baton.CodeOf(err) != baton.CodeStale {
						s.Errorf("runner %d: error %v, want CodeStale", i, err)
					}
				case err != nil:
					s.Errorf("runner %d: %v", i, err)
				default:
					r, _, err := s.RunnerByToken(ctx, c.Token)
					if err != nil || r.ID != id || r.Description != c.Runner.Description || !slices.Equal(r.Tags, c.Runner.Tags) {
						s.Errorf("runner %d reads as %+v, %v", i, r, err)
					}
					mu.Lock()
					stored = append(stored, id)
					mu.Unlock()
				}
			})
		}
		group.Wait()
		slices.Sort(stored)
		same(s, ids(must(s.Runners(ctx, store.RunnerFilter{}, all)), runnerID), stored)
		same(s, must(s.CountAuditEvents(ctx, store.AuditFilter{}, most)), len(stored))
	}},
}
