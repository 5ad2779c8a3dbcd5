package storetest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

// put stores a key proof: the smallest write.
func put(key string) func(context.Context, store.Tx) error {
	return func(ctx context.Context, tx store.Tx) error { return tx.InsertKeyProof(ctx, key, []byte("p")) }
}

var errTest = errors.New("the test says no")

var transactionTests = []test{
	{"Tx/ReadsItsWrites", func(s *suite) {
		s.tx(func(ctx context.Context, tx store.Tx) error {
			s.ok(put("k")(ctx, tx))
			same(s, must(tx.KeyIDs(ctx)), []string{"k"})
			same(s, must(s.KeyIDs(ctx)), []string{}) // others do not see them yet
			return nil
		})
		same(s, must(s.KeyIDs(s.Context())), []string{"k"})
	}},
	{"Tx/ErrorUndoes", func(s *suite) {
		err := s.Tx(s.Context(), func(ctx context.Context, tx store.Tx) error {
			s.ok(put("k")(ctx, tx))
			return errTest
		})
		if !errors.Is(err, errTest) {
			s.Errorf("error %v, want %v", err, errTest)
		}
		same(s, must(s.KeyIDs(s.Context())), []string{})
	}},
	{"Tx/PanicUndoes", func(s *suite) {
		func() {
			defer func() { same(s, recover(), any("no")) }()
			_ = s.Tx(s.Context(), func(ctx context.Context, tx store.Tx) error { // panics
				s.ok(put("k")(ctx, tx))
				panic("no")
			})
		}()
		same(s, must(s.KeyIDs(s.Context())), []string{})
		s.tx(put("k"))
	}},
	{"Tx/GoexitUndoes", func(s *suite) {
		// A test's FailNow inside a transaction must not stop the store.
		var group sync.WaitGroup
		group.Go(func() {
			_ = s.Tx(s.Context(), func(ctx context.Context, tx store.Tx) error { // does not return
				s.ok(put("k")(ctx, tx))
				runtime.Goexit()
				return nil
			})
		})
		group.Wait()
		s.tx(put("k"))
	}},
	{"Tx/Nested", func(s *suite) {
		s.tx(func(ctx context.Context, tx store.Tx) error {
			if err := s.Tx(ctx, put("k")); err == nil {
				s.Error("a transaction inside a transaction began")
			}
			return nil
		})
	}},
	{"Tx/Cancelled", func(s *suite) {
		ctx, cancel := context.WithCancel(s.Context())
		cancel()
		err := s.Tx(ctx, func(context.Context, store.Tx) error {
			s.Error("the closure ran")
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			s.Errorf("error %v, want that of the context", err)
		}
	}},
	{"Tx/CancelledInside", func(s *suite) {
		// Either outcome is right, as long as it is told truly.
		ctx, cancel := context.WithCancel(s.Context())
		err := s.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
			err := put("k")(ctx, tx)
			cancel()
			return err
		})
		want := []string{"k"}
		if err != nil {
			want = []string{}
		}
		same(s, must(s.KeyIDs(s.Context())), want)
		s.tx(put("next"))
	}},
	{"Tx/AtOnce", func(s *suite) {
		// Neighbours of a commit fail and panic; each has its own outcome.
		ctx := s.Context()
		const n = 90
		var group sync.WaitGroup
		for i := range n {
			group.Go(func() {
				key := fmt.Sprintf("%02d", i)
				defer func() {
					if v := recover(); (v != nil) != (i%9 == 7) {
						s.Errorf("transaction %d: panic %v", i, v)
					}
				}()
				err := s.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
					if err := put(key)(ctx, tx); err != nil {
						return err
					}
					switch i % 9 {
					case 3:
						return errTest
					case 5:
						return put(key)(ctx, tx) // a conflict
					case 7:
						panic(i)
					}
					return nil
				})
				switch i % 9 {
				case 3:
					if !errors.Is(err, errTest) {
						s.Errorf("transaction %d: error %v", i, err)
					}
				case 5:
					if baton.CodeOf(err) != baton.CodeConflict {
						s.Errorf("transaction %d: error %v", i, err)
					}
				default:
					if err != nil {
						s.Errorf("transaction %d: %v", i, err)
					} else if _, err := s.KeyProof(ctx, key); err != nil {
						s.Errorf("transaction %d does not read its write: %v", i, err)
					}
				}
			})
		}
		group.Wait()
		same(s, len(must(s.KeyIDs(ctx))), n*6/9)
	}},
	{"Tx/ReadsThenWrites", func(s *suite) {
		// Everybody adds one to what is read; none of it may be lost.
		const n = 48
		settings := must(s.Settings(s.Context()))
		settings.AuthenticatedThrottle.Requests = 1
		s.tx(func(ctx context.Context, tx store.Tx) error { return tx.SetSettings(ctx, settings) })
		var group sync.WaitGroup
		for range n {
			group.Go(func() {
				err := s.Tx(s.Context(), func(ctx context.Context, tx store.Tx) error {
					settings, err := tx.Settings(ctx)
					if err != nil {
						return err
					}
					settings.AuthenticatedThrottle.Requests++
					return tx.SetSettings(ctx, settings)
				})
				if err != nil {
					s.Error(err)
				}
			})
		}
		group.Wait()
		same(s, must(s.Settings(s.Context())).AuthenticatedThrottle.Requests, n+1)
	}},
	{"Tx/DecidesByOthers", func(s *suite) {
		// Everybody leaves unless the last one: rows that nobody writes decide.
		const n = 24
		in := baton.InGroup(s.group("g", 0).ID)
		users := make([]baton.User, n)
		for i := range users {
			users[i] = s.user("u")
			s.member(users[i], in, baton.OwnerAccess)
		}
		var group sync.WaitGroup
		for _, u := range users {
			group.Go(func() {
				err := s.Tx(s.Context(), func(ctx context.Context, tx store.Tx) error {
					n, err := tx.CountMembers(ctx, in)
					if err != nil || n == 1 {
						return err
					}
					return tx.DeleteMember(ctx, in, u.ID)
				})
				if err != nil {
					s.Error(err)
				}
			})
		}
		group.Wait()
		same(s, must(s.CountMembers(s.Context(), in)), 1)
	}},
	{"Store", func(s *suite) {
		s.ok(s.Ping(s.Context()))
		if k := s.Kind(); k != "SQLite" && k != "PostgreSQL" {
			s.Errorf("unknown kind %q", k)
		}
	}},
	{"Store/Closed", func(s *suite) {
		s.ok(s.Close())
		s.code(s.Tx(s.Context(), put("k")), baton.CodeUnavailable)
		_, err := s.CreateRunner(s.Context(), s.creation(baton.Runner{}))
		s.code(err, baton.CodeUnavailable)
		s.code(s.Ping(s.Context()), baton.CodeUnavailable)
		_, err = s.Settings(s.Context())
		s.code(err, baton.CodeUnavailable)
	}},
}
