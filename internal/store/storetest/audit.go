package storetest

import (
	"context"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

var auditTests = []test{
	{"Audit/List", func(s *suite) {
		ctx := s.Context()
		insert := func(events ...baton.AuditEvent) {
			s.Helper()
			s.tx(func(ctx context.Context, tx store.Tx) error { return tx.InsertAuditEvent(ctx, events...) })
		}
		full := baton.AuditEvent{
			Name: "n", AuthorID: 1, AuthorName: "A", IP: "::1", Source: baton.InGroup(2), EntityPath: "g/h",
			TargetType: "T", TargetID: 3, TargetDetails: "d", Message: "m", CreatedAt: now,
			Changes: []baton.AuditChange{{Attribute: "tag_list", From: "a,b", To: ""}, {Attribute: "description", From: "", To: `"ß<`}},
		}
		insert(full)
		insert(
			baton.AuditEvent{Name: "bare", CreatedAt: now.Add(time.Hour)},
			baton.AuditEvent{Name: "project", Source: baton.InProject(2), AuthorID: 1, CreatedAt: now.Add(2 * time.Hour)},
			baton.AuditEvent{Name: "user", UserID: 2, CreatedAt: now.Add(2 * time.Hour)},
			baton.AuditEvent{Name: "late", Source: baton.InGroup(3), AuthorID: 2, CreatedAt: now.Add(-time.Hour)},
		)
		insert()

		events := must(s.AuditEvents(ctx, store.AuditFilter{Entity: baton.AuditEntity{Kind: baton.GroupEntity, ID: 2}}, all))
		full.CreatedAt = kept
		if len(events) != 1 {
			s.Fatalf("%d events, want 1", len(events))
		}
		full.ID = events[0].ID
		same(s, events[0], full)
		same(s, must(s.AuditEvent(ctx, full.ID)), full)
		_, err := s.AuditEvent(ctx, 99)
		s.missing(err, "Audit event")

		of := func(kind baton.AuditEntityKind, id int64) baton.AuditEntity {
			return baton.AuditEntity{Kind: kind, ID: id}
		}
		for _, row := range []struct {
			f    store.AuditFilter
			want []string
		}{
			{store.AuditFilter{}, []string{"user", "project", "bare", "n", "late"}},
			{store.AuditFilter{Entity: of(baton.ProjectEntity, 2)}, []string{"project"}},
			{store.AuditFilter{Entity: of(baton.ProjectEntity, 3)}, []string{}},
			{store.AuditFilter{Entity: of(baton.UserEntity, 2)}, []string{"user"}},
			{store.AuditFilter{Entity: of(baton.InstanceEntity, 0)}, []string{"bare"}},
			{store.AuditFilter{Entity: of(baton.GroupEntity, 0)}, []string{"n", "late"}},
			{store.AuditFilter{Entity: of(baton.ProjectEntity, 0)}, []string{"project"}},
			{store.AuditFilter{Entity: of(baton.UserEntity, 0)}, []string{"user"}},
			{store.AuditFilter{Entity: of(baton.GroupEntity, 2), Author: 1}, []string{"n"}},
			{store.AuditFilter{Entity: of(baton.GroupEntity, 2), Author: 2}, []string{}},
			{store.AuditFilter{Entity: of(baton.ProjectEntity, 2), Author: 1}, []string{"project"}},
			{store.AuditFilter{CreatedAfter: kept.Add(time.Hour)}, []string{"user", "project", "bare"}},
			{store.AuditFilter{CreatedBefore: kept.Add(time.Hour)}, []string{"bare", "n", "late"}},
		} {
			name := func(e baton.AuditEvent) string { return e.Name }
			same(s, ids(must(s.AuditEvents(ctx, row.f, all)), name), row.want)
			same(s, must(s.CountAuditEvents(ctx, row.f, most)), len(row.want))
		}
		same(s, len(must(s.AuditEvents(ctx, store.AuditFilter{}, store.Page{Limit: 2, Offset: 4}))), 1)
		same(s, must(s.CountAuditEvents(ctx, store.AuditFilter{}, 3)), 3)
	}},
	{"Audit/Seal", func(s *suite) {
		ctx := s.Context()
		waiting := func(want int, since time.Time) {
			n, oldest, err := s.AuditWaiting(ctx)
			if err != nil || n != want || !oldest.Equal(since) {
				s.Errorf("%d wait since %s (%v), want %d since %s", n, oldest, err, want, since)
			}
		}
		same(s, must(s.AuditHead(ctx)), baton.AuditHead{})
		same(s, must(s.AuditLinks(ctx, 0, most)), []store.AuditLink{})
		same(s, must(s.AuditTail(ctx)), store.AuditTail{})
		waiting(0, time.Time{})
		seal := func(head baton.AuditHead, events []baton.AuditEvent) []store.AuditLink {
			links := make([]store.AuditLink, len(events))
			for i, e := range events {
				head.Position++
				head.Hash[0]++
				links[i] = store.AuditLink{AuditHead: head, Version: 7, EventID: e.ID}
			}
			return links
		}
		same(s, must(s.SealAuditEvents(ctx, most, seal)), 0)

		// However an event is written, it waits to be sealed, and is told.
		told := func() bool {
			select {
			case <-s.AuditWritten():
				return true
			default:
				return false
			}
		}
		if told() {
			s.Error("an event is told that there is not")
		}
		u := s.user("u")
		s.tx(func(ctx context.Context, tx store.Tx) error {
			return tx.InsertAuditEvent(ctx, baton.AuditEvent{Name: "a", CreatedAt: now}, baton.AuditEvent{Name: "b", CreatedAt: now.Add(time.Hour)})
		})
		if !told() {
			s.Error("the events of a transaction are not told")
		}
		s.runner(baton.Runner{CreatorID: u.ID})
		if !told() {
			s.Error("the event of a new runner is not told")
		}
		s.code(s.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
			if err := tx.InsertAuditEvent(ctx, baton.AuditEvent{Name: "undone", CreatedAt: now}); err != nil {
				return err
			}
			return baton.Denied("")
		}), baton.CodeDenied)
		if told() {
			s.Error("an event is told that was undone")
		}
		same(s, must(s.AuditTail(ctx)), store.AuditTail{Waiting: 3, Oldest: kept})
		waiting(3, kept)

		same(s, must(s.SealAuditEvents(ctx, 2, seal)), 2)
		same(s, must(s.AuditHead(ctx)), baton.AuditHead{Position: 2, Hash: baton.ChainHash{2}})
		same(s, must(s.AuditTail(ctx)).Waiting, 1)
		waiting(1, kept)
		same(s, must(s.SealAuditEvents(ctx, 2, seal)), 1)
		same(s, must(s.SealAuditEvents(ctx, 2, seal)), 0)
		same(s, must(s.AuditTail(ctx)), store.AuditTail{})
		waiting(0, time.Time{})

		events := must(s.AuditEvents(ctx, store.AuditFilter{}, all))
		links := must(s.AuditLinks(ctx, 0, most))
		same(s, ids(links, func(l store.AuditLink) string { return l.Event.Name }), []string{"a", "b", "ci_runner_created"})
		for i, l := range links {
			n := int64(i + 1)
			same(s, l.AuditHead, baton.AuditHead{Position: n, Hash: baton.ChainHash{byte(n)}})
			same(s, l.Version, 7)
			same(s, l.EventID, l.Event.ID)
			if !slices.ContainsFunc(events, func(e baton.AuditEvent) bool { return cmp.Equal(e, *l.Event) }) {
				s.Errorf("the event of a link is %+v", l.Event)
			}
		}
		same(s, ids(must(s.AuditLinks(ctx, 1, 1)), func(l store.AuditLink) int64 { return l.Position }), []int64{2})
	}},
	{"Audit/SealFails", func(s *suite) {
		ctx := s.Context()
		s.runner(baton.Runner{})
		seal := func(head baton.AuditHead, events []baton.AuditEvent) []store.AuditLink {
			// A position that there is twice is nothing that a database takes.
			l := store.AuditLink{AuditHead: baton.AuditHead{Position: 1}, EventID: events[0].ID}
			return []store.AuditLink{l, l}
		}
		if n, err := s.SealAuditEvents(ctx, most, seal); err == nil || n != 0 {
			s.Errorf("sealed %d, %v", n, err)
		}
		same(s, must(s.AuditHead(ctx)), baton.AuditHead{})
		same(s, must(s.AuditTail(ctx)).Waiting, 1)
	}},
}

