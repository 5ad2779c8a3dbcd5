package postgres_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"baton.example/baton/internal/store"
	"baton.example/baton/internal/store/postgres"
	"baton.example/baton/internal/store/sqlstore"
	"baton.example/baton/internal/store/storetest"
	"baton.example/baton/internal/testkit/pgtest"
)

// TestRunnerListsReadFewRows bounds what the lists of 100,000 runners read: no
// table as a whole; of the tables with all of a runner's columns no more than
// the page; and of the index that has the list
//
//   - what is counted, [storetest.Sortable] and one more at most, and so twice:
//     once to tell, once to decide how to go on;
//   - what is sorted, [storetest.Sortable] at most;
//   - or what is passed over on the way to the page: all of the list ahead of it
//     and, in between, of those with the same tag what does not belong to it.
//
// The first page of a list costs the same, then, however many runners there are.
func TestRunnerListsReadFewRows(t *testing.T) {
	db, err := postgres.OpenDatabase(t.Context(), pgtest.URL(t), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	plans := &analyzer{Database: db, q: db.Reads()}
	s := sqlstore.New(plans, sqlstore.Options{})
	t.Cleanup(func() { _ = s.Close() })
	fleet := storetest.Fleet{Runners: 100_000, Now: time.Now()}
	if err := db.Tx(t.Context(), func(ctx context.Context, q sqlstore.Querier) error {
		fleet.Insert(ctx, t, q, true)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Reads().ExecContext(t.Context(), "VACUUM ANALYZE"); err != nil {
		t.Fatal(err)
	}
	const all, size = 1 << 30, 20
	lists := storetest.RunnerLists(fleet.Now)
	right := storetest.FleetLists(t.Context(), t, s, lists)
	for name, l := range lists {
		total, err := s.CountRunners(t.Context(), l.RunnerFilter, all)
		if err != nil {
			t.Fatal(err)
		}
		tagged, err := s.CountRunners(t.Context(), store.RunnerFilter{Tags: l.Tags}, all)
		if err != nil {
			t.Fatal(err)
		}
		for _, offset := range []int{0, total / 2 / size * size, max(0, total-1) / size * size} {
			plans.seen = nil
			if _, err := s.CountRunners(t.Context(), l.RunnerFilter, storetest.Sortable+1); err != nil {
				t.Fatal(err)
			}
			page := store.Page{Limit: size, Offset: offset}
			rows, err := s.Runners(t.Context(), l.RunnerFilter, page)
			if err != nil {
				t.Fatal(err)
			}
			if !l.Set {
				right[name].Check(t, name, page, rows, total)
			}
			counted := min(total, storetest.Sortable+1)
			may := 2*counted + min(total, storetest.Sortable)
			if total > storetest.Sortable {
				// What belongs to the list is spread evenly, or nearly so.
				may = 2*counted + (offset+size)*tagged/total + tagged/100
			}
			if len(l.Tags) > 1 || l.Set {
				may *= 4 // and look each of them up; and ask how many there are of each tag
			}
			// And the page, what PostgreSQL rather reads as a whole, and what it
			// finds on the hour at which a status ends.
			may += size + 3*min(tagged, 1000) + counted/20

			var r read
			for _, p := range plans.seen {
				r.add(p, "")
			}
			// Of the page: a runner, and a tag or a few; and what a project adds.
			if wide := r.rows["runners"] + r.rows["runner_tags"]; wide > 8*size+r.atBounds || r.atBounds > 3*counted/20 {
				t.Errorf("%s from %d: reads %d rows of runners and tags\n%s", name, offset, wide, r.text.String())
			}
			if got := r.rows["listed_runners"] + r.rows["runner_managers"] + r.rows["runner_projects"]; got > may {
				t.Errorf("%s from %d of %d: reads %d rows, may read %d\n%s", name, offset, total, got, may, r.text.String())
			}
			if strings.Contains(r.text.String(), "Seq Scan") {
				t.Errorf("%s from %d: reads a whole table\n%s", name, offset, r.text.String())
			}
		}
	}
}

// A node is a step of a plan that ran.
type node struct {
	Type         string  `json:"Node Type"`
	Relationship string  `json:"Parent Relationship"`
	Relation     string  `json:"Relation Name"`
	Index        string  `json:"Index Name"`
	Rows         float64 `json:"Actual Rows"` // of one loop, on average
	Filtered     float64 `json:"Rows Removed by Filter"`
	Rechecked    float64 `json:"Rows Removed by Index Recheck"`
	Loops        float64 `json:"Actual Loops"`
	Plans        []node  `json:"Plans"`
}

// A read is what was read of each table, and the plans to show.
type read struct {
	rows map[string]int
	// atBounds is how often a runner was looked at because the hour of its last
	// sign did not decide.
	atBounds int
	text     strings.Builder
}

func (r *read) add(n node, indent string) {
	if r.rows == nil {
		r.rows = map[string]int{}
	}
	rows := int((n.Rows + n.Filtered + n.Rechecked) * n.Loops)
	fmt.Fprintf(&r.text, "%s%s %s %s: %d\n", indent, n.Type, n.Relation, n.Index, rows)
	r.rows[n.Relation] += rows
	if n.Relationship == "SubPlan" && len(n.Plans) == 1 && n.Plans[0].Relation == "runners" {
		r.atBounds += int(n.Loops)
	}
	for _, p := range n.Plans {
		r.add(p, indent+"  ")
	}
}

// An analyzer is a database that notes how every query went.
type analyzer struct {
	sqlstore.Database

	q    sqlstore.Querier
	seen []node
}

func (a *analyzer) Reads() sqlstore.Querier { return a }

func (a *analyzer) ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error) {
	return a.q.ExecContext(ctx, text, args...)
}

func (a *analyzer) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	rows, err := a.q.QueryContext(ctx, "EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) "+text, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var document []byte
		if err := rows.Scan(&document); err != nil {
			return nil, err
		}
		var plans []struct{ Plan node }
		if err := json.Unmarshal(document, &plans); err != nil {
			return nil, err
		}
		a.seen = append(a.seen, plans[0].Plan)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return a.q.QueryContext(ctx, text, args...) //nolint:sqlclosecheck // the store closes them
}
