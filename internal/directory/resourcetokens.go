package directory

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/audit"
	"baton.example/baton/internal/store"
)

// A ResourceToken is an access token of a group or project: one of a bot that
// is a member of it.
type ResourceToken struct {
	baton.AccessToken

	// Of is the group or project, AccessLevel the bot's role in it.
	Of          baton.Source
	AccessLevel baton.AccessLevel
}

// An IssuedResourceToken is a [ResourceToken] with the one copy of its text.
type IssuedResourceToken struct {
	ResourceToken

	Text baton.Secret
}

// A NewResourceToken is what a token of a group or project is to be.
type NewResourceToken struct {
	access.NewAccessToken

	AccessLevel baton.AccessLevel
	// Host is what the address of the bot ends in. Nobody reads mail there.
	Host string
}

// ResourceTokens returns a page of the tokens of a place, as far as the filter
// chooses them, and how many it chooses in all. Owners see those of a group,
// Maintainers those of a project; to others it is CodeUnauthenticated, as in
// GitLab.
// https://docs.gitlab.com/api/group_access_tokens/#list-all-group-access-tokens.
func (d *Directory) ResourceTokens(
	ctx context.Context, a *access.Actor, in Place, f store.AccessTokenFilter, p store.Page,
) ([]ResourceToken, int, error) {
	s, err := in.readTokens(ctx, d.store, a)
	if err != nil {
		return nil, 0, err
	}
	f.BotsOf, f.Today = s.source, a.Today()
	tokens, err := d.store.AccessTokens(ctx, f, p)
	if err != nil {
		return nil, 0, fmt.Errorf("list access tokens: %w", err)
	}
	total, err := d.store.CountAccessTokens(ctx, f)
	if err != nil {
		return nil, 0, fmt.Errorf("count access tokens: %w", err)
	}
	all := make([]ResourceToken, len(tokens))
	for i, t := range tokens {
		if all[i], err = resourceToken(ctx, d.store, s.source, t); err != nil {
			return nil, 0, err
		}
	}
	return all, total, nil
}

// ResourceToken returns a token of a place, to those who see the list.
// https://docs.gitlab.com/api/group_access_tokens/#get-details-on-a-group-access-token.
func (d *Directory) ResourceToken(ctx context.Context, a *access.Actor, in Place, id baton.TokenID) (ResourceToken, error) {
	s, err := in.readTokens(ctx, d.store, a)
	if err != nil {
		return ResourceToken{}, err
	}
	t, _, err := s.token(ctx, d.store, id)
	if err != nil {
		return ResourceToken{}, err
	}
	return resourceToken(ctx, d.store, s.source, t)
}

// CreateResourceToken makes a token of a place, with a bot of its own that is a
// member with the given role, which is not above the actor's.
// https://docs.gitlab.com/api/group_access_tokens/#create-a-group-access-token.
func (d *Directory) CreateResourceToken(
	ctx context.Context, a *access.Actor, in Place, n NewResourceToken,
) (IssuedResourceToken, error) {
	var made IssuedResourceToken
	err := d.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
		s, err := in.find(ctx, tx, a)
		if err != nil {
			return err
		}
		can, err := s.can(ctx, tx, a, access.ManageAccessTokens)
		if err != nil {
			return err
		}
		if !can {
			return invalid("User does not have permission to create " + s.kind() + " access token")
		}
		level, err := access.Policy{Members: tx}.Level(ctx, a, s.source)
		if err != nil {
			return err
		}
		if n.AccessLevel > level {
			return invalid("Access level of the token contains permissions not held by the creating user")
		}
		bot, err := s.insertBot(ctx, tx, a, n)
		if err != nil {
			return err
		}
		issued, err := access.Issue(ctx, tx, a, &bot, n.NewAccessToken)
		made = IssuedResourceToken{ResourceToken{issued.AccessToken, s.source, n.AccessLevel}, issued.Text}
		return err
	})
	if err != nil {
		return IssuedResourceToken{}, fmt.Errorf("create access token: %w", err)
	}
	return made, nil
}

