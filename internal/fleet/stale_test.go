package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/fleet"
	"baton.example/baton/internal/seal"
	"baton.example/baton/internal/store"
	"baton.example/baton/internal/store/postgres"
	"baton.example/baton/internal/store/sqlite"
	"baton.example/baton/internal/testkit/pgtest"
)

// began is when the runners of every yard were made, today when they are looked
// at.
var (
	began = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
	today = began.Add(30 * 24 * time.Hour)
)

// A yard is a database with a group and a project in it, and a fleet on it.
type yard struct {
	*fleet.Service

	t       *testing.T
	db      *meddled
	admin   *access.Actor
	group   baton.NamespaceID
	project baton.ProjectID
	other   baton.ProjectID
	// replica opens the database once more.
	replica func() *fleet.Service
	made    int
}

// A meddled store lets a test do something before a transaction.
type meddled struct {
	store.Store

	mu     sync.Mutex
	begun  int
	before map[int]func() // by the number of the transaction, from 1
}

// Tx implements [store.Store].
func (m *meddled) Tx(ctx context.Context, fn func(context.Context, store.Tx) error) error {
	m.mu.Lock()
	m.begun++
	meddle := m.before[m.begun]
	m.mu.Unlock()
	if meddle != nil {
		meddle()
	}
	return m.Store.Tx(ctx, fn)
}

// before has the test do something before the nth transaction from now on.
func (y *yard) before(n int, meddle func()) {
	y.db.mu.Lock()
	defer y.db.mu.Unlock()
	y.db.before = map[int]func(){y.db.begun + n: meddle}
}

// onBoth runs a test on both databases.
func onBoth(t *testing.T, test func(*yard)) {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	for name, opener := range map[string]func(*testing.T) func() (store.Store, error){
		"SQLite": func(t *testing.T) func() (store.Store, error) {
			t.Helper()
			path := filepath.Join(t.TempDir(), "baton.db")
			return func() (store.Store, error) { return sqlite.Open(context.WithoutCancel(t.Context()), path, quiet) }
		},
		"PostgreSQL": func(t *testing.T) func() (store.Store, error) {
			t.Helper()
			url := pgtest.URL(t)
			return func() (store.Store, error) { return postgres.Open(context.WithoutCancel(t.Context()), url, quiet) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			open := opener(t)
			keys, err := seal.Create(filepath.Join(t.TempDir(), "secret.key"))
			if err != nil {
				t.Fatal(err)
			}
			connect := func() store.Store {
				db, err := open()
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() {
					if err := db.Close(); err != nil {
						t.Error(err)
					}
				})
				return db
			}
			now := func() time.Time { return today }
			y := &yard{t: t, db: &meddled{Store: connect()}}
			y.Service = fleet.New(y.db, keys, now)
			y.replica = func() *fleet.Service { return fleet.New(connect(), keys, now) }
			y.furnish()
			test(y)
		})
	}
}

func (y *yard) furnish() {
	y.t.Helper()
	y.tx(func(ctx context.Context, tx store.Tx) error {
		u := baton.User{Username: "root", Name: "Root", Email: "r@example.com", State: baton.UserActive, Admin: true, CreatedAt: began, UpdatedAt: began}
		var err error
		if u.ID, err = tx.InsertUser(ctx, u); err != nil {
			return err
		}
		y.admin = &access.Actor{User: u, Admin: true, Now: today}
		if y.group, err = tx.InsertNamespace(ctx, baton.Namespace{
			Kind: baton.GroupNamespace, Name: "g", Path: "g", Visibility: baton.Private, SharedRunnersSetting: baton.SharedRunnersEnabled,
			SubgroupCreationLevel: baton.SubgroupsByOwner, CreatedAt: began, UpdatedAt: began,
		}); err != nil {
			return err
		}
		for path, id := range map[string]*baton.ProjectID{"p": &y.project, "q": &y.other} {
			if *id, err = tx.InsertProject(ctx, baton.Project{
				NamespaceID: y.group, Name: path, Path: path, Visibility: baton.Private, DefaultBranch: "main", BuildTimeout: 3600,
				LastActivityAt: began, CreatedAt: began, UpdatedAt: began,
			}); err != nil {
				return err
			}
		}
		return nil
	})
}

