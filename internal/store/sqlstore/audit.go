package sqlstore

import (
	"context"

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
