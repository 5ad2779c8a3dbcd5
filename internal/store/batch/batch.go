// Package batch lets concurrent writers share commits without waiting for
// company: while one batch commits, the next gathers. A lone writer commits
// alone and at once; under load the batches grow by themselves.
package batch

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"
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

// A Verdict is what an error of a store function means for the members of the
// batch.
type Verdict int

const (
	// Fail is for all members: none would fare better by itself.
	Fail Verdict = iota
	// Split stores the members one by one, so that only the guilty one fails.
	Split
	// Again is Split, and tries each member again for as long as [Patience].
	Again
)

const (
	// Patience is how long a member is tried again that somebody else is in the
	// way of.
	Patience = 5 * time.Second
	// singles is how many members are stored one by one at the same time.
	singles = 8
	// The pauses between the attempts for one member.
	minPause = 2 * time.Millisecond
	maxPause = 100 * time.Millisecond
)

// A Batcher gathers values and stores them in batches.
type Batcher[T any] struct {
	queue   *Queue[member[T]]
	store   func(context.Context, []T) error
	judge   func(error) Verdict
	singles chan struct{} // a place for each attempt to store one member
	running sync.WaitGroup
}

// A member is a value on its way through a [Batcher].
type member[T any] struct {
	value T
	done  chan error
}

// New returns a batcher that gives batches to store, which stores a batch as a
// whole or not at all. When it fails, judge says what becomes of the members.
// Members are stored one by one beside the batches that come after, so that
// whatever keeps one of them keeps nobody else: store is called from several
// goroutines then.
func New[T any](o Options, judge func(error) Verdict, store func(context.Context, []T) error) *Batcher[T] {
	if o.Size <= 0 {
		o.Size = DefaultSize
	}
	if o.Committers <= 0 {
		o.Committers = 1
	}
	b := &Batcher[T]{queue: NewQueue[member[T]](o.Size), store: store, judge: judge, singles: make(chan struct{}, singles)}
	for range o.Committers {
		b.running.Go(b.run)
	}
	return b
}

// Do stores the value with the next batch and returns when it is stored. A
// context that ends before the batch began prevents it; after that Do waits.
// If the store function panics over the value, so does Do.
func (b *Batcher[T]) Do(ctx context.Context, value T) error {
	done := make(chan error, 1)
	item := &Item[member[T]]{Value: member[T]{value, done}}
	if err := b.queue.Put(ctx, item); err != nil {
		return err
	}
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		if item.Leave() {
			return ctx.Err()
		}
		err = <-done
	}
	if p, ok := errors.AsType[*panicked](err); ok {
		panic(p)
	}
	return err
}

// Close waits until everything that was taken is stored.
func (b *Batcher[T]) Close() {
	b.queue.Close()
	b.running.Wait()
}

// run stores batch after batch.
func (b *Batcher[T]) run() {
	var items []*Item[member[T]]
	var values []T
	for {
		items = b.queue.Take(items)
		if len(items) == 0 {
			return
		}
		clear(values)
		values = values[:0]
		for _, item := range items {
			values = append(values, item.Value.value)
		}
		err := b.try(values)
		verdict := Fail
		if err != nil {
			verdict = b.judge(err)
		}
		for _, item := range items {
			if m := item.Value; verdict == Again || verdict == Split && len(items) > 1 {
				b.running.Go(func() { m.done <- b.alone(m.value) })
			} else {
				m.done <- err
			}
		}
	}
}

// alone stores one member. It takes up a place only while it tries: however
// many wait for something, the others get their turn.
func (b *Batcher[T]) alone(value T) error {
	begin := time.Now()
	for pause := minPause; ; pause = min(2*pause, maxPause) {
		b.singles <- struct{}{}
		err := b.try([]T{value})
		<-b.singles
		if err == nil || b.judge(err) != Again || time.Since(begin) >= Patience {
			return err
		}
		time.Sleep(pause/2 + rand.N(pause)) //nolint:gosec // who collided must not meet again
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
