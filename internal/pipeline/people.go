package pipeline

import (
	"context"
	"slices"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/store"
)

// Pipeline returns a pipeline of a project.
// https://docs.gitlab.com/api/pipelines/#retrieve-a-single-pipeline.
func (s *Service) Pipeline(ctx context.Context, a *access.Actor, project baton.ProjectID, id baton.PipelineID) (baton.Pipeline, error) {
	if err := allowed(ctx, s.policy, a, access.ReadPipelines, project); err != nil {
		return baton.Pipeline{}, err
	}
	return pipeline(ctx, s.store, project, id)
}

// Pipelines returns a page of a project's pipelines, and how many there are,
// counted no further than most.
// https://docs.gitlab.com/api/pipelines/#list-project-pipelines.
func (s *Service) Pipelines(ctx context.Context, a *access.Actor, f store.PipelineFilter, p store.Page, most int) ([]baton.Pipeline, int, error) {
	if err := allowed(ctx, s.policy, a, access.ReadPipelines, f.Project); err != nil {
		return nil, 0, err
	}
	all, err := s.store.Pipelines(ctx, f, p)
	if err != nil {
		return nil, 0, err
	}
	total, err := s.store.CountPipelines(ctx, f, most)
	return all, total, err
}

// Job returns a job of a project. https://docs.gitlab.com/api/jobs/#retrieve-a-job.
func (s *Service) Job(ctx context.Context, a *access.Actor, project baton.ProjectID, id baton.JobID) (baton.Job, error) {
	if err := allowed(ctx, s.policy, a, access.ReadPipelines, project); err != nil {
		return baton.Job{}, err
	}
	return job(ctx, s.store, project, id)
}

// Jobs returns a page of the jobs of a project, or of one of its pipelines, and
// how many there are, counted no further than most.
// https://docs.gitlab.com/api/jobs/#list-all-jobs-for-a-project.
func (s *Service) Jobs(ctx context.Context, a *access.Actor, f store.JobFilter, p store.Page, most int) ([]baton.Job, int, error) {
	if err := allowed(ctx, s.policy, a, access.ReadPipelines, f.Project); err != nil {
		return nil, 0, err
	}
	if f.Pipeline != 0 {
		if _, err := pipeline(ctx, s.store, f.Project, f.Pipeline); err != nil {
			return nil, 0, err
		}
	}
	all, err := s.store.Jobs(ctx, f, p)
	if err != nil {
		return nil, 0, err
	}
	total, err := s.store.CountJobs(ctx, f, most)
	return all, total, err
}

// CancelPipeline cancels every job of a pipeline that has not ended or waits to
// be played. https://docs.gitlab.com/api/pipelines/#cancel-all-jobs-for-a-pipeline.
func (s *Service) CancelPipeline(ctx context.Context, a *access.Actor, project baton.ProjectID, id baton.PipelineID) (baton.Pipeline, error) {
	var p baton.Pipeline
	err := s.change(ctx, "cancel pipeline", func(ctx context.Context, c *change) error {
		if err := c.mayRun(ctx, a, project, id); err != nil {
			return err
		}
		jobs, err := c.Attempts(ctx, id)
		if err != nil {
			return err
		}
		for i := range jobs {
			if !cancelable(jobs[i].Status) {
				continue
			}
			if err := c.cancel(ctx, &jobs[i]); err != nil {
				return err
			}
		}
		p, err = c.advance(ctx, id)
		return err
	})
	return p, err
}

// CancelJob cancels a job that has not ended.
// https://docs.gitlab.com/api/jobs/#cancel-a-job.
func (s *Service) CancelJob(ctx context.Context, a *access.Actor, project baton.ProjectID, id baton.JobID) (baton.Job, error) {
	var j baton.Job
	err := s.change(ctx, "cancel job", func(ctx context.Context, c *change) error {
		var err error
		if j, err = c.runnable(ctx, a, project, id); err != nil {
			return err
		}
		if !cancelable(j.Status) {
			return baton.Denied("Job is not cancelable")
		}
		if err := c.cancel(ctx, &j); err != nil {
			return err
		}
		_, err = c.advance(ctx, j.PipelineID)
		return err
	})
	return j, err
}

func cancelable(s baton.JobStatus) bool {
	return slices.Contains([]baton.JobStatus{baton.JobCreated, baton.JobPending, baton.JobRunning}, s)
}

// cancel ends a job, or lets its runner end it: one that can goes on with
// after_script.
func (c *change) cancel(ctx context.Context, j *baton.Job) error {
	to := baton.JobCanceled
	if j.Status == baton.JobRunning && j.CancelsGracefully {
		to = baton.JobCanceling
	}
	return c.move(ctx, j, to)
}

