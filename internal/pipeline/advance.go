package pipeline

import (
	"slices"

	"baton.example/baton"
)

// advance returns the jobs that leave the state created, moved to the state
// they enter, and the status of their pipeline then. The jobs are those of one
// pipeline that have no newer attempt.
//
// The rules are GitLab's: a job that is not over yet holds those behind it
// back; when all of them are over, what became of them decides whether the job
// runs or is skipped.
func advance(jobs []baton.Job) (moved []baton.Job, status baton.PipelineStatus) {
	jobs = slices.Clone(jobs)
	slices.SortStableFunc(jobs, func(a, b baton.Job) int { return a.StagePosition - b.StagePosition })
	for changed := true; changed; {
		changed = false
		for i := range jobs {
			j := &jobs[i]
			if j.Status != baton.JobCreated {
				continue
			}
			next, ready := enter(j, outcomeBefore(j, jobs))
			if !ready {
				continue
			}
			j.Status = next
			moved = append(moved, *j)
			changed = true
		}
	}
	return moved, pipelineStatus(jobs)
}

// enter returns the state that a created job enters after what became of the
// jobs before it, and false while that is open.
func enter(j *baton.Job, before outcome) (baton.JobStatus, bool) {
	switch before {
	case passed, failed, canceled, skipped:
	default:
		return "", false
	}
	var goes bool
	switch j.Starts {
	case baton.StartOnSuccess, baton.StartManual:
		// A stage that did nothing is no reason to do nothing; a need is.
		goes = before == passed || before == skipped && j.Needs == nil
	case baton.StartOnFailure:
		goes = before == failed
	case baton.StartAlways:
		goes = before != canceled
	}
	switch {
	case !goes:
		return baton.JobSkipped, true
	case j.Starts == baton.StartManual:
		return baton.JobManual, true
	default:
		return baton.JobPending, true
	}
}

// outcomeBefore returns what became of the jobs that a job waits for.
func outcomeBefore(j *baton.Job, jobs []baton.Job) outcome {
	var before []baton.Job
	for _, other := range jobs {
		if j.Needs == nil && other.StagePosition < j.StagePosition || slices.Contains(j.Needs, other.Name) {
			before = append(before, other)
		}
	}
	switch {
	case len(before) == 0:
		return passed
	case j.Needs != nil:
		return ofNeeds(before)
	default:
		return of(before)
	}
}

// An outcome is what became of several jobs together.
type outcome string

// The outcomes. Those of jobs that are over decide what follows; the others
// name what is being waited for.
const (
	passed   outcome = "success"
	failed   outcome = "failed"
	canceled outcome = "canceled"
	skipped  outcome = "skipped"

	created   outcome = "created"
	pending   outcome = "pending"
	running   outcome = "running"
	canceling outcome = "canceling"
	manual    outcome = "manual"
)

// Two more words for single jobs: one that failed and was allowed to, and one
// that waits to be played and need not be.
const (
	warned  outcome = "success with warnings"
	ignored outcome = "ignored"
)

// one returns the outcome of one job.
func one(j *baton.Job) outcome {
	if j.AllowFailure {
		switch j.Status { //nolint:exhaustive // the others are the same, allowed to fail or not
		case baton.JobFailed, baton.JobCanceled:
			return warned
		case baton.JobManual:
			return ignored
		}
	}
	return outcome(j.Status)
}

// A tally is the outcomes that there are among several jobs.
type tally map[outcome]bool

func count(jobs []baton.Job) tally {
	t := make(tally)
	for i := range jobs {
		t[one(&jobs[i])] = true
	}
	return t
}

func (t tally) only(of ...outcome) bool {
	for o := range t {
		if !slices.Contains(of, o) {
			return false
		}
	}
	return true
}

// of returns the outcome of jobs, which are not none, as GitLab derives the
// status of a stage or a pipeline.
func of(jobs []baton.Job) outcome {
	t := count(jobs)
	switch {
	case t.only(skipped, ignored):
		return skipped
	case t.only(passed, skipped, warned, ignored):
		return passed
	case t.only(created, warned, ignored):
		return created
	case t.only(canceled, passed, skipped, warned, ignored):
		return canceled
	case t.only(pending, created, skipped, warned, ignored):
		return pending
	case t[running] || t[pending]:
		return running
	case t[manual]:
		return manual
	case t[created]:
		return running
	case t[canceling]:
		return canceling
	default:
		return failed
	}
}

// ofNeeds returns the outcome of the jobs that another one needs. One that did
// not run is a need that was not met.
func ofNeeds(jobs []baton.Job) outcome {
	t := count(jobs)
	switch {
	case t[skipped] || t[ignored]:
		return skipped
	case !t.only(passed, failed, canceled, warned):
		return pending
	default:
		return of(jobs)
	}
}

// pipelineStatus returns the status of a pipeline with these jobs.
func pipelineStatus(jobs []baton.Job) baton.PipelineStatus {
	if len(jobs) == 0 {
		return baton.PipelineSkipped
	}
	return baton.PipelineStatus(of(jobs))
}
