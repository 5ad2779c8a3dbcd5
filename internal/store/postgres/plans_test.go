package postgres_test

import (
	"context"
	"database/sql"
	"log/slog"
	"strings"
	"testing"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/store"
	"baton.example/baton/internal/store/postgres"
	"baton.example/baton/internal/store/sqlstore"
	"baton.example/baton/internal/store/storetest"
	"baton.example/baton/internal/testkit/pgtest"
)

// TestStaleRunnersUseIndexes: a few silent runners, of everything or of a group or
// project, are found among a hundred thousand without looking at every one.
func TestStaleRunnersUseIndexes(t *testing.T) {
	s, plans, db := openExplained(t)
	for _, statement := range []string{
		`INSERT INTO namespaces (kind, name, path, description, visibility, shared_runners_setting, subgroup_creation_level,
				runner_registration_enabled, allow_runner_registration_token, created_at, updated_at)
			SELECT 'group', 'g', 'g' || n, '', 'private', 'enabled', 'maintainer', true, true, now(), now() FROM generate_series(1, 2000) AS n`,
		`INSERT INTO projects (namespace_id, name, path, description, visibility, default_branch, ci_config_path, build_timeout,
				shared_runners_enabled, group_runners_enabled, runner_registration_enabled, last_activity_at, created_at, updated_at)
			SELECT n % 2000 + 1, 'p', 'p' || n, '', 'private', 'main', '', 3600, true, true, true, now(), now(), now() FROM generate_series(1, 4000) AS n`,
		`INSERT INTO runners (type, group_id, project_id, description, maintenance_note, paused, locked, run_untagged, access_level,
				token_digest, token_created_at, asked_for_jobs, created_at, updated_at, contacted_at)
			SELECT CASE n % 10 WHEN 0 THEN 'instance_type' WHEN 1 THEN 'group_type' ELSE 'project_type' END,
				CASE WHEN n % 10 = 1 THEN n % 2000 + 1 END, CASE WHEN n % 10 > 1 THEN n % 4000 + 1 END, '', '', false, false, true, 'not_protected',
				sha256(n::text::bytea), now(), true, '2026-01-01', '2026-01-01', timestamptz '2026-03-01 00:00Z' + n * interval '1 second'
			FROM generate_series(1, 100000) AS n`,
		`INSERT INTO runner_projects (runner_id, project_id, created_at) SELECT id, project_id, now() FROM runners WHERE project_id IS NOT NULL`,
		`INSERT INTO runner_managers (runner_id, system_id, version, revision, platform, architecture, executor, ip, contacted_at, created_at)
			SELECT id, 's', '', '', '', '', '', '', contacted_at, created_at FROM runners`,
		"INSERT INTO stale_runner_policies (namespace_id, runner_action, automatic, created_at, updated_at) VALUES (2, 'pause', false, now(), now())",
		"ANALYZE",
	} {
		if _, err := db.Reads().ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	since := time.Date(2026, 3, 1, 0, 5, 0, 0, time.UTC) // three hundred of them
	for _, of := range []baton.Source{{}, baton.InGroup(1), baton.InProject(1)} {
		plans.seen = nil
		runners := store.RunnerFilter{SilentSince: since, Governed: &of, Unshared: true}
		if _, err := s.Runners(t.Context(), runners, store.Page{Limit: 100}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.CountRunners(t.Context(), runners, 1_000_000); err != nil {
			t.Fatal(err)
		}
		if of != (baton.Source{}) { // the instance's managers are all of them
			f := store.SilentManagerFilter{Since: since, Governed: &of}
			if _, err := s.SilentManagers(t.Context(), f, store.Page{Limit: 100}); err != nil {
				t.Fatal(err)
			}
		}
		plan := strings.Join(plans.seen, "\n")
		for _, table := range []string{"runners", "runner_managers", "runner_projects"} {
			if strings.Contains(plan, "Seq Scan on "+table+" ") {
				t.Errorf("%v: all %s are read:\n%s", of, table, plan)
			}
		}
	}
}

// TestAuditListsUseIndexes holds every list of audit events to the index that
// has its order: nothing is sorted, and no row is read but those of the page.
func TestAuditListsUseIndexes(t *testing.T) {
	s, plans, db := openExplained(t)
	// Indexes are for tables that are not small, and the planner has to know.
	for _, statement := range []string{
		`INSERT INTO audit_events (name, author_id, author_name, ip, namespace_id, project_id, user_id, target_type, target_id, target_details, message, created_at)
			SELECT 'n', n % 10 + 1, 'A', '::1', CASE WHEN n % 4 = 0 THEN n / 4 % 8 + 1 END, CASE WHEN n % 4 = 1 THEN n / 4 % 8 + 1 END,
				CASE WHEN n % 4 = 2 THEN n / 4 % 8 + 1 END, 'T', n, '/admin', 'm', timestamptz '2026-03-01 00:00Z' + n * interval '1 second'
			FROM generate_series(1, 40000) AS n`,
		"ANALYZE audit_events",
	} {
		if _, err := db.Reads().ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	for index, f := range storetest.AuditFilters() {
		plans.seen = nil
		if _, err := s.AuditEvents(t.Context(), f, store.Page{Limit: 5, Offset: 5}); err != nil {
			t.Fatal(err)
		}
		plan := strings.Join(plans.seen, "\n")
		// What one author did in one place may well be read as a whole.
		ordered := strings.Contains(plan, "using "+index+" on audit_events") && strings.Count(plan, "Sort Key") == 1
		if index == "audit_events_author" {
			ordered = strings.Contains(plan, index)
		}
		if !ordered || strings.Contains(plan, "Seq Scan") {
			t.Errorf("%s:\n%s", index, plan)
		}
	}
}

func openExplained(t *testing.T) (*sqlstore.Store, *explainer, sqlstore.Database) {
	t.Helper()
	db, err := postgres.OpenDatabase(t.Context(), pgtest.URL(t), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	plans := &explainer{Database: db, q: db.Reads()}
	s := sqlstore.New(plans, sqlstore.Options{})
	t.Cleanup(func() { _ = s.Close() })
	return s, plans, db
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
	rows, err := e.q.QueryContext(ctx, "EXPLAIN "+text, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var step string
		if err := rows.Scan(&step); err != nil {
			return nil, err
		}
		e.seen = append(e.seen, step)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return e.q.QueryContext(ctx, text, args...) //nolint:sqlclosecheck // the store closes them
}