// RetryJob makes a new attempt of a job that has ended, and returns it.
// https://docs.gitlab.com/api/jobs/#retry-a-job.
func (s *Service) RetryJob(ctx context.Context, a *access.Actor, project baton.ProjectID, id baton.JobID) (baton.Job, error) {
	var next baton.Job
	err := s.change(ctx, "retry job", func(ctx context.Context, c *change) error {
		j, err := c.runnable(ctx, a, project, id)
		if err != nil {
			return err
		}
		if !retryable(&j) {
			return baton.Denied("Job is not retryable")
		}
		if next, err = c.retry(ctx, a, &j); err != nil {
			return err
		}
		if err := c.move(ctx, &next, baton.JobPending); err != nil {
			return err
		}
		_, err = c.advance(ctx, j.PipelineID)
		return err
	})
	return next, err
}

// RetryPipeline makes new attempts of the jobs of a pipeline that failed or were
// cancelled. https://docs.gitlab.com/api/pipelines/#retry-jobs-in-a-pipeline.
func (s *Service) RetryPipeline(ctx context.Context, a *access.Actor, project baton.ProjectID, id baton.PipelineID) (baton.Pipeline, error) {
	var p baton.Pipeline
	err := s.change(ctx, "retry pipeline", func(ctx context.Context, c *change) error {
		if err := c.mayRun(ctx, a, project, id); err != nil {
			return err
		}
		jobs, err := c.Attempts(ctx, id)
		if err != nil {
			return err
		}
		for i := range jobs {
			if jobs[i].Status != baton.JobFailed && jobs[i].Status != baton.JobCanceled {
				continue
			}
			if _, err := c.retry(ctx, a, &jobs[i]); err != nil {
				return err
			}
		}
		p, err = c.advance(ctx, id)
		return err
	})
	return p, err
}

func retryable(j *baton.Job) bool {
	return !j.Retried && slices.Contains([]baton.JobStatus{baton.JobSuccess, baton.JobFailed, baton.JobCanceled}, j.Status)
}

// retry makes a new attempt on behalf of the actor, and gives the jobs that
// were skipped because of the old one another chance.
func (c *change) retry(ctx context.Context, a *access.Actor, j *baton.Job) (baton.Job, error) {
	text, err := c.Recipe(ctx, j.ID)
	if err != nil {
		return baton.Job{}, err
	}
	again := *j
	again.UserID = a.User.ID
	next, err := c.attempt(ctx, &again, text)
	if err != nil {
		return baton.Job{}, err
	}
	return next, c.revive(ctx, &next)
}

// revive brings back the skipped jobs that wait for a job, directly or not.
func (c *change) revive(ctx context.Context, j *baton.Job) error {
	jobs, err := c.Attempts(ctx, j.PipelineID)
	if err != nil {
		return err
	}
	revived := []baton.Job{*j}
	for i := range jobs { // in the order of stages
		waits := slices.ContainsFunc(revived, func(before baton.Job) bool { return waitsFor(&jobs[i], &before) })
		if jobs[i].Status != baton.JobSkipped || !waits {
			continue
		}
		if err := c.move(ctx, &jobs[i], baton.JobCreated); err != nil {
			return err
		}
		revived = append(revived, jobs[i])
	}
	return nil
}

func waitsFor(j, before *baton.Job) bool {
	if j.Needs == nil {
		return before.StagePosition < j.StagePosition
	}
	return slices.Contains(j.Needs, before.Name)
}

// PlayJob lets a manual job begin. https://docs.gitlab.com/api/jobs/#run-a-job.
func (s *Service) PlayJob(ctx context.Context, a *access.Actor, project baton.ProjectID, id baton.JobID) (baton.Job, error) {
	var j baton.Job
	err := s.change(ctx, "play job", func(ctx context.Context, c *change) error {
		var err error
		if j, err = c.runnable(ctx, a, project, id); err != nil {
			return err
		}
		if j.Status != baton.JobManual {
			return invalid("Unplayable Job")
		}
		j.UserID = a.User.ID
		if err := c.move(ctx, &j, baton.JobPending); err != nil {
			return err
		}
		if err := c.revive(ctx, &j); err != nil {
			return err
		}
		_, err = c.advance(ctx, j.PipelineID)
		return err
	})
	return j, err
}

// DeletePipeline removes a pipeline with its jobs.
// https://docs.gitlab.com/api/pipelines/#delete-a-pipeline.
func (s *Service) DeletePipeline(ctx context.Context, a *access.Actor, project baton.ProjectID, id baton.PipelineID) error {
	return s.change(ctx, "delete pipeline", func(ctx context.Context, c *change) error {
		if err := c.allowed(ctx, a, access.DeletePipelines, project); err != nil {
			return err
		}
		if _, err := pipeline(ctx, c, project, id); err != nil {
			return err
		}
		return c.DeletePipeline(ctx, id)
	})
}
