package audit

import (
	"context"
	"log/slog"
	"time"

	"baton.example/baton/internal/store"
)

const (
	// batch is how many events are sealed in one transaction: those who write
	// wait for it in SQLite.
	batch = 500
	// gather is how long events wait for others before they are sealed: a seal
	// is a commit, and one for each event would halve what a disk can take.
	gather = 200 * time.Millisecond
	// poll is how often is looked for events that nobody was woken for: those of
	// a process that died, of another machine, of a command.
	poll = 500 * time.Millisecond
)

// Seal seals events as they come, until ctx ends. It may run in several
// processes at once: the store lets one at a time.
func Seal(ctx context.Context, s store.AuditSealer, log *slog.Logger) {
	failing := false
	for {
		n, err := s.SealAuditEvents(ctx, batch, Links)
		if ctx.Err() != nil {
			return
		}
		switch failed := err != nil; {
		case failed && !failing:
			log.WarnContext(ctx, "audit events cannot be sealed, which is tried again and again", "error", err)
			failing = true
		case !failed && failing:
			log.InfoContext(ctx, "audit events are sealed again")
			failing = false
		}
		if n == batch {
			continue // there may be more
		}
		select {
		case <-s.AuditWritten():
			if !wait(ctx, gather) {
				return
			}
		case <-time.After(poll):
		case <-ctx.Done():
			return
		}
	}
}

// wait waits and reports whether ctx goes on.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
