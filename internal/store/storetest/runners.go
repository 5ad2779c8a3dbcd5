package storetest

import (
	"context"
	"sync"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

func runnerID(r baton.Runner) baton.RunnerID { return r.ID }

var runnerTests = []test{
	{"Runner/RoundTrip", func(s *suite) {
		ctx := s.Context()
		u := s.user("u")
		g := s.group("g", 0)
		p := s.project("p", g.ID)
		for _, r := range []baton.Runner{
			{Type: baton.InstanceRunner, RunUntagged: true},
			{Type: baton.GroupRunner, GroupID: g.ID, Paused: true},
			{
				Type: baton.ProjectRunner, ProjectID: p.ID, CreatorID: u.ID, Description: "d ß", MaintenanceNote: "n", Locked: true,
				MaximumTimeout: 600, Tags: []string{"zeta", "alpha", "ünï,x"},
			},
		} {
			c := s.creation(r)
			want := c.Runner
			c.Runner.CreatedAt, c.Runner.UpdatedAt = now, now
			c.TokenExpiresAt = now.Add(time.Hour)
			want.ID = must(s.CreateRunner(ctx, c))
			same(s, must(s.Runner(ctx, want.ID)), want)
			runner, token, err := s.RunnerByToken(ctx, c.Token)
			s.ok(err)
			same(s, runner, want)
			same(s, token, baton.RunnerToken{RunnerID: want.ID, ExpiresAt: kept.Add(time.Hour), CreatedAt: kept})
		}
	}},
	{"Runner/Missing", func(s *suite) {
		ctx := s.Context()
		_, err := s.Runner(ctx, 1)
		s.missing(err, "Runner")
		_, _, err = s.RunnerByToken(ctx, baton.DigestOf("x"))
		s.missing(err, "Runner")
		_, err = s.Manager(ctx, 1, "s")
		s.missing(err, "Runner manager")
		same(s, len(must(s.Managers(ctx, 1))), 0)
		same(s, len(must(s.RunnerProjects(ctx, 1))), 0)
		s.missing(s.Tx(ctx, func(ctx context.Context, tx store.Tx) error { return tx.DeleteRunner(ctx, 1) }), "Runner")
		s.missing(s.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
			return tx.TouchRunner(ctx, store.Contact{Manager: baton.Manager{RunnerID: 1, SystemID: "s", ContactedAt: now}})
		}), "Runner")
	}},
	{"Runner/List", func(s *suite) {
		ctx := s.Context()
		g := s.group("g", 0)
		a := s.runner(baton.Runner{Tags: []string{"linux", "arm"}})
		b := s.runner(baton.Runner{Paused: true, Tags: []string{"linux"}})
		c := s.runner(baton.Runner{Type: baton.GroupRunner, GroupID: g.ID})
		yes, no := true, false
		for _, row := range []struct {
			f    store.RunnerFilter
			want []baton.Runner
		}{
			{store.RunnerFilter{}, []baton.Runner{a, b, c}},
			{store.RunnerFilter{Types: []baton.RunnerType{baton.GroupRunner, baton.ProjectRunner}}, []baton.Runner{c}},
			{store.RunnerFilter{Paused: &yes}, []baton.Runner{b}},
			{store.RunnerFilter{Paused: &no}, []baton.Runner{a, c}},
			{store.RunnerFilter{Tags: []string{"linux"}}, []baton.Runner{a, b}},
			{store.RunnerFilter{Tags: []string{"arm", "linux"}}, []baton.Runner{a}},
			{store.RunnerFilter{Tags: []string{"Linux"}}, []baton.Runner{}},
		} {
			same(s, must(s.Runners(ctx, row.f, all)), row.want)
			same(s, must(s.CountRunners(ctx, row.f)), len(row.want))
		}
		// A page has so many runners, not so many tags.
		same(s, must(s.Runners(ctx, store.RunnerFilter{}, store.Page{Limit: 2})), []baton.Runner{a, b})
		same(s, must(s.Runners(ctx, store.RunnerFilter{}, store.Page{Limit: 2, Offset: 1})), []baton.Runner{b, c})
	}},
	{"Runner/Delete", func(s *suite) {
		ctx := s.Context()
		g := s.group("g", 0)
		p := s.project("p", g.ID)
		c := s.creation(baton.Runner{Type: baton.ProjectRunner, ProjectID: p.ID, Tags: []string{"t"}})
		id := must(s.CreateRunner(ctx, c))
		same(s, ids(must(s.RunnerProjects(ctx, id)), projectID), []baton.ProjectID{p.ID})
		s.tx(func(ctx context.Context, tx store.Tx) error {
			if err := tx.TouchRunner(ctx, store.Contact{Manager: baton.Manager{RunnerID: id, SystemID: "s", ContactedAt: now}}); err != nil {
				return err
			}
			return tx.DeleteRunner(ctx, id)
		})
		_, err := s.Runner(ctx, id)
		s.missing(err, "Runner")
		_, _, err = s.RunnerByToken(ctx, c.Token)
		s.missing(err, "Runner")
		same(s, len(must(s.Managers(ctx, id))), 0)
		same(s, must(s.CountAuditEvents(ctx, store.AuditFilter{})), 1) // the log stays
		if next := s.runner(baton.Runner{}); next.ID <= id {
			s.Errorf("id %d was given after %d", next.ID, id)
		}
	}},
	{"Runner/Touch", func(s *suite) {
		ctx := s.Context()
		id := s.runner(baton.Runner{}).ID
		touch := func(c store.Contact) {
			s.Helper()
			c.Manager.RunnerID = id
			s.tx(func(ctx context.Context, tx store.Tx) error { return tx.TouchRunner(ctx, c) })
		}
		touch(store.Contact{Manager: baton.Manager{
			SystemID: "s1", Version: "18.0", Revision: "abc", Platform: "linux", Architecture: "arm64", Executor: "docker", IP: "::1", ContactedAt: now,
		}})
		want := baton.Manager{
			RunnerID: id, SystemID: "s1", Version: "18.0", Revision: "abc", Platform: "linux", Architecture: "arm64", Executor: "docker",
			IP: "::1", ContactedAt: kept, CreatedAt: kept,
		}
		m := must(s.Manager(ctx, id, "s1"))
		want.ID = m.ID
		same(s, m, want)
		r := must(s.Runner(ctx, id))
		same(s, r.ContactedAt, kept)
		same(s, r.AskedForJobs, false)

		// What is not reported stays, and so does the later of two times.
		touch(store.Contact{AskedForJobs: true, Manager: baton.Manager{SystemID: "s1", Version: "18.1", ContactedAt: now.Add(-time.Hour)}})
		want.Version = "18.1"
		same(s, must(s.Manager(ctx, id, "s1")), want)
		touch(store.Contact{Manager: baton.Manager{SystemID: "s2", ContactedAt: now.Add(time.Hour)}})
		same(s, ids(must(s.Managers(ctx, id)), func(m baton.Manager) string { return m.SystemID }), []string{"s2", "s1"})
		r = must(s.Runner(ctx, id))
		same(s, r.ContactedAt, kept.Add(time.Hour))
		same(s, r.AskedForJobs, true)
		same(s, r.UpdatedAt, kept)
	}},
	{"Runner/TouchAtOnce", func(s *suite) {
		ctx := s.Context()
		id := s.runner(baton.Runner{}).ID
		var group sync.WaitGroup
		for i := range 32 {
			group.Go(func() {
				err := s.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
					return tx.TouchRunner(ctx, store.Contact{Manager: baton.Manager{
						RunnerID: id, SystemID: []string{"a", "b"}[i%2], ContactedAt: now.Add(time.Duration(i) * time.Second),
					}})
				})
				if err != nil {
					s.Error(err)
				}
			})
		}
		group.Wait()
		same(s, must(s.Runner(ctx, id)).ContactedAt, kept.Add(31*time.Second))
		managers := must(s.Managers(ctx, id))
		same(s, ids(managers, func(m baton.Manager) time.Time { return m.ContactedAt }), []time.Time{kept.Add(31 * time.Second), kept.Add(30 * time.Second)})
	}},
}
