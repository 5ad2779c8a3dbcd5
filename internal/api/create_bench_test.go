package api

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/directory"
	"baton.example/baton/internal/dispatch"
	"baton.example/baton/internal/fleet"
	"baton.example/baton/internal/password"
	"baton.example/baton/internal/server"
	"baton.example/baton/internal/store/batch"
	"baton.example/baton/internal/store/postgres"
	"baton.example/baton/internal/store/sqlite"
	"baton.example/baton/internal/store/sqlstore"
	"baton.example/baton/internal/telemetry"
	"baton.example/baton/internal/testkit/load"
	"baton.example/baton/internal/testkit/pgtest"
)

// BenchmarkCreate is POST /user/runners over HTTP with 1 and 64 connections,
// beside its floors. On SQLite these are
//
//   - fixed: the same server, router, parameters and headers with an answer
//     that never changes;
//   - row: the same again, which inserts the runner's row, and nothing else,
//     through the same group commit.
//
// On PostgreSQL, whose commits are on disk, it is the same handler with one
// transaction for each create.
func BenchmarkCreate(b *testing.B) {
	b.Run("SQLite", func(b *testing.B) {
		for _, conns := range []int{1, 64} {
			b.Run(fmt.Sprintf("conns=%d/fixed", conns), func(b *testing.B) {
				s := newBenchServer(b, sqlstore.New(openSQLite(b), sqlstore.Options{}))
				create(b, s, s.router([]route{post("/user/runners", anyone(), fixedAnswer)}), conns)
			})
			b.Run(fmt.Sprintf("conns=%d/row", conns), func(b *testing.B) {
				db := openSQLite(b)
				s := newBenchServer(b, sqlstore.New(db, sqlstore.Options{}))
				create(b, s, s.router([]route{post("/user/runners", anyone(), insertRow(b, db))}), conns)
			})
			b.Run(fmt.Sprintf("conns=%d/create", conns), func(b *testing.B) {
				s := newBenchServer(b, sqlstore.New(openSQLite(b), sqlstore.Options{}))
				create(b, s, s, conns)
			})
		}
	})
	b.Run("PostgreSQL", func(b *testing.B) {
		pg := pgtest.Server(b, pgtest.Options{Durable: true})
		each := sqlstore.Options{Batch: batch.Options{Size: 1, Committers: 64}}
		for _, conns := range []int{1, 64} {
			b.Run(fmt.Sprintf("conns=%d/transaction-each", conns), func(b *testing.B) {
				s := newBenchServer(b, sqlstore.New(openPostgres(b, pg), each))
				create(b, s, s, conns)
			})
			b.Run(fmt.Sprintf("conns=%d/create", conns), func(b *testing.B) {
				s := newBenchServer(b, sqlstore.New(openPostgres(b, pg), sqlstore.Options{}))
				create(b, s, s, conns)
			})
		}
	})
}

// create sends creates to the handler.
func create(b *testing.B, s *Server, handler http.Handler, conns int) {
	b.Helper()
	load.Load{
		Addr: serve(b, s, handler), Conns: conns, Want: http.StatusCreated,
		Request: load.Post("/api/v4/user/runners", benchToken, "runner_type=instance_type"),
	}.Run(b)
}

// serve returns the address at which the handler answers until the benchmark
// ends, in Baton's HTTP server, with everything that this does around a request.
func serve(b *testing.B, s *Server, handler http.Handler) string {
	b.Helper()
	l, err := server.Listen(b.Context(), "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	web, err := server.New(l, server.Config{
		ExternalURL: s.ExternalURL, API: handler, Pages: http.NotFoundHandler(),
		Ready: s.Store.Ping, ClientIP: s.ClientIP, MayReadMetrics: func(*http.Request) bool { return false },
		Metrics: telemetry.NewMetrics(), Log: s.Log,
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(b.Context()))
	served := make(chan error, 1)
	go func() { served <- web.Serve(ctx) }()
	b.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			b.Error(err)
		}
	})
	return l.Addr().String()
}

// benchToken is the access token of the benchmarks' administrator.
const benchToken = "glpat-of-the-benchmark"

// newBenchServer returns the API on a new database with the administrator root.
func newBenchServer(b *testing.B, db *sqlstore.Store) *Server {
	b.Helper()
	closeAfter(b, db)
	people := directory.New(db, password.NewHasher())
	if _, err := people.Bootstrap(b.Context(), time.Now(), baton.NewSecret(benchToken), baton.NewSecret("a password")); err != nil {
		b.Fatal(err)
	}
	return New(Config{
		Store: db, Fleet: fleet.New(db, newKeys(b), time.Now), Directory: people, Tokens: access.NewTokens(db),
		Queue: dispatch.NewQueue(db, nil, &url.URL{Scheme: "http", Host: "localhost"}, time.Now), ExternalURL: &url.URL{Scheme: "http", Host: "localhost"},
		ClientIP: func(*http.Request) netip.Addr { return netip.AddrFrom4([4]byte{127, 0, 0, 1}) },
		Now:      time.Now, Log: benchLog(b),
	})
}

// benchLog writes the log line of every request, to nowhere.
func benchLog(b *testing.B) *slog.Logger {
	b.Helper()
	log, err := telemetry.NewLogger(io.Discard, telemetry.TextLog, slog.LevelInfo)
	if err != nil {
		b.Fatal(err)
	}
	return log
}

func openSQLite(b *testing.B) sqlstore.Database {
	b.Helper()
	db, err := sqlite.OpenDatabase(b.Context(), filepath.Join(b.TempDir(), "baton.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	return db
}

func openPostgres(b *testing.B, pg *pgtest.Instance) sqlstore.Database {
	b.Helper()
	db, err := postgres.OpenDatabase(b.Context(), pg.URL(), slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	return db
}

func closeAfter(b *testing.B, c io.Closer) {
	b.Helper()
	b.Cleanup(func() {
		if err := c.Close(); err != nil {
			b.Error(err)
		}
	})
}

// fixedAnswer is the floor that makes nothing.
func fixedAnswer(context.Context, *call, createUserRunnerParams) (runnerToken, error) {
	return runnerToken{ID: 1, Token: "glrt-aaaaaaaaaaaaaaaaaaaa"}, nil
}

// insertRow returns the floor that inserts the runner's row, in batches as the
// store makes them.
func insertRow(b *testing.B, db sqlstore.Database) func(context.Context, *call, createUserRunnerParams) (runnerToken, error) {
	b.Helper()
	insert := func(ctx context.Context, tokens []baton.Digest) error {
		return db.Tx(ctx, func(ctx context.Context, q sqlstore.Querier) error {
			for _, token := range tokens {
				now := time.Now()
				_, err := q.ExecContext(ctx, insertRowText, "instance_type", nil, nil, 1, "", "", false, false, true,
					"not_protected", nil, token[:], now, nil, nil, false, now, now)
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	rows := batch.New(batch.Options{}, func(error) batch.Verdict { return batch.Fail }, insert)
	b.Cleanup(rows.Close)
	return func(ctx context.Context, _ *call, _ createUserRunnerParams) (runnerToken, error) {
		token := baton.NewToken(baton.RunnerTokenPrefix)
		return runnerToken{ID: 1, Token: token.Reveal()}, rows.Do(ctx, token.Digest())
	}
}

const insertRowText = `INSERT INTO runners (type, group_id, project_id, creator_id, description, maintenance_note, paused, locked,
	run_untagged, access_level, maximum_timeout, token_digest, token_created_at, token_expires_at, contacted_at, asked_for_jobs,
	created_at, updated_at)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`
