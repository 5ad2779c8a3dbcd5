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

// All returns a part of all runners and their number, for administrators.
func (s *Service) All(ctx context.Context, a *access.Actor, f store.RunnerFilter, p store.Page) ([]baton.Runner, int, error) {
	if !a.Admin {
		return nil, 0, baton.Denied("")
	}
	total, err := s.store.CountRunners(ctx, f)
	if err != nil {
		return nil, 0, fmt.Errorf("count runners: %w", err)
	}
	rows, err := s.store.Runners(ctx, f, p)
	if err != nil {
		return nil, 0, fmt.Errorf("list runners: %w", err)
	}
	return rows, total, nil
}

// Details is a runner with what surrounds it, as far as the actor may see.
type Details struct {
	Runner baton.Runner
	// Creator is nil for a runner whose creator is gone.
	Creator *baton.User
	// Latest is the manager that called last, nil for none.
	Latest *baton.Manager
	// Projects are those of a project runner that the actor may see, Group is
	// the group of a group runner, else nil.
	Projects []baton.Project
	Group    *baton.Namespace
	// MayUpdate tells whether the actor may change the runner, and so read its
	// maintenance note.
	MayUpdate bool
}

// Runner returns the runner with its details. A runner that is not there is
// CodeNotFound, one that the actor may not read CodeDenied.
func (s *Service) Runner(ctx context.Context, a *access.Actor, id baton.RunnerID) (Details, error) {
	r, err := s.store.Runner(ctx, id)
	if err != nil {
		return Details{}, fmt.Errorf("find runner: %w", err)
	}
	d := Details{Runner: r}
	switch r.Type {
	case baton.GroupRunner:
		err = s.groupDetails(ctx, a, &d)
	case baton.ProjectRunner:
		err = s.projectDetails(ctx, a, &d)
	case baton.InstanceRunner:
		// Every user may see who serves the whole instance.
		d.MayUpdate = a.Admin
	}
	if err != nil {
		return Details{}, err
	}
	if d.Creator, err = s.creator(ctx, r.CreatorID); err != nil {
		return Details{}, err
	}
	managers, err := s.store.Managers(ctx, id)
	if err != nil {
		return Details{}, fmt.Errorf("list managers: %w", err)
	}
	if len(managers) > 0 {
		d.Latest = &managers[0]
	}
	return d, nil
}

// groupDetails fills in the group and what the actor may do there.
func (s *Service) groupDetails(ctx context.Context, a *access.Actor, d *Details) error {
	g, err := s.store.Namespace(ctx, d.Runner.GroupID)
	if err != nil {
		return fmt.Errorf("find group of runner: %w", err)
	}
	d.Group = &g
	may, err := s.policy.CanGroup(ctx, a, access.ReadRunners, &g)
	if err != nil {
		return err
	}
	if !may {
		return baton.Denied(noAccess)
	}
	d.MayUpdate, err = s.policy.CanGroup(ctx, a, access.ManageRunners, &g)
	return err
}

// projectDetails fills in the projects and what the actor may do there: a role
// in any of the assigned projects opens the runner, and lets change it if it
// is the owner's, or one of several.
func (s *Service) projectDetails(ctx context.Context, a *access.Actor, d *Details) error {
	projects, err := s.store.RunnerProjects(ctx, d.Runner.ID)
	if err != nil {
		return fmt.Errorf("list projects of runner: %w", err)
	}
	may := a.Admin
	for _, p := range projects {
		level, err := s.policy.Level(ctx, a, baton.InProject(p.ID))
		if err != nil {
			return err
		}
		if level >= baton.GuestAccess {
			d.Projects = append(d.Projects, p)
		}
		manages := level >= baton.MaintainerAccess
		may = may || manages
		d.MayUpdate = d.MayUpdate || manages && (p.ID == d.Runner.ProjectID || len(projects) > 1)
	}
	if !may {
		return baton.Denied(noAccess)
	}
	return nil
}

// creator returns the user with the id, nil when there is none.
func (s *Service) creator(ctx context.Context, id baton.UserID) (*baton.User, error) {
	if id == 0 {
		return nil, nil
	}
	u, err := s.store.User(ctx, id)
	if baton.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find creator: %w", err)
	}
	return &u, nil
}

// Creators returns the users who created the runners, by id.
func (s *Service) Creators(ctx context.Context, runners []baton.Runner) (map[baton.UserID]*baton.User, error) {
	found := map[baton.UserID]*baton.User{}
	for _, r := range runners {
		if _, seen := found[r.CreatorID]; seen {
			continue
		}
		u, err := s.creator(ctx, r.CreatorID)
		if err != nil {
			return nil, err
		}
		found[r.CreatorID] = u
	}
	return found, nil
}