func (y *yard) tx(fn func(context.Context, store.Tx) error) {
	y.t.Helper()
	if err := y.db.Store.Tx(y.t.Context(), fn); err != nil {
		y.t.Error(err)
	}
}

// runners makes n old runners of the source.
func (y *yard) runners(n int, of baton.Source) []baton.RunnerID {
	y.t.Helper()
	r := baton.Runner{
		Type: baton.InstanceRunner, GroupID: of.Namespace, ProjectID: of.Project, RunUntagged: true, AccessLevel: baton.NotProtected,
		CreatedAt: began, UpdatedAt: began,
	}
	switch {
	case of.Project != 0:
		r.Type = baton.ProjectRunner
	case of.Namespace != 0:
		r.Type = baton.GroupRunner
	}
	ids := make([]baton.RunnerID, n)
	var all sync.WaitGroup
	for i := range ids {
		y.made++
		token := baton.DigestOf(fmt.Sprint("token ", y.made))
		all.Go(func() {
			var err error
			ids[i], err = y.db.CreateRunner(y.t.Context(), store.RunnerCreation{
				Runner: r, Token: token,
				Audit: func(id baton.RunnerID) baton.AuditEvent {
					return baton.AuditEvent{Name: "ci_runner_created", TargetType: "Ci::Runner", TargetID: int64(id), CreatedAt: began}
				},
			})
			if err != nil {
				y.t.Error(err)
			}
		})
	}
	all.Wait()
	slices.Sort(ids)
	return ids
}

// contact has a manager of the runner call.
func (y *yard) contact(id baton.RunnerID, systemID string, at time.Time) error {
	return y.db.TouchRunner(y.t.Context(), store.Contact{Manager: baton.Manager{RunnerID: id, SystemID: systemID, ContactedAt: at}})
}

// policy sets a policy of the source: ten days for runners and managers.
func (y *yard) policy(of baton.Source, action baton.StaleAction) fleet.StaleChange {
	y.t.Helper()
	age := &fleet.Seconds{Number: 10 * 24 * 3600}
	c := fleet.StaleChange{RunnerAge: age, RunnerAction: &action, ManagerAge: age}
	if _, err := y.SetStalePolicy(y.t.Context(), y.admin, of, c); err != nil {
		y.t.Fatal(err)
	}
	return c
}

func (y *yard) run(of baton.Source) fleet.StaleReport {
	y.t.Helper()
	report, err := y.RunStale(y.t.Context(), y.admin, of)
	if err != nil {
		y.t.Fatal(err)
	}
	return report
}

// left returns the ids of the runners that there are.
func (y *yard) left() []baton.RunnerID {
	y.t.Helper()
	all, err := y.db.Runners(y.t.Context(), store.RunnerFilter{}, store.Page{Limit: 10_000})
	if err != nil {
		y.t.Fatal(err)
	}
	ids := []baton.RunnerID{}
	for _, r := range all {
		ids = append(ids, r.ID)
	}
	return ids
}

// events returns the audit events with the name, the oldest first.
func (y *yard) events(name string) []baton.AuditEvent {
	y.t.Helper()
	all, err := y.db.AuditEvents(y.t.Context(), store.AuditFilter{}, store.Page{Limit: 10_000})
	if err != nil {
		y.t.Fatal(err)
	}
	slices.Reverse(all)
	return slices.DeleteFunc(all, func(e baton.AuditEvent) bool { return e.Name != name })
}

// deleted returns the runners that the audit log says were deleted.
func (y *yard) deleted() []baton.RunnerID {
	y.t.Helper()
	var ids []baton.RunnerID
	for _, e := range y.events("ci_runner_unregistered") {
		ids = append(ids, baton.RunnerID(e.TargetID))
	}
	slices.Sort(ids)
	return ids
}

func (y *yard) same(got, want any) {
	y.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		y.t.Errorf("-want +got:\n%s", diff)
	}
}

