package baton

import (
	"slices"
	"time"
)

// A Job is one job of a pipeline: one attempt of it, to be exact, since a retry
// is a new job with the same name.
type Job struct {
	ID         JobID
	PipelineID PipelineID
	ProjectID  ProjectID
	Name       string
	Stage      string
	// StagePosition orders the stages of the pipeline.
	StagePosition int
	Status        JobStatus
	// Tags that a runner must have, sorted, none twice.
	Tags []string
	// Protected jobs run for a ref that was protected when the pipeline was
	// made.
	Protected bool
	// Starts says when the job may begin.
	Starts JobStart
	// Needs are the names of the jobs to wait for; nil waits for all jobs of
	// the stages before.
	Needs []string
	// AllowFailure lets the pipeline pass although the job failed.
	AllowFailure bool
	// Retried jobs have a newer attempt, which counts in their stead.
	Retried bool
	// UserID is on whose behalf the job runs, 0 when that user is gone.
	UserID UserID

	// RunnerID and ManagerID are who was given the job, 0 for nobody yet or
	// when they are gone.
	RunnerID  RunnerID
	ManagerID ManagerID
	// Shared tells that it was given to an instance runner.
	Shared bool
	// CancelsGracefully tells that the runner can end the job itself when it is
	// cancelled, with after_script.
	CancelsGracefully bool
	// Timeout is how many seconds the job may take, known when it is handed
	// out, and TimeoutSource who says so.
	Timeout       int
	TimeoutSource TimeoutSource
	// FailureReason and ExitCode tell of a failed job; ExitCode is nil when
	// there was none.
	FailureReason FailureReason
	ExitCode      *int

	CreatedAt time.Time
	// QueuedAt is when the job became pending, StartedAt when it was handed
	// out, FinishedAt when it ended; zero for not yet.
	QueuedAt   time.Time
	StartedAt  time.Time
	FinishedAt time.Time
	// UpdatedAt is the last sign of life: of the runner while it runs, of a
	// change before and after.
	UpdatedAt time.Time
	ErasedAt  time.Time
}

// A JobStart says when a job may begin, by what became of the jobs before.
type JobStart string

// When a job may begin.
const (
	StartOnSuccess JobStart = "on_success"
	StartOnFailure JobStart = "on_failure"
	StartAlways    JobStart = "always"
	// StartManual waits, besides, for somebody to play the job.
	StartManual JobStart = "manual"
)

// A JobStatus is a state of a job; docs/job-states.md draws them.
type JobStatus string

// The states of a job.
const (
	JobCreated   JobStatus = "created"
	JobManual    JobStatus = "manual"
	JobPending   JobStatus = "pending"
	JobRunning   JobStatus = "running"
	JobCanceling JobStatus = "canceling"
	JobSuccess   JobStatus = "success"
	JobFailed    JobStatus = "failed"
	JobCanceled  JobStatus = "canceled"
	JobSkipped   JobStatus = "skipped"
)

// JobStatuses returns all states.
func JobStatuses() []JobStatus {
	return []JobStatus{JobCreated, JobManual, JobPending, JobRunning, JobCanceling, JobSuccess, JobFailed, JobCanceled, JobSkipped}
}

// Next returns the states that may follow. The arrows of docs/job-states.md are
// these, and a test compares them.
func (s JobStatus) Next() []JobStatus {
	switch s {
	case JobCreated:
		return []JobStatus{JobPending, JobManual, JobSkipped, JobFailed, JobCanceled}
	case JobManual:
		return []JobStatus{JobPending, JobSkipped, JobCanceled}
	case JobPending:
		return []JobStatus{JobRunning, JobFailed, JobCanceled}
	case JobRunning:
		return []JobStatus{JobSuccess, JobFailed, JobCanceling, JobCanceled}
	case JobCanceling:
		return []JobStatus{JobCanceled, JobFailed}
	case JobSkipped:
		return []JobStatus{JobCreated}
	case JobSuccess, JobFailed, JobCanceled:
		return nil
	}
	return nil
}

// May reports whether a job may go from s to next.
func (s JobStatus) May(next JobStatus) bool { return slices.Contains(s.Next(), next) }

// Complete reports whether the job is over.
func (s JobStatus) Complete() bool {
	return s == JobSuccess || s == JobFailed || s == JobCanceled || s == JobSkipped
}

// WithRunner reports whether a runner works on the job: it may send the log,
// artifacts and the outcome.
func (s JobStatus) WithRunner() bool { return s == JobRunning || s == JobCanceling }

// A TimeoutSource says whose word a job's timeout is.
type TimeoutSource string

// The sources of a timeout.
const (
	TimeoutOfProject TimeoutSource = "project"
	TimeoutOfJob     TimeoutSource = "job"
	TimeoutOfRunner  TimeoutSource = "runner"
)

// A FailureReason says why a job failed, in GitLab's words.
type FailureReason string

// The reasons that Baton gives or that runners report.
const (
	FailedUnknown           FailureReason = "unknown_failure"
	FailedScript            FailureReason = "script_failure"
	FailedRunnerSystem      FailureReason = "runner_system_failure"
	FailedTimeout           FailureReason = "job_execution_timeout"
	FailedRunnerUnsupported FailureReason = "runner_unsupported"
	FailedDependency        FailureReason = "missing_dependency_failure"
	FailedScheduler         FailureReason = "scheduler_failure"
	FailedUserBlocked       FailureReason = "user_blocked"
	FailedTraceSize         FailureReason = "trace_size_exceeded"
	FailedStuckMatching     FailureReason = "stuck_pending_with_matching_runners"
	FailedStuckNoRunner     FailureReason = "stuck_pending_no_matching_runners"
	FailedSilentRunning     FailureReason = "no_updates_running"
	FailedSilentCanceling   FailureReason = "no_updates_canceling"
	FailedServerTimeout     FailureReason = "server_timeout_running"
	FailedCancelTimeout     FailureReason = "server_timeout_canceling"
)

// FailureReasons returns all reasons.
func FailureReasons() []FailureReason {
	return []FailureReason{
		FailedUnknown, FailedScript, FailedRunnerSystem, FailedTimeout, FailedRunnerUnsupported, FailedDependency,
		FailedScheduler, FailedUserBlocked, FailedTraceSize, FailedStuckMatching, FailedStuckNoRunner,
		FailedSilentRunning, FailedSilentCanceling, FailedServerTimeout, FailedCancelTimeout,
	}
}

// Is reports whether a word of retry:when means the reason. Two of the words
// are older than the reasons that they stand for.
func (r FailureReason) Is(word string) bool {
	switch r {
	case FailedStuckMatching, FailedStuckNoRunner, FailedSilentRunning, FailedSilentCanceling:
		return word == string(r) || word == "stuck_or_timeout_failure"
	case FailedServerTimeout, FailedCancelTimeout:
		return word == string(r) || word == string(FailedTimeout)
	case FailedUnknown, FailedScript, FailedRunnerSystem, FailedTimeout, FailedRunnerUnsupported, FailedDependency,
		FailedScheduler, FailedUserBlocked, FailedTraceSize:
	}
	return word == string(r)
}
