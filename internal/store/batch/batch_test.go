package batch_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"baton.example/baton/internal/store/batch"
)

func always(error) batch.Verdict { return batch.Split }

// A recorder stores values in memory, and stops before each batch.
type recorder struct {
	mu      sync.Mutex
	batches [][]int
	begin   chan bool
	bad     int
}

func (r *recorder) store(_ context.Context, values []int) error {
	if r.begin != nil {
		<-r.begin
	}
	r.mu.Lock()
	defer r.mu.Unlock()
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
	for _, verdict := range []batch.Verdict{batch.Split, batch.Fail} {
		synctest.Test(t, func(t *testing.T) {
			r := &recorder{begin: make(chan bool), bad: 2}
			b := batch.New(batch.Options{}, func(error) batch.Verdict { return verdict }, r.store)
			defer b.Close()
			var group sync.WaitGroup
			for i := range 4 {
				group.Go(func() {
					want := error(nil)
					if i == 2 || i > 0 && verdict == batch.Fail {
						want = errBad
					}
					if err := b.Do(t.Context(), i); !errors.Is(err, want) {
						t.Errorf("value %d, verdict %d: error %v, want %v", i, verdict, err, want)
					}
				})
				synctest.Wait()
			}
			close(r.begin)
			group.Wait()
		})
	}
}

func TestWhoWaitsWaitsAlone(t *testing.T) {
	for _, row := range []struct {
		blocked, took time.Duration
		err           error
	}{
		{2 * time.Second, 2 * time.Second, nil},
		{time.Hour, batch.Patience, errBad},
	} {
		synctest.Test(t, func(t *testing.T) {
			const patient = 250 * time.Millisecond
			begin := time.Now()
			b := batch.New(batch.Options{}, func(error) batch.Verdict { return batch.Again }, func(_ context.Context, values []int) error {
				if slices.ContainsFunc(values, func(v int) bool { return v < 0 }) && time.Since(begin) < row.blocked {
					time.Sleep(patient)
					return errBad
				}
				return nil
			})
			defer b.Close()
			var group sync.WaitGroup
			do := func(value int, most time.Duration, want error) {
				group.Go(func() {
					since := time.Now()
					if err := b.Do(t.Context(), value); !errors.Is(err, want) {
						t.Errorf("value %d: error %v, want %v", value, err, want)
					}
					if took := time.Since(since); took > most {
						t.Errorf("value %d waited %v, want %v at most", value, took, most)
					}
				})
			}
			// More wait than are tried at the same time; the others, in the same
			// batch and in later ones, pass them by.
			for i := range 20 {
				do(-i-1, row.took+time.Second, row.err)
				do(i, time.Second, nil)
			}
			time.Sleep(time.Second)
			do(100, patient, nil)
			group.Wait()
			if took := time.Since(begin); took < row.took {
				t.Errorf("all ended after %v, want %v", took, row.took)
			}
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
