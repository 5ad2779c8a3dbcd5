// Package postgres opens a PostgreSQL database as a [store.Store].
//
// Several programs may use one database. They migrate it one after the other,
// behind an advisory lock, and transactions that get in each other's way run
// again: they are serializable. Concurrent transactions share PostgreSQL's own group commit; what
// package batch adds for new runners is fewer round trips.
package postgres

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/sethvargo/go-retry"

	"baton.example/baton/internal/store"
	"baton.example/baton/internal/store/sqlstore"
)

//go:embed migrations/*.sql
var migrations embed.FS

const (
	// connectTimeout bounds one attempt to connect, unless the URL has its own
	// connect_timeout.
	connectTimeout = 3 * time.Second
	// maxConns leaves room for several programs below PostgreSQL's own default
	// of 100 connections, and keeps two cores busy many times over.
	maxConns = 20
	// maxRepeats bounds how often a transaction runs again, and minPause and
	// maxPause how long it waits before: five seconds or so in all. One of those
	// that collide gets through each time, so that hundreds may.
	maxRepeats = 60
	minPause   = 2 * time.Millisecond
	maxPause   = 100 * time.Millisecond
	// batchTimeout ends a batch that a dead network holds.
	batchTimeout = 10 * time.Second
	// lockTimeout is how long a batch of new runners waits for somebody who
	// locks a row that one of them refers to: a group that is being deleted, say.
	// Who changes a row otherwise is not waited for.
	lockTimeout = "250ms"
)

// Open connects to the database at the URL, or a connection string in libpq's
// form, and brings its schema up to date.
func Open(ctx context.Context, url string, log *slog.Logger) (store.Store, error) {
	db, err := OpenDatabase(ctx, url, log)
	if err != nil {
		return nil, err
	}
	return sqlstore.New(db, sqlstore.Options{}), nil
}

// OpenDatabase is [Open] for who builds a store on the database himself.
func OpenDatabase(ctx context.Context, url string, log *slog.Logger) (sqlstore.Database, error) {
	db, err := open(ctx, url, log)
	if err != nil {
		return nil, fmt.Errorf("open PostgreSQL database: %w", err)
	}
	return &database{db}, nil
}

func open(ctx context.Context, url string, log *slog.Logger) (_ *sql.DB, err error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, err // pgx leaves the password out
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "baton"
	}
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	db := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(withoutJIT))
	defer func() {
		if err != nil {
			_ = db.Close() // nothing was written
		}
	}()
	db.SetMaxOpenConns(maxConns)
	db.SetMaxIdleConns(maxConns)
	db.SetConnMaxIdleTime(5 * time.Minute)
	if err := db.PingContext(ctx); err != nil {
		return nil, &connectError{translate(err)}
	}
	if err := sqlstore.Migrate(ctx, goose.DialectPostgres, db, dir, log, goose.WithSessionLocker(migrationLock{})); err != nil {
		return nil, translate(err)
	}
	return db, nil
}

// A connectError says on one line what was tried. The driver uses a line for
// each address and each kind of encryption, most of them the same.
type connectError struct{ err error }

// Error implements error.
func (e *connectError) Error() string {
	var lines []string
	for line := range strings.Lines(e.err.Error()) {
		if line = strings.TrimSpace(line); !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	text := lines[0]
	if len(lines) > 1 {
		text += " " + strings.Join(lines[1:], "; ")
	}
	return text + " (check BATON_DATABASE_URL, and that the server runs)"
}

// Unwrap returns the driver's error.
func (e *connectError) Unwrap() error { return e.err }

// withoutJIT keeps PostgreSQL from compiling queries. Recursive queries look
// expensive to its planner, and compiling one takes longer than running it a
// hundred times. This is a statement and not a parameter of the connection
// since PgBouncer refuses parameters that it does not know.
func withoutJIT(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, "SET jit = off")
	return err
}

// A migrationLock lets one program at a time migrate a schema. goose has its
// own lock, which one waits for by asking every few seconds.
type migrationLock struct{}

