package runnerclient

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// maxAttempts is how often a request is sent at most.
const maxAttempts = 5

// The bounds of the wait where the server names none.
const (
	minPause = 100 * time.Millisecond
	maxPause = time.Minute
)

// retriable reports whether a request is sent again after the status, whatever
// its method. Broken connections are not among what is tried again here.
func retriable(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	default:
		return status >= 512
	}
}

// pause returns how long to wait after the attempt, counted from 1, that had an
// answer with these headers: until RateLimit-ResetTime, a date, if that is in
// the future; else Retry-After, if that is seconds; else exponentially longer.
func pause(h http.Header, attempt int, now time.Time) time.Duration {
	if reset, err := time.Parse(time.RFC1123, h.Get("RateLimit-ResetTime")); err == nil && reset.After(now) {
		return reset.Sub(now)
	}
	if seconds, err := strconv.Atoi(h.Get("Retry-After")); err == nil && seconds > 0 {
		return time.Duration(seconds) * time.Second
	}
	longest := min(minPause<<(attempt-1), maxPause)
	return minPause + rand.N(longest-minPause+1)
}

// sleep waits, and returns an error if ctx ends before.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
