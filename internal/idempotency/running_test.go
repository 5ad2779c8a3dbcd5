package idempotency

import (
	"sync"
	"sync/atomic"
	"testing"

	"baton.example/baton"
)

func TestRunning(t *testing.T) {
	var running Running
	k := parse(t, 1, someUUID)
	end, err := running.Begin(k)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := running.Begin(parse(t, 1, `"`+someUUID+`"`)); baton.CodeOf(err) != baton.CodeConflict {
		t.Errorf("the same key: %v, want a conflict", err)
	}
	if _, err := running.Begin(parse(t, 2, someUUID)); err != nil {
		t.Errorf("the same key of another user: %v", err)
	}
	if _, err := running.Begin(parse(t, 1, uuid4())); err != nil {
		t.Errorf("another key: %v", err)
	}
	end()
	if _, err := running.Begin(k); err != nil {
		t.Errorf("after the end: %v", err)
	}
	end()
	if _, err := running.Begin(k); baton.CodeOf(err) != baton.CodeConflict {
		t.Errorf("after a second call of the first end: %v, want a conflict", err)
	}
}

func TestRunningLetsOneIn(t *testing.T) {
	var (
		running Running
		inside  atomic.Int32
		wg      sync.WaitGroup
	)
	k := parse(t, 1, someUUID)
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				end, err := running.Begin(k)
				if err != nil {
					continue
				}
				if inside.Add(1) != 1 {
					t.Error("two are inside")
				}
				inside.Add(-1)
				end()
			}
		})
	}
	wg.Wait()
	if len(running.keys) != 0 {
		t.Errorf("%d keys are left", len(running.keys))
	}
}
