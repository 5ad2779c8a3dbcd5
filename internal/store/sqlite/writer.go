package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

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
	calls      chan *call
	ended      sync.WaitGroup
	mu         sync.RWMutex // held for reading while something is sent to calls
	closed     bool
}

// A call is one transaction on its way through the writer.
type call struct {
	state atomic.Int32
	turn  chan struct{} // the caller may use the connection now
	ran   chan bool     // the caller is done with it; false undoes its work
	done  chan error    // the outcome of the commit
	// changes tells that the call changed what a principal is made of.
	changes bool
}

// The states of a call. Who moves it on from waiting decides whether it runs.
const (
	waiting int32 = iota
	started
	gone
)

// maxCalls is how many calls share a commit at most.
const maxCalls = 256

var errClosed = sqlstore.Away(errors.New("the database was closed"))

func newWriter(ctx context.Context, db *sql.DB, g *generation) (*writer, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	w := &writer{db: db, conn: conn, q: newStatements(conn.PrepareContext, conn), generation: g, calls: make(chan *call, maxCalls)}
	w.ended.Go(w.run)
	return w, nil
}

// do runs fn in a transaction that it may share with others.
func (w *writer) do(ctx context.Context, fn func(context.Context, sqlstore.Querier) error) error {
	c := &call{turn: make(chan struct{}, 1), ran: make(chan bool, 1), done: make(chan error, 1)}
	if err := w.send(ctx, c); err != nil {
		return err
	}
	select {
	case <-c.turn:
	case err := <-c.done: // the transaction could not begin
		return err
	case <-ctx.Done():
		if c.state.CompareAndSwap(waiting, gone) {
			return ctx.Err()
		}
		select {
		case <-c.turn:
		case err := <-c.done:
			return err
		}
	}
	if err := c.run(ctx, noting{w.q, c}, fn); err != nil {
		<-c.done
		return err
	}
	return <-c.done
}

// run takes the turn. Statements must not be interrupted, since SQLite would
// roll back the neighbours' work too: what has begun ends.
func (c *call) run(ctx context.Context, q sqlstore.Querier, fn func(context.Context, sqlstore.Querier) error) (err error) {
	ok := false
	defer func() { c.ran <- ok }()
	err = fn(context.WithoutCancel(ctx), q)
	ok = err == nil
	return err
}

func (w *writer) send(ctx context.Context, c *call) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return errClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case w.calls <- c:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close waits for the calls that were made and closes the connection.
func (w *writer) close() error {
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		close(w.calls)
	}
	w.mu.Unlock()
	w.ended.Wait()
	return errors.Join(w.q.close(), w.conn.Close(), w.db.Close())
}

// run commits batch after batch.
func (w *writer) run() {
	batch := make([]*call, 0, maxCalls)
	for first := range w.calls {
		batch = w.gather(batch[:0], first)
		if len(batch) > 0 {
			w.commit(batch)
		}
		clear(batch)
	}
}

// gather takes first and what waits, but for those who left.
func (w *writer) gather(batch []*call, first *call) []*call {
	for c := first; ; {
		if c.state.CompareAndSwap(waiting, started) {
			batch = append(batch, c)
		}
		if len(batch) == maxCalls {
			return batch
		}
		var more bool
		select {
		case c, more = <-w.calls:
			if !more {
				return batch
			}
		default:
			return batch
		}
	}
}

// commit runs the calls in one transaction and tells each how it ended.
func (w *writer) commit(batch []*call) {
	err := w.exec("BEGIN IMMEDIATE")
	if err == nil {
		if len(batch) == 1 {
			err = w.alone(batch[0])
		} else {
			for _, c := range batch {
				if err = w.turn(c); err != nil {
					break // the rest does not run, and what ran is undone: all learn of it
				}
			}
		}
		if err == nil {
			err = w.exec("COMMIT")
		}
		if err != nil {
			_ = w.exec("ROLLBACK") // fails where SQLite rolled back by itself
		}
	}
	if err != nil {
		err = translate(fmt.Errorf("commit: %w", err))
	} else if slices.ContainsFunc(batch, func(c *call) bool { return c.changes }) {
		err = w.generation.change()
	}
	for _, c := range batch {
		c.done <- err
	}
}

// errUndone tells that a call without neighbours has failed; the caller knows
// why.
var errUndone = errors.New("the call failed")

// alone lets a call without neighbours work. It needs no savepoint, for which
// SQLite would copy every page before it changes.
func (w *writer) alone(c *call) error {
	c.turn <- struct{}{}
	if !<-c.ran {
		return errUndone
	}
	return nil
}

// turn lets the call work inside a savepoint. It fails only when the
// transaction as a whole has.
func (w *writer) turn(c *call) error {
	if err := w.exec("SAVEPOINT call"); err != nil {
		return err
	}
	c.turn <- struct{}{}
	if !<-c.ran {
		if err := w.exec("ROLLBACK TO call"); err != nil {
			return err
		}
	}
	return w.exec("RELEASE call")
}

func (w *writer) exec(text string) error {
	_, err := w.q.ExecContext(context.Background(), text)
	return err
}
