package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/ciconfig"
	"baton.example/baton/internal/store"
)

// An Outcome is what a runner reports at the end of a job.
type Outcome struct {
	Failed bool
	// Reason is one of GitLab's words for a failure; what is not known is
	// unknown_failure.
	Reason baton.FailureReason
	// ExitCode of the script, 0 if there was none.
	ExitCode int
}

// maxExitCode is the largest exit code that is kept, as in GitLab.
const maxExitCode = 32767

// Prove finds the job whose runner works with the token. A token that is not
// the job's is CodeDenied. The job may be over: whoever acts looks at its state.
func (s *Service) Prove(ctx context.Context, id baton.JobID, token baton.Secret) (baton.Job, error) {
	j, err := s.store.JobByToken(ctx, token.Digest())
	if baton.IsNotFound(err) || err == nil && j.ID != id {
		return baton.Job{}, baton.Denied("")
	}
	if err != nil {
		return baton.Job{}, fmt.Errorf("find job by token: %w", err)
	}
	return j, nil
}

// Touch notes that the runner of a job is alive.
func (s *Service) Touch(ctx context.Context, id baton.JobID) error {
	at := s.now()
	err := s.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error { return tx.TouchJob(ctx, id, at) })
	if err != nil {
		return fmt.Errorf("touch job: %w", err)
	}
	return nil
}

// Finish ends a job that a runner worked on, and returns it. A job in
// canceling ends as canceled, whatever the outcome. It is CodeStale if no
// runner works on it any more.
func (s *Service) Finish(ctx context.Context, id baton.JobID, o Outcome) (baton.Job, error) {
	var j baton.Job
	err := s.change(ctx, "finish job", func(ctx context.Context, c *change) error {
		var err error
		if j, err = c.Job(ctx, id); err != nil {
			return err
		}
		if !j.Status.WithRunner() {
			return &baton.Error{Code: baton.CodeStale, Message: "the job is over"}
		}
		return c.finish(ctx, &j, o)
	})
	return j, err
}

// Drop ends a job that cannot be given to a runner, as part of a transaction.
func Drop(ctx context.Context, tx store.Tx, j *baton.Job, reason baton.FailureReason, at time.Time) error {
	c := &change{Tx: tx, policy: access.Policy{Members: tx}, at: at}
	return c.finish(ctx, j, Outcome{Failed: true, Reason: reason})
}

// finish ends a job, tries it again if that is wanted, and lets its pipeline
// advance.
func (c *change) finish(ctx context.Context, j *baton.Job, o Outcome) error {
	text, err := c.Recipe(ctx, j.ID)
	if err != nil {
		return err
	}
	recipe := wishes(text)
	to := baton.JobSuccess
	switch {
	case j.Status == baton.JobCanceling:
		to = baton.JobCanceled
	case o.Failed:
		to = baton.JobFailed
		j.FailureReason = known(o.Reason)
		if o.ExitCode != 0 {
			j.ExitCode = new(min(max(o.ExitCode, 0), maxExitCode))
		}
		if len(recipe.AllowedExitCodes) > 0 {
			j.AllowFailure = j.ExitCode != nil && slices.Contains(recipe.AllowedExitCodes, *j.ExitCode)
		}
	}
	if err := c.move(ctx, j, to); err != nil {
		return err
	}
	if to == baton.JobFailed {
		again, err := c.triesAgain(ctx, j, &recipe.Retry)
		if err != nil {
			return err
		}
		if again {
			next, err := c.attempt(ctx, j, text)
			if err != nil {
				return err
			}
			// What the job waited for has happened: it does not wait again.
			if err := c.move(ctx, &next, baton.JobPending); err != nil {
				return err
			}
		}
	}
	_, err = c.advance(ctx, j.PipelineID)
	return err
}

// wishes returns what the configuration wants to happen at the end of a job.
// One whose recipe cannot be read has to end too, and wishes nothing.
func wishes(recipe []byte) ciconfig.Job {
	var job ciconfig.Job
	if err := json.Unmarshal(recipe, &job); err != nil {
		return ciconfig.Job{}
	}
	return job
}

// known returns a reason that may be reported, or unknown_failure.
func known(reason baton.FailureReason) baton.FailureReason {
	if slices.Contains(baton.FailureReasons(), reason) {
		return reason
	}
	return baton.FailedUnknown
}

// schedulerRetries is how often a job is tried again that Baton could not hand
// out, without being told to.
const schedulerRetries = 2

// triesAgain reports whether a job that failed gets another attempt by itself.
func (c *change) triesAgain(ctx context.Context, j *baton.Job, r *ciconfig.Retry) (bool, error) {
	most := 0
	switch {
	case slices.Contains([]baton.FailureReason{baton.FailedDependency, baton.FailedStuckNoRunner, baton.FailedUserBlocked}, j.FailureReason):
	case r.Max > 0 && retries(r, j):
		most = r.Max
	case j.FailureReason == baton.FailedScheduler:
		most = schedulerRetries
	}
	if most == 0 {
		return false, nil
	}
	all, err := c.Jobs(ctx, store.JobFilter{Pipeline: j.PipelineID, Name: j.Name, Retried: true}, store.Page{Limit: most + 2})
	return len(all) <= most, err
}

// retries reports whether the configuration wants another attempt after this
// failure.
func retries(r *ciconfig.Retry, j *baton.Job) bool {
	if len(r.When) == 0 && len(r.ExitCodes) == 0 {
		return true
	}
	return j.ExitCode != nil && slices.Contains(r.ExitCodes, *j.ExitCode) ||
		slices.ContainsFunc(r.When, func(word string) bool { return j.FailureReason.Is(word) })
}

// attempt stores a new attempt of a job that is over, in the state created.
func (c *change) attempt(ctx context.Context, j *baton.Job, recipe []byte) (baton.Job, error) {
	if err := c.SupersedeJob(ctx, j.ID); err != nil {
		return baton.Job{}, err
	}
	next := baton.Job{
		PipelineID: j.PipelineID, ProjectID: j.ProjectID, Name: j.Name, Stage: j.Stage, StagePosition: j.StagePosition,
		Tags: j.Tags, Protected: j.Protected, Starts: j.Starts, Needs: j.Needs,
		UserID: j.UserID, CreatedAt: c.at, UpdatedAt: c.at, Status: baton.JobCreated,
	}
	next.AllowFailure = wishes(recipe).AllowFailure // an exit code may have changed the job's
	var err error
	next.ID, err = c.InsertJob(ctx, next, recipe)
	return next, err
}
