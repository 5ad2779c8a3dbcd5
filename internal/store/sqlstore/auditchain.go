package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

var auditLinks = define("Audit link", "audit_seals s", func(l *store.AuditLink) []column {
	return []column{
		{"position", &l.Position, fixed},
		{"event_id", &l.EventID, fixed},
		{"version", &l.Version, fixed},
		{"hash", chainHash{&l.Hash}, fixed},
	}
})

// A chainHash wraps a hash, which is kept as bytes.
type chainHash struct{ p *baton.ChainHash }

// Scan implements [database/sql.Scanner]. What is no hash is read as zeros, which
// nothing hashes to: whoever wrote that is to be found, and not to keep others
// from looking.
func (h chainHash) Scan(src any) error {
	*h.p = baton.ChainHash{}
	if b, ok := src.([]byte); ok && len(b) == len(h.p) {
		copy(h.p[:], b)
	}
	return nil
}

// Value implements [driver.Valuer].
func (h chainHash) Value() (driver.Value, error) { return h.p[:], nil }

func (r reader) AuditHead(ctx context.Context) (baton.AuditHead, error) {
	var head baton.AuditHead
	err := r.each(ctx, "read head of audit chain", func(rows *sql.Rows) error {
		return rows.Scan(&head.Position, chainHash{&head.Hash})
	}, "SELECT position, hash FROM audit_chain WHERE id = 1")
	return head, err
}

func (r reader) AuditLinks(ctx context.Context, after int64, most int) ([]store.AuditLink, error) {
	const some = "audit_seals s WHERE s.position > $1 ORDER BY s.position LIMIT $2"
	links, err := auditLinks.query(ctx, r, "SELECT "+auditLinks.columns+" FROM "+some, after, most)
	if err != nil {
		return nil, err
	}
	events, err := auditEvents.query(ctx, r, "SELECT "+auditEvents.columns+
		" FROM (SELECT s.event_id FROM "+some+") s JOIN audit_events e ON e.id = s.event_id", after, most)
	if err != nil {
		return nil, err
	}
	byID := make(map[int64]*baton.AuditEvent, len(events))
	for i := range events {
		byID[events[i].ID] = &events[i]
	}
	for i := range links {
		links[i].Event = byID[links[i].EventID]
	}
	return links, nil
}

// mostOdd is how many ids an [store.AuditTail] names.
const mostOdd = 10

// auditWaiting are the events that are to be sealed.
const auditWaiting = "FROM audit_unsealed q JOIN audit_events e ON e.id = q.event_id"

func (r reader) oldestWaiting(ctx context.Context) (oldest time.Time, err error) {
	_, err = r.value(ctx, "read oldest unsealed Audit event", at(&oldest), "SELECT e.created_at "+auditWaiting+" ORDER BY q.event_id LIMIT 1")
	return oldest, err
}

func (r reader) AuditWaiting(ctx context.Context) (n int, oldest time.Time, err error) {
	if oldest, err = r.oldestWaiting(ctx); err != nil || oldest.IsZero() {
		return 0, oldest, err
	}
	_, err = r.value(ctx, "count waiting Audit events", &n, "SELECT count(*) FROM audit_unsealed")
	return n, oldest, err
}

func (r reader) AuditTail(ctx context.Context) (t store.AuditTail, err error) {
	if t.Oldest, err = r.oldestWaiting(ctx); err != nil {
		return store.AuditTail{}, err
	}
	// One statement, which sees an event either before or after it was sealed.
	var odd int
	err = r.each(ctx, "count unsealed Audit events", func(rows *sql.Rows) error { return rows.Scan(&t.Waiting, &odd) },
		"SELECT count(*), (SELECT count(*) FROM audit_events) - count(*)"+
			" - (SELECT count(*) FROM audit_seals s JOIN audit_events e ON e.id = s.event_id) "+auditWaiting)
	if err != nil {
		return store.AuditTail{}, err
	}
	if t.Gone, err = r.oddEvents(ctx, "SELECT q.event_id FROM audit_unsealed q LEFT JOIN audit_events e ON e.id = q.event_id WHERE e.id IS NULL"); err != nil {
		return store.AuditTail{}, err
	}
	if odd != 0 {
		// This needs room for all ids, and so waits until there is a reason.
		t.Stray, err = r.oddEvents(ctx, "SELECT id FROM audit_events EXCEPT SELECT event_id FROM audit_seals EXCEPT SELECT event_id FROM audit_unsealed")
	}
	return t, err
}

func (r reader) oddEvents(ctx context.Context, query string) ([]int64, error) {
	var ids []int64
	err := r.each(ctx, "find odd Audit events", func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	}, query+" ORDER BY 1 LIMIT $1", mostOdd)
	return ids, err
}

// AuditWritten implements [store.AuditSealer].
func (s *Store) AuditWritten() <-chan struct{} { return s.written }

// wake tells who seals that there is something to do.
func (s *Store) wake() {
	select {
	case s.written <- struct{}{}:
	default: // it was told already
	}
}

// errMoved tells that the chain is not what it was a moment ago. Nobody but who
// has the lock may touch it.
var errMoved = errors.New("the audit chain was changed by somebody else")

// SealAuditEvents implements [store.AuditSealer].
func (s *Store) SealAuditEvents(
	ctx context.Context, most int, seal func(baton.AuditHead, []baton.AuditEvent) []store.AuditLink,
) (n int, err error) {
	// Most of the time there is nothing: to find that out needs no lock.
	found, err := s.value(ctx, "look for unsealed Audit events", new(int), "SELECT 1 FROM audit_unsealed LIMIT 1")
	if err != nil || !found {
		return 0, err
	}
	err = s.away(s.db.Alone(ctx, "audit seals", func(ctx context.Context, q Querier) (err error) {
		n, err = writer{reader: reader{q, s.db, s.shared}}.seal(ctx, most, seal)
		return err
	}))
	if err != nil {
		return 0, fmt.Errorf("seal audit events: %w", err)
	}
	return n, nil
}

func (w writer) seal(
	ctx context.Context, most int, seal func(baton.AuditHead, []baton.AuditEvent) []store.AuditLink,
) (int, error) {
	head, err := w.AuditHead(ctx)
	if err != nil {
		return 0, err
	}
	events, err := auditEvents.query(ctx, w.reader, "SELECT "+auditEvents.columns+
		" FROM (SELECT event_id FROM audit_unsealed ORDER BY event_id LIMIT $1) q JOIN audit_events e ON e.id = q.event_id ORDER BY e.id", most)
	if err != nil || len(events) == 0 {
		return 0, err
	}
	links := seal(head, events)
	rows := make([]*store.AuditLink, len(links))
	for i := range links {
		rows[i] = &links[i]
	}
	if err := auditLinks.insertAll(ctx, w, rows); err != nil {
		return 0, err
	}
	last := links[len(links)-1]
	moved, err := w.exec(ctx, "move head of audit chain",
		"UPDATE audit_chain SET position = $1, hash = $2 WHERE id = 1 AND position = $3 AND hash = $4",
		last.Position, chainHash{&last.Hash}, head.Position, chainHash{&head.Hash})
	if err != nil {
		return 0, err
	}
	if moved != 1 {
		return 0, errMoved
	}
	_, err = w.exec(ctx, "forget unsealed Audit events",
		"DELETE FROM audit_unsealed WHERE event_id IN (SELECT event_id FROM audit_seals WHERE position > $1)", head.Position)
	return len(events), err
}
