package runnerclient

import (
	"sync"
	"time"
)

// health keeps count of refusals. What was asked with another token does not
// count.
type health struct {
	mu   sync.Mutex
	seen map[Credentials]*refusals
}

type refusals struct {
	inARow int
	last   time.Time
}

// forget makes every entry healthy.
func (h *health) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seen = map[Credentials]*refusals{}
}

// good reports whether the entry may be asked for. It may again when its
// interval is over, with a full measure of refusals.
func (h *health) good(r *Runner) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	f := h.seen[r.Credentials()]
	if f == nil || f.inARow < orDefault(r.UnhealthyRequestsLimit, DefaultUnhealthyRequestsLimit) {
		return true
	}
	if time.Since(f.last) < orDefault(r.UnhealthyInterval, DefaultUnhealthyInterval) {
		return false
	}
	f.inARow = 0
	return true
}

// record counts an outcome.
func (h *health) record(r *Runner, o Outcome) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f := h.seen[r.Credentials()]
	if f == nil {
		f = new(refusals)
		h.seen[r.Credentials()] = f
	}
	f.last = time.Now()
	f.inARow++
	if o.Healthy() {
		f.inARow = 0
	}
}
