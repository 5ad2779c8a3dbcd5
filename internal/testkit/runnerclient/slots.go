package runnerclient

import "sync"

// slots count what an entry has running and open, and vary how many requests it
// may have open by what came of the last ones.
type slots struct {
	mu   sync.Mutex
	used map[int]*use // by entry
}

type use struct {
	jobs     int // or requests that may become one
	requests int
	budget   float64 // of requests, from 1 up; where it begins is our choice
}

// The factors by which the budget of requests moves.
const (
	afterJob     = 1.1
	afterNone    = 0.95
	afterTrouble = 0.5
)

// take takes what a request needs, unless a limit of the entry is reached.
func (s *slots) take(r *Runner) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.used[r.key]
	if u == nil {
		u = &use{budget: 1}
		s.used[r.key] = u
	}
	open := orDefault(r.RequestConcurrency, DefaultRequestConcurrency)
	if r.flag(FFAdaptiveRequests, true) {
		open = min(open, int(u.budget))
	}
	if r.Limit > 0 && u.jobs >= r.Limit || u.requests >= open {
		return false
	}
	u.jobs++
	u.requests++
	return true
}

// answered gives the request back and learns from it.
func (s *slots) answered(r *Runner, p Poll) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.used[r.key]
	u.requests--
	switch {
	case p.Troubled:
		u.budget *= afterTrouble
	case p.Outcome == Received:
		u.budget *= afterJob
	default:
		u.budget *= afterNone
	}
	u.budget = max(1, min(u.budget, float64(orDefault(r.RequestConcurrency, DefaultRequestConcurrency))))
}

// done gives the job back, or the place for one that did not come.
func (s *slots) done(r *Runner) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used[r.key].jobs--
}
