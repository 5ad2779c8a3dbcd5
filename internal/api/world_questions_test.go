package api_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

// Ask implements golden.World.
func (w *world) Ask(line string) (string, error) {
	var rest words = strings.Fields(line)
	switch rest.next() {
	case "audit":
		return w.audit()
	case "rows":
		return w.rows()
	case "managers":
		rest.is("of")
		id, err := strconv.ParseInt(rest.next(), 10, 64)
		if err != nil {
			return "", err
		}
		return w.managers(baton.RunnerID(id))
	default:
		return "", fmt.Errorf("%q is no question", line)
	}
}

// audit tells the audit log, the oldest event first.
func (w *world) audit() (string, error) {
	events, err := w.store.AuditEvents(context.Background(), store.AuditFilter{}, store.Page{Limit: 1000})
	if err != nil {
		return "", err
	}
	var lines []string
	for _, e := range slices.Backward(events) {
		where := "instance"
		if in := e.Entity(); in.Kind != baton.InstanceEntity {
			where = fmt.Sprintf("%s %d", in.Kind, in.ID)
		}
		lines = append(lines, fmt.Sprintf("%s: %s; by user %d (%s) from %s in %s; %s %d, %s; %s",
			e.Name, e.Message, e.AuthorID, e.AuthorName, e.IP, where, e.TargetType, e.TargetID, e.TargetDetails,
			e.CreatedAt.UTC().Format("2006-01-02T15:04:05.000Z")))
		for _, c := range e.Changes {
			lines = append(lines, fmt.Sprintf("  %s: %q → %q", c.Attribute, c.From, c.To))
		}
	}
	if lines == nil {
		return "nothing", nil
	}
	return strings.Join(lines, "\n"), nil
}

// counted are the tables to which a create adds.
var counted = []string{"runners", "runner_tags", "runner_projects", "audit_events", "answers"}

// rows counts the rows that creates have made.
func (w *world) rows() (string, error) {
	var counts []string
	for _, table := range counted {
		var n int
		if err := w.database.QueryRowContext(context.Background(), "SELECT count(*) FROM "+table).Scan(&n); err != nil {
			return "", err
		}
		counts = append(counts, fmt.Sprintf("%s %d", table, n))
	}
	return strings.Join(counts, ", "), nil
}

// managers tells who worked under a runner.
func (w *world) managers(id baton.RunnerID) (string, error) {
	managers, err := w.store.Managers(context.Background(), id)
	if err != nil {
		return "", err
	}
	var lines []string
	for _, m := range managers {
		lines = append(lines, fmt.Sprintf("%s: version %q, revision %q, platform %q, architecture %q, executor %q, ip %s, contacted %s",
			m.SystemID, m.Version, m.Revision, m.Platform, m.Architecture, m.Executor, m.IP,
			m.ContactedAt.UTC().Format("2006-01-02T15:04:05.000Z")))
	}
	if lines == nil {
		return "none", nil
	}
	return strings.Join(lines, "\n"), nil
}
