package postgres_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/store"
	"baton.example/baton/internal/store/postgres"
	"baton.example/baton/internal/testkit/pgtest"
)

var quiet = slog.New(slog.DiscardHandler)

func put(key string) func(context.Context, store.Tx) error {
	return func(ctx context.Context, tx store.Tx) error { return tx.InsertKeyProof(ctx, key, []byte("p")) }
}

func TestOpenTogether(t *testing.T) {
	at := pgtest.URL(t)
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			s, err := postgres.Open(t.Context(), at, quiet)
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			if err := s.Tx(t.Context(), put(fmt.Sprint(i))); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

func TestOpenRefusesNewerSchema(t *testing.T) {
	at := pgtest.URL(t)
	s, err := postgres.Open(t.Context(), at, quiet)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("pgx", at)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (7000, true)"); err != nil {
		t.Fatal(err)
	}
	_, err = postgres.Open(t.Context(), at, quiet)
	if baton.CodeOf(err) != baton.CodeUnavailable || !strings.Contains(err.Error(), "written by a newer Baton (schema 7000") {
		t.Errorf("error %v", err)
	}
}

func TestOpenUnreachable(t *testing.T) {
	for _, at := range []string{
		"postgres://someone:s3cret@127.0.0.1:1/baton?sslmode=disable", // nobody listens
		"postgres://someone:s3cret@[broken/baton",
		"host=127.0.0.1 port=none password=s3cret",
	} {
		begin := time.Now()
		s, err := postgres.Open(t.Context(), at, quiet)
		if err == nil {
			s.Close()
			t.Fatalf("%s was opened", at)
		}
		if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("the password is in %q", err)
		}
		if took := time.Since(begin); took > 10*time.Second {
			t.Errorf("it took %v to say %q", took, err)
		}
	}
}

func TestWrongPasswordIsNotShown(t *testing.T) {
	u, err := url.Parse(pgtest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("nobody_known_here", "s3cret")
	s, err := postgres.Open(t.Context(), u.String(), quiet)
	if err == nil {
		s.Close()
		t.Fatal("an unknown user got in")
	}
	if strings.Contains(err.Error(), "s3cret") {
		t.Errorf("the password is in %q", err)
	}
}

func TestServerDies(t *testing.T) {
	server := pgtest.Server(t, pgtest.Options{})
	s, err := postgres.Open(t.Context(), server.URL(), quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	work := map[string]func() error{
		"Tx":       func() error { return s.Tx(t.Context(), put(rand())) },
		"Settings": func() error { _, err := s.Settings(t.Context()); return err },
		"Ping":     func() error { return s.Ping(t.Context()) },
		"CreateRunner": func() error {
			now := time.Now()
			_, err := s.CreateRunner(t.Context(), store.RunnerCreation{
				Runner: baton.Runner{Type: baton.InstanceRunner, AccessLevel: baton.NotProtected, CreatedAt: now, UpdatedAt: now},
				Token:  baton.DigestOf(rand()),
				Audit:  func(baton.RunnerID) baton.AuditEvent { return baton.AuditEvent{CreatedAt: now} },
			})
			return err
		},
	}
	up := func() {
		t.Helper()
		for name, do := range work {
			if err := do(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	up()
	for _, stop := range []func(){server.Stop, server.Kill} {
		// What was under way when the server went away learns of it too.
		var group sync.WaitGroup
		stopped := make(chan bool)
		for name, do := range work {
			group.Go(func() {
				for {
					err := do()
					if err == nil {
						continue
					}
					if baton.CodeOf(err) != baton.CodeUnavailable {
						t.Errorf("%s on the way down: code %d, %v", name, baton.CodeOf(err), err)
					}
					select {
					case <-stopped:
						return
					default:
					}
				}
			})
		}
		stop()
		close(stopped)
		group.Wait()
		for name, do := range work {
			if err := do(); baton.CodeOf(err) != baton.CodeUnavailable {
				t.Errorf("%s without a server: code %d, %v", name, baton.CodeOf(err), err)
			}
		}
		server.Start()
		up()
	}
	server.Disconnect()
	if err := s.Ping(t.Context()); err != nil && baton.CodeOf(err) != baton.CodeUnavailable {
		t.Error(err)
	}
}

// TestLockedGroupKeepsItsOwn locks a group while runners are created: those of
// the group wait, and nobody else.
func TestLockedGroupKeepsItsOwn(t *testing.T) {
	at := pgtest.URL(t)
	s, err := postgres.Open(t.Context(), at, quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	now := time.Now()
	var group baton.NamespaceID
	err = s.Tx(t.Context(), func(ctx context.Context, tx store.Tx) (err error) {
		group, err = tx.InsertNamespace(ctx, baton.Namespace{
			Kind: baton.GroupNamespace, Path: "g", Visibility: baton.Private, CreatedAt: now, UpdatedAt: now,
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("pgx", at)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	lock, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Rollback() }() // if the test ends early
	if _, err := lock.ExecContext(t.Context(), "SELECT FROM namespaces WHERE id = $1 FOR UPDATE", group); err != nil {
		t.Fatal(err)
	}

	create := func(r baton.Runner) error {
		r.AccessLevel, r.CreatedAt, r.UpdatedAt = baton.NotProtected, now, now
		_, err := s.CreateRunner(t.Context(), store.RunnerCreation{
			Runner: r, Token: baton.DigestOf(rand()),
			Audit: func(baton.RunnerID) baton.AuditEvent { return baton.AuditEvent{CreatedAt: now} },
		})
		return err
	}
	begin := time.Now()
	var inGroup, others sync.WaitGroup
	for range 12 {
		inGroup.Go(func() {
			if err := create(baton.Runner{Type: baton.GroupRunner, GroupID: group}); err != nil {
				t.Errorf("a runner of the group: %v", err)
			}
		})
		others.Go(func() {
			if err := create(baton.Runner{Type: baton.InstanceRunner}); err != nil {
				t.Errorf("a neighbour: %v", err)
			}
		})
	}
	others.Wait()
	if took := time.Since(begin); took > 4*time.Second {
		t.Errorf("the neighbours waited %v", took)
	}
	if n, err := s.CountRunners(t.Context(), store.RunnerFilter{}, 100); err != nil || n != 12 {
		t.Errorf("%d runners, %v; want those of the neighbours", n, err)
	}
	if err := lock.Commit(); err != nil {
		t.Fatal(err)
	}
	inGroup.Wait()
}

func rand() string { return baton.NewToken("").Reveal() }
