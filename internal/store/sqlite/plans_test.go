package sqlite_test

import (
	"context"
	"database/sql"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/store"
	"baton.example/baton/internal/store/sqlite"
	"baton.example/baton/internal/store/sqlstore"
	"baton.example/baton/internal/store/storetest"
)

// TestRunnerListsUseIndexes holds every filter of the lists of runners to an
// index: none may look at every runner, whatever it finds.
func TestRunnerListsUseIndexes(t *testing.T) {
	s, plans := openExplained(t)
	now := time.Now()
	for name, f := range map[string]store.RunnerFilter{
		"type":            {Types: []baton.RunnerType{baton.GroupRunner}},
		"paused":          {Paused: new(true)},
		"active":          {Paused: new(false)},
		"tag":             {Tags: []string{"a"}},
		"tags":            {Tags: []string{"a", "b"}},
		"online":          {Contacts: []store.ContactState{store.ContactOnline}},
		"offline":         {Contacts: []store.ContactState{store.ContactOffline}},
		"never":           {Contacts: []store.ContactState{store.ContactNever}},
		"stale":           {Contacts: []store.ContactState{store.ContactStale}},
		"version":         {VersionPrefix: "18."},
		"status and tags": {Contacts: []store.ContactState{store.ContactOnline}, Tags: []string{"a"}},
		"type and paused": {Types: []baton.RunnerType{baton.GroupRunner}, Paused: new(true)},
		"project":         {Among: &store.RunnerScope{Project: 1, Groups: []baton.NamespaceID{1, 2}, Instance: true}},
		"own":             {Among: &store.RunnerScope{Managed: &store.Viewer{UserID: 1, Today: "2026-01-05"}}},
		"ids":             {IDs: []baton.RunnerID{1, 2, 3}},
		"stale, instance": {SilentSince: now, Governed: &baton.Source{}, Paused: new(false)},
		"next, instance":  {SilentSince: now, Governed: &baton.Source{}, Paused: new(false), After: 7},
		"stale, group":    {SilentSince: now, Governed: new(baton.InGroup(1)), Unshared: true},
		"next, group":     {SilentSince: now, Governed: new(baton.InGroup(1)), Unshared: true, After: 7},
		"stale, project":  {SilentSince: now, Governed: new(baton.InProject(1)), Unshared: true},
		"next, project":   {SilentSince: now, Governed: new(baton.InProject(1)), Unshared: true, After: 7},
	} {
		f.Now = now
		plans.seen = nil
		if _, err := s.Runners(t.Context(), f, store.Page{Limit: 20}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.CountRunners(t.Context(), f, 100); err != nil {
			t.Fatal(err)
		}
		plan := strings.Join(plans.seen, "\n")
		for _, step := range plans.seen {
			for _, table := range []string{"r", "t", "g", "runners", "runner_tags", "runner_projects", "runner_managers"} {
				if strings.HasPrefix(step, "SCAN "+table+" ") || step == "SCAN "+table {
					t.Errorf("%s: %s in\n%s", name, step, plan)
				}
			}
		}
	}
}

// TestStaleRunnersUseIndexes: the first page finds those that are silent by the
// time of their last contact; the next ones go on by id from where the page before
// ended, and stop when they are full. Neither sorts more than what it finds.
func TestStaleRunnersUseIndexes(t *testing.T) {
	s, plans := openExplained(t)
	for after, want := range map[baton.RunnerID]string{
		0: "SEARCH r USING INDEX runners_contacted (contacted_at<?)",
		7: "SEARCH r USING INTEGER PRIMARY KEY (rowid>?)",
	} {
		plans.seen = nil
		f := store.RunnerFilter{SilentSince: time.Now(), Governed: &baton.Source{}, Paused: new(false), After: after}
		if _, err := s.Runners(t.Context(), f, store.Page{Limit: 20}); err != nil {
			t.Fatal(err)
		}
		sorts := slices.Contains(plans.seen[:slices.Index(plans.seen, "SCAN page")], "USE TEMP B-TREE FOR ORDER BY")
		if !slices.Contains(plans.seen, want) || sorts != (after == 0) {
			t.Errorf("after %d:\n%s", after, strings.Join(plans.seen, "\n"))
		}
	}
}

// TestSilentManagersUseIndexes: those of a group or project are found by its
// runners, since there may be many more that are somebody else's. The instance's
// are all managers, which are walked through once.
func TestSilentManagersUseIndexes(t *testing.T) {
	s, plans := openExplained(t)
	const ofRunner = "INDEX runner_managers_contact (runner_id=? AND contacted_at<?)"
	for of, want := range map[baton.Source]string{
		{}:                 "SEARCH m USING INTEGER PRIMARY KEY (rowid>?)",
		baton.InGroup(1):   ofRunner,
		baton.InProject(1): ofRunner,
	} {
		plans.seen = nil
		f := store.SilentManagerFilter{
			Since: time.Now(), Governed: &of, After: 7,
			Besides: &store.RunnerFilter{SilentSince: time.Now(), Governed: &of, Unshared: true},
		}
		if _, err := s.SilentManagers(t.Context(), f, store.Page{Limit: 100}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.CountSilentManagers(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		plan := strings.Join(plans.seen, "\n")
		if strings.Count(plan, want) != 2 || strings.Contains(plan, "SCAN r ") || strings.Contains(plan, "SCAN p ") {
			t.Errorf("%v:\n%s", of, plan)
		}
	}
}

// TestNearestStalePolicyUsesIndexes, since a run asks it for every group and
// project whose runners it changes.
func TestNearestStalePolicyUsesIndexes(t *testing.T) {
	s, plans := openExplained(t)
	if _, err := s.NearestStalePolicy(t.Context(), baton.InProject(1)); !baton.IsNotFound(err) {
		t.Fatal(err)
	}
	for _, step := range plans.seen {
		if strings.HasPrefix(step, "SCAN ") && !slices.Contains([]string{"SCAN up", "SCAN n"}, step) {
			t.Errorf("%s in\n%s", step, strings.Join(plans.seen, "\n"))
		}
	}
}

// TestAuditListsUseIndexes holds every list of audit events to the index that
// has its order: nothing is sorted, and no row is read but those of the page.
func TestAuditListsUseIndexes(t *testing.T) {
	s, plans := openExplained(t)
	for index, f := range storetest.AuditFilters() {
		plans.seen = nil
		if _, err := s.AuditEvents(t.Context(), f, store.Page{Limit: 20, Offset: 1000}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.CountAuditEvents(t.Context(), f, 100); err != nil {
			t.Fatal(err)
		}
		plan := strings.Join(plans.seen, "\n")
		// The one thing that is sorted is the page itself.
		if sorts := strings.Count(plan, "USE TEMP B-TREE"); sorts > 1 || strings.Count(plan, " INDEX "+index) != 2 {
			t.Errorf("%s:\n%s", index, plan)
		}
	}
}

// TestLatestManagerIsTheFirstOfAnIndex keeps a runner with thousands of
// managers from being read as a whole, and from being sorted.
func TestLatestManagerIsTheFirstOfAnIndex(t *testing.T) {
	s, plans := openExplained(t)
	if _, err := s.LatestManager(t.Context(), 1); !baton.IsNotFound(err) {
		t.Fatal(err)
	}
	if plan := strings.Join(plans.seen, "\n"); plan != "SEARCH m USING INDEX runner_managers_contact (runner_id=?)" {
		t.Error(plan)
	}
}

// TestRegistrationTokensAreFoundInAnIndex, since every look at a group or
// project by its Owner reads one.
func TestRegistrationTokensAreFoundInAnIndex(t *testing.T) {
	s, plans := openExplained(t)
	for _, of := range []baton.Source{{}, baton.InGroup(1), baton.InProject(1)} {
		if _, err := s.RegistrationToken(t.Context(), of); !baton.IsNotFound(err) {
			t.Fatal(err)
		}
	}
	if _, err := s.RegistrationTokenByDigest(t.Context(), baton.DigestOf("a")); !baton.IsNotFound(err) {
		t.Fatal(err)
	}
	const bySource = "SEARCH k USING INDEX registration_tokens_source (<expr>=? AND <expr>=?)"
	want := []string{bySource, bySource, bySource, "SEARCH k USING INDEX sqlite_autoindex_registration_tokens_1 (digest=?)"}
	if !slices.Equal(plans.seen, want) {
		t.Errorf("plans %q, want %q", plans.seen, want)
	}
}

func openExplained(t *testing.T) (*sqlstore.Store, *explainer) {
	t.Helper()
	db, err := sqlite.OpenDatabase(t.Context(), filepath.Join(t.TempDir(), "baton.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	plans := &explainer{Database: db, q: db.Reads()}
	s := sqlstore.New(plans, sqlstore.Options{})
	t.Cleanup(func() { _ = s.Close() })
	return s, plans
}

// An explainer is a database that notes the plan of every query.
type explainer struct {
	sqlstore.Database

	q    sqlstore.Querier
	seen []string
}

func (e *explainer) Reads() sqlstore.Querier { return e }

func (e *explainer) ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error) {
	return e.q.ExecContext(ctx, text, args...)
}

func (e *explainer) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	rows, err := e.q.QueryContext(ctx, "EXPLAIN QUERY PLAN "+text, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			return nil, err
		}
		e.seen = append(e.seen, step)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return e.q.QueryContext(ctx, text, args...) //nolint:sqlclosecheck // the store closes them
}
