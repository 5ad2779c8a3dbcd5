package fleet

import (
	"context"
	"fmt"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/store"
)

// noAccess is what GitLab says of a runner that exists and is not the
// caller's.
const noAccess = "No access granted"

// Rights are what an actor may do with one runner.
type rights struct {
	read, readJobs, update, remove bool
	// projects is how many projects a project runner is assigned to; it is not
	// looked up for administrators.
	projects int
}

// rights returns what the actor may do with the runner.
// https://docs.gitlab.com/ci/runners/runners_scope/.
func (v view) rights(ctx context.Context, a *access.Actor, r *baton.Runner) (rights, error) {
	if a.Admin {
		return rights{read: true, readJobs: true, update: true, remove: true}, nil
	}
	switch r.Type {
	case baton.GroupRunner:
		return v.groupRights(ctx, a, r.GroupID)
	case baton.ProjectRunner:
		return v.projectRights(ctx, a, r)
	case baton.InstanceRunner:
		// Every user may see who serves the whole instance.
		return rights{read: true}, nil
	default:
		return rights{}, fmt.Errorf("runner type %q", r.Type)
	}
}

func (v view) groupRights(ctx context.Context, a *access.Actor, id baton.NamespaceID) (rights, error) {
	var can rights
	var err error
	group := baton.Namespace{ID: id}
	if can.readJobs, err = v.policy.CanGroup(ctx, a, access.ReadRunners, &group); err != nil {
		return rights{}, err
	}
	if can.update, err = v.policy.CanGroup(ctx, a, access.ManageRunners, &group); err != nil {
		return rights{}, err
	}
	can.remove, can.read = can.update, can.readJobs
	if !can.read {
		// Who maintains a project that the runner serves may see what it is.
		can.read, err = v.MaintainsBelow(ctx, a.User.ID, id, a.Today())
	}
	return can, err
}

// projectRights: a role in any of the assigned projects opens the runner, and
// lets change it if it is the owner's, or one of several.
func (v view) projectRights(ctx context.Context, a *access.Actor, r *baton.Runner) (rights, error) {
	owner := baton.Project{ID: r.ProjectID}
	owns, err := v.policy.CanProject(ctx, a, access.ManageRunners, &owner)
	if err != nil {
		return rights{}, err
	}
	assigned, err := v.CountProjects(ctx, store.ProjectFilter{RunnerID: r.ID})
	if err != nil {
		return rights{}, fmt.Errorf("count projects of runner: %w", err)
	}
	maintained, err := v.CountProjects(ctx, store.ProjectFilter{RunnerID: r.ID, VisibleTo: viewer(a), Maintained: true})
	if err != nil {
		return rights{}, fmt.Errorf("count maintained projects of runner: %w", err)
	}
	update := owns || maintained > 0 && assigned > 1
	return rights{
		read: owns || maintained > 0, readJobs: update, update: update,
		remove: owns && assigned == 1, projects: assigned,
	}, nil
}

// viewer returns the actor as one who sees what a role opens.
func viewer(a *access.Actor) *store.Viewer {
	return &store.Viewer{UserID: a.User.ID, External: a.User.External, Today: a.Today()}
}

// may is CodeDenied unless the actor has the ability in the group or project;
// in the instance administrators have all.
func (v view) may(ctx context.Context, a *access.Actor, do access.Ability, in baton.Source) error {
	switch {
	case in.Project != 0:
		return denied(v.policy.CanProject(ctx, a, do, &baton.Project{ID: in.Project}))
	case in.Namespace != 0:
		return denied(v.policy.CanGroup(ctx, a, do, &baton.Namespace{ID: in.Namespace}))
	default:
		return denied(a.Admin, nil)
	}
}

// ownerOf returns the group or project that the runner belongs to, the zero
// source for an instance runner.
func ownerOf(r *baton.Runner) baton.Source {
	return baton.Source{Namespace: r.GroupID, Project: r.ProjectID}
}
