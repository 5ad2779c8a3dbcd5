package sqlstore

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"baton.example/baton"
)

// A column ties a column of a table to a field of a type: value is a pointer to
// the field, or wraps one, so that it can be scanned into and be an argument.
type column struct {
	name  string
	value any
	use   use
}

// A use says which statements have the column.
type use uint8

const (
	reads use = 1 << iota
	inserts
	updates

	// generated columns are only read. Their name is any expression over the
	// aliases of the table's FROM clause.
	generated = reads
	// fixed columns are written with the row and never after.
	fixed = reads | inserts
	// later columns are not there when the row is written first.
	later = reads | updates
	// mutable columns may be written at any time.
	mutable = reads | inserts | updates
)

// A number wraps a field whose 0 is NULL.
type number[T ~int | ~int64] struct{ p *T }

func nullNumber[T ~int | ~int64](p *T) number[T] { return number[T]{p} }

// Scan implements [database/sql.Scanner].
func (n number[T]) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*n.p = 0
	case int64:
		*n.p = T(v)
	default:
		return fmt.Errorf("a number cannot be read from %T", src)
	}
	return nil
}

// Value implements [driver.Valuer].
func (n number[T]) Value() (driver.Value, error) {
	if *n.p == 0 {
		return nil, nil
	}
	return int64(*n.p), nil
}

// An optional wraps a field that is NULL where it is nil.
type optional[T ~int | ~int64] struct{ p **T }

func nullable[T ~int | ~int64](p **T) optional[T] { return optional[T]{p} }

// Scan implements [database/sql.Scanner].
func (o optional[T]) Scan(src any) error {
	if src == nil {
		*o.p = nil
		return nil
	}
	*o.p = new(T)
	return number[T]{*o.p}.Scan(src)
}

// Value implements [driver.Valuer].
func (o optional[T]) Value() (driver.Value, error) {
	if *o.p == nil {
		return nil, nil
	}
	return int64(**o.p), nil
}

// A text wraps a field whose "" is NULL.
type text[T ~string] struct{ p *T }

func nullText[T ~string](p *T) text[T] { return text[T]{p} }

// Scan implements [database/sql.Scanner].
func (t text[T]) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*t.p = ""
	case string:
		*t.p = T(v)
	case []byte:
		*t.p = T(v)
	default:
		return fmt.Errorf("a text cannot be read from %T", src)
	}
	return nil
}

// Value implements [driver.Valuer].
func (t text[T]) Value() (driver.Value, error) {
	if *t.p == "" {
		return nil, nil
	}
	return string(*t.p), nil
}

// A moment wraps a time: UTC, in microseconds, the zero time as NULL.
type moment struct{ p *time.Time }

func at(p *time.Time) moment { return moment{p} }

// Scan implements [database/sql.Scanner].
func (m moment) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*m.p = time.Time{}
	case time.Time:
		*m.p = v.UTC()
	default:
		return fmt.Errorf("a time cannot be read from %T", src)
	}
	return nil
}

// Value implements [driver.Valuer].
func (m moment) Value() (driver.Value, error) {
	if m.p.IsZero() {
		return nil, nil
	}
	return m.p.UTC().Truncate(time.Microsecond), nil
}

// Words wraps a list of words that is kept as one text, with spaces between.
type words[T ~string] struct{ p *[]T }

func wordList[T ~string](p *[]T) words[T] { return words[T]{p} }

// Scan implements [database/sql.Scanner].
func (w words[T]) Scan(src any) error {
	var all string
	if err := (text[string]{&all}).Scan(src); err != nil {
		return err
	}
	*w.p = nil
	for word := range strings.FieldsSeq(all) {
		*w.p = append(*w.p, T(word))
	}
	return nil
}

// Value implements [driver.Valuer].
func (w words[T]) Value() (driver.Value, error) {
	var b strings.Builder
	for i, word := range *w.p {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(string(word))
	}
	return b.String(), nil
}

// A digest wraps a digest, which is kept as bytes.
type digest struct{ p *baton.Digest }

func bytesOf(p *baton.Digest) digest { return digest{p} }

// Scan implements [database/sql.Scanner].
func (d digest) Scan(src any) error {
	b, ok := src.([]byte)
	if !ok || len(b) != len(d.p) {
		return fmt.Errorf("a digest cannot be read from %T", src)
	}
	copy(d.p[:], b)
	return nil
}

// Value implements [driver.Valuer].
func (d digest) Value() (driver.Value, error) { return d.p[:], nil }

// A names wraps a list of names of any kind, which is kept as a JSON array. In
// a set they are sorted, and none is there twice; else nil is NULL.
type names struct {
	p   *[]string
	set bool
}

func nameList(p *[]string) names { return names{p: p} }

func nameSet(p *[]string) names { return names{p: p, set: true} }

// Scan implements [database/sql.Scanner].
func (n names) Scan(src any) error {
	var all string
	if err := (text[string]{&all}).Scan(src); err != nil {
		return err
	}
	*n.p = nil
	if all == "" || n.set && all == "[]" {
		return nil
	}
	return json.Unmarshal([]byte(all), n.p)
}

// Value implements [driver.Valuer].
func (n names) Value() (driver.Value, error) {
	list := *n.p
	switch {
	case n.set:
		list = slices.Compact(slices.Sorted(slices.Values(list)))
		if list == nil {
			list = []string{}
		}
	case list == nil:
		return nil, nil
	}
	all, err := json.Marshal(list)
	return string(all), err
}