// AuditFilters returns every kind of list of audit events by the index that it
// is read from, in both databases.
func AuditFilters() map[string]store.AuditFilter {
	of := func(kind baton.AuditEntityKind, id int64) store.AuditFilter {
		return store.AuditFilter{Entity: baton.AuditEntity{Kind: kind, ID: id}, CreatedAfter: now.Add(-time.Hour), CreatedBefore: now}
	}
	own := of(baton.GroupEntity, 1)
	own.Author = 1
	return map[string]store.AuditFilter{
		"audit_events_created":  of("", 0),
		"audit_events_instance": of(baton.InstanceEntity, 0),
		"audit_events_group":    of(baton.GroupEntity, 1),
		"audit_events_groups":   of(baton.GroupEntity, 0),
		"audit_events_project":  of(baton.ProjectEntity, 1),
		"audit_events_projects": of(baton.ProjectEntity, 0),
		"audit_events_user":     of(baton.UserEntity, 1),
		"audit_events_users":    of(baton.UserEntity, 0),
		"audit_events_author":   own,
	}
}

var keyTests = []test{
	{"KeyProof", func(s *suite) {
		ctx := s.Context()
		_, err := s.KeyProof(ctx, "k")
		s.missing(err, "Key")
		same(s, len(must(s.KeyIDs(ctx))), 0)
		insert := func(ctx context.Context, tx store.Tx) error { return tx.InsertKeyProof(ctx, "k", []byte{0, 1, 255}) }
		s.tx(insert)
		s.field(s.Tx(s.Context(), insert), "key_id")
		s.tx(func(ctx context.Context, tx store.Tx) error { return tx.InsertKeyProof(ctx, "j", []byte("x")) })
		same(s, must(s.KeyProof(ctx, "k")), []byte{0, 1, 255})
		same(s, must(s.KeyIDs(ctx)), []string{"j", "k"})
	}},
}
