package api

import (
	"context"

	"baton.example/baton"
)

// assignRunnerParams are what POST /projects/:id/runners takes.
// https://docs.gitlab.com/api/runners/#assign-a-runner-to-project.
type assignRunnerParams struct {
	projectParams
	RunnerID baton.RunnerID `param:"runner_id" required:"true" doc:"The runner's id."`
}

// assignRunner gives a project runner to one more project.
func (s *Server) assignRunner(ctx context.Context, c *call, in assignRunnerParams) (runnerEntity, error) {
	p, err := s.Directory.Project(ctx, c.actor, in.ID)
	if err != nil {
		return runnerEntity{}, err
	}
	r, err := s.Fleet.Assign(ctx, c.actor, p.ID, in.RunnerID)
	if err != nil {
		return runnerEntity{}, err
	}
	creators, err := s.Fleet.Creators(ctx, []baton.Runner{r})
	if err != nil {
		return runnerEntity{}, err
	}
	working, _, err := s.workers(ctx, r.ID)
	if err != nil {
		return runnerEntity{}, err
	}
	return s.runnerEntity(c, &r, creators[r.CreatorID], working[r.ID]), nil
}

// unassignRunner takes a project runner from a project that does not own it.
// https://docs.gitlab.com/api/runners/#unassign-a-runner-from-project.
func (s *Server) unassignRunner(ctx context.Context, c *call, in assignRunnerParams) (none, error) {
	p, err := s.Directory.Project(ctx, c.actor, in.ID)
	if err != nil {
		return none{}, err
	}
	return none{}, s.Fleet.Unassign(ctx, c.actor, p.ID, in.RunnerID, c.unmodifiedSince())
}
