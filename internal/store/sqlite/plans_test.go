package sqlite_test

import (
	"context"
	"database/sql"
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/store"
	"baton.example/baton/internal/store/sqlite"
	"baton.example/baton/internal/store/sqlstore"
	"baton.example/baton/internal/store/storetest"
)

// TestStaleRunnersUseIndexes: the first page of the instance finds those that
// are silent by the time of their last sign; the next ones go on by id from where
// the page before ended, and stop when they are full. Those of a group or project
// are found by what belongs to it.
func TestStaleRunnersUseIndexes(t *testing.T) {
	s, plans := openExplained(t)
	const (
		silent = "SEARCH l USING COVERING INDEX listed_runners_kind (tag=? AND kind=? AND last_sign>? AND last_sign<?)"
		after  = "SEARCH l USING PRIMARY KEY (tag=? AND runner_id>?)"
		group  = "SEARCH runners USING COVERING INDEX runners_group (group_id=?)"
		owned  = "SEARCH runners USING COVERING INDEX runners_project (project_id=?"
	)
	for _, row := range []struct {
		f     store.RunnerFilter
		want  string
		sorts bool
	}{
		{store.RunnerFilter{Governed: &baton.Source{}, Paused: new(false)}, silent, true},
		{store.RunnerFilter{Governed: &baton.Source{}, Paused: new(false), After: 7}, after, false},
		{store.RunnerFilter{Governed: new(baton.InGroup(1)), Unshared: true}, group, true},
		{store.RunnerFilter{Governed: new(baton.InGroup(1)), Unshared: true, After: 7}, group, true},
		{store.RunnerFilter{Governed: new(baton.InProject(1)), Unshared: true}, owned, true},
		{store.RunnerFilter{Governed: new(baton.InProject(1)), Unshared: true, After: 7}, owned, true},
	} {
		row.f.SilentSince = time.Now()
		if _, err := s.CountRunners(t.Context(), row.f, 100); err != nil {
			t.Fatal(err)
		}
		plans.seen = nil
		if _, err := s.Runners(t.Context(), row.f, store.Page{Limit: 20}); err != nil {
			t.Fatal(err)
		}
		for _, step := range plans.seen {
			if scanned.MatchString(step) {
				t.Errorf("%+v: %s", row.f, step)
			}
		}
		sorts := slices.Contains(plans.seen[:slices.Index(plans.seen, "SCAN page")], "USE TEMP B-TREE FOR ORDER BY")
		found := slices.ContainsFunc(plans.seen, func(step string) bool { return strings.HasPrefix(step, row.want) })
		if !found || sorts != row.sorts {
			t.Errorf("%+v:\n%s", row.f, strings.Join(plans.seen, "\n"))
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

// take returns the steps that were noted and forgets them.
func (e *explainer) take() []string {
	seen := e.seen
	e.seen = nil
	return seen
}

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

// TestManySetsOfTags: whoever may run jobs thinks up many sets of tags that a
// runner with all of these serves, and each of its requests looks at all of them.
// It does so in one query for each protection, and looks at one lane of each set.
func TestManySetsOfTags(t *testing.T) {
	s, plans := openExplained(t)
	at := time.Now()
	const sets = 1500
	queued := make([]baton.Job, sets)
	err := s.Tx(t.Context(), func(ctx context.Context, tx store.Tx) error {
		g, err := tx.InsertNamespace(ctx, baton.Namespace{
			Kind: baton.GroupNamespace, Name: "g", Path: "g", Visibility: baton.Private,
			SharedRunnersSetting: baton.SharedRunnersEnabled, SubgroupCreationLevel: baton.SubgroupsByMaintainer, CreatedAt: at, UpdatedAt: at,
		})
		if err != nil {
			return err
		}
		p, err := tx.InsertProject(ctx, baton.Project{
			NamespaceID: g, Name: "p", Path: "p", Visibility: baton.Private, DefaultBranch: "main", BuildTimeout: 3600,
			SharedRunnersEnabled: true, LastActivityAt: at, CreatedAt: at, UpdatedAt: at,
		})
		if err != nil {
			return err
		}
		in, err := tx.InsertPipeline(ctx, baton.Pipeline{ProjectID: p, Status: baton.PipelinePending, Source: baton.SourceAPI, CreatedAt: at, UpdatedAt: at})
		if err != nil {
			return err
		}
		for i := range sets {
			j := baton.Job{PipelineID: in.ID, ProjectID: p, Tags: []string{strconv.Itoa(i)}, Starts: baton.StartOnSuccess, CreatedAt: at, UpdatedAt: at}
			if j.ID, err = tx.InsertJob(ctx, j, []byte("{}")); err != nil {
				return err
			}
			j.Status, j.QueuedAt = baton.JobPending, at
			if err := tx.MoveJob(ctx, baton.JobCreated, j); err != nil {
				return err
			}
			queued[i] = j
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	r := baton.Runner{Type: baton.InstanceRunner}
	for i := range sets {
		r.Tags = append(r.Tags, strconv.Itoa(i))
	}
	plans.seen = nil
	if j, err := s.NextJob(t.Context(), r); err != nil || j.ID != 1 {
		t.Errorf("job %d, error %v; want the first", j.ID, err)
	}
	plan := strings.Join(plans.seen, "\n")
	const look = "SEARCH l USING INDEX lanes_fair (tag_set_id=? AND protected=?)"
	if n := strings.Count(plan, look); n != 4 { // 1024 sets at a time
		t.Errorf("%d queries for lanes, want 4; the last steps:\n%s", n, strings.Join(plans.seen[max(0, len(plans.seen)-40):], "\n"))
	}

	// What is left of them when the jobs are gone is not looked at by the jobs to
	// come.
	err = s.Tx(t.Context(), func(ctx context.Context, tx store.Tx) error {
		for _, j := range queued {
			j.Status = baton.JobCanceled
			if err := tx.MoveJob(ctx, baton.JobPending, j); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := plans.q.QueryContext(t.Context(), "SELECT count(*) FROM lanes")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for lanes := 0; rows.Next(); {
		if err := rows.Scan(&lanes); err != nil || lanes != 1 {
			t.Errorf("%d lanes, error %v; want one, which says how busy the project is", lanes, err)
		}
	}
	if err := rows.Err(); err != nil {
		t.Error(err)
	}
}
