// Package batch lets concurrent writers share commits without waiting for
// company: while one batch commits, the next gathers. A lone writer commits
// alone and at once; under load the batches grow by themselves.
package batch

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// Options tune a [Batcher]; the zero value means the defaults.
type Options struct {
	// Size is how many values a batch holds at most, [DefaultSize] by default.
	Size int
	// Committers is how many batches may commit at the same time, 1 by default.
	Committers int
}

// DefaultSize is the size of [Options] that say none: more than the
// connections that are busy at once, and little enough for one statement.
const DefaultSize = 256

// ErrClosed is what writers get after [Batcher.Close].
var ErrClosed = errors.New("closed")

// A Batcher gathers values and stores them in batches.
type Batcher[T any] struct {
	size     int
	store    func(context.Context, []T) error
	splits   func(error) bool
	queue    chan *member[T]
	commits  sync.WaitGroup
	mu       sync.RWMutex // held for reading while something is sent to queue
	isClosed bool
}

// A member is a value in a batch, or on its way to one.
type member[T any] struct {
	value T
	state atomic.Int32
	done  chan error
}

// The states of a member. Who moves it on from waiting decides whether it is
// stored.
const (
	waiting int32 = iota
	taken
	gone
)

// New returns a batcher that gives batches to store, which stores a batch as a
// whole or not at all. When it fails with an error that splits says yes to,
// the members are stored one by one, so that only the guilty one fails.
func New[T any](o Options, splits func(error) bool, store func(context.Context, []T) error) *Batcher[T] {
	if o.Size <= 0 {
		o.Size = DefaultSize
	}
	if o.Committers <= 0 {
		o.Committers = 1
	}
	b := &Batcher[T]{size: o.Size, store: store, splits: splits, queue: make(chan *member[T], o.Size)}
	for range o.Committers {
		b.commits.Go(b.run)
	}
	return b
}

// Do stores the value with the next batch and returns when it is stored. A
// context that ends before the batch began prevents it; after that Do waits.
// If the store function panics over the value, so does Do.
func (b *Batcher[T]) Do(ctx context.Context, value T) error {
	m := &member[T]{value: value, done: make(chan error, 1)}
	if err := b.send(ctx, m); err != nil {
		return err
	}
	var err error
	select {
	case err = <-m.done:
	case <-ctx.Done():
		if m.state.CompareAndSwap(waiting, gone) {
			return ctx.Err()
		}
		err = <-m.done
	}
	if p, ok := errors.AsType[*panicked](err); ok {
		panic(p)
	}
	return err
}

func (b *Batcher[T]) send(ctx context.Context, m *member[T]) error {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if b.isClosed {
		return ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return ctx.Err()
	}
	select {
	case b.queue <- m:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close waits until everything that was taken is stored.
func (b *Batcher[T]) Close() {
	b.mu.Lock()
	if !b.isClosed {
		b.isClosed = true
		close(b.queue)
	}
	b.mu.Unlock()
	b.commits.Wait()
}

// run stores batch after batch.
func (b *Batcher[T]) run() {
	members := make([]*member[T], 0, b.size)
	values := make([]T, 0, b.size)
	for first := range b.queue {
		members = b.gather(members[:0], first)
		values = values[:0]
		for _, m := range members {
			values = append(values, m.value)
		}
		if len(members) == 0 {
			continue
		}
		err := b.try(values)
		for i, m := range members {
			if err != nil && len(members) > 1 && b.splits(err) {
				m.done <- b.try(values[i : i+1])
				continue
			}
			m.done <- err
		}
		clear(members)
		clear(values)
	}
}

// gather adds first and whatever waits to the batch.
func (b *Batcher[T]) gather(members []*member[T], first *member[T]) []*member[T] {
	for m := first; ; {
		if m.state.CompareAndSwap(waiting, taken) {
			members = append(members, m)
		}
		if len(members) == b.size {
			return members
		}
		var more bool
		select {
		case m, more = <-b.queue:
			if !more {
				return members
			}
		default:
			return members
		}
	}
}

// try stores values and turns a panic into an error.
func (b *Batcher[T]) try(values []T) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicked{v, debug.Stack()}
		}
	}()
	return b.store(context.Background(), values)
}

// A panicked is the panic of a store function on its way to the goroutine
// whose value caused it.
type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprintf("%v\n\n%s", p.value, p.stack) }
