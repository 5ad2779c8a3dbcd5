package access

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"baton.example/baton"
	"baton.example/baton/internal/audit"
	"baton.example/baton/internal/store"
)

// The lives of access tokens in days.
const (
	// MaxTokenLife is the longest where tokens must expire, and the one that a
	// token gets of whom nothing else was said.
	MaxTokenLife = 365
	// RotatedTokenLife is what a rotated token gets of whom nothing else was
	// said.
	RotatedTokenLife = 7
)

// maxTokenText is the length limit of a token's name and of its description,
// in characters.
const maxTokenText = 255

// A TokenStore is what [Tokens] needs of the database.
type TokenStore interface {
	store.AccessTokenReader
	store.UserReader
	Tx(ctx context.Context, fn func(ctx context.Context, tx store.Tx) error) error
}

// Tokens makes, shows, rotates and revokes personal access tokens.
type Tokens struct{ store TokenStore }

// NewTokens returns the tokens that are kept in s.
func NewTokens(s TokenStore) *Tokens { return &Tokens{store: s} }

// A NewAccessToken is what a token is to be.
type NewAccessToken struct {
	Name        string
	Description string
	Scopes      []baton.Scope
	// ExpiresAt is the first day on which it does not work; "" leaves that to
	// the settings.
	ExpiresAt baton.Date
}

// An IssuedToken is a token with the one copy of its text.
type IssuedToken struct {
	baton.AccessToken

	Text baton.Secret
}

// CreateFor makes a token for any user, by an administrator.
// https://docs.gitlab.com/api/user_tokens/#create-a-personal-access-token-for-a-user.
func (t *Tokens) CreateFor(ctx context.Context, a *Actor, user baton.UserID, n NewAccessToken) (IssuedToken, error) {
	if !a.Admin {
		return IssuedToken{}, baton.Denied("")
	}
	return t.create(ctx, a, user, n)
}

// OwnScopes returns the scopes that the actor may give to a token made with
// [Tokens.CreateOwn]: those that open no more than GitLab lets this open, and
// those for runners where the actor could do the same anyway. An Owner of a
// group helps himself so, without an administrator.
func OwnScopes(a *Actor) []baton.Scope {
	scopes := []baton.Scope{baton.ScopeK8sProxy, baton.ScopeSelfRotate}
	if a.Token == nil || a.Token.Has(baton.ScopeAPI) {
		scopes = append(scopes, baton.ScopeCreateRunner, baton.ScopeManageRunner)
	}
	return scopes
}

// CreateOwn makes a token for the actor, with [OwnScopes] alone. A bot makes
// none: the token that it stands behind would outlive its own end.
// https://docs.gitlab.com/api/user_tokens/#create-a-personal-access-token.
func (t *Tokens) CreateOwn(ctx context.Context, a *Actor, n NewAccessToken) (IssuedToken, error) {
	if a.User.Bot {
		return IssuedToken{}, baton.Denied("")
	}
	allowed := OwnScopes(a)
	for _, s := range n.Scopes {
		if !slices.Contains(allowed, s) {
			return IssuedToken{}, baton.Denied("")
		}
	}
	return t.create(ctx, a, a.User.ID, n)
}

func (t *Tokens) create(ctx context.Context, a *Actor, user baton.UserID, n NewAccessToken) (IssuedToken, error) {
	var made IssuedToken
	err := t.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
		u, err := tx.User(ctx, user)
		if baton.IsNotFound(err) {
			return baton.NotFound("User")
		}
		if err != nil {
			return err
		}
		made, err = Issue(ctx, tx, a, &u, n)
		return err
	})
	if err != nil {
		return IssuedToken{}, fmt.Errorf("create access token: %w", err)
	}
	return made, nil
}

// Issue makes a token for a user as a part of a transaction. Whether the actor
// may do that is for the caller to know; what the token is to be is checked.
func Issue(ctx context.Context, tx store.Tx, a *Actor, u *baton.User, n NewAccessToken) (IssuedToken, error) {
	made := IssuedToken{
		Text: baton.NewToken(a.Settings.PersonalAccessTokenPrefix),
		AccessToken: baton.AccessToken{
			UserID: u.ID, Name: n.Name, Description: n.Description, Scopes: n.Scopes,
			ExpiresAt: expiry(a, n.ExpiresAt, MaxTokenLife), CreatedAt: a.Now,
		},
	}
	if err := validate(a, &made.AccessToken, u); err != nil {
		return IssuedToken{}, err
	}
	return made, issue(ctx, tx, a, &made, u)
}

