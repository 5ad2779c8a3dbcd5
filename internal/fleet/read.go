package fleet

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/store"
)

// Details is a runner with what surrounds it, as far as the actor may see.
type Details struct {
	Runner baton.Runner
	// Creator is nil for a runner whose creator is gone.
	Creator *baton.User
	// Latest is the manager that called last, nil for none.
	Latest *baton.Manager
	// Projects are those of a project runner that the actor is a member of, or
	// all of them for an administrator; only if they were asked for.
	Projects []baton.Project
	// Group is the group of a group runner, else nil.
	Group *baton.Namespace
	// MayUpdate tells whether the actor may change the runner, and so read its
	// maintenance note.
	MayUpdate bool
}

// Runner returns the runner with its details. A runner that is not there is
// CodeNotFound, one that the actor may not read CodeDenied.
// https://docs.gitlab.com/api/runners/#retrieve-runner-details.
func (s *Service) Runner(ctx context.Context, a *access.Actor, id baton.RunnerID, withProjects bool) (Details, error) {
	r, can, err := s.readable(ctx, a, id)
	if err != nil {
		return Details{}, err
	}
	d := Details{Runner: r, MayUpdate: can.update}
	if withProjects && r.Type == baton.ProjectRunner {
		if d.Projects, err = s.memberProjects(ctx, a, id); err != nil {
			return Details{}, err
		}
	}
	return s.complete(ctx, d)
}

// complete fills in what needs no permission of its own.
func (s *Service) complete(ctx context.Context, d Details) (Details, error) {
	if d.Runner.Type == baton.GroupRunner {
		g, err := s.store.Namespace(ctx, d.Runner.GroupID)
		if err != nil {
			return Details{}, fmt.Errorf("find group of runner: %w", err)
		}
		d.Group = &g
	}
	var err error
	if d.Creator, err = s.creator(ctx, d.Runner.CreatorID); err != nil {
		return Details{}, err
	}
	switch latest, err := s.store.LatestManager(ctx, d.Runner.ID); {
	case err == nil:
		d.Latest = &latest
	case !baton.IsNotFound(err):
		return Details{}, fmt.Errorf("find latest manager: %w", err)
	}
	return d, nil
}

// readable returns the runner if the actor may read it.
func (s *Service) readable(ctx context.Context, a *access.Actor, id baton.RunnerID) (baton.Runner, rights, error) {
	r, err := s.store.Runner(ctx, id)
	if err != nil {
		return baton.Runner{}, rights{}, fmt.Errorf("find runner: %w", err)
	}
	can, err := s.view.rights(ctx, a, &r)
	if err == nil && !can.read {
		err = baton.Denied(noAccess)
	}
	return r, can, err
}

// maxProjects is how many projects the details of a runner list at most. Who
// shares a runner among more has them in pages, from [Service.Projects].
const maxProjects = 1000

func (s *Service) memberProjects(ctx context.Context, a *access.Actor, id baton.RunnerID) ([]baton.Project, error) {
	f := store.ProjectFilter{RunnerID: id}
	if !a.Admin {
		f.VisibleTo, f.Membership = viewer(a), true
	}
	projects, err := s.store.Projects(ctx, f, store.Page{Limit: maxProjects})
	if err != nil {
		return nil, fmt.Errorf("list projects of runner: %w", err)
	}
	return projects, nil
}

// Projects returns a part of the projects of the runner that the actor may
// see, and their number.
// https://docs.gitlab.com/api/runners/#list-all-projects-associated-with-a-runner.
func (s *Service) Projects(ctx context.Context, a *access.Actor, id baton.RunnerID, p store.Page) ([]baton.Project, int, error) {
	if _, _, err := s.readable(ctx, a, id); err != nil {
		return nil, 0, err
	}
	f := store.ProjectFilter{RunnerID: id}
	if !a.Admin {
		f.VisibleTo = viewer(a)
	}
	total, err := s.store.CountProjects(ctx, f)
	if err != nil {
		return nil, 0, fmt.Errorf("count projects of runner: %w", err)
	}
	projects, err := s.store.Projects(ctx, f, p)
	if err != nil {
		return nil, 0, fmt.Errorf("list projects of runner: %w", err)
	}
	return projects, total, nil
}

// Managers returns the managers of the runner, the oldest first.
// https://docs.gitlab.com/api/runners/#list-all-runners-managers.
func (s *Service) Managers(ctx context.Context, a *access.Actor, id baton.RunnerID) ([]baton.Manager, error) {
	if _, _, err := s.readable(ctx, a, id); err != nil {
		return nil, err
	}
	managers, err := s.store.Managers(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("list managers: %w", err)
	}
	slices.SortFunc(managers, func(m, n baton.Manager) int { return cmp.Compare(m.ID, n.ID) })
	return managers, nil
}

// MayReadJobs is CodeNotFound when there is no such runner, and CodeDenied when
// the actor may not see the jobs that it ran.
func (s *Service) MayReadJobs(ctx context.Context, a *access.Actor, id baton.RunnerID) error {
	r, err := s.store.Runner(ctx, id)
	if err != nil {
		return fmt.Errorf("find runner: %w", err)
	}
	can, err := s.view.rights(ctx, a, &r)
	if err == nil && !can.readJobs {
		err = baton.Denied(noAccess)
	}
	return err
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
	ids := map[baton.UserID]bool{}
	for _, r := range runners {
		if r.CreatorID != 0 {
			ids[r.CreatorID] = true
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	users, err := s.store.Users(ctx, store.UserFilter{IDs: slices.Sorted(maps.Keys(ids))}, store.Page{Limit: len(ids)})
	if err != nil {
		return nil, fmt.Errorf("find creators: %w", err)
	}
	found := make(map[baton.UserID]*baton.User, len(users))
	for i := range users {
		found[users[i].ID] = &users[i]
	}
	return found, nil
}
