package batch_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"baton.example/baton/internal/store/batch"
)

func always(error) bool { return true }

// A recorder stores values in memory, and stops before each batch.
type recorder struct {
	batches [][]int
	begin   chan bool
	bad     int
}

func (r *recorder) store(_ context.Context, values []int) error {
	if r.begin != nil {
		<-r.begin
	}
	r.batches = append(r.batches, slices.Clone(values))
	if slices.Contains(values, r.bad) {
		return errBad
	}
	return nil
}

var errBad = errors.New("bad value")

func TestBatchesGatherWhileOneCommits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{begin: make(chan bool), bad: -1}
		b := batch.New(batch.Options{Size: 4}, always, r.store)
		var group sync.WaitGroup
		for i := range 7 {
			group.Go(func() {
				if err := b.Do(t.Context(), i); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait() // the first is being stored, the others gather in order
		}
		close(r.begin)
		group.Wait()
		b.Close()
		want := [][]int{{0}, {1, 2, 3, 4}, {5, 6}}
		if !slices.EqualFunc(r.batches, want, slices.Equal) {
			t.Errorf("batches %v, want %v", r.batches, want)
		}
	})
}

func TestGuiltyFailsAlone(t *testing.T) {
	for _, splits := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			r := &recorder{begin: make(chan bool), bad: 2}
			b := batch.New(batch.Options{}, func(error) bool { return splits }, r.store)
			defer b.Close()
			var group sync.WaitGroup
			for i := range 4 {
				group.Go(func() {
					want := error(nil)
					if i == 2 || i > 0 && !splits {
						want = errBad
					}
					if err := b.Do(t.Context(), i); !errors.Is(err, want) {
						t.Errorf("value %d, split %v: error %v, want %v", i, splits, err, want)
					}
				})
				synctest.Wait()
			}
			close(r.begin)
			group.Wait()
		})
	}
}

func TestPanicReachesItsCaller(t *testing.T) {
	b := batch.New(batch.Options{}, always, func(_ context.Context, values []int) error {
		if slices.Contains(values, 7) {
			panic("seven")
		}
		return nil
	})
	defer b.Close()
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			defer func() {
				if v := recover(); (v != nil) != (i == 7) {
					t.Errorf("value %d: panic %v", i, v)
				}
			}()
			if err := b.Do(t.Context(), i); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

func TestWaitingMemberCanLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{begin: make(chan bool), bad: -1}
		b := batch.New(batch.Options{}, always, r.store)
		var group sync.WaitGroup
		ctx, cancel := context.WithCancel(t.Context())
		group.Go(func() { // it is being stored when the context ends, and so it waits
			if err := b.Do(ctx, 0); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		group.Go(func() {
			if err := b.Do(ctx, 1); !errors.Is(err, context.Canceled) {
				t.Errorf("error %v, want that of the context", err)
			}
		})
		synctest.Wait()
		cancel()
		synctest.Wait()
		close(r.begin)
		group.Wait()
		b.Close()
		if want := [][]int{{0}}; !slices.EqualFunc(r.batches, want, slices.Equal) {
			t.Errorf("batches %v, want %v", r.batches, want)
		}
	})
}

func TestClosed(t *testing.T) {
	b := batch.New(batch.Options{}, always, func(context.Context, []int) error { return nil })
	b.Close()
	b.Close()
	if err := b.Do(t.Context(), 1); !errors.Is(err, batch.ErrClosed) {
		t.Errorf("error %v, want %v", err, batch.ErrClosed)
	}
}
