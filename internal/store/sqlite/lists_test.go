package sqlite_test

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"baton.example/baton/internal/store"
	"baton.example/baton/internal/store/sqlstore"
	"baton.example/baton/internal/store/storetest"
)

// scanned is a step that reads the whole of one of our tables, or of an index.
var scanned = regexp.MustCompile(`^SCAN (?:l|r|g|m|o|runners|listed_runners|runner_\w+)(?: |$)`)

// TestRunnerListsReadRanges holds the lists of 100,000 runners to the ranges of
// indexes that have them, so that SQLite reads what it counts, sorts or passes
// over on the way to the page, and nothing else. It does not tell how many rows
// it read; the test of the same queries on PostgreSQL looks at that.
func TestRunnerListsReadRanges(t *testing.T) {
	s, plans := openExplained(t)
	fleet := storetest.Fleet{Runners: 100_000, Now: time.Now()}
	if err := plans.Tx(t.Context(), func(ctx context.Context, q sqlstore.Querier) error {
		fleet.Insert(ctx, t, q, false)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	lists := storetest.RunnerLists(fleet.Now)
	right := storetest.FleetLists(t.Context(), t, s, lists)
	for name, l := range lists {
		plans.take()
		total, err := s.CountRunners(t.Context(), l.RunnerFilter, 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		counted := plans.take()
		last := store.Page{Limit: 20, Offset: max(0, total-20)}
		rows, err := s.Runners(t.Context(), l.RunnerFilter, last)
		if err != nil {
			t.Fatal(err)
		}
		if !l.Set {
			right[name].Check(t, name, last, rows, total)
		}
		page := plans.take()

		for _, step := range append(counted, page...) {
			// What many runners have is walked through in the order of runners.
			walks := name == "common version" && step == "SCAN m USING COVERING INDEX runner_managers_versions"
			if scanned.MatchString(step) && !walks {
				t.Errorf("%s: %s", name, step)
			}
		}
		if len(l.Types) == 0 && l.Types != nil || l.Set {
			continue
		}
		looksUp := "SEARCH l USING COVERING INDEX listed_runners_kind (tag=?"
		if l.Narrowed {
			looksUp += " AND kind=?"
		}
		if len(l.Contacts) > 0 {
			looksUp += " AND last_sign>? AND last_sign<?"
		}
		looksUp += ")"
		reads, sorts := looksUp, 2 // of the runners, and of the page with its tags
		if !l.Narrowed || total > storetest.Sortable {
			reads, sorts = "SEARCH l USING PRIMARY KEY (tag=?)", 1
		}
		if text := strings.Join(counted, "\n"); !strings.Contains(text, looksUp) && len(l.Tags) < 2 {
			t.Errorf("%s is not counted by %s:\n%s", name, looksUp, text)
		}
		if text := strings.Join(page, "\n"); !strings.Contains(text, reads) || strings.Count(text, "USE TEMP B-TREE") != sorts {
			t.Errorf("%s does not read %s and sort %d times:\n%s", name, reads, sorts, text)
		}
	}
}