// insertBot makes the user behind a token. It has no password, no personal
// namespace and no right but that of its role.
func (s *spot) insertBot(ctx context.Context, tx store.Tx, a *access.Actor, n NewResourceToken) (baton.User, error) {
	id := int64(s.namespace.ID)
	if s.project != nil {
		id = int64(s.project.ID)
	}
	var chance [16]byte
	_, _ = rand.Read(chance[:]) // never fails
	name := fmt.Sprintf("%s_%d_bot_%s", s.kind(), id, hex.EncodeToString(chance[:]))
	bot := baton.User{
		Username: name, Name: n.Name, Email: name + "@noreply." + n.Host,
		State: baton.UserActive, Bot: true, BotOf: s.source, External: a.User.External,
		CreatedBy: a.User.ID, CreatedAt: a.Now, UpdatedAt: a.Now,
	}
	var err error
	if bot.ID, err = tx.InsertUser(ctx, bot); err != nil {
		return baton.User{}, err
	}
	m := baton.Member{Source: s.source, UserID: bot.ID, AccessLevel: n.AccessLevel, CreatedBy: a.User.ID, CreatedAt: a.Now}
	if err := tx.InsertMember(ctx, m); err != nil {
		return baton.User{}, err
	}
	w := a.Author()
	return bot, tell(ctx, tx,
		aboutUser(w, &bot)(eventUserCreated, "User created", audit.Compare(userAttributes, &baton.User{}, &bot)...),
		s.aboutMember(w, &bot)(eventMemberCreated, "Membership created", audit.Compare(memberAttributes, &baton.Member{}, &m)...))
}

// RotateResourceToken replaces a token of a place; see [access.Replace]. To who
// may not, and to who may but is no administrator, a missing token is
// CodeUnauthenticated, as in GitLab.
// https://docs.gitlab.com/api/group_access_tokens/#rotate-a-group-access-token.
func (d *Directory) RotateResourceToken(
	ctx context.Context, a *access.Actor, in Place, id baton.TokenID, expires baton.Date,
) (IssuedResourceToken, error) {
	return d.rotate(ctx, a, in, expires, func(ctx context.Context, tx store.Tx, s *spot) (baton.AccessToken, error) {
		can, err := s.can(ctx, tx, a, access.ManageAccessTokens)
		if err != nil {
			return baton.AccessToken{}, err
		}
		if !can {
			return baton.AccessToken{}, unauthenticated()
		}
		t, bot, err := s.token(ctx, tx, id)
		if baton.IsNotFound(err) && !a.Admin {
			err = unauthenticated()
		} else if baton.IsNotFound(err) {
			err = baton.NotFound("")
		}
		if err != nil || t.Revoked { // which is said first
			return t, err
		}
		m, err := tx.Member(ctx, s.source, bot.ID)
		if err != nil {
			return t, err
		}
		level, err := access.Policy{Members: tx}.Level(ctx, a, s.source)
		if err != nil {
			return t, err
		}
		if m.AccessLevel > level {
			return t, invalid("Not eligible to rotate tokens with permissions not held by the user")
		}
		if bot.External == a.User.External {
			return t, nil
		}
		// A person who is external gets no token that sees more.
		was := bot
		bot.External, bot.UpdatedAt = a.User.External, a.Now
		if err := tx.UpdateUser(ctx, bot); err != nil {
			return t, err
		}
		return t, tell(ctx, tx, audit.Updates(userAttributes, &was, &bot, aboutUser(a.Author(), &bot).changed)...)
	})
}

// RotateOwnResourceToken replaces the token of the request, which must be one
// of the place: it is CodeUnauthenticated otherwise.
// https://docs.gitlab.com/api/group_access_tokens/#self-rotate.
func (d *Directory) RotateOwnResourceToken(
	ctx context.Context, a *access.Actor, in Place, expires baton.Date,
) (IssuedResourceToken, error) {
	return d.rotate(ctx, a, in, expires, func(ctx context.Context, tx store.Tx, s *spot) (baton.AccessToken, error) {
		t, _, err := s.token(ctx, tx, a.Token.ID)
		if baton.IsNotFound(err) {
			err = unauthenticated()
		}
		return t, err
	})
}