// Whatever calls while a run deletes is not deleted: a call that was answered
// with success is one of a runner that stays.
func TestRunnersThatCallDuringARunStay(t *testing.T) {
	onBoth(t, func(y *yard) {
		for range 3 {
			ids := y.runners(500, baton.Source{})
			y.policy(baton.Source{}, baton.DeleteStale)
			before := y.deleted()

			var mu sync.Mutex
			var called []baton.RunnerID
			var all sync.WaitGroup
			for part := range slices.Chunk(ids, 125) {
				all.Go(func() {
					// Every fifth, from behind and from ahead by turns: some come before
					// the run does, some too late.
					for i := 0; i < len(part); i += 5 {
						id := part[i]
						if i%2 == 0 {
							id = part[len(part)-1-i]
						}
						switch err := y.contact(id, "s", today); {
						case err == nil:
							mu.Lock()
							called = append(called, id)
							mu.Unlock()
						case !baton.IsNotFound(err):
							y.t.Error(err)
						}
					}
				})
			}
			report := y.run(baton.Source{})
			all.Wait()

			left := y.left()
			for _, id := range called {
				if !slices.Contains(left, id) {
					y.t.Errorf("runner %d called, was told that all is well, and is gone", id)
				}
			}
			for _, s := range report.Skipped {
				if s.Reason != baton.SkipContacted {
					y.t.Errorf("runner %d was skipped since it is %s", s.Runner, s.Reason)
				}
			}
			if len(report.Runners) == 0 {
				y.t.Error("none was deleted")
			}
			y.same(report.Stopped, baton.StaleStop(""))
			y.same(y.deleted(), slices.Sorted(slices.Values(append(before, report.Runners...))))
			for _, id := range report.Runners {
				if slices.Contains(left, id) {
					y.t.Errorf("runner %d is reported as deleted, and is there", id)
				}
			}
		}
	})
}

// Two replicas that run at once do together what one would: each runner and each
// manager is taken by one of them, and told of once.
func TestTwoRunsAtOnce(t *testing.T) {
	onBoth(t, func(y *yard) {
		ids := y.runners(450, baton.InGroup(y.group))
		stays := y.runners(1, baton.InGroup(y.group))[0]
		for i := range 150 {
			if err := y.contact(stays, fmt.Sprint("s", i), began); err != nil {
				y.t.Fatal(err)
			}
		}
		if err := y.contact(stays, "alive", today); err != nil {
			y.t.Fatal(err)
		}
		y.policy(baton.InGroup(y.group), baton.DeleteStale)

		reports := make([]fleet.StaleReport, 2)
		var all sync.WaitGroup
		for i, s := range []*fleet.Service{y.Service, y.replica()} {
			all.Go(func() {
				var err error
				if reports[i], err = s.RunStale(y.t.Context(), y.admin, baton.InGroup(y.group)); err != nil {
					y.t.Error(err)
				}
			})
		}
		all.Wait()

		y.same(slices.Sorted(slices.Values(append(reports[0].Runners, reports[1].Runners...))), ids)
		y.same(len(reports[0].Managers)+len(reports[1].Managers), 150)
		y.same(y.deleted(), ids)
		y.same(y.left(), []baton.RunnerID{stays})
		forgotten := map[string]int{}
		for _, e := range y.events("ci_runner_manager_unregistered") {
			for _, c := range e.Changes {
				forgotten[c.From]++
			}
		}
		y.same(len(forgotten), 150)
		for id, n := range forgotten {
			if n != 1 {
				y.t.Errorf("manager %s was forgotten %d times", id, n)
			}
		}
	})
}

