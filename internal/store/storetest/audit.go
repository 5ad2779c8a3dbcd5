package storetest

import (
	"context"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

var auditTests = []test{
	{"Audit/List", func(s *suite) {
		ctx := s.Context()
		insert := func(e baton.AuditEvent) {
			s.Helper()
			s.tx(func(ctx context.Context, tx store.Tx) error { return tx.InsertAuditEvent(ctx, e) })
		}
		full := baton.AuditEvent{
			Name: "n", AuthorID: 1, AuthorName: "A", IP: "::1", Source: baton.InGroup(2), TargetType: "T", TargetID: 3,
			TargetDetails: "d", Message: "m", CreatedAt: now,
			Changes: []baton.AuditChange{{Attribute: "tag_list", From: "a,b", To: ""}, {Attribute: "description", From: "", To: `"ß<`}},
		}
		insert(full)
		insert(baton.AuditEvent{Name: "bare", CreatedAt: now.Add(time.Hour)})
		insert(baton.AuditEvent{Name: "project", Source: baton.InProject(2), CreatedAt: now.Add(2 * time.Hour)})

		events := must(s.AuditEvents(ctx, store.AuditFilter{Source: baton.InGroup(2)}, all))
		full.CreatedAt = kept
		if len(events) != 1 {
			s.Fatalf("%d events, want 1", len(events))
		}
		full.ID = events[0].ID
		same(s, events[0], full)

		for _, row := range []struct {
			f    store.AuditFilter
			want []string
		}{
			{store.AuditFilter{}, []string{"project", "bare", "n"}},
			{store.AuditFilter{Source: baton.InProject(2)}, []string{"project"}},
			{store.AuditFilter{Source: baton.InProject(3)}, []string{}},
			{store.AuditFilter{CreatedAfter: kept.Add(time.Hour)}, []string{"project", "bare"}},
			{store.AuditFilter{CreatedBefore: kept.Add(time.Hour)}, []string{"bare", "n"}},
		} {
			name := func(e baton.AuditEvent) string { return e.Name }
			same(s, ids(must(s.AuditEvents(ctx, row.f, all)), name), row.want)
			same(s, must(s.CountAuditEvents(ctx, row.f)), len(row.want))
		}
		same(s, len(must(s.AuditEvents(ctx, store.AuditFilter{}, store.Page{Limit: 2, Offset: 2}))), 1)
	}},
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
