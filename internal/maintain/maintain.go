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
	// Every is the time between two rounds; the first is at the start.
	Every time.Duration
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
	ticker := time.NewTicker(d.Every)
	defer ticker.Stop()
	for {
		if err := d.Do(ctx); err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "a duty failed and will be tried again", "duty", d.Name, "in", d.Every, "error", err)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}
