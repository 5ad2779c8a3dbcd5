package postgres_test

import (
	"context"
	"database/sql"
	"log/slog"
	"strings"
	"testing"

	"baton.example/baton/internal/store"
	"baton.example/baton/internal/store/postgres"
	"baton.example/baton/internal/store/sqlstore"
	"baton.example/baton/internal/store/storetest"
	"baton.example/baton/internal/testkit/pgtest"
)

// TestAuditListsUseIndexes holds every list of audit events to the index that
// has its order: nothing is sorted, and no row is read but those of the page.
func TestAuditListsUseIndexes(t *testing.T) {
	db, err := postgres.OpenDatabase(t.Context(), pgtest.URL(t), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	plans := &explainer{Database: db, q: db.Reads()}
	s := sqlstore.New(plans, sqlstore.Options{})
	t.Cleanup(func() { _ = s.Close() })
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
