package fleet

import (
	"context"
	"fmt"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/store"
)

// An AssignError says why a runner cannot be given to a project that nobody
// may keep it from. It is the whole of what GitLab says.
type AssignError string

// Error implements error.
func (p AssignError) Error() string { return string(p) }

// The errors of assigning. GitLab has a reason behind each dash.
const (
	errNotProjectRunner AssignError = "Assign to Validation failed: Runner is not a project runner - runner_error"
	errAlreadyAssigned  AssignError = "Assign to Validation failed: Runner projects is invalid - runner_error"
)

// Assign gives a project runner to a further project, which it then serves too.
// The order of the checks is GitLab's.
// https://docs.gitlab.com/api/runners/#assign-a-runner-to-project.
func (s *Service) Assign(ctx context.Context, a *access.Actor, project baton.ProjectID, id baton.RunnerID) (baton.Runner, error) {
	var r baton.Runner
	err := s.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
		v := look(tx)
		p, err := v.seenProject(ctx, a, project)
		if err != nil {
			return err
		}
		if err := denied(v.mayCreateIn(ctx, a, &p)); err != nil {
			return err
		}
		if r, err = tx.Runner(ctx, id); err != nil {
			return err
		}
		if r.Type == baton.GroupRunner {
			return baton.Denied("Runner is a group runner")
		}
		if err := v.unlocked(ctx, a, &r); err != nil {
			return err
		}
		if r.Type != baton.ProjectRunner {
			return errNotProjectRunner
		}
		err = tx.AssignRunner(ctx, id, project, a.Now)
		if baton.CodeOf(err) == baton.CodeConflict {
			return errAlreadyAssigned
		}
		if err != nil {
			return err
		}
		return tx.InsertAuditEvent(ctx, projectPlace(&p).tell(a.Author(), id, eventAssigned, "Assigned CI runner to project"))
	})
	if err != nil {
		return baton.Runner{}, fmt.Errorf("assign runner: %w", err)
	}
	return r, nil
}

// Unassign takes a project runner from a project other than its owner.
// https://docs.gitlab.com/api/runners/#unassign-a-runner-from-project.
func (s *Service) Unassign(ctx context.Context, a *access.Actor, project baton.ProjectID, id baton.RunnerID, cond Condition) error {
	err := s.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
		v := look(tx)
		p, err := v.seenProject(ctx, a, project)
		if err != nil {
			return err
		}
		since, err := tx.AssignedAt(ctx, id, project)
		if baton.IsNotFound(err) {
			return baton.NotFound("Runner")
		}
		if err != nil {
			return err
		}
		r, err := tx.Runner(ctx, id)
		if err != nil {
			return err
		}
		if err := v.unlocked(ctx, a, &r); err != nil {
			return err
		}
		if r.ProjectID == project {
			return baton.Denied("You cannot unassign a runner from the owner project. Delete the runner instead")
		}
		if err := cond.check(since); err != nil {
			return err
		}
		if err := tx.UnassignRunner(ctx, id, project); err != nil {
			return err
		}
		return tx.InsertAuditEvent(ctx, projectPlace(&p).tell(a.Author(), id, eventUnassigned, "Unassigned CI runner from project"))
	})
	if err != nil {
		return fmt.Errorf("unassign runner: %w", err)
	}
	return nil
}

// seenProject returns the project if the actor may see its runners.
func (v view) seenProject(ctx context.Context, a *access.Actor, id baton.ProjectID) (baton.Project, error) {
	p, err := v.Project(ctx, id)
	if err != nil {
		return baton.Project{}, err
	}
	return p, denied(v.policy.CanProject(ctx, a, access.ReadRunners, &p))
}

// unlocked is CodeDenied unless the actor may change whom the runner serves: as
// one who may change it, while it is not locked. Nothing is locked for
// administrators.
func (v view) unlocked(ctx context.Context, a *access.Actor, r *baton.Runner) error {
	if r.Locked && !a.Admin {
		return baton.Denied("Runner is locked")
	}
	can, err := v.rights(ctx, a, r)
	if err == nil && !can.update {
		err = baton.Denied(noAccess)
	}
	return err
}
