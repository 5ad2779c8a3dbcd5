package fleet

import (
	"context"
	"fmt"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/store"
)

// A Query asks for a part of a list of runners.
type Query struct {
	store.RunnerFilter

	Page store.Page
	// CountUpTo is how far the runners of the whole list are counted: a number
	// that nobody is told need not be found out.
	CountUpTo int
}

// All returns a part of all runners and their number, for administrators.
// https://docs.gitlab.com/api/runners/#list-all-runners.
func (s *Service) All(ctx context.Context, a *access.Actor, q Query) ([]baton.Runner, int, error) {
	if !a.Admin {
		return nil, 0, baton.Denied("")
	}
	return s.list(ctx, a, q)
}

// Own returns a part of the runners that the actor manages by a role, and
// their number. Instance runners are nobody's, not even an administrator's.
// https://docs.gitlab.com/api/runners/#list-owned-runners.
func (s *Service) Own(ctx context.Context, a *access.Actor, q Query) ([]baton.Runner, int, error) {
	q.Among = &store.RunnerScope{Managed: viewer(a)}
	return s.list(ctx, a, q)
}

// OfProject returns a part of the runners that serve the project, and their
// number: those assigned to it and, as far as it lets them in, those of the
// groups above it and of the instance.
// https://docs.gitlab.com/api/runners/#list-projects-runners.
func (s *Service) OfProject(ctx context.Context, a *access.Actor, p *baton.Project, q Query) ([]baton.Runner, int, error) {
	if err := s.MaySeeProject(ctx, a, p); err != nil {
		return nil, 0, err
	}
	q.Among = &store.RunnerScope{Project: p.ID, Instance: p.SharedRunnersEnabled}
	if p.GroupRunnersEnabled {
		if err := s.addGroups(ctx, q.Among, p.NamespaceID); err != nil {
			return nil, 0, err
		}
	}
	return s.list(ctx, a, q)
}

// OfGroup returns a part of the runners that serve the group as a whole, and
// their number: its own, those of the groups above it and, unless it keeps
// them out, those of the instance; never those of its projects.
// https://docs.gitlab.com/api/runners/#list-groups-runners.
func (s *Service) OfGroup(ctx context.Context, a *access.Actor, g *baton.Namespace, q Query) ([]baton.Runner, int, error) {
	if err := s.MaySeeGroup(ctx, a, g); err != nil {
		return nil, 0, err
	}
	q.Among = &store.RunnerScope{Instance: g.SharedRunnersSetting == baton.SharedRunnersEnabled}
	if err := s.addGroups(ctx, q.Among, g.ID); err != nil {
		return nil, 0, err
	}
	return s.list(ctx, a, q)
}

// MaySeeProject is CodeDenied unless the actor may see the runners of the
// project.
func (s *Service) MaySeeProject(ctx context.Context, a *access.Actor, p *baton.Project) error {
	may, err := s.view.policy.CanProject(ctx, a, access.ReadRunners, p)
	return denied(may, err)
}

// MaySeeGroup is CodeDenied unless the actor may see the runners of the group.
func (s *Service) MaySeeGroup(ctx context.Context, a *access.Actor, g *baton.Namespace) error {
	may, err := s.view.policy.CanGroup(ctx, a, access.ReadRunners, g)
	return denied(may, err)
}

func denied(may bool, err error) error {
	if err == nil && !may {
		return baton.Denied("")
	}
	return err
}

// addGroups adds the runners of the namespace and of those above it.
func (s *Service) addGroups(ctx context.Context, scope *store.RunnerScope, id baton.NamespaceID) error {
	chain, err := s.store.Ancestors(ctx, id)
	if err != nil {
		return fmt.Errorf("find ancestors: %w", err)
	}
	for _, n := range chain {
		scope.Groups = append(scope.Groups, n.ID)
	}
	return nil
}

func (s *Service) list(ctx context.Context, a *access.Actor, q Query) ([]baton.Runner, int, error) {
	q.Now = a.Now
	total, err := s.store.CountRunners(ctx, q.RunnerFilter, q.CountUpTo)
	if err != nil {
		return nil, 0, fmt.Errorf("count runners: %w", err)
	}
	rows, err := s.store.Runners(ctx, q.RunnerFilter, q.Page)
	if err != nil {
		return nil, 0, fmt.Errorf("list runners: %w", err)
	}
	return rows, total, nil
}
