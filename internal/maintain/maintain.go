// Package maintain does what has to be done now and then without anybody
// asking. Every duty may run in several processes at once: it looks at the
// database, changes what is due, and finds nothing left the second time.
package maintain

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// A Duty is one thing that is done again and again.
type Duty struct {
	// Name tells the duty in the log.
	Name string
	// After is how long after the start the first round is, and Every the time
	// between two rounds.
	After, Every time.Duration
	// Do does one round. An error is logged, and the next round tries again.
	Do func(context.Context) error
}

// Run does the duties until ctx ends, and returns when the last round has.
func Run(ctx context.Context, log *slog.Logger, duties ...Duty) {
	var wg sync.WaitGroup
	for _, d := range duties {
		wg.Go(func() { d.run(ctx, log) })
	}
	wg.Wait()
}

func (d *Duty) run(ctx context.Context, log *slog.Logger) {
	if !wait(ctx, time.After(d.After)) {
		return
	}
	ticker := time.NewTicker(d.Every)
	defer ticker.Stop()
	for {
		if err := d.Do(ctx); err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "a duty failed and will be tried again", "duty", d.Name, "in", d.Every, "error", err)
		}
		if !wait(ctx, ticker.C) {
			return
		}
	}
}

// wait returns true when the time has come, and false when ctx ends first.
func wait(ctx context.Context, until <-chan time.Time) bool {
	select {
	case <-until:
		return true
	case <-ctx.Done():
		return false
	}
}