// What changes between the moment when a runner was found and its turn counts.
func TestRunLooksAgain(t *testing.T) {
	onBoth(t, func(y *yard) {
		group, project := baton.InGroup(y.group), baton.InProject(y.project)
		ofGroup, ofProject := y.runners(4, group), y.runners(2, project)
		y.policy(group, baton.DeleteStale)
		y.before(1, func() {
			if err := y.contact(ofGroup[0], "s", today); err != nil {
				y.t.Error(err)
			}
			y.tx(func(ctx context.Context, tx store.Tx) error {
				return errors.Join(tx.DeleteRunner(ctx, ofGroup[1]), tx.AssignRunner(ctx, ofProject[0], y.other, today))
			})
		})
		report := y.run(group)
		y.same(report.Runners, []baton.RunnerID{ofGroup[2], ofGroup[3], ofProject[1]})
		y.same(report.Skipped, []fleet.StaleSkip{
			{Runner: ofGroup[0], Reason: baton.SkipContacted},
			{Runner: ofGroup[1], Reason: baton.SkipGone},
			{Runner: ofProject[0], Reason: baton.SkipChanged},
		})

		// A nearer policy takes its runners out of the run, and so does somebody
		// who pauses one by hand.
		y.policy(group, baton.PauseStale)
		ofGroup, ofProject = y.runners(2, group), y.runners(1, project)
		y.before(1, func() {
			y.tx(func(ctx context.Context, tx store.Tx) error {
				return errors.Join(tx.PauseRunners(ctx, today, ofGroup[0]), tx.SetStalePolicy(ctx, baton.StaleRunnerPolicy{
					Source: project, RunnerAction: baton.PauseStale, CreatedAt: today, UpdatedAt: today,
				}))
			})
		})
		report = y.run(group)
		y.same(report.Runners, ofGroup[1:])
		if want := (fleet.StaleSkip{Runner: ofProject[0], Reason: baton.SkipChanged}); !slices.Contains(report.Skipped, want) {
			y.t.Errorf("skipped %v, want %v", report.Skipped, want)
		}
		if want := (fleet.StaleSkip{Runner: ofGroup[0], Reason: baton.SkipChanged}); !slices.Contains(report.Skipped, want) {
			y.t.Errorf("skipped %v, want %v", report.Skipped, want)
		}
	})
}

// So it is with managers.
func TestRunLooksAgainAtManagers(t *testing.T) {
	onBoth(t, func(y *yard) {
		ids := y.runners(2, baton.Source{})
		for i, systems := range [][]string{{"a", "b", "c"}, {"d"}} {
			for _, system := range systems {
				if err := y.contact(ids[i], system, began); err != nil {
					y.t.Fatal(err)
				}
			}
			if err := y.contact(ids[i], "alive", today); err != nil {
				y.t.Fatal(err)
			}
		}
		id := func(runner baton.RunnerID, system string) baton.ManagerID {
			m, err := y.db.Manager(y.t.Context(), runner, system)
			if err != nil {
				y.t.Fatal(err)
			}
			return m.ID
		}
		a, b, c, d := id(ids[0], "a"), id(ids[0], "b"), id(ids[0], "c"), id(ids[1], "d")
		y.policy(baton.Source{}, baton.DeleteStale)
		y.before(1, func() {
			if err := y.contact(ids[0], "b", today); err != nil {
				y.t.Error(err)
			}
			y.tx(func(ctx context.Context, tx store.Tx) error {
				return errors.Join(tx.DeleteManager(ctx, c), tx.DeleteRunner(ctx, ids[1]))
			})
		})
		report := y.run(baton.Source{})
		y.same(report.Managers, []baton.ManagerID{a})
		y.same(report.Skipped, []fleet.StaleSkip{
			{Runner: ids[0], Manager: b, Reason: baton.SkipContacted},
			{Runner: ids[0], Manager: c, Reason: baton.SkipGone},
			{Runner: ids[1], Manager: d, Reason: baton.SkipGone},
		})
	})
}

// A run that stops says so, has done what it says, and the next one goes on.
func TestRunStops(t *testing.T) {
	onBoth(t, func(y *yard) {
		ids := y.runners(250, baton.Source{})
		c := y.policy(baton.Source{}, baton.DeleteStale)

		// The request has to be answered: there is no time for even one batch.
		short, cancel := context.WithTimeout(y.t.Context(), 9*time.Second)
		defer cancel()
		report, err := y.RunStale(short, y.admin, baton.Source{})
		if err != nil || report.Stopped != baton.StopTime || len(report.Runners) != 0 {
			y.t.Errorf("with no time left: %d runners, stopped by %q, %v", len(report.Runners), report.Stopped, err)
		}

		// The policy is taken away before the second batch.
		y.before(2, func() {
			y.tx(func(ctx context.Context, tx store.Tx) error { return tx.DeleteStalePolicy(ctx, baton.Source{}) })
		})
		report = y.run(baton.Source{})
		y.same(report.Stopped, baton.StopPolicy)
		y.same(report.Runners, ids[:100])

		// The client goes away before the second batch.
		if _, err := y.SetStalePolicy(y.t.Context(), y.admin, baton.Source{}, c); err != nil {
			y.t.Fatal(err)
		}
		gone, leave := context.WithCancel(y.t.Context())
		y.before(2, leave)
		report, err = y.RunStale(gone, y.admin, baton.Source{})
		y.same(report.Runners, ids[100:200])
		if !errors.Is(err, context.Canceled) {
			y.t.Errorf("error %v, want that of the context", err)
		}

		y.same(y.run(baton.Source{}).Runners, ids[200:])
		y.same(y.deleted(), ids)
		var counts []string
		for _, e := range y.events("stale_runner_policy_applied") {
			for _, c := range e.Changes {
				if c.Attribute == "runners_deleted" || c.Attribute == "stopped" {
					counts = append(counts, c.To)
				}
			}
		}
		y.same(counts, []string{"0", "time", "100", "policy", "100", "50"})
	})
}

