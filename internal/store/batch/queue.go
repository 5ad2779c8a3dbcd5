package batch

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
)

// ErrClosed is what comes of using a [Queue] or [Batcher] after its Close.
var ErrClosed = errors.New("closed")

// A Queue hands what waits in it to its taker in batches.
type Queue[T any] struct {
	size   int
	items  chan *Item[T]
	mu     sync.RWMutex // held for reading while something is sent to items
	closed bool
}

// An Item is a value in a [Queue].
type Item[T any] struct {
	Value T
	state atomic.Int32
}

// The states of an item. Who moves it on from waiting decides what becomes of
// it.
const (
	waiting int32 = iota
	taken
	gone
)

// NewQueue returns a queue whose batches have at most size items.
func NewQueue[T any](size int) *Queue[T] {
	return &Queue[T]{size: size, items: make(chan *Item[T], size)}
}

// Put adds an item.
func (q *Queue[T]) Put(ctx context.Context, item *Item[T]) error {
	q.mu.RLock()
	defer q.mu.RUnlock()
	if q.closed {
		return ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case q.items <- item:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Leave takes the item out of its queue, and reports whether that was in time:
// if not, it is part of a batch.
func (i *Item[T]) Leave() bool { return i.state.CompareAndSwap(waiting, gone) }

// Close lets [Queue.Take] end after what was put before.
func (q *Queue[T]) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed {
		q.closed = true
		close(q.items)
	}
}

// Take waits for an item and returns it with all that wait, in order. It
// returns nothing once the queue is closed and empty. last is the batch that
// the taker had before, whose memory is used again.
//
// Those whom the last batch woke may be about to come again but have not had
// the processor yet: without letting them ahead, every other batch would be
// small. That goes on for as long as it brings company, and a lone item does
// not wait for any.
func (q *Queue[T]) Take(last []*Item[T]) []*Item[T] {
	crowded := len(last) > 1
	clear(last)
	batch := last[:0]
	for len(batch) == 0 { // until one of them has not left
		item, ok := <-q.items
		if !ok {
			return nil
		}
		seen := 1
		if crowded {
			seen = 0
		}
		for ok {
			if item.state.CompareAndSwap(waiting, taken) {
				batch = append(batch, item)
			}
			if len(batch) == q.size {
				break
			}
			if len(q.items) == 0 && len(batch) > seen {
				seen = len(batch)
				runtime.Gosched()
			}
			select {
			case item, ok = <-q.items:
			default:
				ok = false
			}
		}
	}
	return batch
}
