package bench

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/store/batch"
	"baton.example/baton/internal/store/postgres"
	"baton.example/baton/internal/store/sqlite"
	"baton.example/baton/internal/store/sqlstore"
	"baton.example/baton/internal/testkit/pgtest"
)

// create is the request that all of these answer.
func create(addr string, conns int) load {
	return load{
		addr: addr, conns: conns, want: http.StatusCreated,
		request: post("/api/v4/user/runners", rootToken, "runner_type=instance_type"),
	}
}

// fixed answers what a create answers, without making anything.
func fixed(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, `{"id":1,"token":"glrt-aaaaaaaaaaaaaaaaaaaa","token_expires_at":null}`)
}

// BenchmarkCreateSQLite is POST /user/runners on SQLite, beside its floors:
// the same HTTP server with a fixed answer, and with one that only inserts the
// runner's row through the same group commit.
func BenchmarkCreateSQLite(b *testing.B) {
	for _, conns := range []int{1, 64} {
		b.Run(fmt.Sprintf("conns=%d/fixed", conns), func(b *testing.B) {
			create(serve(b, http.HandlerFunc(fixed)), conns).run(b)
		})
		b.Run(fmt.Sprintf("conns=%d/row", conns), func(b *testing.B) {
			create(serve(b, newRowOnly(b, openSQLite(b))), conns).run(b)
		})
		b.Run(fmt.Sprintf("conns=%d/create", conns), func(b *testing.B) {
			db := sqlstore.New(openSQLite(b), sqlstore.Options{})
			closeAfter(b, db)
			create(serve(b, newAPI(b, db)), conns).run(b)
		})
	}
}

func openSQLite(b *testing.B) sqlstore.Database {
	b.Helper()
	db, err := sqlite.OpenDatabase(b.Context(), filepath.Join(b.TempDir(), "baton.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	return db
}

// newRowOnly answers a create by inserting the runner's row and nothing else,
// batched as the store batches.
func newRowOnly(b *testing.B, db sqlstore.Database) http.Handler {
	newAPI(b, sqlstore.New(db, sqlstore.Options{})) // makes the creator that the row names
	rows := batch.New(batch.Options{}, func(error) bool { return false }, func(ctx context.Context, tokens []baton.Digest) error {
		return db.Tx(ctx, func(ctx context.Context, q sqlstore.Querier) error {
			for _, token := range tokens {
				now := time.Now()
				_, err := q.ExecContext(ctx, insertRow, "instance_type", nil, nil, 1, "", "", false, false, true,
					"not_protected", nil, token[:], now, nil, nil, false, now, now)
				if err != nil {
					return err
				}
			}
			return nil
		})
	})
	b.Cleanup(func() {
		rows.Close()
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := rows.Do(r.Context(), baton.NewToken(baton.RunnerTokenPrefix).Digest()); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		fixed(w, r)
	})
}

const insertRow = `INSERT INTO runners (type, group_id, project_id, creator_id, description, maintenance_note, paused, locked,
	run_untagged, access_level, maximum_timeout, token_digest, token_created_at, token_expires_at, contacted_at, asked_for_jobs,
	created_at, updated_at)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`

func closeAfter(b *testing.B, c io.Closer) {
	b.Cleanup(func() {
		if err := c.Close(); err != nil {
			b.Error(err)
		}
	})
}

// BenchmarkCreatePostgreSQL is POST /user/runners on PostgreSQL with commits
// on disk, beside the same with one transaction for each create.
func BenchmarkCreatePostgreSQL(b *testing.B) {
	pg := pgtest.Server(b, pgtest.Options{Durable: true})
	for _, way := range []struct {
		name    string
		options sqlstore.Options
	}{
		{"transaction each", sqlstore.Options{Batch: batch.Options{Size: 1, Committers: 64}}},
		{"create", sqlstore.Options{}},
	} {
		for _, conns := range []int{1, 64} {
			b.Run(fmt.Sprintf("conns=%d/%s", conns, way.name), func(b *testing.B) {
				pool, err := postgres.OpenDatabase(b.Context(), pg.URL(), slog.New(slog.DiscardHandler))
				if err != nil {
					b.Fatal(err)
				}
				db := sqlstore.New(pool, way.options)
				closeAfter(b, db)
				create(serve(b, newAPI(b, db)), conns).run(b)
			})
		}
	}
}
