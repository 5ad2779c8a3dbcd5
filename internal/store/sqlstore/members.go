package sqlstore

import (
	"context"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

var members = define("Member", "members m", func(m *baton.Member) []column {
	return []column{
		{"namespace_id", nullNumber(&m.Source.Namespace), fixed},
		{"project_id", nullNumber(&m.Source.Project), fixed},
		{"user_id", &m.UserID, fixed},
		{"access_level", &m.AccessLevel, mutable},
		{"expires_at", nullText(&m.ExpiresAt), mutable},
		{"created_by", nullNumber(&m.CreatedBy), fixed},
		{"created_at", at(&m.CreatedAt), fixed},
	}
})

var shares = define("Share", "shares s", func(s *baton.Share) []column {
	return []column{
		{"namespace_id", nullNumber(&s.Source.Namespace), fixed},
		{"project_id", nullNumber(&s.Source.Project), fixed},
		{"with_group", &s.WithGroup, fixed},
		{"access_level", &s.AccessLevel, fixed},
		{"expires_at", nullText(&s.ExpiresAt), fixed},
		{"created_at", at(&s.CreatedAt), fixed},
	}
})

// source returns the column that has the id of a source, and the id.
func source(s baton.Source) (column string, id int64) {
	if s.Project != 0 {
		return "project_id", int64(s.Project)
	}
	return "namespace_id", int64(s.Namespace)
}

func (r reader) Member(ctx context.Context, in baton.Source, user baton.UserID) (baton.Member, error) {
	column, id := source(in)
	return members.one(ctx, r, "WHERE m."+column+" = $1 AND m.user_id = $2", id, user)
}

func (r reader) Members(ctx context.Context, in baton.Source, p store.Page) ([]baton.Member, error) {
	w := membersWhere(in)
	w.page("m.user_id", p)
	return members.filtered(ctx, r, w)
}

func (r reader) CountMembers(ctx context.Context, in baton.Source) (int, error) {
	return members.count(ctx, r, membersWhere(in))
}

func membersWhere(in baton.Source) *where {
	w := new(where)
	column, id := source(in)
	w.and("m."+column+" = ?", id)
	return w
}

func (r reader) Shares(ctx context.Context, of baton.Source) ([]baton.Share, error) {
	column, id := source(of)
	return shares.list(ctx, r, "WHERE s."+column+" = $1 ORDER BY s.with_group", id)
}

func (w writer) InsertMember(ctx context.Context, m baton.Member) error {
	return members.add(ctx, w, &m)
}

func (w writer) UpdateMember(ctx context.Context, m baton.Member) error {
	column, id := source(m.Source)
	return w.touch(ctx, members.thing, "update Member",
		"UPDATE members SET access_level = $1, expires_at = $2 WHERE "+column+" = $3 AND user_id = $4",
		m.AccessLevel, nullText(&m.ExpiresAt), id, m.UserID)
}

func (w writer) DeleteMember(ctx context.Context, in baton.Source, user baton.UserID) error {
	column, id := source(in)
	return w.touch(ctx, members.thing, "delete Member", "DELETE FROM members WHERE "+column+" = $1 AND user_id = $2", id, user)
}

func (w writer) InsertShare(ctx context.Context, s baton.Share) error {
	return shares.add(ctx, w, &s)
}

func (w writer) DeleteShare(ctx context.Context, of baton.Source, with baton.NamespaceID) error {
	column, id := source(of)
	return w.touch(ctx, shares.thing, "delete Share", "DELETE FROM shares WHERE "+column+" = $1 AND with_group = $2", id, with)
}
