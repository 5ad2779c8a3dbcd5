package sqlstore

import (
	"context"
	"errors"
	"sync/atomic"

	"baton.example/baton"
	"baton.example/baton/internal/store"
	"baton.example/baton/internal/store/batch"
)

// A Store implements [store.Store] over a [Database].
type Store struct {
	reader
	principals *principalCache
	runners    *batch.Batcher[*Creation]
	// written receives when there are audit events to be sealed.
	written chan struct{}
}

// Options tune a [Store]; the zero value is right but for experiments.
type Options struct {
	// Batch is how runners that are created at the same time share commits.
	Batch batch.Options
}

// New returns the store that keeps everything in db, and closes it when it is
// closed.
func New(db Database, o Options) *Store {
	if o.Batch.Committers == 0 {
		o.Batch.Committers = db.Committers()
	}
	return &Store{
		reader:     reader{db.Reads(), db, new(shared)},
		principals: newPrincipalCache(db),
		runners:    batch.New(o.Batch, judge, db.CreateRunners),
		written:    make(chan struct{}, 1),
	}
}

// A reader implements [store.Reader].
type reader struct {
	q  Querier
	db Database
	*shared
}

// Shared is what a store and its transactions have in common.
type shared struct {
	settings settingsCache
	closed   atomic.Bool
}

// away tells the errors of a store that was closed, for which database/sql has
// no name, from other ones.
func (s *shared) away(err error) error {
	if err != nil && s.closed.Load() && baton.CodeOf(err) == baton.CodeInternal {
		return Away(err)
	}
	return err
}

// A writer implements [store.Tx].
type writer struct {
	reader

	// told is set when the transaction writes an audit event; nil where none is
	// written.
	told *bool
}

var _ store.Tx = writer{}

// inTx marks the context of a transaction.
type inTx struct{}

// errNested tells a programmer what the one writer of SQLite would show as a
// program that stands still.
var errNested = errors.New("a transaction was begun inside a transaction")

// Tx implements [store.Store].
func (s *Store) Tx(ctx context.Context, fn func(ctx context.Context, tx store.Tx) error) error {
	if ctx.Value(inTx{}) != nil {
		return errNested
	}
	told := false
	err := s.away(s.db.Tx(ctx, func(ctx context.Context, q Querier) error {
		return fn(context.WithValue(ctx, inTx{}, true), writer{reader{q, s.db, s.shared}, &told})
	}))
	if err == nil && told {
		s.wake()
	}
	return err
}

// record runs the statements of a [store.UseRecorder].
func (s *Store) record(ctx context.Context, fn func(ctx context.Context, w writer) error) error {
	if ctx.Value(inTx{}) != nil {
		return errNested
	}
	return s.away(s.db.Record(ctx, func(ctx context.Context, q Querier) error {
		return fn(ctx, writer{reader: reader{q, s.db, s.shared}})
	}))
}

// Ping implements [store.Store].
func (s *Store) Ping(ctx context.Context) error { return s.away(s.db.Ping(ctx)) }

// Kind implements [store.Store].
func (s *Store) Kind() string { return s.db.Kind() }

// Close implements [store.Store]. Closing again does nothing.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	s.runners.Close()
	return s.db.Close()
}
