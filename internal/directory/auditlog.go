package directory

import (
	"context"
	"fmt"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/store"
)

// An AuditRecord is an audit event with what is known of its author today.
type AuditRecord struct {
	baton.AuditEvent

	// AuthorEmail is "" for who is no user, and for a user who is gone.
	AuthorEmail string
}

// An AuditQuery asks for a part of an audit log.
type AuditQuery struct {
	store.AuditFilter

	Page store.Page
	// CountUpTo is how far the events of the whole list are counted.
	CountUpTo int
}

// AuditEvents returns a part of the audit log of a place, or of everything for
// the zero place, the newest event ahead; and how many there are in all. Who
// may read it follows [Directory.MayReadAudit]; of a group the Owners, and of a
// project the Maintainers, see what others did, too.
// https://docs.gitlab.com/api/audit_events/.
func (d *Directory) AuditEvents(ctx context.Context, a *access.Actor, in Place, q AuditQuery) ([]AuditRecord, int, error) {
	log, err := d.auditLog(ctx, a, in)
	if err != nil {
		return nil, 0, err
	}
	if in != (Place{}) {
		q.Entity, q.Author = log.Entity, log.Author
	}
	total, err := d.store.CountAuditEvents(ctx, q.AuditFilter, q.CountUpTo)
	if err != nil {
		return nil, 0, fmt.Errorf("count audit events: %w", err)
	}
	events, err := d.store.AuditEvents(ctx, q.AuditFilter, q.Page)
	if err != nil {
		return nil, 0, fmt.Errorf("list audit events: %w", err)
	}
	records, err := d.records(ctx, events)
	return records, total, err
}

// AuditEvent returns one event of [Directory.AuditEvents].
func (d *Directory) AuditEvent(ctx context.Context, a *access.Actor, in Place, id int64) (AuditRecord, error) {
	log, err := d.auditLog(ctx, a, in)
	if err != nil {
		return AuditRecord{}, err
	}
	e, err := d.store.AuditEvent(ctx, id)
	if baton.IsNotFound(err) || err == nil &&
		(log.Entity.Kind != "" && log.Entity != e.Entity() || log.Author != 0 && log.Author != e.AuthorID) {
		return AuditRecord{}, baton.NotFound("")
	}
	if err != nil {
		return AuditRecord{}, fmt.Errorf("find audit event: %w", err)
	}
	records, err := d.records(ctx, []baton.AuditEvent{e})
	if err != nil {
		return AuditRecord{}, err
	}
	return records[0], nil
}

// MayReadAudit is CodeDenied unless the actor may read the audit log of the
// place, or of everything if that is zero: an administrator, or a Developer,
// who sees what the actor did himself.
func (d *Directory) MayReadAudit(ctx context.Context, a *access.Actor, in Place) error {
	_, err := d.auditLog(ctx, a, in)
	return err
}

// auditLog returns the filter of what the actor may read.
func (d *Directory) auditLog(ctx context.Context, a *access.Actor, in Place) (store.AuditFilter, error) {
	if in == (Place{}) {
		if !a.Admin {
			return store.AuditFilter{}, baton.Denied("")
		}
		return store.AuditFilter{}, nil
	}
	s, err := in.findFor(ctx, d.store, a, access.ReadOwnAuditEvents)
	if err != nil {
		return store.AuditFilter{}, err
	}
	all, err := s.can(ctx, d.store, a, access.ReadAuditEvents)
	if err != nil {
		return store.AuditFilter{}, err
	}
	var f store.AuditFilter
	f.Entity = (&baton.AuditEvent{Source: s.source}).Entity()
	if !all {
		f.Author = a.User.ID
	}
	return f, nil
}

// records adds the authors' addresses.
func (d *Directory) records(ctx context.Context, events []baton.AuditEvent) ([]AuditRecord, error) {
	emails := map[baton.UserID]string{0: ""}
	records := make([]AuditRecord, len(events))
	for i, e := range events {
		email, known := emails[e.AuthorID]
		if !known {
			u, err := d.store.User(ctx, e.AuthorID)
			if err != nil && !baton.IsNotFound(err) {
				return nil, fmt.Errorf("find author: %w", err)
			}
			email = u.Email
			emails[e.AuthorID] = email
		}
		records[i] = AuditRecord{AuditEvent: e, AuthorEmail: email}
	}
	return records, nil
}
