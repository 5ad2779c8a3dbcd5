package access

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"baton.example/baton"
	"baton.example/baton/internal/audit"
	"baton.example/baton/internal/store"
)

// What happens to tokens is written down in two ways, as in GitLab: that of a
// person's token belongs to the person, and that of a bot's to the group or
// project whose bot it is. A rotation is the end of one token and the issue of
// another.

// IssueEvent returns the audit event of a new token of a person.
func IssueEvent(w audit.Author, t *baton.AccessToken, u *baton.User) baton.AuditEvent {
	return owner{"personal", audit.OfUser(u)}.event(w, "personal_access_token_issued", "Created", t, issued(t)...)
}

// tellIssued writes down that a user got a token.
func tellIssued(ctx context.Context, tx store.Tx, w audit.Author, t *baton.AccessToken, u *baton.User) error {
	if !u.Bot {
		return tx.InsertAuditEvent(ctx, IssueEvent(w, t, u))
	}
	o, err := ownerOf(ctx, tx, u)
	if err != nil {
		return err
	}
	m, err := tx.Member(ctx, u.BotOf, u.ID)
	if err != nil {
		return fmt.Errorf("find role of bot: %w", err)
	}
	changes := append(issued(t), baton.AuditChange{Attribute: "access_level", To: strconv.Itoa(int(m.AccessLevel))})
	return tx.InsertAuditEvent(ctx, o.event(w, o.kind+"_access_token_created", "Created", t, changes...))
}

// issued returns what a new token is.
func issued(t *baton.AccessToken) []baton.AuditChange {
	scopes := make([]string, len(t.Scopes))
	for i, s := range t.Scopes {
		scopes[i] = string(s)
	}
	return []baton.AuditChange{
		{Attribute: "scopes", To: strings.Join(scopes, ",")},
		{Attribute: "expires_at", To: string(t.ExpiresAt)},
	}
}

// tellRevoked writes down that a token of the user's was ended. The message is
// what was done to it.
func tellRevoked(ctx context.Context, tx store.Tx, w audit.Author, message string, t *baton.AccessToken, u *baton.User) error {
	o, err := ownerOf(ctx, tx, u)
	if err != nil {
		return err
	}
	name := "personal_access_token_revoked"
	if u.Bot {
		name = o.kind + "_access_token_deleted"
	}
	return tx.InsertAuditEvent(ctx, o.event(w, name, message, t))
}

// An owner is what a token's events belong to.
type owner struct {
	// kind is what GitLab calls its tokens.
	kind  string
	scope audit.Scope
}

// ownerOf returns what the events of a user's tokens belong to.
func ownerOf(ctx context.Context, tx store.Tx, u *baton.User) (owner, error) {
	switch of := u.BotOf; {
	case !u.Bot:
		return owner{"personal", audit.OfUser(u)}, nil
	case of.Project != 0:
		p, err := tx.Project(ctx, of.Project)
		if err != nil {
			return owner{}, fmt.Errorf("find project of bot: %w", err)
		}
		return owner{"project", audit.InProject(&p)}, nil
	default:
		g, err := tx.Namespace(ctx, of.Namespace)
		if err != nil {
			return owner{}, fmt.Errorf("find group of bot: %w", err)
		}
		return owner{"group", audit.InGroup(&g)}, nil
	}
}

// event returns the event of something done to a token.
func (o owner) event(w audit.Author, name, done string, t *baton.AccessToken, changes ...baton.AuditChange) baton.AuditEvent {
	target := audit.Target{Type: "PersonalAccessToken", ID: int64(t.ID), Details: t.Name}
	return w.Event(o.scope, name, target, fmt.Sprintf("%s %s access token with id %d", done, o.kind, t.ID), changes...)
}
