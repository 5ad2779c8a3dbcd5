package sqlstore

import (
	"context"
	"database/sql"

	"baton.example/baton/internal/store"
)

// A Database is what differs between SQLite and PostgreSQL.
type Database interface {
	// Kind is "SQLite" or "PostgreSQL".
	Kind() string
	// Reads is where reads go that are not part of a transaction.
	Reads() Querier
	// Tx runs fn in a transaction that commits when fn returns nil, under the
	// guarantees of [store.Store].
	Tx(ctx context.Context, fn func(ctx context.Context, q Querier) error) error
	// Record is Tx for an fn whose statements depend on nothing that it read, so
	// that other transactions may change the same rows meanwhile.
	Record(ctx context.Context, fn func(ctx context.Context, q Querier) error) error
	// Alone is Record for what one process at a time is to do, told from other
	// such work by its name: while another one is at it, it does nothing. The
	// other's lock ends with its transaction, or with its life.
	Alone(ctx context.Context, name string, fn func(ctx context.Context, q Querier) error) error
	// CreateRunners stores new runners in one transaction: it gives each an id
	// with [Creation.Assign] and inserts its rows. When somebody else's lock is
	// in the way for longer than a moment, it gives up with [Busy].
	CreateRunners(ctx context.Context, all []*Creation) error
	// Committers is how many batches may be stored at the same time, unless
	// [Options] say it.
	Committers() int
	// Generation returns a number that is another one after every change of
	// users, access tokens or settings, by this program or another, and false
	// where that is not to be had for less than asking the database.
	Generation() (uint64, bool)
	// Translate turns an error of the driver into a [baton.Error] by its code,
	// and leaves what is not the caller's or the connection's fault as it is.
	Translate(err error) error
	// Ping reports whether the database answers.
	Ping(ctx context.Context) error
	// Close waits for what runs and closes the database.
	Close() error
}

// A Querier runs statements: a pool of connections, or a transaction.
type Querier interface {
	ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error)
}

var _ store.Store = (*Store)(nil)