// issue stores a token of the user's and completes it.
func issue(ctx context.Context, tx store.Tx, a *Actor, made *IssuedToken, u *baton.User) error {
	id, err := tx.InsertAccessToken(ctx, made.AccessToken, made.Text.Digest())
	if err != nil {
		return err
	}
	made.ID = id
	if made.Family == 0 {
		made.Family = id
	}
	return tellIssued(ctx, tx, a.Author(), &made.AccessToken, u)
}

// expiry returns the day that was asked for, or life days from now where
// tokens must expire.
func expiry(a *Actor, asked baton.Date, life int) baton.Date {
	if asked == "" && a.Settings.RequirePersonalAccessTokenExpiry {
		return a.Today().AddDays(life)
	}
	return asked
}

// validate returns what keeps the token from being the user's.
func validate(a *Actor, t *baton.AccessToken, u *baton.User) error {
	var problems []baton.FieldError
	add := func(field, problem string) {
		problems = append(problems, baton.FieldError{Field: field, Problem: problem})
	}
	if strings.TrimSpace(t.Name) == "" {
		add("name", "can't be blank")
	}
	if utf8.RuneCountInString(t.Name) > maxTokenText {
		add("name", fmt.Sprintf("is too long (maximum is %d characters)", maxTokenText))
	}
	if len(t.Scopes) == 0 {
		add("scopes", "can't be blank")
	}
	known := baton.Scopes()
	if slices.ContainsFunc(t.Scopes, func(s baton.Scope) bool {
		return !slices.Contains(known, s) || s.AdminOnly() && !u.Admin
	}) {
		add("scopes", "can only contain available scopes")
	}
	if utf8.RuneCountInString(t.Description) > maxTokenText {
		add("description", fmt.Sprintf("is too long (maximum is %d characters)", maxTokenText))
	}
	last := a.Today().AddDays(MaxTokenLife)
	if a.Settings.RequirePersonalAccessTokenExpiry && t.ExpiresAt > last {
		add("expires_at", fmt.Sprintf("must be before %s", last))
	}
	return baton.Invalid(problems)
}

// Token returns a token of the actor, or anybody's to an administrator. To
// everybody else it does not tell whether there is one.
// https://docs.gitlab.com/api/personal_access_tokens/#get-details-on-a-personal-access-token.
func (t *Tokens) Token(ctx context.Context, a *Actor, id baton.TokenID) (baton.AccessToken, error) {
	return ownToken(ctx, t.store, a, id)
}

func ownToken(ctx context.Context, r store.AccessTokenReader, a *Actor, id baton.TokenID) (baton.AccessToken, error) {
	tok, err := r.AccessToken(ctx, id)
	if err != nil && !baton.IsNotFound(err) {
		return baton.AccessToken{}, err
	}
	if err == nil && (a.Admin || a.Is(tok.UserID)) {
		return tok, nil
	}
	if a.Admin {
		return baton.AccessToken{}, baton.NotFound("")
	}
	return baton.AccessToken{}, &baton.Error{Code: baton.CodeUnauthenticated}
}

// List returns a page of the tokens that the filter chooses, and how many it
// chooses in all. Who is no administrator gets the own ones, and may ask for
// nobody else's.
// https://docs.gitlab.com/api/personal_access_tokens/#list-all-personal-access-tokens.
func (t *Tokens) List(
	ctx context.Context, a *Actor, f store.AccessTokenFilter, p store.Page,
) ([]baton.AccessToken, int, error) {
	if !a.Admin {
		if f.UserID != 0 && !a.Is(f.UserID) {
			return nil, 0, &baton.Error{Code: baton.CodeUnauthenticated}
		}
		f.UserID = a.User.ID
	}
	if f.UserID != 0 {
		if _, err := t.store.User(ctx, f.UserID); err != nil {
			if baton.IsNotFound(err) {
				err = baton.NotFound("User")
			}
			return nil, 0, err
		}
	}
	f.Today = a.Today()
	tokens, err := t.store.AccessTokens(ctx, f, p)
	if err != nil {
		return nil, 0, fmt.Errorf("list access tokens: %w", err)
	}
	total, err := t.store.CountAccessTokens(ctx, f)
	if err != nil {
		return nil, 0, fmt.Errorf("count access tokens: %w", err)
	}
	return tokens, total, nil
}

// Rotate replaces a token of the actor, or anybody's for an administrator.
// https://docs.gitlab.com/api/personal_access_tokens/#rotate-a-personal-access-token.
func (t *Tokens) Rotate(ctx context.Context, a *Actor, id baton.TokenID, expires baton.Date) (IssuedToken, error) {
	return Replace(ctx, t.store, a, expires, func(ctx context.Context, tx store.Tx) (baton.AccessToken, error) {
		old, err := ownToken(ctx, tx, a, id)
		if err == nil && raises(a, &old) {
			err = baton.Denied("")
		}
		return old, err
	})
}

