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
		{"user_id", nullNumber(&e.UserID), fixed},
		{"entity_path", &e.EntityPath, fixed},
		{"target_type", &e.TargetType, fixed},
		{"target_id", nullNumber(&e.TargetID), fixed},
		{"target_details", &e.TargetDetails, fixed},
		{"message", &e.Message, fixed},
		{"changes", changes{&e.Changes}, fixed},
		{"created_at", at(&e.CreatedAt), fixed},
	}
})

func (r reader) AuditEvent(ctx context.Context, id int64) (baton.AuditEvent, error) {
	return auditEvents.one(ctx, r, "WHERE e.id = $1", id)
}

// newestFirst is the order of the indexes that begin or end with created_at.
const newestFirst = "e.created_at DESC, e.id DESC"

func (r reader) AuditEvents(ctx context.Context, f store.AuditFilter, p store.Page) ([]baton.AuditEvent, error) {
	w := auditWhere(f)
	w.page(newestFirst, p)
	// The page is cut from the index alone: the rows that are passed over are
	// not read.
	return auditEvents.query(ctx, r, "SELECT "+auditEvents.columns+" FROM (SELECT e.id AS id FROM audit_events e"+w.text.String()+
		") page JOIN audit_events e ON e.id = page.id ORDER BY "+newestFirst, w.args...)
}

func (r reader) CountAuditEvents(ctx context.Context, f store.AuditFilter, most int) (int, error) {
	w := auditWhere(f)
	w.write(" LIMIT ?", most)
	var n int
	_, err := r.value(ctx, "count Audit event", &n, "SELECT count(*) FROM (SELECT 1 FROM audit_events e"+w.text.String()+") counted", w.args...)
	return n, err
}

// auditWhere chooses events in the words of the indexes: each kind of list has
// one, and a condition that says the same otherwise would not find it.
func auditWhere(f store.AuditFilter) *where {
	w := new(where)
	columns := map[baton.AuditEntityKind]string{
		baton.GroupEntity: "e.namespace_id", baton.ProjectEntity: "e.project_id", baton.UserEntity: "e.user_id",
	}
	column := columns[f.Entity.Kind]
	switch {
	case f.Entity.Kind == "":
	case f.Entity.Kind == baton.InstanceEntity:
		w.and("e.namespace_id IS NULL AND e.project_id IS NULL AND e.user_id IS NULL")
	case f.Author != 0:
		// What one author did is little beside what was done in a large group:
		// the plus keeps the databases from the index of that.
		w.and("+"+column+" = ?", f.Entity.ID)
		w.and("(e.namespace_id IS NOT NULL OR e.project_id IS NOT NULL) AND e.author_id = ?", f.Author)
	case f.Entity.ID != 0:
		w.and(column+" = ?", f.Entity.ID)
	default:
		w.and(column + " IS NOT NULL")
	}
	w.times("e.created_at", f.CreatedAfter, f.CreatedBefore)
	return w
}

func (w writer) InsertAuditEvent(ctx context.Context, events ...baton.AuditEvent) error {
	if len(events) > 0 {
		*w.told = true
	}
	rows := make([]*baton.AuditEvent, len(events))
	for i := range events {
		rows[i] = &events[i]
	}
	return auditEvents.insertAll(ctx, w, rows)
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
	if json.Unmarshal([]byte(document), &all) != nil {
		// Nobody here wrote that. It is shown as it is, and is not what was
		// sealed.
		*c.p = []baton.AuditChange{{To: document}}
		return nil //nolint:nilerr // it is kept as it is
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
