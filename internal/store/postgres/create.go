package postgres

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/store/sqlstore"
)

// CreateRunners implements [sqlstore.Database] in two round trips: one for the
// ids, which the audit events and answers are made from, and one statement
// that inserts everything and so is a transaction by itself. It waits for the
// locks of others for a moment only, since everybody in the batch waits.
func (d *database) CreateRunners(ctx context.Context, all []*sqlstore.Creation) error {
	ctx, cancel := context.WithTimeout(ctx, batchTimeout)
	defer cancel()
	err := d.createRunners(ctx, all)
	if err != nil && ctx.Err() != nil {
		err = sqlstore.Away(err) // the callers have contexts of their own
	}
	if err != nil {
		return fmt.Errorf("create runner: %w", translate(err))
	}
	return nil
}

func (d *database) createRunners(ctx context.Context, all []*sqlstore.Creation) error {
	ids, err := d.nextIDs(ctx, len(all))
	if err != nil {
		return err
	}
	for i, c := range all {
		if err := c.Assign(ids[i]); err != nil {
			return err
		}
	}
	var s statement
	s.runners(all)
	s.events(all)
	s.tags(all)
	s.projects(all)
	s.answers(all)
	// PostgreSQL runs the SELECT ahead of the inserts that nobody reads from, and
	// the setting ends with the statement.
	_, err = d.db.ExecContext(ctx, s.text.String()+" SELECT set_config('lock_timeout', '"+lockTimeout+"', true)", s.args...)
	return err
}

