package api_test

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

// A snapshot is what somebody may have changed: from a runner, or a table, to
// its rows as a text.
type snapshot map[string]string

// watched are the tables of which a change has to be in the audit log, with the
// types of the events' targets: of one of these there must be an event.
var watched = []struct {
	table   string
	targets string
	// byRunner names the column with the id of the runner that the row is a
	// part of: then there must be an event about that very runner.
	byRunner string
	// order sorts the rows.
	order string
}{
	{"runners", "Ci::Runner", "id", "id"},
	{"runner_tags", "Ci::Runner", "runner_id", "runner_id, position"},
	{"runner_projects", "Ci::Runner", "runner_id", "runner_id, project_id"},
	{"runner_tokens", "Ci::Runner", "runner_id", "runner_id, number"},
	{"settings", "ApplicationSetting", "", "id"},
	{"users", "User", "", "id"},
	{"access_tokens", "PersonalAccessToken User", "", "id"},
	{"namespaces", "Group User", "", "id"},
	{"projects", "Project", "", "id"},
	{"members", "User Group Project", "", "namespace_id, project_id, user_id"},
	{"shares", "Group Project User", "", "namespace_id, project_id, with_group"},
}

// unwatched are columns that nobody changes on purpose. A runner loses its
// creator with the user, of whose end an event tells.
var unwatched = []string{
	"creator_id",
	"contacted_at", "asked_for_jobs", "last_used_at", "last_used_ips", "last_activity_on", "last_activity_at", "updated_at",
}

// look returns the snapshot of now.
func (w *world) look() (snapshot, error) {
	s := snapshot{}
	for _, t := range watched {
		rows, err := w.database.QueryContext(context.Background(), "SELECT * FROM "+t.table+" ORDER BY "+t.order)
		if err != nil {
			return nil, err
		}
		if err := s.add(rows, t.table, t.byRunner); err != nil {
			return nil, fmt.Errorf("%s: %w", t.table, err)
		}
	}
	return s, nil
}

func (s snapshot) add(rows *sql.Rows, table, byRunner string) error {
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	for rows.Next() {
		values := make([]any, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		key := table
		var text strings.Builder
		for i, column := range columns {
			if column == byRunner {
				key = fmt.Sprint("runner ", values[i])
			}
			if !slices.Contains(unwatched, column) {
				fmt.Fprintf(&text, "%s.%s=%v ", table, column, values[i])
			}
		}
		s[key] += text.String() + "\n"
	}
	return rows.Err()
}

// changed returns the keys of what differs.
func (s snapshot) changed(now snapshot) []string {
	keys := map[string]bool{}
	for key := range s {
		keys[key] = s[key] != now[key]
	}
	for key := range now {
		keys[key] = s[key] != now[key]
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(keys)), func(key string) bool { return !keys[key] })
}

// baseline takes what is there as it is: a directive tells nobody.
func (w *world) baseline() (err error) {
	w.seen, err = w.look()
	return err
}

// watch holds a request to the audit log: whatever it changed must be told of
// there.
func (w *world) watch(request *http.Request) error {
	if request.Method == http.MethodGet || request.Method == http.MethodHead {
		return nil
	}
	now, err := w.look()
	if err != nil {
		return err
	}
	changed := w.seen.changed(now)
	w.seen = now
	if len(changed) == 0 {
		return nil
	}
	events, err := w.store.AuditEvents(context.Background(), store.AuditFilter{}, store.Page{Limit: 1000})
	if err != nil {
		return err
	}
	told := map[string]bool{}
	last := w.told
	for _, e := range events {
		if e.ID > last {
			told[e.TargetType] = true
			told[fmt.Sprint("runner ", e.TargetID)] = e.TargetType == "Ci::Runner" || told[fmt.Sprint("runner ", e.TargetID)]
			w.told = max(w.told, e.ID)
		}
	}
	for _, key := range changed {
		targets := []string{key}
		for _, t := range watched {
			if t.table == key {
				targets = strings.Fields(t.targets)
			}
		}
		if !slices.ContainsFunc(targets, func(target string) bool { return told[target] }) {
			return fmt.Errorf("%s changed, and no audit event tells of it:\n%s", key, now[key])
		}
	}
	return nil
}

// A change that nobody tells of is noticed: the other conversations would pass
// for nothing otherwise.
func TestSilentChangesAreNoticed(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			w := kind.open(t)
			newFleet(t, w) // with users, a group and its members
			runner, err := w.store.CreateRunner(t.Context(), store.RunnerCreation{
				Runner: baton.Runner{Type: baton.InstanceRunner, AccessLevel: baton.NotProtected, CreatedAt: worldClock, UpdatedAt: worldClock},
				Audit: func(id baton.RunnerID) baton.AuditEvent {
					return baton.AuditEvent{TargetType: "Ci::Runner", TargetID: int64(id), CreatedAt: worldClock}
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			request := &http.Request{Method: http.MethodPut}
			if err := w.watch(request); err != nil {
				t.Fatal(err)
			}
			for _, statement := range []string{
				fmt.Sprintf("UPDATE runners SET paused = NOT paused WHERE id = %d", runner),
				fmt.Sprintf("INSERT INTO runner_tags (runner_id, position, tag) VALUES (%d, 0, 'a')", runner),
				fmt.Sprintf("DELETE FROM runners WHERE id = %d", runner),
				"UPDATE users SET admin = true WHERE username = 'owner'",
				"DELETE FROM access_tokens WHERE user_id <> 1",
				"UPDATE namespaces SET visibility = 'public' WHERE path = 'tools'",
				"DELETE FROM members",
				`INSERT INTO settings (id, document) VALUES (1, '{"admin_mode":true}')`,
			} {
				if _, err := w.database.ExecContext(t.Context(), statement); err != nil {
					t.Fatalf("%s: %v", statement, err)
				}
				if err := w.watch(request); err == nil {
					t.Errorf("nobody noticed %s", statement)
				}
			}
		})
	}
}
