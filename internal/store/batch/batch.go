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

// A Batcher gathers values and stores them in batches.
type Batcher[T any] struct {
	queue   *Queue[member[T]]
	store   func(context.Context, []T) error
	splits  func(error) bool
	commits sync.WaitGroup
}

// A member is a value on its way through a [Batcher].
type member[T any] struct {
	value T
	done  chan error
}

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
	b := &Batcher[T]{queue: NewQueue[member[T]](o.Size), store: store, splits: splits}
	for range o.Committers {
		b.commits.Go(b.run)
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
	b.commits.Wait()
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
		for i, item := range items {
			outcome := err
			if err != nil && len(items) > 1 && b.splits(err) {
				outcome = b.try(values[i : i+1])
			}
			item.Value.done <- outcome
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
