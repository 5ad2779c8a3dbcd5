package storetest

import (
	"context"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

var memberTests = []test{
	{"Member", func(s *suite) {
		ctx := s.Context()
		u, v := s.user("u"), s.user("v")
		g := s.group("g", 0)
		p := s.project("p", g.ID)
		for _, in := range []baton.Source{baton.InGroup(g.ID), baton.InProject(p.ID)} {
			_, err := s.Member(ctx, in, u.ID)
			s.missing(err, "Member")
			want := baton.Member{Source: in, UserID: u.ID, AccessLevel: baton.DeveloperAccess, ExpiresAt: tomorrow, CreatedBy: v.ID, CreatedAt: now}
			insert := func(ctx context.Context, tx store.Tx) error { return tx.InsertMember(ctx, want) }
			s.tx(insert)
			s.field(s.Tx(s.Context(), insert), "user_id")
			want.CreatedAt = kept
			same(s, must(s.Member(ctx, in, u.ID)), want)
			s.member(v, in, baton.GuestAccess)
			same(s, ids(must(s.Members(ctx, in, all)), func(m baton.Member) baton.UserID { return m.UserID }), []baton.UserID{u.ID, v.ID})
			same(s, must(s.CountMembers(ctx, in)), 2)
			same(s, must(s.Members(ctx, in, store.Page{Limit: 1})), []baton.Member{want})

			changed := baton.Member{Source: in, UserID: u.ID, AccessLevel: baton.OwnerAccess}
			s.tx(func(ctx context.Context, tx store.Tx) error { return tx.UpdateMember(ctx, changed) })
			want.AccessLevel, want.ExpiresAt = baton.OwnerAccess, ""
			same(s, must(s.Member(ctx, in, u.ID)), want)

			s.tx(func(ctx context.Context, tx store.Tx) error { return tx.DeleteMember(ctx, in, u.ID) })
			s.missing(s.Tx(ctx, func(ctx context.Context, tx store.Tx) error { return tx.DeleteMember(ctx, in, u.ID) }), "Member")
			s.missing(s.Tx(ctx, func(ctx context.Context, tx store.Tx) error { return tx.UpdateMember(ctx, changed) }), "Member")
			same(s, must(s.CountMembers(ctx, in)), 1)
		}
		for _, in := range []baton.Source{baton.InGroup(99), baton.InProject(99)} {
			s.stale(func(ctx context.Context, tx store.Tx) error {
				return tx.InsertMember(ctx, baton.Member{Source: in, UserID: u.ID, CreatedAt: now})
			})
		}
	}},
	{"Share", func(s *suite) {
		ctx := s.Context()
		g, h := s.group("g", 0), s.group("h", 0)
		p := s.project("p", g.ID)
		for _, of := range []baton.Source{baton.InGroup(g.ID), baton.InProject(p.ID)} {
			want := baton.Share{Source: of, WithGroup: h.ID, AccessLevel: baton.DeveloperAccess, ExpiresAt: tomorrow, CreatedAt: now}
			insert := func(ctx context.Context, tx store.Tx) error { return tx.InsertShare(ctx, want) }
			s.tx(insert)
			s.field(s.Tx(s.Context(), insert), "group_id")
			want.CreatedAt = kept
			same(s, must(s.Shares(ctx, of)), []baton.Share{want})
			remove := func(ctx context.Context, tx store.Tx) error { return tx.DeleteShare(ctx, of, h.ID) }
			s.tx(remove)
			s.missing(s.Tx(ctx, remove), "Share")
			same(s, must(s.Shares(ctx, of)), []baton.Share{})
		}
		s.stale(func(ctx context.Context, tx store.Tx) error {
			return tx.InsertShare(ctx, baton.Share{Source: baton.InGroup(g.ID), WithGroup: 99, CreatedAt: now})
		})
	}},
}
