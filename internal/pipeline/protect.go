package pipeline

import (
	"context"
	"fmt"

	"baton.example/baton"
	"baton.example/baton/internal/access"
)

// protects reports whether the ref is protected, and is an error when the actor
// may not run pipelines for it then.
func (c *change) protects(ctx context.Context, a *access.Actor, project baton.ProjectID, ref string, tag bool) (bool, error) {
	protected, may, err := c.protection(ctx, a, project, ref, tag)
	if err == nil && !may {
		err = invalid(fmt.Sprintf("You do not have sufficient permission to run a pipeline on '%s'. "+
			"Please select a different branch or contact your administrator for assistance.", ref))
	}
	return protected, err
}

// protection reports whether the ref is protected, and whether the actor may run
// pipelines for it all the same.
func (c *change) protection(
	ctx context.Context, a *access.Actor, project baton.ProjectID, ref string, tag bool,
) (protected, may bool, err error) {
	rules, err := c.ProtectedRefs(ctx, project)
	if err != nil {
		return false, false, err
	}
	level, err := c.policy.Level(ctx, a, baton.InProject(project))
	if err != nil {
		return false, false, err
	}
	if a.Admin {
		level = baton.AdminAccess
	}
	for _, r := range rules {
		if r.Tag == tag && r.Matches(ref) {
			protected = true
			may = may || r.Allows(level)
		}
	}
	return protected, may || !protected, nil
}

// mayRun is an error unless the actor may cancel, retry and play the jobs of the
// pipeline, which is one of the project. It is CodeDenied for who may not run
// pipelines for its ref, as it is protected now: a job that deploys is not for
// everybody who may push to another branch.
// https://docs.gitlab.com/ci/pipelines/#pipeline-security-on-protected-branches.
func (c *change) mayRun(ctx context.Context, a *access.Actor, project baton.ProjectID, id baton.PipelineID) error {
	if err := c.allowed(ctx, a, access.RunPipelines, project); err != nil {
		return err
	}
	p, err := pipeline(ctx, c, project, id)
	if err != nil {
		return err
	}
	_, may, err := c.protection(ctx, a, project, p.Ref, p.Tag)
	if err == nil && !may {
		err = baton.Denied("")
	}
	return err
}

// runnable returns a job of the project that the actor may cancel, retry and
// play.
func (c *change) runnable(ctx context.Context, a *access.Actor, project baton.ProjectID, id baton.JobID) (baton.Job, error) {
	if err := c.allowed(ctx, a, access.RunPipelines, project); err != nil {
		return baton.Job{}, err
	}
	j, err := job(ctx, c, project, id)
	if err != nil {
		return baton.Job{}, err
	}
	return j, c.mayRun(ctx, a, project, j.PipelineID)
}