func (d *Directory) rotate(
	ctx context.Context, a *access.Actor, in Place, expires baton.Date,
	find func(ctx context.Context, tx store.Tx, s *spot) (baton.AccessToken, error),
) (IssuedResourceToken, error) {
	var source baton.Source
	issued, err := access.Replace(ctx, d.store, a, expires, func(ctx context.Context, tx store.Tx) (baton.AccessToken, error) {
		s, err := in.find(ctx, tx, a)
		if err != nil {
			return baton.AccessToken{}, err
		}
		source = s.source
		return find(ctx, tx, &s)
	})
	if err != nil {
		return IssuedResourceToken{}, err
	}
	t, err := resourceToken(ctx, d.store, source, issued.AccessToken)
	return IssuedResourceToken{t, issued.Text}, err
}

// RevokeResourceToken ends a token of a place. Its bot stays until
// [Directory.ForgetBots], so that people see what there was.
// https://docs.gitlab.com/api/group_access_tokens/#revoke-a-group-access-token.
func (d *Directory) RevokeResourceToken(ctx context.Context, a *access.Actor, in Place, id baton.TokenID) error {
	err := d.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
		s, err := in.find(ctx, tx, a)
		if err != nil {
			return err
		}
		t, bot, err := s.token(ctx, tx, id)
		if err != nil {
			return err
		}
		can, err := s.can(ctx, tx, a, access.ReadAccessTokens)
		if err != nil {
			return err
		}
		if !can {
			return invalid(a.User.Name + " cannot delete " + bot.Name)
		}
		return access.End(ctx, tx, a, &t, &bot)
	})
	if err != nil {
		return fmt.Errorf("revoke access token: %w", err)
	}
	return nil
}

// readTokens returns the place if the actor may see its tokens.
func (p Place) readTokens(ctx context.Context, r reader, a *access.Actor) (spot, error) {
	s, err := p.find(ctx, r, a)
	if err != nil {
		return spot{}, err
	}
	can, err := s.can(ctx, r, a, access.ReadAccessTokens)
	if err == nil && !can {
		err = unauthenticated()
	}
	return s, err
}

// token returns a token of the place and its bot.
func (s *spot) token(ctx context.Context, r reader, id baton.TokenID) (baton.AccessToken, baton.User, error) {
	missing := baton.NotFound(s.kind() + " Access Token")
	t, err := r.AccessToken(ctx, id)
	if baton.IsNotFound(err) {
		return baton.AccessToken{}, baton.User{}, missing
	}
	if err != nil {
		return baton.AccessToken{}, baton.User{}, err
	}
	u, err := r.User(ctx, t.UserID)
	if err != nil {
		return baton.AccessToken{}, baton.User{}, fmt.Errorf("find user of token: %w", err)
	}
	if u.BotOf != s.source {
		return baton.AccessToken{}, baton.User{}, missing
	}
	return t, u, nil
}

// resourceToken adds the role of the token's bot.
func resourceToken(ctx context.Context, r reader, of baton.Source, t baton.AccessToken) (ResourceToken, error) {
	m, err := r.Member(ctx, of, t.UserID)
	if err != nil {
		return ResourceToken{}, fmt.Errorf("find role of bot: %w", err)
	}
	return ResourceToken{t, of, m.AccessLevel}, nil
}

// kind is what GitLab calls the place.
func (s *spot) kind() string {
	if s.project != nil {
		return "project"
	}
	return "group"
}

func invalid(sentence string) error { return &baton.Error{Code: baton.CodeInvalid, Message: sentence} }

func unauthenticated() error { return &baton.Error{Code: baton.CodeUnauthenticated} }
