package sqlstore

import (
	"context"
	"database/sql"
	"strconv"
	"strings"

	"baton.example/baton"
)

// A table maps the columns of a database table to the fields of a T.
type table[T any] struct {
	// thing is what a missing row is called.
	thing  string
	fields func(*T) []column
	// columns are those that are read, from what follows SELECT to read rows,
	// and tables what follows FROM in it.
	columns    string
	from       string
	tables     string
	insertText string
	updateText string
	// insertTexts insert 1, 2, 4, ... rows, quickTexts do the same in SQLite
	// alone: its driver looks every $1 up by its name, and that takes as long as
	// the insert.
	insertTexts, quickTexts [7]string
}

// define makes a table named name. The FROM clause that reads it is from,
// which begins with the name and an alias.
func define[T any](thing, from string, fields func(*T) []column) *table[T] {
	name, rest, _ := strings.Cut(from, " ")
	alias, _, _ := strings.Cut(rest, " ")
	var read, written, places, set []string
	for _, c := range fields(new(T)) {
		if c.use&reads != 0 {
			if c.use == generated {
				read = append(read, c.name)
			} else {
				read = append(read, alias+"."+c.name)
			}
		}
		if c.use&inserts != 0 {
			written = append(written, c.name)
			places = append(places, "$"+strconv.Itoa(len(places)+1))
		}
		if c.use&updates != 0 {
			set = append(set, c.name+" = $"+strconv.Itoa(len(set)+1))
		}
	}
	t := &table[T]{
		thing:      thing,
		fields:     fields,
		columns:    strings.Join(read, ", "),
		from:       strings.Join(read, ", ") + " FROM " + from,
		tables:     from,
		insertText: "INSERT INTO " + name + " (" + strings.Join(written, ", ") + ") VALUES (" + strings.Join(places, ", ") + ")",
		updateText: "UPDATE " + name + " SET " + strings.Join(set, ", ") + " WHERE id = $" + strconv.Itoa(len(set)+1),
	}
	into := "INSERT INTO " + name + " (" + strings.Join(written, ", ") + ") VALUES "
	for i := range t.insertTexts {
		n := 0
		t.insertTexts[i] = into + rowsOf(1<<i, len(written), func() string { n++; return "$" + strconv.Itoa(n) })
		t.quickTexts[i] = into + rowsOf(1<<i, len(written), func() string { return "?" })
	}
	return t
}

// rowsOf returns the placeholders of n rows with so many columns.
func rowsOf(n, columns int, place func() string) string {
	rows := make([]string, n)
	for i := range rows {
		places := make([]string, columns)
		for j := range places {
			places[j] = place()
		}
		rows[i] = "(" + strings.Join(places, ", ") + ")"
	}
	return strings.Join(rows, ", ")
}

// values returns what of v's columns has the use.
func (t *table[T]) values(v *T, u use) []any {
	columns := t.fields(v)
	all := make([]any, 0, len(columns)+1)
	for _, c := range columns {
		if c.use&u != 0 {
			all = append(all, c.value)
		}
	}
	return all
}

// list reads the rows that follow from rest: WHERE, ORDER BY and the like.
func (t *table[T]) list(ctx context.Context, r reader, rest string, args ...any) ([]T, error) {
	return t.query(ctx, r, "SELECT "+t.from+" "+rest, args...)
}

// query reads rows with the table's columns.
func (t *table[T]) query(ctx context.Context, r reader, query string, args ...any) ([]T, error) {
	all := []T{}
	err := r.each(ctx, "read "+t.thing, func(rows *sql.Rows) error {
		var v T
		if err := rows.Scan(t.values(&v, reads)...); err != nil {
			return err
		}
		all = append(all, v)
		return nil
	}, query, args...)
	return all, err
}

// one reads the one row that follows from rest, or NotFound.
func (t *table[T]) one(ctx context.Context, r reader, rest string, args ...any) (T, error) {
	return t.first(t.list(ctx, r, rest, args...))
}

// first returns the first of the rows, or NotFound.
func (t *table[T]) first(all []T, err error) (T, error) {
	if err == nil && len(all) == 0 {
		err = baton.NotFound(t.thing)
	}
	if err != nil {
		var zero T
		return zero, err
	}
	return all[0], nil
}

// filtered lists what the conditions leave.
func (t *table[T]) filtered(ctx context.Context, r reader, w *where) ([]T, error) {
	return t.list(ctx, r, w.text.String(), w.args...)
}

// count counts what the conditions leave.
func (t *table[T]) count(ctx context.Context, r reader, w *where) (int, error) {
	var n int
	_, err := r.value(ctx, "count "+t.thing, &n, "SELECT count(*) FROM "+t.tables+w.text.String(), w.args...)
	return n, err
}

// countTo counts what the conditions leave, but no further than most.
func (t *table[T]) countTo(ctx context.Context, r reader, w *where, most int) (int, error) {
	w.write(" LIMIT ?", most)
	var n int
	_, err := r.value(ctx, "count "+t.thing, &n, "SELECT count(*) FROM (SELECT 1 FROM "+t.tables+w.text.String()+") counted", w.args...)
	return n, err
}

// insert stores a new row whose id is generated.
func (t *table[T]) insert(ctx context.Context, w writer, v *T, more ...any) (int64, error) {
	var id int64
	_, err := w.value(ctx, "insert "+t.thing, &id, t.insertText+" RETURNING id", append(t.values(v, inserts), more...)...)
	return id, err
}

// add stores a new row that has no id.
func (t *table[T]) add(ctx context.Context, w writer, v *T) error {
	_, err := w.exec(ctx, "insert "+t.thing, t.insertText, t.values(v, inserts)...)
	return err
}

// insertAll stores new rows in few statements.
func (t *table[T]) insertAll(ctx context.Context, w writer, rows []*T) error {
	texts := &t.insertTexts
	if w.db.Kind() == "SQLite" {
		texts = &t.quickTexts
	}
	if err := t.insertRows(ctx, w.q, texts, rows); err != nil {
		return w.failed("insert "+t.thing, err)
	}
	return nil
}

// insertQuick is insertAll for SQLite alone.
func (t *table[T]) insertQuick(ctx context.Context, q Querier, rows []*T) error {
	return t.insertRows(ctx, q, &t.quickTexts, rows)
}

// insertRows stores new rows. The numbers of rows in a statement are powers of
// two, so that there are few statements to prepare and keep.
func (t *table[T]) insertRows(ctx context.Context, q Querier, texts *[7]string, rows []*T) error {
	for i := len(texts) - 1; i >= 0; i-- {
		for n := 1 << i; len(rows) >= n; rows = rows[n:] {
			var args []any
			for _, row := range rows[:n] {
				args = append(args, t.values(row, inserts)...)
			}
			if _, err := q.ExecContext(ctx, texts[i], args...); err != nil {
				return err
			}
		}
	}
	return nil
}

// update stores the mutable columns of the row with the id, or is NotFound.
func (t *table[T]) update(ctx context.Context, w writer, v *T, id int64) error {
	return w.touch(ctx, t.thing, "update "+t.thing, t.updateText, append(t.values(v, updates), id)...)
}
