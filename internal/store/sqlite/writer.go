package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"

	"baton.example/baton/internal/store/batch"
	"baton.example/baton/internal/store/sqlstore"
)

// A writer owns the connection that writes. Its goroutine takes the calls that
// wait, opens a transaction, gives each call its turn inside a savepoint,
// commits, and only then tells the callers: while it commits, the next calls
// gather.
//
// A call runs in the goroutine of its caller, so that a panic, or a test that
// gives up, unwinds where it belongs: the call has failed, its neighbours have
// not.
type writer struct {
	db         *sql.DB
	conn       *sql.Conn
	q          *statements
	generation *generation
	calls      *batch.Queue[*call]
	ended      sync.WaitGroup
}

// A call is one transaction on its way through the writer.
type call struct {
	turn chan struct{} // the caller may use the connection now
	ran  chan error    // the caller is done with it; an error undoes its work
	done chan error    // the outcome of the commit
	// changes tells that the call changed what a principal is made of.
	changes bool
}

func newCall() *call {
	return &call{turn: make(chan struct{}, 1), ran: make(chan error, 1), done: make(chan error, 1)}
}

// maxCalls is how many calls share a commit at most.
const maxCalls = 256

func newWriter(ctx context.Context, db *sql.DB, g *generation) (*writer, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	w := &writer{
		db: db, conn: conn, q: newStatements(conn.PrepareContext, conn), generation: g,
		calls: batch.NewQueue[*call](maxCalls),
	}
	w.ended.Go(w.run)
	return w, nil
}

// do runs fn in a transaction that it may share with others.
func (w *writer) do(ctx context.Context, fn func(context.Context, sqlstore.Querier) error) error {
	c := newCall()
	item := &batch.Item[*call]{Value: c}
	switch err := w.calls.Put(ctx, item); {
	case errors.Is(err, batch.ErrClosed):
		return sqlstore.Away(err)
	case err != nil:
		return err
	}
	select {
	case <-c.turn:
	case err := <-c.done: // the transaction ended before the call's turn
		return err
	case <-ctx.Done():
		if item.Leave() {
			return ctx.Err()
		}
		select {
		case <-c.turn:
		case err := <-c.done:
			return err
		}
	}
	err := c.run(ctx, noting{w.q, c}, fn)
	committed := <-c.done
	if err != nil {
		return err // and what it did is undone by now
	}
	return committed
}

// run takes the turn. Statements must not be interrupted, since SQLite would
// roll back the neighbours' work too: what has begun ends.
func (c *call) run(ctx context.Context, q sqlstore.Querier, fn func(context.Context, sqlstore.Querier) error) (err error) {
	outcome := errUnwound
	defer func() { c.ran <- outcome }()
	err = fn(context.WithoutCancel(ctx), q)
	outcome = err
	return err
}

// errUnwound is the outcome of a call that panicked or ended its goroutine.
var errUnwound = errors.New("the transaction's function did not return")

// close waits for the calls that were made and closes the connection.
func (w *writer) close() error {
	w.calls.Close()
	w.ended.Wait()
	w.q.close()
	return errors.Join(w.conn.Close(), w.db.Close())
}

// run commits batch after batch and tells the calls how each ended.
func (w *writer) run() {
	var items []*batch.Item[*call]
	for {
		items = w.calls.Take(items)
		if len(items) == 0 {
			return
		}
		err := w.transact(items)
		if err != nil {
			err = translate(fmt.Errorf("commit: %w", err))
		} else if slices.ContainsFunc(items, func(i *batch.Item[*call]) bool { return i.Value.changes }) {
			w.generation.change() // what is stored is stored, whatever becomes of this
		}
		for _, item := range items {
			item.Value.done <- err
		}
	}
}

// transact runs the calls in one transaction.
func (w *writer) transact(calls []*batch.Item[*call]) error {
	if err := w.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	ok, err := w.turns(calls)
	if ok && err == nil {
		if err = w.exec("COMMIT"); err == nil {
			return nil
		}
	}
	undone := w.exec("ROLLBACK")
	if err != nil {
		return err // SQLite may have rolled back by itself, so undone says nothing
	}
	return undone
}

// turns gives every call its turn, and reports whether there is something to
// commit. When it fails, the rest does not run.
func (w *writer) turns(calls []*batch.Item[*call]) (ok bool, err error) {
	if len(calls) == 1 {
		// Without neighbours the transaction itself is undone. A savepoint has
		// its price: SQLite copies each page before it changes there.
		return calls[0].Value.take() == nil, nil
	}
	for _, item := range calls {
		if err := w.turn(item.Value); err != nil {
			return false, err
		}
	}
	return true, nil
}

// turn lets the call work inside a savepoint. It fails only when the
// transaction as a whole has: a full disk or one that cannot be read makes
// SQLite roll back everything, the savepoint included, and the neighbours are to
// learn that cause and not that there is no such savepoint.
func (w *writer) turn(c *call) error {
	if err := w.exec("SAVEPOINT call"); err != nil {
		return err
	}
	cause := c.take()
	if cause != nil {
		if err := w.exec("ROLLBACK TO call"); err != nil {
			return sqlstore.Away(fmt.Errorf("a neighbour's failure: %w", errors.Join(cause, err)))
		}
	}
	if err := w.exec("RELEASE call"); err != nil {
		return sqlstore.Away(err)
	}
	return nil
}

// take lets the caller work and returns an error unless its work is to stay.
func (c *call) take() error {
	c.turn <- struct{}{}
	return <-c.ran
}

func (w *writer) exec(text string) error {
	_, err := w.q.ExecContext(context.Background(), text)
	return err
}
