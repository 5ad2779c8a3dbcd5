package runnerclient

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"sync"
	"time"
)

// The program's habits with a job.
const (
	// firstInterval is how often the log is sent until the server says otherwise.
	firstInterval = 3 * time.Second
	// keepAlive is after how long without a word the server is told that the job
	// still runs.
	keepAlive = 30 * time.Second
	// maxPatch is how much of the log is sent at once, in bytes.
	maxPatch = 1 << 20
	// laterPause is how long to wait where the server wants the final state
	// again and does not say when.
	laterPause = 3 * time.Second
	// finalAttempts is how often the end of a job is tried; the waits between
	// begin with a second and double.
	finalAttempts = 10
	// defaultTimeout is how long a job may take that names no time.
	defaultTimeout = 2 * time.Hour
)

// The failure reasons that every server knows; see [Result].
const (
	ScriptFailure        = "script_failure"
	RunnerSystemFailure  = "runner_system_failure"
	JobExecutionTimeout  = "job_execution_timeout"
	UnknownFailure       = "unknown_failure"
	jobCanceled          = "job_canceled"
	imagePullFailure     = "image_pull_failure"
	runnerConfiguration  = "runner_configuration_error"
	externalDependencies = "runner_external_dependency_failure"
)

// The causes that end the context of a job.
var (
	// ErrAborted: the job has ended for the server, and nothing of it is wanted
	// any more.
	ErrAborted = errors.New("the job was aborted by the server")
	// ErrTimeout: the job took longer than it may.
	ErrTimeout = errors.New("the job took too long")
)

// A Result is how a job ended.
type Result struct {
	// FailureReason is "" for a success. A reason that the server does not name
	// among those it knows is told as one that it does.
	FailureReason string
	// ExitCode is that of the script.
	ExitCode int
}

// A JobRun is a job that the runner holds. What is written to it is its log.
type JobRun struct {
	Runner Runner
	Job    *Job

	client *Client
	call   jobCall
	cancel context.CancelCauseFunc

	mu        sync.Mutex
	log       []byte
	debug     bool
	sent      int // bytes of the log that the server has
	interval  time.Duration
	lastWord  time.Time
	canceling chan struct{}
	canceled  bool
}

// Do does a job that was received, with the function in the place of an
// executor: it reports that the job runs, sends the log while it grows, and
// reports the end until the server has it. The context of the function ends,
// with a cause, when the job is aborted or takes too long.
//
// The error says that the end could not be reported.
func (c *Client) Do(ctx context.Context, r Runner, j *Job, work func(context.Context, *JobRun) Result) error {
	limit := time.Duration(j.RunnerInfo.Timeout) * time.Second
	inTime, stop := context.WithTimeoutCause(ctx, cmp.Or(max(limit, 0), defaultTimeout), ErrTimeout)
	defer stop()
	within, cancel := context.WithCancelCause(inTime)
	defer cancel(nil)
	run := &JobRun{
		Runner: r, Job: j, client: c, call: jobCall{r, j.ID, j.Token}, cancel: cancel,
		interval: firstInterval, lastWord: time.Now(), canceling: make(chan struct{}),
	}

	run.hear(c.updateJob(ctx, run.call, jobUpdate{State: running}))
	var result Result
	if run.hasEnded(within) {
		result.FailureReason = jobCanceled // as it is: the job has not begun
	} else {
		result = run.work(ctx, within, work)
	}
	return run.finish(ctx, result)
}

// hasEnded reports whether the job was canceled, one way or the other.
func (run *JobRun) hasEnded(ctx context.Context) bool {
	run.mu.Lock()
	defer run.mu.Unlock()
	return run.canceled || ctx.Err() != nil
}

// work runs the function and sends the log meanwhile.
func (run *JobRun) work(ctx, within context.Context, work func(context.Context, *JobRun) Result) Result {
	done := make(chan struct{})
	var sender sync.WaitGroup
	sender.Go(func() { run.report(ctx, done) })
	result := work(within, run)
	close(done)
	sender.Wait()

	switch cause := context.Cause(within); {
	case ctx.Err() != nil:
		result.FailureReason = RunnerSystemFailure // the process ends
	case errors.Is(cause, ErrTimeout):
		result.FailureReason = JobExecutionTimeout
	case errors.Is(cause, ErrAborted) || run.hasEnded(within):
		result.FailureReason = jobCanceled
	}
	result.FailureReason = run.known(result.FailureReason)
	return result
}

// known returns a reason that the server knows.
func (run *JobRun) known(reason string) string {
	if reason == "" || slices.Contains(run.Job.Features.FailureReasons, reason) {
		return reason
	}
	switch reason {
	case imagePullFailure, externalDependencies, RunnerSystemFailure:
		return RunnerSystemFailure
	case runnerConfiguration, ScriptFailure:
		return ScriptFailure
	case JobExecutionTimeout:
		return JobExecutionTimeout
	default: // an interruption, a cancellation, and what nobody has heard of
		return UnknownFailure
	}
}

