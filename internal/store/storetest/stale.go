package storetest

import (
	"context"
	"slices"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

// stalePolicy returns a policy of the source as it is stored.
func stalePolicy(of baton.Source) baton.StaleRunnerPolicy {
	return baton.StaleRunnerPolicy{Source: of, RunnerAge: 7200, RunnerAction: baton.DeleteStale, CreatedAt: kept, UpdatedAt: kept}
}

func (s *suite) setStalePolicy(p baton.StaleRunnerPolicy) {
	s.Helper()
	s.tx(func(ctx context.Context, tx store.Tx) error { return tx.SetStalePolicy(ctx, p) })
}

func (s *suite) deleteStalePolicy(of baton.Source) {
	s.Helper()
	s.tx(func(ctx context.Context, tx store.Tx) error { return tx.DeleteStalePolicy(ctx, of) })
}

func managerID(m baton.Manager) baton.ManagerID { return m.ID }

// contact has a manager of the runner call.
func (s *suite) contact(id baton.RunnerID, systemID string, at time.Time) baton.Manager {
	s.Helper()
	s.ok(s.TouchRunner(s.Context(), store.Contact{Manager: baton.Manager{RunnerID: id, SystemID: systemID, ContactedAt: at}}))
	return must(s.Manager(s.Context(), id, systemID))
}

// A staleForest is groups, one in the other, with projects and a runner of each.
type staleForest struct {
	*suite
	// sources are those that may have a policy, the instance first.
	sources []baton.Source
	// above is the source that comes next, by the source.
	above map[baton.Source]baton.Source
	// runners are one of each source.
	runners map[baton.Source]baton.RunnerID
}

func (s *suite) staleForest() *staleForest {
	s.Helper()
	f := &staleForest{
		suite: s, sources: []baton.Source{{}}, above: map[baton.Source]baton.Source{}, runners: map[baton.Source]baton.RunnerID{},
	}
	f.runners[baton.Source{}] = s.runner(baton.Runner{}).ID
	add := func(of, above baton.Source, r baton.Runner) {
		f.sources = append(f.sources, of)
		f.above[of] = above
		r.GroupID, r.ProjectID = of.Namespace, of.Project
		f.runners[of] = s.runner(r).ID
	}
	group := func(path string, in baton.NamespaceID) baton.NamespaceID {
		g := s.group(path, in)
		add(baton.InGroup(g.ID), baton.InGroup(in), baton.Runner{Type: baton.GroupRunner})
		return g.ID
	}
	project := func(path string, in baton.NamespaceID) {
		add(baton.InProject(s.project(path, in).ID), baton.InGroup(in), baton.Runner{Type: baton.ProjectRunner})
	}
	top := group("top", 0)
	middle := group("middle", top)
	project("in-top", top)
	project("in-middle", middle)
	project("in-low", group("low", middle))
	project("beside", group("other", 0))

	personal := s.personal(s.user("u"))
	p := baton.InProject(s.project("own", personal.ID).ID)
	add(p, baton.Source{}, baton.Runner{Type: baton.ProjectRunner})
	return f
}

// governs tells by the definition whose policy is nearest.
func (f *staleForest) governs(has func(baton.Source) bool, of baton.Source) (baton.Source, bool) {
	for {
		if has(of) {
			return of, true
		}
		if of == (baton.Source{}) {
			return baton.Source{}, false
		}
		of = f.above[of]
	}
}

var staleTests = []test{
	{"StalePolicy/RoundTrip", func(s *suite) {
		ctx := s.Context()
		g := s.group("g", 0)
		p := s.project("p", g.ID)
		policies := []baton.StaleRunnerPolicy{
			{RunnerAge: 7200, RunnerAction: baton.DeleteStale, ManagerAge: 8000, CreatedAt: kept, UpdatedAt: kept},
			{Source: baton.InGroup(g.ID), RunnerAction: baton.PauseStale, Automatic: true, CreatedAt: kept, UpdatedAt: kept},
			{Source: baton.InProject(p.ID), RunnerAction: baton.DeleteStale, Automatic: true, CreatedAt: kept, UpdatedAt: kept},
		}
		for _, want := range policies {
			_, err := s.StalePolicy(ctx, want.Source)
			s.missing(err, "Stale runner policy")
			given := want
			given.CreatedAt, given.UpdatedAt = now, now
			s.setStalePolicy(given)
		}
		for _, want := range policies {
			same(s, must(s.StalePolicy(ctx, want.Source)), want)
		}
		same(s, must(s.AutomaticStalePolicies(ctx)), policies[1:])

		// Another one in its place.
		next := policies[1]
		next.RunnerAge, next.Automatic, next.UpdatedAt = 9000, false, kept.Add(time.Hour)
		s.setStalePolicy(next)
		same(s, must(s.StalePolicy(ctx, next.Source)), next)
		s.deleteStalePolicy(next.Source)
		_, err := s.StalePolicy(ctx, next.Source)
		s.missing(err, "Stale runner policy")
		s.missing(s.Tx(ctx, func(ctx context.Context, tx store.Tx) error { return tx.DeleteStalePolicy(ctx, next.Source) }), "Stale runner policy")
		s.stale(func(ctx context.Context, tx store.Tx) error {
			return tx.SetStalePolicy(ctx, stalePolicy(baton.InGroup(99)))
		})
		s.stale(func(ctx context.Context, tx store.Tx) error {
			return tx.SetStalePolicy(ctx, stalePolicy(baton.InProject(99)))
		})

		// They end with what they are for.
		s.setStalePolicy(stalePolicy(baton.InGroup(g.ID)))
		s.tx(func(ctx context.Context, tx store.Tx) error { return tx.DeleteNamespace(ctx, g.ID) })
		for _, of := range []baton.Source{baton.InGroup(g.ID), baton.InProject(p.ID)} {
			_, err := s.StalePolicy(ctx, of)
			s.missing(err, "Stale runner policy")
		}
		must(s.StalePolicy(ctx, baton.Source{}))
	}},
	{"StalePolicy/NearestCounts", func(s *suite) {
		// Whatever has a policy: what is found from below is what is found from
		// above, and both are what the definition says.
		ctx := s.Context()
		f := s.staleForest()
		check := func(with ...baton.Source) {
			s.Helper()
			has := func(of baton.Source) bool { return slices.Contains(with, of) }
			for _, of := range with {
				s.setStalePolicy(stalePolicy(of))
			}
			want := map[baton.Source][]baton.RunnerID{}
			for _, of := range f.sources {
				nearest, found := f.governs(has, of)
				p, err := s.NearestStalePolicy(ctx, of)
				if !found {
					s.missing(err, "Stale runner policy")
				} else {
					s.ok(err)
					same(s, p, stalePolicy(nearest))
				}
				// As if this one had a policy too.
				for _, by := range f.sources {
					if is, _ := f.governs(func(o baton.Source) bool { return o == by || has(o) }, of); is == by {
						want[by] = append(want[by], f.runners[of])
					}
				}
			}
			for _, by := range f.sources {
				slices.Sort(want[by])
				same(s, ids(must(s.Runners(ctx, store.RunnerFilter{Governed: &by}, all)), runnerID), want[by])
				same(s, must(s.CountRunners(ctx, store.RunnerFilter{Governed: &by}, most)), len(want[by]))
			}
			for _, of := range with {
				s.deleteStalePolicy(of)
			}
		}
		check()
		for i, of := range f.sources {
			check(of)
			for _, second := range f.sources[:i] {
				check(of, second)
			}
		}
		check(f.sources...)
		_, err := s.NearestStalePolicy(ctx, baton.InGroup(99))
		s.missing(err, "Stale runner policy")
	}},
	{"Runner/Silent", func(s *suite) {
		ctx := s.Context()
		c := s.creation(baton.Runner{Tags: []string{"a", "b"}})
		c.Runner.CreatedAt = kept.Add(-3 * time.Hour)
		never := must(s.CreateRunner(ctx, c))
		c = s.creation(baton.Runner{})
		c.Runner.CreatedAt = kept.Add(-3 * time.Hour)
		called := must(s.CreateRunner(ctx, c))
		s.contact(called, "s", kept.Add(-time.Hour))
		fresh := s.runner(baton.Runner{}).ID
		for _, row := range []struct {
			f    store.RunnerFilter
			want []baton.RunnerID
		}{
			{store.RunnerFilter{SilentSince: kept.Add(-3*time.Hour - time.Microsecond)}, []baton.RunnerID{}},
			{store.RunnerFilter{SilentSince: kept.Add(-3 * time.Hour)}, []baton.RunnerID{never}},
			{store.RunnerFilter{SilentSince: now.Add(-time.Hour)}, []baton.RunnerID{never, called}},
			{store.RunnerFilter{SilentSince: now}, []baton.RunnerID{never, called, fresh}},
			{store.RunnerFilter{SilentSince: now, Tags: []string{"a"}}, []baton.RunnerID{never}},
			{store.RunnerFilter{SilentSince: now, After: never}, []baton.RunnerID{called, fresh}},
			{store.RunnerFilter{SilentSince: now, IDs: []baton.RunnerID{fresh, never, 99}}, []baton.RunnerID{never, fresh}},
			{store.RunnerFilter{IDs: []baton.RunnerID{}}, []baton.RunnerID{}},
			{store.RunnerFilter{IDs: []baton.RunnerID{never}, Tags: []string{"b"}}, []baton.RunnerID{never}},
		} {
			same(s, ids(must(s.Runners(ctx, row.f, all)), runnerID), row.want)
		}
		for id, want := range map[baton.RunnerID]time.Time{never: kept.Add(-3 * time.Hour), called: kept.Add(-time.Hour)} {
			r := must(s.Runner(ctx, id))
			same(s, r.SeenAt(), want)
		}
	}},
	{"Runner/Unshared", func(s *suite) {
		ctx := s.Context()
		g := s.group("g", 0)
		p, q := s.project("p", g.ID), s.project("q", g.ID)
		instance := s.runner(baton.Runner{}).ID
		alone := s.runner(baton.Runner{Type: baton.ProjectRunner, ProjectID: p.ID}).ID
		shared := s.runner(baton.Runner{Type: baton.ProjectRunner, ProjectID: p.ID, Tags: []string{"a"}}).ID
		s.tx(func(ctx context.Context, tx store.Tx) error { return tx.AssignRunner(ctx, shared, q.ID, now) })
		same(s, ids(must(s.Runners(ctx, store.RunnerFilter{Unshared: true}, all)), runnerID), []baton.RunnerID{instance, alone})
		same(s, must(s.CountRunners(ctx, store.RunnerFilter{Unshared: true, Tags: []string{"a"}}, most)), 0)
		// It is its owner's, whoever else uses it.
		of := baton.InProject(q.ID)
		same(s, ids(must(s.Runners(ctx, store.RunnerFilter{Governed: &of}, all)), runnerID), []baton.RunnerID{})
	}},
	{"Runner/SilentManagers", func(s *suite) {
		ctx := s.Context()
		g := s.group("g", 0)
		of, instance := baton.InGroup(g.ID), baton.Source{}
		one := s.runner(baton.Runner{})
		two := s.runner(baton.Runner{Type: baton.GroupRunner, GroupID: g.ID})
		old := s.contact(one.ID, "old", kept.Add(-time.Hour))
		s.contact(one.ID, "young", kept)
		other := s.contact(two.ID, "old", kept.Add(-2*time.Hour))
		for _, row := range []struct {
			f    store.SilentManagerFilter
			want []baton.Manager
		}{
			{store.SilentManagerFilter{Since: now.Add(-time.Hour)}, []baton.Manager{old, other}},
			{store.SilentManagerFilter{Since: kept.Add(-time.Hour - time.Microsecond)}, []baton.Manager{other}},
			{store.SilentManagerFilter{Since: now.Add(-time.Hour), After: old.ID}, []baton.Manager{other}},
			{store.SilentManagerFilter{Since: now.Add(-time.Hour), IDs: []baton.ManagerID{99, old.ID, 98}}, []baton.Manager{old}},
			{store.SilentManagerFilter{Since: now, IDs: []baton.ManagerID{}}, []baton.Manager{}},
			{store.SilentManagerFilter{IDs: []baton.ManagerID{other.ID}}, []baton.Manager{other}},
			{store.SilentManagerFilter{Since: now.Add(-time.Hour), Governed: &of}, []baton.Manager{other}},
			{store.SilentManagerFilter{Since: now.Add(-time.Hour), Governed: &instance}, []baton.Manager{old, other}},
			{
				store.SilentManagerFilter{
					Since: now.Add(-time.Hour), Governed: &instance, IDs: []baton.ManagerID{old.ID, other.ID},
					Besides: &store.RunnerFilter{Types: []baton.RunnerType{baton.GroupRunner}, SilentSince: now, Governed: &of},
				},
				[]baton.Manager{old},
			},
		} {
			same(s, must(s.SilentManagers(ctx, row.f, all)), row.want)
			same(s, must(s.CountSilentManagers(ctx, row.f)), len(row.want))
		}
		same(s, ids(must(s.SilentManagers(ctx, store.SilentManagerFilter{Since: now}, store.Page{Limit: 1, Offset: 1})), managerID),
			[]baton.ManagerID{old.ID + 1})
	}},
	{"Runner/Several", func(s *suite) {
		// What is done to several runners, or managers, is done to all or none.
		ctx := s.Context()
		a, b, c := s.runner(baton.Runner{Tags: []string{"t"}}), s.runner(baton.Runner{}), s.runner(baton.Runner{})
		s.tx(func(ctx context.Context, tx store.Tx) error {
			return tx.PauseRunners(ctx, now.Add(time.Hour), a.ID, b.ID)
		})
		a.Paused, a.UpdatedAt = true, kept.Add(time.Hour)
		same(s, must(s.Runner(ctx, a.ID)), a)
		same(s, must(s.Runner(ctx, b.ID)).Paused, true)
		same(s, must(s.Runner(ctx, c.ID)), c)
		pause := func(ctx context.Context, tx store.Tx) error { return tx.PauseRunners(ctx, now, c.ID, 99) }
		s.missing(s.Tx(ctx, pause), "Runner")
		same(s, must(s.Runner(ctx, c.ID)), c)

		m, n := s.contact(c.ID, "m", now), s.contact(c.ID, "n", now)
		s.contact(c.ID, "o", now)
		s.missing(s.Tx(ctx, func(ctx context.Context, tx store.Tx) error { return tx.DeleteManager(ctx, m.ID, 99) }), "Runner manager")
		s.tx(func(ctx context.Context, tx store.Tx) error { return tx.DeleteManager(ctx, m.ID, n.ID) })
		same(s, ids(must(s.Managers(ctx, c.ID)), func(m baton.Manager) string { return m.SystemID }), []string{"o"})

		s.missing(s.Tx(ctx, func(ctx context.Context, tx store.Tx) error { return tx.DeleteRunner(ctx, a.ID, 99) }), "Runner")
		s.tx(func(ctx context.Context, tx store.Tx) error { return tx.DeleteRunner(ctx, a.ID, b.ID) })
		same(s, ids(must(s.Runners(ctx, store.RunnerFilter{}, all)), runnerID), []baton.RunnerID{c.ID})
		s.tx(func(ctx context.Context, tx store.Tx) error { return tx.DeleteRunner(ctx) }) // none is all of none
	}},
}