// Replace revokes the token that find returns and makes another one in its
// place: the same name, description and scopes, a new text and a new end. It is
// for find to refuse who may not do that.
//
// A token that is revoked already may be a stolen copy that was rotated by the
// thief, or the victim's of one that the thief has rotated: nobody can tell, so
// every token that came of it is revoked.
func Replace(
	ctx context.Context, s TokenStore, a *Actor, expires baton.Date,
	find func(ctx context.Context, tx store.Tx) (baton.AccessToken, error),
) (IssuedToken, error) {
	made := IssuedToken{Text: baton.NewToken(a.Settings.PersonalAccessTokenPrefix)}
	reused := false
	err := s.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
		old, err := find(ctx, tx)
		if err != nil {
			return err
		}
		u, err := tx.User(ctx, old.UserID)
		if err != nil {
			return err
		}
		if reused = old.Revoked; reused {
			return revokeFamily(ctx, tx, a.Author(), &old, &u)
		}
		made.AccessToken = baton.AccessToken{
			UserID: old.UserID, Name: old.Name, Description: old.Description, Scopes: old.Scopes,
			Family: old.Family, ExpiresAt: expiry(a, expires, RotatedTokenLife), CreatedAt: a.Now,
		}
		if err := validate(a, &made.AccessToken, &u); err != nil {
			return err
		}
		if err := revoke(ctx, tx, a.Author(), &old, &u); err != nil {
			return err
		}
		return issue(ctx, tx, a, &made, &u)
	})
	if err == nil && reused {
		err = &baton.Error{Code: baton.CodeInvalid, Message: "Token already revoked"}
	}
	if err != nil {
		return IssuedToken{}, fmt.Errorf("rotate access token: %w", err)
	}
	return made, nil
}

// raises reports whether the text of another token of the actor's would open
// what an administrator alone has and the actor's own token does not: admin
// mode means that a token without its scope is as good as an ordinary user's.
func raises(a *Actor, t *baton.AccessToken) bool {
	return a.Token != nil && a.Token.ID != t.ID && slices.ContainsFunc(t.Scopes, func(s baton.Scope) bool {
		return s.AdminOnly() && !a.Token.Has(s)
	})
}

// RevokeFamily revokes a token and every other of its family, for one that was
// revoked and then presented for rotation by who is at the address; see
// [Replace].
func (t *Tokens) RevokeFamily(ctx context.Context, tok *baton.AccessToken, u *baton.User, ip string, now time.Time) error {
	w := audit.Author{Name: fmt.Sprintf("Revoked access token %d", tok.ID), IP: ip, At: now}
	err := t.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error { return revokeFamily(ctx, tx, w, tok, u) })
	if err != nil {
		return fmt.Errorf("revoke family of access token: %w", err)
	}
	return nil
}

// revokeFamily ends what came of a token. What has ended already is not written
// down again, however often the token is presented.
func revokeFamily(ctx context.Context, tx store.Tx, w audit.Author, t *baton.AccessToken, u *baton.User) error {
	err := tx.RevokeAccessTokenFamily(ctx, t.Family, w.At)
	if baton.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return tellRevoked(ctx, tx, w, "Revoked what came of", t, u)
}

func revoke(ctx context.Context, tx store.Tx, w audit.Author, t *baton.AccessToken, u *baton.User) error {
	if err := tx.RevokeAccessToken(ctx, t.ID, w.At); err != nil {
		return err
	}
	return tellRevoked(ctx, tx, w, "Revoked", t, u)
}

// Revoke ends a token. It is no error if that has happened before.
// https://docs.gitlab.com/api/personal_access_tokens/#revoke-a-personal-access-token.
func (t *Tokens) Revoke(ctx context.Context, a *Actor, id baton.TokenID) error {
	err := t.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
		tok, err := ownToken(ctx, tx, a, id)
		if err != nil {
			return err
		}
		u, err := tx.User(ctx, tok.UserID)
		if err != nil {
			return err
		}
		return End(ctx, tx, a, &tok, &u)
	})
	if err != nil {
		return fmt.Errorf("revoke access token: %w", err)
	}
	return nil
}

// End revokes a token of the user's as a part of a transaction, unless it is
// revoked already. Whether the actor may do that is for the caller to know.
func End(ctx context.Context, tx store.Tx, a *Actor, t *baton.AccessToken, u *baton.User) error {
	if t.Revoked {
		return nil
	}
	return revoke(ctx, tx, a.Author(), t, u)
}
