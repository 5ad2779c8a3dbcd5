package runnerclient

import (
	"context"
	"math"
	"sync"
	"time"
)

// A Process is gitlab-runner run, on a client and a config of its own.
type Process struct {
	Client *Client
	Config *Config
	// Work stands in for the executor, see [Client.Do]. A process that may
	// receive jobs needs it.
	Work func(ctx context.Context, run *JobRun) Result

	health health
	slots  slots
}

// rotationPause is how long the process waits after a reset that failed. The
// source names no such wait; without one a server that is away would be asked
// without an end.
const rotationPause = time.Minute

// Run works until ctx ends and then returns, once what it began has ended.
func (p *Process) Run(ctx context.Context) {
	p.health.forget()
	p.slots.used = map[int]*use{}
	// An entry waits until a worker takes it: while all are busy, with jobs or
	// with requests that the server holds, nothing is asked for the others.
	turns := make(chan int) // keys of entries
	var all sync.WaitGroup
	for range p.Config.concurrent() {
		all.Go(func() { p.serve(ctx, turns) })
	}
	all.Go(func() { p.rotate(ctx) })
	p.feed(ctx, turns)
	all.Wait()
}

// Reload makes unhealthy entries healthy again, as the program does when its
// file has changed.
func (p *Process) Reload() { p.health.forget() }

// feed gives every entry its turn, a round every check interval.
func (p *Process) feed(ctx context.Context, turns chan<- int) {
	for ctx.Err() == nil {
		runners, interval := p.Config.Runners(), p.Config.checkInterval()
		if len(runners) == 0 && sleep(ctx, interval) != nil {
			return
		}
		for _, r := range runners {
			if p.health.good(&r) {
				select {
				case turns <- r.key:
				case <-ctx.Done():
					return
				}
			}
			if sleep(ctx, interval/time.Duration(len(runners))) != nil {
				return
			}
		}
	}
}

// serve takes turns, as one of the workers.
func (p *Process) serve(ctx context.Context, turns chan int) {
	for {
		select {
		case key := <-turns:
			p.turn(ctx, key, turns)
		case <-ctx.Done():
			return
		}
	}
}

// turn asks for a job and does it. The entry may have waited for its turn, and
// got another token meanwhile.
func (p *Process) turn(ctx context.Context, key int, turns chan<- int) {
	r, there := p.Config.current(key)
	if !there || !p.slots.take(&r) {
		return
	}
	defer p.slots.done(&r)
	poll := p.Client.RequestJob(ctx, r, p.Config.SystemID())
	p.slots.answered(&r, poll)
	if ctx.Err() == nil {
		p.health.record(&r, poll.Outcome)
	}
	if poll.Job == nil {
		return
	}
	if !r.StrictCheckInterval {
		select {
		case turns <- key: // more may be waiting where this one came from
		default:
		}
	}
	if err := p.Client.Do(ctx, r, poll.Job, p.Work); err != nil {
		p.Client.log.ErrorContext(ctx, "failed to end a job", "error", err)
	}
}

// rotate replaces tokens before they end, one after the other.
func (p *Process) rotate(ctx context.Context) {
	var notBefore time.Time // after a failure
	for {
		due, r := p.nextRotation()
		wait := never
		if r != nil {
			wait = max(time.Until(due), time.Until(notBefore))
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
			if err := p.replace(ctx, *r); err != nil {
				p.Client.log.ErrorContext(ctx, "failed to replace a token", "runner", r.ID, "error", err)
				notBefore = time.Now().Add(rotationPause)
			}
		case <-p.Config.changed:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

// never is as long as a timer can wait.
const never time.Duration = math.MaxInt64

// nextRotation returns the entry whose token is to be replaced first, nil if
// none is.
func (p *Process) nextRotation() (due time.Time, next *Runner) {
	for _, r := range p.Config.Runners() {
		if at := r.rotationDue(); !at.IsZero() && (next == nil || at.Before(due)) {
			due, next = at, &r
		}
	}
	return due, next
}

func (p *Process) replace(ctx context.Context, r Runner) error {
	replaced, err := p.Client.Reset(ctx, r)
	if err != nil {
		return err
	}
	return p.Config.Update(r.Credentials(), func(entry *Runner) {
		entry.Token, entry.TokenObtainedAt, entry.TokenExpiresAt = replaced.Token, replaced.TokenObtainedAt, replaced.TokenExpiresAt
	})
}
