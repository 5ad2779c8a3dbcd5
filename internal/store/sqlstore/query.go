package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

// failed names what was attempted and translates the driver's error.
func (r reader) failed(doing string, err error) error {
	return fmt.Errorf("%s: %w", doing, r.away(r.db.Translate(err)))
}

// each runs a query and calls scan for every row.
func (r reader) each(ctx context.Context, doing string, scan func(*sql.Rows) error, query string, args ...any) error {
	rows, err := r.q.QueryContext(ctx, query, args...)
	if err != nil {
		return r.failed(doing, err)
	}
	defer func() { _ = rows.Close() }() // reading on tells its errors
	for rows.Next() {
		if err := scan(rows); err != nil {
			return r.failed(doing, err)
		}
	}
	if err := rows.Err(); err != nil {
		return r.failed(doing, err)
	}
	return nil
}

// value runs a query for one value, which is left alone when there is no row.
func (r reader) value(ctx context.Context, doing string, dst any, query string, args ...any) (found bool, err error) {
	err = r.each(ctx, doing, func(rows *sql.Rows) error {
		found = true
		return rows.Scan(dst)
	}, query, args...)
	return found, err
}

// exec runs a statement and returns how many rows it touched.
func (w writer) exec(ctx context.Context, doing, statement string, args ...any) (int, error) {
	result, err := w.q.ExecContext(ctx, statement, args...)
	if err != nil {
		return 0, w.failed(doing, err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		return 0, w.failed(doing, err)
	}
	return int(n), nil
}

// touch runs a statement that must touch a row: it is NotFound otherwise.
func (w writer) touch(ctx context.Context, thing, doing, statement string, args ...any) error {
	n, err := w.exec(ctx, doing, statement, args...)
	if err == nil && n == 0 {
		return baton.NotFound(thing)
	}
	return err
}

// A where gathers the conditions of a list that are set.
type where struct {
	text strings.Builder
	args []any
}

// and adds a condition. Each ? in it stands for the next argument.
func (w *where) and(condition string, args ...any) {
	if w.text.Len() == 0 {
		w.text.WriteString(" WHERE ")
	} else {
		w.text.WriteString(" AND ")
	}
	w.write(condition, args...)
}

// A condition is a part of a query. Each ? in it stands for the next argument.
type condition struct {
	text string
	args []any
}

// write appends text.
func (c *condition) write(text string, args ...any) {
	c.text += text
	c.args = append(c.args, args...)
}

// where appends a WHERE clause.
func (c *condition) where(all ...condition) {
	for i, one := range all {
		before := " AND "
		if i == 0 {
			before = " WHERE "
		}
		c.write(before+one.text, one.args...)
	}
}

// in adds the condition that the column has one of the values.
func in[T any](w *where, column string, values []T) {
	args := make([]any, len(values))
	for i, v := range values {
		args[i] = v
	}
	w.and(column+" IN ("+strings.TrimSuffix(strings.Repeat("?, ", len(values)), ", ")+")", args...)
}

// padded returns values as arguments, the last one as often as it takes to make
// a power of two of them: lists whose length is that of a request are few
// different statements then. There must be one at least.
func padded[T any](values []T) []any {
	args := make([]any, 1<<bits.Len(uint(len(values)-1)))
	for i := range args {
		args[i] = values[min(i, len(values)-1)]
	}
	return args
}

// placesFor returns (?, ?) with a place for each of the [padded] values.
func placesFor[T any](values []T) string {
	return "(" + strings.Repeat("?, ", 1<<bits.Len(uint(len(values)-1))-1) + "?)"
}

// page appends order and bounds.
func (w *where) page(order string, p store.Page) {
	w.write(" ORDER BY "+order+" LIMIT ? OFFSET ?", p.Limit, p.Offset)
}

// write appends text whose question marks are the next arguments.
func (w *where) write(text string, args ...any) {
	for _, arg := range args {
		before, after, _ := strings.Cut(text, "?")
		w.args = append(w.args, arg)
		w.text.WriteString(before)
		w.text.WriteByte('$')
		w.text.WriteString(strconv.Itoa(len(w.args)))
		text = after
	}
	w.text.WriteString(text)
}

// contains is the condition that the column contains the next argument, a
// [lower] text that is not empty, without regard to case. The databases have
// LIKE in common, which takes patterns of a limited length, and this.
func contains(column string) string {
	return "replace(lower(" + column + "), ?, '') <> lower(" + column + ")"
}

// lower folds ASCII letters, as lower() does in both databases. Folding the
// argument in SQL would follow the locale of a PostgreSQL server.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, s)
}

// search adds the condition that one of the columns contains the part,
// without regard to case.
func (w *where) search(part string, columns ...string) {
	if part == "" {
		return
	}
	conditions := make([]string, len(columns))
	args := make([]any, len(columns))
	for i, c := range columns {
		conditions[i] = contains(c)
		args[i] = lower(part)
	}
	w.and("("+strings.Join(conditions, " OR ")+")", args...)
}

// times adds the bounds of a time, both inclusive, as far as they are set.
func (w *where) times(column string, from, to time.Time) {
	if !from.IsZero() {
		w.and(column+" >= ?", at(&from))
	}
	if !to.IsZero() {
		w.and(column+" <= ?", at(&to))
	}
}