// nextIDs takes ids from the sequence of the runners. That need not wait for
// the disk: the log is written in order, so that ids which got into a commit
// cannot be given again, and all others were told to nobody.
func (d *database) nextIDs(ctx context.Context, n int) (_ []baton.RunnerID, err error) {
	rows, err := d.db.QueryContext(ctx, `WITH quick AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
		SELECT nextval('runners_id_seq') FROM quick, generate_series(1, $1)`, n)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // rows.Err tells
	ids := make([]baton.RunnerID, 0, n)
	for rows.Next() {
		var id baton.RunnerID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// A statement gathers inserts into one statement, each a part of its WITH
// clause. PostgreSQL runs all of these, and checks references at the end.
type statement struct {
	text strings.Builder
	args []any
}

// A column has the values of one column for all new rows.
type column struct {
	name   string
	kind   string // the type of a value
	values any    // a slice
}

// A column of these types is NULL where the value is 0 or "".
const (
	nullableNumber = "bigint?"
	nullableText   = "text?"
)

// insert adds rows to a table.
func (s *statement) insert(table string, columns []column) {
	names := make([]string, len(columns))
	values := make([]string, len(columns))
	arrays := make([]string, len(columns))
	for i, c := range columns {
		s.args = append(s.args, c.values)
		names[i], values[i] = c.name, c.name
		switch c.kind {
		case nullableNumber:
			c.kind, values[i] = "bigint", "nullif("+c.name+", 0)"
		case nullableText:
			c.kind, values[i] = "text", "nullif("+c.name+", '')"
		}
		arrays[i] = "$" + strconv.Itoa(len(s.args)) + "::" + c.kind + "[]"
	}
	if s.text.Len() == 0 {
		s.text.WriteString("WITH ")
	} else {
		s.text.WriteString(", ")
	}
	list := strings.Join(names, ", ")
	s.text.WriteString("new_" + table + " AS (INSERT INTO " + table + " (" + list + ") SELECT " + strings.Join(values, ", ") +
		" FROM unnest(" + strings.Join(arrays, ", ") + ") AS n (" + list + "))")
}

// each gathers one value of every row.
func each[R, V any](rows []R, value func(R) V) []V {
	all := make([]V, len(rows))
	for i, row := range rows {
		all[i] = value(row)
	}
	return all
}

// stamp returns a time as it is stored, nil for none.
func stamp(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return new(t.UTC().Truncate(time.Microsecond))
}

type creation = *sqlstore.Creation

func (s *statement) runners(all []creation) {
	s.insert("runners", []column{
		{"id", "bigint", each(all, func(c creation) int64 { return int64(c.Runner.ID) })},
		{"type", "text", each(all, func(c creation) string { return string(c.Runner.Type) })},
		{"group_id", nullableNumber, each(all, func(c creation) int64 { return int64(c.Runner.GroupID) })},
		{"project_id", nullableNumber, each(all, func(c creation) int64 { return int64(c.Runner.ProjectID) })},
		{"creator_id", nullableNumber, each(all, func(c creation) int64 { return int64(c.Runner.CreatorID) })},
		{"registered", "boolean", each(all, func(c creation) bool { return c.Runner.Registered })},
		{"description", "text", each(all, func(c creation) string { return c.Runner.Description })},
		{"maintenance_note", "text", each(all, func(c creation) string { return c.Runner.MaintenanceNote })},
		{"paused", "boolean", each(all, func(c creation) bool { return c.Runner.Paused })},
		{"locked", "boolean", each(all, func(c creation) bool { return c.Runner.Locked })},
		{"run_untagged", "boolean", each(all, func(c creation) bool { return c.Runner.RunUntagged })},
		{"access_level", "text", each(all, func(c creation) string { return string(c.Runner.AccessLevel) })},
		{"maximum_timeout", nullableNumber, each(all, func(c creation) int64 { return int64(c.Runner.MaximumTimeout) })},
		{"token_rotation_deadline", "timestamptz", each(all, func(c creation) *time.Time { return stamp(c.Runner.TokenRotationDeadline) })},
		{"token_digest", "bytea", each(all, func(c creation) []byte { return c.Digest[:] })},
		{"token_created_at", "timestamptz", each(all, func(c creation) *time.Time { return stamp(c.Token.CreatedAt) })},
		{"token_expires_at", "timestamptz", each(all, func(c creation) *time.Time { return stamp(c.Token.ExpiresAt) })},
		{"contacted_at", "timestamptz", each(all, func(c creation) *time.Time { return stamp(c.Runner.ContactedAt) })},
		{"asked_for_jobs", "boolean", each(all, func(c creation) bool { return c.Runner.AskedForJobs })},
		{"created_at", "timestamptz", each(all, func(c creation) *time.Time { return stamp(c.Runner.CreatedAt) })},
		{"updated_at", "timestamptz", each(all, func(c creation) *time.Time { return stamp(c.Runner.UpdatedAt) })},
	})
}

func (s *statement) events(all []creation) {
	s.insert("audit_events", []column{
		{"name", "text", each(all, func(c creation) string { return c.Event.Name })},
		{"author_id", nullableNumber, each(all, func(c creation) int64 { return int64(c.Event.AuthorID) })},
		{"author_name", "text", each(all, func(c creation) string { return c.Event.AuthorName })},
		{"ip", "text", each(all, func(c creation) string { return c.Event.IP })},
		{"namespace_id", nullableNumber, each(all, func(c creation) int64 { return int64(c.Event.Source.Namespace) })},
		{"project_id", nullableNumber, each(all, func(c creation) int64 { return int64(c.Event.Source.Project) })},
		{"user_id", nullableNumber, each(all, func(c creation) int64 { return int64(c.Event.UserID) })},
		{"entity_path", "text", each(all, func(c creation) string { return c.Event.EntityPath })},
		{"target_type", "text", each(all, func(c creation) string { return c.Event.TargetType })},
		{"target_id", nullableNumber, each(all, func(c creation) int64 { return c.Event.TargetID })},
		{"target_details", "text", each(all, func(c creation) string { return c.Event.TargetDetails })},
		{"message", "text", each(all, func(c creation) string { return c.Event.Message })},
		{"changes", nullableText, each(all, func(c creation) string { return sqlstore.EncodeChanges(c.Event.Changes) })},
		{"created_at", "timestamptz", each(all, func(c creation) *time.Time { return stamp(c.Event.CreatedAt) })},
	})
}

func (s *statement) tags(all []creation) {
	var runners, positions []int64
	var tags []string
	for _, c := range all {
		for i, tag := range c.Runner.Tags {
			runners = append(runners, int64(c.Runner.ID))
			positions = append(positions, int64(i))
			tags = append(tags, tag)
		}
	}
	if len(tags) > 0 {
		s.insert("runner_tags", []column{{"runner_id", "bigint", runners}, {"position", "bigint", positions}, {"tag", "text", tags}})
	}
}

func (s *statement) projects(all []creation) {
	owned := slices.DeleteFunc(slices.Clone(all), func(c creation) bool { return c.Runner.ProjectID == 0 })
	if len(owned) > 0 {
		s.insert("runner_projects", []column{
			{"runner_id", "bigint", each(owned, func(c creation) int64 { return int64(c.Runner.ID) })},
			{"project_id", "bigint", each(owned, func(c creation) int64 { return int64(c.Runner.ProjectID) })},
			{"created_at", "timestamptz", each(owned, func(c creation) *time.Time { return stamp(c.Runner.CreatedAt) })},
		})
	}
}

func (s *statement) answers(all []creation) {
	keyed := slices.DeleteFunc(slices.Clone(all), func(c creation) bool { return c.Answer == nil })
	if len(keyed) > 0 {
		s.insert("answers", []column{
			{"user_id", "bigint", each(keyed, func(c creation) int64 { return int64(c.Answer.UserID) })},
			{"key", "bytea", each(keyed, func(c creation) []byte { return c.Answer.Key[:] })},
			{"request", "bytea", each(keyed, func(c creation) []byte { return c.Answer.Request[:] })},
			{"sealed", "bytea", each(keyed, func(c creation) []byte { return c.Answer.Sealed })},
			{"expires_at", "timestamptz", each(keyed, func(c creation) *time.Time { return stamp(c.Answer.ExpiresAt) })},
		})
	}
}
