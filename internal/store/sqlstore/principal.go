package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

// principalText reads the settings, and the token and the user when there is
// such a token: always one row.
var principalText = "SELECT (SELECT document FROM settings WHERE id = 1), " + accessTokens.columns + ", " + users.columns +
	" FROM (SELECT 1) one LEFT JOIN access_tokens t ON t.digest = $1 LEFT JOIN users u ON u.id = t.user_id"

func (r reader) Principal(ctx context.Context, token baton.Digest) (store.Principal, error) {
	var p store.Principal
	var document string
	err := r.each(ctx, "read principal", func(rows *sql.Rows) error {
		var t tokenRow
		var u baton.User
		dst := append(append([]any{nullText(&document)}, accessTokens.values(&t, reads)...), users.values(&u, reads)...)
		found := true
		dst[1] = presence{&t.ID, &found}
		if err := rows.Scan(dst...); err != nil {
			if !found {
				return nil
			}
			return err
		}
		p.Token, p.User = &t.AccessToken, &u
		return nil
	}, principalText, token[:])
	if err != nil {
		return store.Principal{}, err
	}
	p.Settings, err = r.settings.decode(document)
	return p, err
}

// A presence is the first column of a joined row: scanning stops there when
// nothing was joined.
type presence struct {
	id    *baton.TokenID
	found *bool
}

var errAbsent = errors.New("no row was joined")

// Scan implements [database/sql.Scanner].
func (p presence) Scan(src any) error {
	id, ok := src.(int64)
	if !ok {
		*p.found = false
		return errAbsent
	}
	*p.id = baton.TokenID(id)
	return nil
}
