package fleet

import (
	"context"
	"fmt"
	"time"

	"baton.example/baton"
)

// Lives are how long a token may work at most, in seconds; 0 does not count.
type lives []int

// end returns the end of the life of a token made at now: the shortest decides.
// https://docs.gitlab.com/ci/runners/configure_runners/#automatically-rotate-runner-authentication-tokens.
func (l lives) end(now time.Time) time.Time {
	shortest := 0
	for _, seconds := range l {
		if seconds > 0 && (shortest == 0 || seconds < shortest) {
			shortest = seconds
		}
	}
	if shortest == 0 {
		return time.Time{}
	}
	return later(now, shortest)
}

// later returns the time that many seconds after now. As two numbers, because
// a product would overflow for centuries.
func later(now time.Time, seconds int) time.Time {
	return time.Unix(now.Unix()+int64(seconds), int64(now.Nanosecond()))
}

func instanceLives(s *baton.Settings) lives { return lives{s.RunnerTokenExpirationInterval} }

// groupLives are those of the runners of a group, of which chain is the group
// and what is above it.
func groupLives(s *baton.Settings, chain []baton.Namespace) lives {
	l := lives{s.GroupRunnerTokenExpirationInterval, chain[0].RunnerTokenExpirationInterval}
	for _, ancestor := range chain[1:] {
		l = append(l, ancestor.SubgroupRunnerTokenExpirationInterval)
	}
	return l
}

// projectLives are those of the runners of a project, of which chain is what is
// above it.
func projectLives(s *baton.Settings, p *baton.Project, chain []baton.Namespace) lives {
	l := lives{s.ProjectRunnerTokenExpirationInterval, p.RunnerTokenExpirationInterval}
	for _, n := range chain {
		l = append(l, n.ProjectRunnerTokenExpirationInterval)
	}
	return l
}

// lives are those of a runner that exists. Every project that it is assigned to
// may shorten them.
func (v view) lives(ctx context.Context, s *baton.Settings, r *baton.Runner) (lives, error) {
	switch r.Type {
	case baton.GroupRunner:
		chain, err := v.Ancestors(ctx, r.GroupID)
		if err != nil {
			return nil, fmt.Errorf("find ancestors: %w", err)
		}
		return groupLives(s, chain), nil
	case baton.ProjectRunner:
		projects, err := v.RunnerProjects(ctx, r.ID)
		if err != nil {
			return nil, fmt.Errorf("list projects of runner: %w", err)
		}
		var all lives
		for _, p := range projects {
			chain, err := v.Ancestors(ctx, p.NamespaceID)
			if err != nil {
				return nil, fmt.Errorf("find ancestors: %w", err)
			}
			all = append(all, projectLives(s, &p, chain)...)
		}
		return all, nil
	case baton.InstanceRunner:
	}
	return instanceLives(s), nil
}

// overlap returns how many seconds a token of the runner works on after it was
// replaced: what is said closest to the runner counts, its own word first, then
// those of the groups it belongs to from below, then the instance's.
func (v view) overlap(ctx context.Context, s *baton.Settings, r *baton.Runner) (int, error) {
	if r.TokenOverlap != nil {
		return *r.TokenOverlap, nil
	}
	group := r.GroupID
	if r.ProjectID != 0 {
		p, err := v.Project(ctx, r.ProjectID)
		if err != nil {
			return 0, fmt.Errorf("find project of runner: %w", err)
		}
		group = p.NamespaceID
	}
	if group == 0 {
		return s.RunnerTokenOverlap, nil
	}
	chain, err := v.Ancestors(ctx, group)
	if err != nil {
		return 0, fmt.Errorf("find ancestors: %w", err)
	}
	for _, n := range chain {
		if n.RunnerTokenOverlap != nil {
			return *n.RunnerTokenOverlap, nil
		}
	}
	return s.RunnerTokenOverlap, nil
}