const migrationKey = "(hashtextextended('baton migrations in ' || current_schema(), 0))"

// SessionLock implements goose's lock.SessionLocker.
func (migrationLock) SessionLock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock"+migrationKey)
	return err
}

// SessionUnlock implements goose's lock.SessionLocker.
func (migrationLock) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, "SELECT pg_advisory_unlock"+migrationKey)
	return err
}

// A database implements [sqlstore.Database].
type database struct{ db *sql.DB }

func (d *database) Kind() string { return "PostgreSQL" }

func (d *database) Reads() sqlstore.Querier { return d.db }

// Committers implements [sqlstore.Database]: while one batch waits for the disk,
// or for a lock, the other one is worked on.
func (d *database) Committers() int { return 2 }

// Generation implements [sqlstore.Database]: only the database itself knows.
func (d *database) Generation() (uint64, bool) { return 0, false }

func (d *database) Translate(err error) error { return translate(err) }

func (d *database) Ping(ctx context.Context) error { return translate(d.db.PingContext(ctx)) }

func (d *database) Close() error { return d.db.Close() }

// Tx runs fn at the level that keeps the promise of [store.Store]: most
// transactions read a row, change a part of it and write it back, or decide by
// rows that others may be changing.
func (d *database) Tx(ctx context.Context, fn func(context.Context, sqlstore.Querier) error) error {
	return repeat(ctx, func(ctx context.Context) error { return d.try(ctx, sql.LevelSerializable, fn) })
}

// Record runs fn at the level at which who changes a row waits for whom went
// ahead, and none is sent back.
func (d *database) Record(ctx context.Context, fn func(context.Context, sqlstore.Querier) error) error {
	return repeat(ctx, func(ctx context.Context) error { return d.try(ctx, sql.LevelReadCommitted, fn) })
}

// Alone runs fn behind a lock that ends with the transaction. One of a session
// would be held on by a PgBouncer that gives the connection to somebody else,
// and a process that was stopped in the middle must not hold it for long.
func (d *database) Alone(ctx context.Context, name string, fn func(context.Context, sqlstore.Querier) error) error {
	return d.Record(ctx, func(ctx context.Context, q sqlstore.Querier) error {
		mine, err := alone(ctx, q, name)
		if err != nil || !mine {
			return err
		}
		return fn(ctx, q)
	})
}

// maxIdle is how long the one who works alone may be silent.
const maxIdle = "5s"

// alone takes the lock of a work, if nobody else has it.
func alone(ctx context.Context, q sqlstore.Querier, name string) (mine bool, err error) {
	rows, err := q.QueryContext(ctx, `SELECT pg_try_advisory_xact_lock(hashtextextended($1 || current_schema(), 0))
		FROM set_config('idle_in_transaction_session_timeout', '`+maxIdle+`', true)`, "baton "+name+" in ")
	if err != nil {
		return false, err
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	for rows.Next() {
		if err := rows.Scan(&mine); err != nil {
			return false, err
		}
	}
	return mine, rows.Err()
}

// repeat runs fn, and again when PostgreSQL had to choose a victim.
func repeat(ctx context.Context, fn func(context.Context) error) error {
	pauses := retry.WithMaxRetries(maxRepeats, retry.WithJitterPercent(50, retry.WithCappedDuration(maxPause, retry.NewExponential(minPause))))
	return translate(retry.Do(ctx, pauses, func(ctx context.Context) error {
		err := fn(ctx)
		if collided(err) {
			return retry.RetryableError(err)
		}
		return err
	}))
}

// try runs fn once. Neither begin nor commit can be cancelled, so that an
// error of the context always means that nothing was done.
func (d *database) try(ctx context.Context, level sql.IsolationLevel, fn func(context.Context, sqlstore.Querier) error) (err error) {
	conn, err := d.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // back to the pool
	tx, err := conn.BeginTx(context.WithoutCancel(ctx), &sql.TxOptions{Isolation: level})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	if err := fn(ctx, tx); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}
