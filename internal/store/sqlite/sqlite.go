// Package sqlite opens a SQLite file as a [store.Store].
//
// SQLite lets one connection write at a time, so there is one, which a
// [writer] owns: it takes every transaction that waits, gives each a SAVEPOINT
// and commits them all at once (one fsync). A pool of connections reads; in
// WAL mode readers and the writer do not wait for each other. A second
// process, such as a command of the administrator, may use the same file at
// the same time: each waits for the other's lock.
package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"runtime"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/sethvargo/go-retry"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"baton.example/baton/internal/store"
	"baton.example/baton/internal/store/sqlstore"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Open opens or creates the database file and brings its schema up to date.
func Open(ctx context.Context, path string, log *slog.Logger) (store.Store, error) {
	db, err := OpenDatabase(ctx, path, log)
	if err != nil {
		return nil, err
	}
	return sqlstore.New(db, sqlstore.Options{}), nil
}

// OpenDatabase is [Open] for who builds a store on the database himself.
func OpenDatabase(ctx context.Context, path string, log *slog.Logger) (sqlstore.Database, error) {
	db, err := open(ctx, path, log)
	if damaged(err) {
		return nil, fmt.Errorf("%s is not a SQLite database, or is damaged: restore it from a backup: %w", path, err)
	}
	if err != nil {
		return nil, fmt.Errorf("open SQLite database %s: %w", path, err)
	}
	return db, nil
}

// A database implements [sqlstore.Database].
type database struct {
	generation *generation
	writer     *writer
	reads      *sql.DB
	cached     *statements
}

func open(ctx context.Context, path string, log *slog.Logger) (_ *database, err error) {
	// The file holds digests and password hashes: it is its owner's alone. The
	// files beside it get the same permissions from SQLite.
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}

	writes, err := sql.Open("sqlite", dsn(path, "_txlock=immediate"))
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = writes.Close()
		}
	}()
	writes.SetMaxOpenConns(1)
	if err := migrate(ctx, writes, dir, log); err != nil {
		return nil, translate(err)
	}
	g, err := openGeneration(path, log)
	if err != nil {
		return nil, err
	}
	w, err := newWriter(ctx, writes, g)
	if err != nil {
		return nil, errors.Join(translate(err), g.close())
	}

	reads, err := sql.Open("sqlite", dsn(path, "_query_only=1"))
	if err != nil {
		return nil, errors.Join(err, w.close(), g.close())
	}
	n := max(4, runtime.GOMAXPROCS(0))
	reads.SetMaxOpenConns(n)
	reads.SetMaxIdleConns(n)
	return &database{generation: g, writer: w, reads: reads, cached: newStatements(reads.PrepareContext, reads)}, nil
}

// busyTimeout is how long one process waits for another's lock.
const busyTimeout = 10 * time.Second

// migrate brings the schema up to date. It asks again by itself while another
// process has the database: SQLite does not wait where two switch a new file
// to WAL at the same moment.
func migrate(ctx context.Context, db *sql.DB, dir fs.FS, log *slog.Logger) error {
	backoff := retry.WithMaxDuration(busyTimeout, retry.NewConstant(20*time.Millisecond))
	return retry.Do(ctx, backoff, func(ctx context.Context) error {
		err := sqlstore.Migrate(ctx, goose.DialectSQLite3, db, dir, log)
		if busy(err) {
			return retry.RetryableError(err)
		}
		return err
	})
}

// dsn returns the data source name of the file. Pragmas stand in it since each
// connection of a pool has its own; the driver runs them in this order, so
// that changing the journal mode already waits for other processes.
//
// Random digests spread over many pages. A log of 4,000 pages (16 MiB) lets
// most of them change several times before they go to the database file, and
// what savepoints copy stays in memory instead of a temporary file.
func dsn(path, more string) string {
	return "file:" + (&url.URL{Path: path}).EscapedPath() +
		"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=wal_autocheckpoint(4000)&_pragma=temp_store(MEMORY)&_pragma=foreign_keys(1)" +
		"&_time_integer_format=unix_micro&_inttotime=1&" + more
}

func (d *database) Kind() string { return "SQLite" }

func (d *database) Reads() sqlstore.Querier { return d.cached }

func (d *database) Tx(ctx context.Context, fn func(context.Context, sqlstore.Querier) error) error {
	return d.writer.do(ctx, fn)
}

// Record implements [sqlstore.Database]: there is one writer at a time anyway.
func (d *database) Record(ctx context.Context, fn func(context.Context, sqlstore.Querier) error) error {
	return d.writer.do(ctx, fn)
}

// Alone implements [sqlstore.Database]: there is one writer at a time anyway.
func (d *database) Alone(ctx context.Context, _ string, fn func(context.Context, sqlstore.Querier) error) error {
	return d.writer.do(ctx, fn)
}

// Committers implements [sqlstore.Database]: the writer has a queue of its own.
func (d *database) Committers() int { return 1 }

func (d *database) Generation() (uint64, bool) { return d.generation.current() }

func (d *database) Translate(err error) error { return translate(err) }

func (d *database) Ping(ctx context.Context) error {
	return translate(d.reads.PingContext(ctx))
}

func (d *database) Close() error {
	d.cached.close()
	return errors.Join(d.writer.close(), d.reads.Close(), d.generation.close())
}
