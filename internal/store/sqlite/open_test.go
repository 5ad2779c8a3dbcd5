package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/store"
	"baton.example/baton/internal/store/sqlite"
)

var quiet = slog.New(slog.DiscardHandler)

func put(key string) func(context.Context, store.Tx) error {
	return func(ctx context.Context, tx store.Tx) error { return tx.InsertKeyProof(ctx, key, []byte("p")) }
}

func TestOpenKeepsWhatIsThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b?c#%41.db")
	for i := range 3 {
		s, err := sqlite.Open(t.Context(), path, quiet)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Tx(t.Context(), put(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
		if keys, err := s.KeyIDs(t.Context()); err != nil || len(keys) != i+1 {
			t.Fatalf("keys %v, error %v, want %d keys", keys, err, i+1)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the file has mode %v, want -rw-------", info.Mode())
	}
}

// made makes a database, and opens it for a test to change.
func made(t *testing.T) (path string, db *sql.DB) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "baton.db")
	s, err := sqlite.Open(t.Context(), path, quiet)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db, err = sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return path, db
}

// A database that somebody began with between two migrations, of which the one
// with the lower number landed last, gets that one too.
func TestOpenRunsWhatLandedLate(t *testing.T) {
	path, db := made(t)
	for _, undo := range []string{
		"DROP TABLE registration_tokens",
		"ALTER TABLE runners DROP COLUMN registered",
		"DELETE FROM goose_db_version WHERE version_id = 2",
	} {
		if _, err := db.ExecContext(t.Context(), undo); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		s, err := sqlite.Open(t.Context(), path, quiet)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.RegistrationToken(t.Context(), baton.Source{}); !baton.IsNotFound(err) {
			t.Errorf("error %v, want that there is no token yet", err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOpenRefusesNewerSchema(t *testing.T) {
	path, db := made(t)
	if _, err := db.ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (7000, true)"); err != nil {
		t.Fatal(err)
	}
	_, err := sqlite.Open(t.Context(), path, quiet)
	if baton.CodeOf(err) != baton.CodeUnavailable || !strings.Contains(err.Error(), "written by a newer Baton (schema 7000") {
		t.Errorf("error %v", err)
	}
}

func TestOpenRefusesWhatIsNoDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "baton.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("not a database", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := sqlite.Open(t.Context(), path, quiet); err == nil {
		s.Close()
		t.Error("a text file was opened")
	}
	if s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "missing", "baton.db"), quiet); !errors.Is(err, os.ErrNotExist) {
		if err == nil {
			s.Close()
		}
		t.Errorf("error %v, want that the directory does not exist", err)
	}
}

// Two stores on one file stand for two processes: SQLite tells them apart by
// their connections alone.
func TestTwoProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "baton.db")
	var stores [2]store.Store
	var group sync.WaitGroup
	for i := range stores {
		group.Go(func() { // both migrate
			s, err := sqlite.Open(t.Context(), path, quiet)
			if err != nil {
				t.Error(err)
				return
			}
			stores[i] = s
			t.Cleanup(func() { s.Close() })
		})
	}
	group.Wait()
	if t.Failed() {
		return
	}
	for i := range 100 {
		group.Go(func() {
			key := fmt.Sprint(i)
			if err := stores[i%2].Tx(t.Context(), put(key)); err != nil {
				t.Error(err)
			}
			if _, err := stores[1-i%2].KeyProof(t.Context(), key); err != nil {
				t.Errorf("the other process does not read: %v", err)
			}
		})
	}
	group.Wait()
}

func TestWaitingTxCanLeave(t *testing.T) {
	s := open(t)
	began, finish := make(chan bool), make(chan bool)
	var group sync.WaitGroup
	defer group.Wait()
	group.Go(func() {
		err := s.Tx(t.Context(), func(context.Context, store.Tx) error {
			close(began)
			<-finish
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-began
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan error)
	go func() {
		left <- s.Tx(ctx, func(context.Context, store.Tx) error {
			t.Error("the closure ran")
			return nil
		})
	}()
	cancel()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
	close(finish)
	if err := s.Tx(t.Context(), put("k")); err != nil {
		t.Error(err)
	}
}

func TestPrincipalFollowsTheOtherProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "baton.db")
	var stores [2]store.Store
	for i := range stores {
		s, err := sqlite.Open(t.Context(), path, quiet)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		stores[i] = s
	}
	digest := baton.DigestOf("the token")
	var id baton.TokenID
	err := stores[0].Tx(t.Context(), func(ctx context.Context, tx store.Tx) error {
		now := time.Now()
		user, err := tx.InsertUser(ctx, baton.User{Username: "u", Email: "u", State: baton.UserActive, CreatedAt: now, UpdatedAt: now})
		if err != nil {
			return err
		}
		id, err = tx.InsertAccessToken(ctx, baton.AccessToken{UserID: user, CreatedAt: now}, digest)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, revoked := range []bool{false, true} {
		for i, s := range stores {
			p, err := s.Principal(t.Context(), digest)
			if err != nil || p.Token == nil || p.Token.Revoked != revoked {
				t.Fatalf("process %d: %+v, %v, want a token with Revoked %v", i, p.Token, err, revoked)
			}
		}
		if revoked {
			break
		}
		err := stores[1].Tx(t.Context(), func(ctx context.Context, tx store.Tx) error { return tx.RevokeAccessToken(ctx, id, time.Now()) })
		if err != nil {
			t.Fatal(err)
		}
	}
}
