package sqlstore

import (
	"context"
	"strings"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

// A token's row is read into the token alone; its digest goes in and never
// comes out.
type tokenRow struct {
	baton.AccessToken
	digest baton.Digest
}

var accessTokens = define("Token", "access_tokens t", func(t *tokenRow) []column {
	return []column{
		{"t.id", &t.ID, generated},
		{"digest", bytesOf(&t.digest), inserts},
		{"user_id", &t.UserID, fixed},
		{"name", &t.Name, fixed},
		{"description", &t.Description, fixed},
		{"scopes", wordList(&t.Scopes), fixed},
		{"expires_at", nullText(&t.ExpiresAt), fixed},
		{"revoked", &t.Revoked, fixed},
		{"coalesce(t.family, t.id)", &t.Family, generated},
		{"family", nullNumber(&t.Family), inserts},
		{"last_used_at", at(&t.LastUsedAt), fixed},
		{"last_used_ips", wordList(&t.LastUsedIPs), fixed},
		{"created_at", at(&t.CreatedAt), fixed},
	}
})

func (r reader) AccessToken(ctx context.Context, id baton.TokenID) (baton.AccessToken, error) {
	t, err := accessTokens.one(ctx, r, "WHERE t.id = $1", id)
	return t.AccessToken, err
}

// tokenOrders are the orders of [store.AccessTokenFilter.Sort]. What has no
// time counts as later than all, as in PostgreSQL and so in GitLab.
var tokenOrders = map[string]string{
	"":                  "t.id",
	"id_asc":            "t.id",
	"id_desc":           "t.id DESC",
	"created_at_asc":    "t.created_at, t.id",
	"created_at_desc":   "t.created_at DESC, t.id DESC",
	"expires_at_asc":    "t.expires_at NULLS LAST, t.id",
	"expires_at_desc":   "t.expires_at DESC NULLS FIRST, t.id DESC",
	"last_used_at_asc":  "t.last_used_at NULLS LAST, t.id",
	"last_used_at_desc": "t.last_used_at DESC NULLS FIRST, t.id DESC",
	"name_asc":          "t.name, t.id",
	"name_desc":         "t.name DESC, t.id DESC",
}

func (r reader) AccessTokens(ctx context.Context, f store.AccessTokenFilter, p store.Page) ([]baton.AccessToken, error) {
	order, ok := tokenOrders[f.Sort]
	if !ok {
		return nil, &baton.Error{Code: baton.CodeInvalid, Fields: []baton.FieldError{{Field: "sort", Problem: "does not have a valid value"}}}
	}
	w := tokensWhere(f)
	w.page(order, p)
	rows, err := accessTokens.filtered(ctx, r, w)
	tokens := make([]baton.AccessToken, len(rows))
	for i := range rows {
		tokens[i] = rows[i].AccessToken
	}
	return tokens, err
}

func (r reader) CountAccessTokens(ctx context.Context, f store.AccessTokenFilter) (int, error) {
	return accessTokens.count(ctx, r, tokensWhere(f))
}

func tokensWhere(f store.AccessTokenFilter) *where {
	w := new(where)
	if f.UserID != 0 {
		w.and("t.user_id = ?", f.UserID)
	}
	if f.BotsOf != (baton.Source{}) {
		column, id := source(f.BotsOf)
		w.and("t.user_id IN (SELECT id FROM users WHERE bot_"+column+" = ?)", id)
	}
	w.search(f.Search, "t.name")
	if f.Revoked != nil {
		w.and(not(!*f.Revoked) + "t.revoked")
	}
	if f.Active != nil {
		w.and(not(!*f.Active)+"(NOT t.revoked AND (t.expires_at IS NULL OR t.expires_at > ?))", string(f.Today))
	}
	w.times("t.created_at", f.CreatedAfter, f.CreatedBefore)
	w.times("t.last_used_at", f.LastUsedAfter, f.LastUsedBefore)
	if f.ExpiresAfter != "" {
		w.and("t.expires_at >= ?", f.ExpiresAfter)
	}
	if f.ExpiresBefore != "" {
		w.and("t.expires_at <= ?", f.ExpiresBefore)
	}
	return w
}

func not(yes bool) string {
	if yes {
		return "NOT "
	}
	return ""
}

func (w writer) InsertAccessToken(ctx context.Context, t baton.AccessToken, digest baton.Digest) (baton.TokenID, error) {
	id, err := accessTokens.insert(ctx, w, &tokenRow{t, digest})
	return baton.TokenID(id), err
}

func (w writer) RevokeAccessToken(ctx context.Context, id baton.TokenID, now time.Time) error {
	return w.touch(ctx, accessTokens.thing, "revoke Token",
		"UPDATE access_tokens SET revoked = true, revoked_at = $1 WHERE id = $2 AND NOT revoked", at(&now), id)
}

func (w writer) RevokeAccessTokenFamily(ctx context.Context, family baton.TokenID, now time.Time) error {
	return w.touch(ctx, accessTokens.thing, "revoke token family",
		`UPDATE access_tokens SET revoked = true, revoked_at = $1
		WHERE (id = $2 OR family = $2) AND NOT revoked`, at(&now), family)
}

// TouchAccessToken implements [store.UseRecorder].
func (s *Store) TouchAccessToken(ctx context.Context, use store.TokenUse) error {
	return s.record(ctx, func(ctx context.Context, w writer) error { return w.touchAccessToken(ctx, use) })
}

func (w writer) touchAccessToken(ctx context.Context, use store.TokenUse) error {
	err := w.touch(ctx, accessTokens.thing, "touch Token",
		"UPDATE access_tokens SET last_used_at = $1, last_used_ips = $2 WHERE id = $3",
		at(&use.At), strings.Join(use.IPs, " "), use.Token)
	if err != nil {
		return err
	}
	_, err = w.exec(ctx, "touch User",
		"UPDATE users SET last_activity_on = $1 WHERE id = $2 AND (last_activity_on IS NULL OR last_activity_on < $1)",
		baton.DateOf(use.At), use.User)
	return err
}
