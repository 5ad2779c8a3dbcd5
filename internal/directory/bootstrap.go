package directory

import (
	"context"
	"fmt"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/audit"
	"baton.example/baton/internal/password"
	"baton.example/baton/internal/store"
)

// Root is the username of the administrator that every instance begins with.
const Root = "root"

// A FirstStart is what the first start of an instance made.
type FirstStart struct {
	Password, Token baton.Secret
	// MadePassword and MadeToken tell that the secret was made here and is
	// known to nobody yet.
	MadePassword, MadeToken bool
}

// Bootstrap makes the administrator root in a database without users, with the
// given password and access token, or with new ones where these are zero. The
// token has every scope and no end: it is the operator's. In a database with
// users Bootstrap does nothing and returns nil; of several processes that
// start at once on a new database, one makes root.
func (d *Directory) Bootstrap(ctx context.Context, now time.Time, token, pass baton.Secret) (*FirstStart, error) {
	users, err := d.store.CountUsers(ctx, store.UserFilter{})
	if err != nil {
		return nil, fmt.Errorf("count users: %w", err)
	}
	if users > 0 {
		return nil, nil
	}
	first := &FirstStart{Password: pass, Token: token}
	if first.MadePassword = pass.IsZero(); first.MadePassword {
		first.Password = password.Generate()
	}
	if first.MadeToken = token.IsZero(); first.MadeToken {
		first.Token = baton.NewToken(baton.AccessTokenPrefix)
	}
	hash, err := d.hasher.Hash(ctx, first.Password.Reveal())
	if err != nil {
		return nil, fmt.Errorf("root password: %w", err)
	}
	err = d.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
		w := audit.Author{Name: "baton serve", At: now}
		root := baton.User{
			Username: Root, Name: "Administrator", Email: "admin@example.com",
			State: baton.UserActive, Admin: true, CanCreateGroup: true, ProjectsLimit: DefaultProjectsLimit,
			CreatedAt: now, UpdatedAt: now,
		}
		var err error
		if root.ID, err = insertUser(ctx, tx, w, root, hash); err != nil {
			return err
		}
		t := baton.AccessToken{UserID: root.ID, Name: "first start", Scopes: baton.Scopes(), CreatedAt: now}
		if t.ID, err = tx.InsertAccessToken(ctx, t, first.Token.Digest()); err != nil {
			return err
		}
		return tell(ctx, tx, access.IssueEvent(w, &t, &root))
	})
	if baton.CodeOf(err) == baton.CodeConflict {
		return nil, nil // another process was faster
	}
	if err != nil {
		return nil, err
	}
	return first, nil
}