// Write appends to the log. It never fails.
func (run *JobRun) Write(p []byte) (int, error) {
	run.mu.Lock()
	defer run.mu.Unlock()
	run.log = append(run.log, p...)
	return len(p), nil
}

// SetDebug marks the log as one that may show secrets. It counts if it is said
// before the first line is sent.
func (run *JobRun) SetDebug() {
	run.mu.Lock()
	defer run.mu.Unlock()
	run.debug = true
}

// Canceling is closed when the job was canceled gracefully: its script is to
// end, while its after_script is to run, and the log still grows.
func (run *JobRun) Canceling() <-chan struct{} { return run.canceling }

// hear takes what an answer says besides.
func (run *JobRun) hear(a jobAnswer) jobAnswer {
	run.mu.Lock()
	defer run.mu.Unlock()
	if a.interval > 0 {
		run.interval = a.interval
	}
	if a.canceling && !run.canceled {
		run.canceled = true
		close(run.canceling)
	}
	if a.verdict == over {
		run.cancel(ErrAborted)
	}
	if a.verdict == accepted {
		run.lastWord = time.Now()
	}
	return a
}

// report sends the log as it grows, and a word now and then where it does not.
func (run *JobRun) report(ctx context.Context, done <-chan struct{}) {
	for {
		run.mu.Lock()
		timer := time.NewTimer(run.interval)
		run.mu.Unlock()
		select {
		case <-timer.C:
		case <-done:
			timer.Stop()
			return
		}
		if v := run.patch(ctx); v != accepted {
			continue
		}
		run.mu.Lock()
		silent := time.Since(run.lastWord) > keepAlive
		state := run.state(running)
		run.mu.Unlock()
		if silent {
			run.hear(run.client.updateJob(ctx, run.call, state))
		}
	}
}

// patch sends the next part of the log, if there is one.
func (run *JobRun) patch(ctx context.Context) verdict {
	run.mu.Lock()
	offset, debug := run.sent, run.debug
	if offset > len(run.log) {
		// The server says that it has more than there is.
		run.mu.Unlock()
		return failed
	}
	part := slices.Clone(run.log[offset:min(offset+maxPatch, len(run.log))])
	run.mu.Unlock()
	if len(part) == 0 {
		return accepted
	}
	a := run.hear(run.client.patchTrace(ctx, run.call, offset, part, debug))
	run.mu.Lock()
	defer run.mu.Unlock()
	switch a.verdict {
	case accepted:
		run.sent = offset + len(part)
	case mismatch:
		run.sent = a.offset
	default:
	}
	return a.verdict
}

// state returns a report with what the log amounts to by now. The caller holds
// the lock.
func (run *JobRun) state(state string) jobUpdate {
	sum := fmt.Sprintf("crc32:%08x", crc32.ChecksumIEEE(run.log))
	return jobUpdate{State: state, Checksum: sum, Output: output{sum, len(run.log)}}
}

// finish sends the rest of the log and reports the end. A process that is to end
// does that too, but waits for nothing.
func (run *JobRun) finish(ctx context.Context, result Result) error {
	detached := context.WithoutCancel(ctx)
	wait := time.Second
	for attempt := 1; ; attempt++ {
		if run.flush(detached) && run.end(ctx, detached, result) {
			return nil
		}
		if attempt == finalAttempts || sleep(ctx, wait) != nil {
			return fmt.Errorf("job %d: its end could not be reported in %d attempts", run.Job.ID, attempt)
		}
		wait *= 2
	}
}

// flush sends what is left of the log, and reports whether the end can be
// reported.
func (run *JobRun) flush(ctx context.Context) bool {
	for {
		run.mu.Lock()
		complete := run.sent == len(run.log)
		run.mu.Unlock()
		if complete {
			return true
		}
		switch run.patch(ctx) {
		case accepted:
		case absent, over:
			return true // nobody wants it
		default:
			return false
		}
	}
}

// end reports the end, as often as the server wants to hear it until ctx ends.
func (run *JobRun) end(ctx, detached context.Context, result Result) bool {
	state := success
	if result.FailureReason != "" {
		state = failure
	}
	run.mu.Lock()
	u := run.state(state)
	run.mu.Unlock()
	u.FailureReason, u.ExitCode = result.FailureReason, result.ExitCode
	for {
		a := run.client.updateJob(detached, run.call, u)
		switch a.verdict {
		case accepted, absent, over:
			return true
		case later:
			if sleep(ctx, cmp.Or(a.interval, laterPause)) != nil {
				return false
			}
		case mismatch:
			run.mu.Lock()
			run.sent = 0
			run.mu.Unlock()
			if !run.flush(detached) {
				return false
			}
		default:
			return false
		}
	}
}