// Who may not manage runners any more does not go on.
func TestRunAsksForThePermissionAgain(t *testing.T) {
	onBoth(t, func(y *yard) {
		ids := y.runners(150, baton.InGroup(y.group))
		y.policy(baton.InGroup(y.group), baton.DeleteStale)
		owner := baton.User{Username: "o", Name: "O", Email: "o@example.com", State: baton.UserActive, CreatedAt: began, UpdatedAt: began}
		y.tx(func(ctx context.Context, tx store.Tx) (err error) {
			if owner.ID, err = tx.InsertUser(ctx, owner); err != nil {
				return err
			}
			return tx.InsertMember(ctx, baton.Member{Source: baton.InGroup(y.group), UserID: owner.ID, AccessLevel: baton.OwnerAccess, CreatedAt: began})
		})
		y.before(2, func() {
			y.tx(func(ctx context.Context, tx store.Tx) error {
				return tx.DeleteMember(ctx, baton.InGroup(y.group), owner.ID)
			})
		})
		_, err := y.RunStale(y.t.Context(), &access.Actor{User: owner, Now: today}, baton.InGroup(y.group))
		y.same(baton.CodeOf(err), baton.CodeDenied)
		y.same(y.left(), ids[100:])
	})
}

// Automatic policies, and no others, are applied without anybody asking.
func TestRunAutomaticStale(t *testing.T) {
	onBoth(t, func(y *yard) {
		instance, ofGroup, ofProject := y.runners(1, baton.Source{}), y.runners(1, baton.InGroup(y.group)), y.runners(1, baton.InProject(y.project))
		y.policy(baton.Source{}, baton.DeleteStale)
		for _, of := range []baton.Source{baton.InGroup(y.group), baton.InProject(y.project)} {
			c := y.policy(of, baton.PauseStale)
			c.Automatic = new(true)
			if _, err := y.SetStalePolicy(y.t.Context(), y.admin, of, c); err != nil {
				y.t.Fatal(err)
			}
		}
		for range 2 { // the second time there is nothing to do, nor to tell
			if err := y.RunAutomaticStale(y.t.Context()); err != nil {
				y.t.Fatal(err)
			}
		}
		y.same(y.left(), slices.Concat(instance, ofGroup, ofProject))
		paused, err := y.db.Runners(y.t.Context(), store.RunnerFilter{Paused: new(true)}, store.Page{Limit: 10})
		if err != nil {
			y.t.Fatal(err)
		}
		y.same(len(paused), 2)
		var told []string
		for _, name := range []string{"ci_runner_updated", "stale_runner_policy_applied"} {
			for _, e := range y.events(name) {
				told = append(told, fmt.Sprintf("%s: %s, by %s (%d)", e.Name, e.Message, e.AuthorName, e.AuthorID))
			}
		}
		byGroup, byProject := fmt.Sprintf("Stale runner policy of group %d (0)", y.group), fmt.Sprintf("Stale runner policy of project %d (0)", y.project)
		y.same(told, []string{
			"ci_runner_updated: Paused stale group CI runner, by " + byGroup,
			"ci_runner_updated: Paused stale project CI runner, by " + byProject,
			"stale_runner_policy_applied: Applied group stale runner policy, by " + byGroup,
			"stale_runner_policy_applied: Applied project stale runner policy, by " + byProject,
		})
	})
}
