package pipeline

import (
	"context"
	"fmt"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/store"
)

// A Store is what pipelines need of storage.
type Store interface {
	reader
	Tx(ctx context.Context, fn func(ctx context.Context, tx store.Tx) error) error
}

// A reader is what both a [Store] and a transaction can be asked.
type reader interface {
	store.ProjectReader
	store.MemberReader
	store.RunnerReader
	store.PipelineReader
	store.JobReader
}

// A Service keeps pipelines going.
type Service struct {
	store  Store
	policy access.Policy
	now    func() time.Time
	// queued is called after jobs became pending.
	queued func()
}

// New returns a service on the store that tells time by now, and calls queued
// when there is work for runners.
func New(s Store, now func() time.Time, queued func()) *Service {
	return &Service{store: s, policy: access.Policy{Members: s}, now: now, queued: queued}
}

// change runs fn in a transaction and then tells of jobs that became pending.
func (s *Service) change(ctx context.Context, doing string, fn func(ctx context.Context, c *change) error) error {
	var c *change
	err := s.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
		c = &change{Tx: tx, policy: access.Policy{Members: tx}, at: s.now()}
		return fn(ctx, c)
	})
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if c.queued {
		s.queued()
	}
	return nil
}

// A change is one transaction on a pipeline.
type change struct {
	store.Tx

	policy access.Policy
	at     time.Time
	queued bool
}

// move brings a job into another state at the time of the change.
func (c *change) move(ctx context.Context, j *baton.Job, to baton.JobStatus) error {
	from := j.Status
	j.Status, j.UpdatedAt = to, c.at
	switch {
	case to == baton.JobPending:
		j.QueuedAt = c.at
		c.queued = true
	case to.Complete():
		j.FinishedAt = c.at
	}
	return c.MoveJob(ctx, from, *j)
}

// advance lets the pipeline of a job that moved follow.
func (c *change) advance(ctx context.Context, id baton.PipelineID) (baton.Pipeline, error) {
	p, err := c.Pipeline(ctx, id)
	if err != nil {
		return baton.Pipeline{}, err
	}
	jobs, err := c.Attempts(ctx, id)
	if err != nil {
		return baton.Pipeline{}, err
	}
	moved, status := advance(jobs)
	for _, j := range moved {
		to := j.Status
		j.Status = baton.JobCreated
		if err := c.move(ctx, &j, to); err != nil {
			return baton.Pipeline{}, err
		}
	}
	p.Status, p.UpdatedAt = status, c.at
	p.StartedAt, p.FinishedAt = span(jobs, status, c.at)
	return p, c.UpdatePipeline(ctx, p)
}

// span returns when the first of the jobs began and, once the pipeline is over,
// when that was.
func span(jobs []baton.Job, status baton.PipelineStatus, now time.Time) (started, finished time.Time) {
	for i := range jobs {
		if at := jobs[i].StartedAt; !at.IsZero() && (started.IsZero() || at.Before(started)) {
			started = at
		}
	}
	switch status {
	case baton.PipelineSuccess, baton.PipelineFailed, baton.PipelineCanceled, baton.PipelineSkipped:
		finished = now
	case baton.PipelineCreated, baton.PipelinePending, baton.PipelineRunning, baton.PipelineCanceling, baton.PipelineManual:
	}
	return started, finished
}

// allowed returns the error of an actor who has not the ability in the project.
func (c *change) allowed(ctx context.Context, a *access.Actor, do access.Ability, id baton.ProjectID) error {
	return allowed(ctx, c.policy, a, do, id)
}

func allowed(ctx context.Context, policy access.Policy, a *access.Actor, do access.Ability, id baton.ProjectID) error {
	can, err := policy.CanProject(ctx, a, do, &baton.Project{ID: id})
	if err == nil && !can {
		err = baton.Denied("")
	}
	return err
}

// pipeline returns a pipeline of the project.
func pipeline(ctx context.Context, r store.PipelineReader, project baton.ProjectID, id baton.PipelineID) (baton.Pipeline, error) {
	p, err := r.Pipeline(ctx, id)
	if err == nil && p.ProjectID != project {
		err = baton.NotFound("Pipeline")
	}
	return p, err
}

// job returns a job of the project.
func job(ctx context.Context, r store.JobReader, project baton.ProjectID, id baton.JobID) (baton.Job, error) {
	j, err := r.Job(ctx, id)
	if err == nil && j.ProjectID != project {
		err = baton.NotFound("Job")
	}
	return j, err
}
