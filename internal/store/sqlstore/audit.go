package sqlstore

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

var auditEvents = define("Audit event", "audit_events e", func(e *baton.AuditEvent) []column {
	return []column{
		{"e.id", &e.ID, generated},
		{"name", &e.Name, fixed},
		{"author_id", nullNumber(&e.AuthorID), fixed},
		{"author_name", &e.AuthorName, fixed},
		{"ip", &e.IP, fixed},
		{"namespace_id", nullNumber(&e.Source.Namespace), fixed},
		{"project_id", nullNumber(&e.Source.Project), fixed},
		{"target_type", &e.TargetType, fixed},
		{"target_id", nullNumber(&e.TargetID), fixed},
		{"target_details", &e.TargetDetails, fixed},
		{"message", &e.Message, fixed},
		{"changes", changes{&e.Changes}, fixed},
		{"created_at", at(&e.CreatedAt), fixed},
	}
})

func (r reader) AuditEvents(ctx context.Context, f store.AuditFilter, p store.Page) ([]baton.AuditEvent, error) {
	w := auditWhere(f)
	w.page("e.id DESC", p)
	return auditEvents.filtered(ctx, r, w)
}

func (r reader) CountAuditEvents(ctx context.Context, f store.AuditFilter) (int, error) {
	return auditEvents.count(ctx, r, auditWhere(f))
}

func auditWhere(f store.AuditFilter) *where {
	w := new(where)
	if f.Source != (baton.Source{}) {
		column, id := source(f.Source)
		w.and("e."+column+" = ?", id)
	}
	w.times("e.created_at", f.CreatedAfter, f.CreatedBefore)
	return w
}

func (w writer) InsertAuditEvent(ctx context.Context, e baton.AuditEvent) error {
	return auditEvents.add(ctx, w, &e)
}

// changes wraps the changes of an event, which are kept as a JSON array of
// [attribute, from, to].
type changes struct{ p *[]baton.AuditChange }

// Scan implements [database/sql.Scanner].
func (c changes) Scan(src any) error {
	var document string
	if err := (text[string]{&document}).Scan(src); err != nil {
		return err
	}
	*c.p = nil
	if document == "" {
		return nil
	}
	var all [][3]string
	if err := json.Unmarshal([]byte(document), &all); err != nil {
		return fmt.Errorf("decode changes: %w", err)
	}
	for _, v := range all {
		*c.p = append(*c.p, baton.AuditChange{Attribute: v[0], From: v[1], To: v[2]})
	}
	return nil
}

// Value implements [driver.Valuer].
func (c changes) Value() (driver.Value, error) {
	if document := EncodeChanges(*c.p); document != "" {
		return document, nil
	}
	return nil, nil
}

// EncodeChanges returns the column of an event's changes, "" for NULL.
func EncodeChanges(all []baton.AuditChange) string {
	if len(all) == 0 {
		return ""
	}
	rows := make([][3]string, len(all))
	for i, v := range all {
		rows[i] = [3]string{v.Attribute, v.From, v.To}
	}
	document, err := json.Marshal(rows)
	if err != nil {
		panic(fmt.Sprintf("sqlstore: encode changes: %v", err)) // texts always encode
	}
	return string(document)
}
