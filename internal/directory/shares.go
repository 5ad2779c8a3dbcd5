package directory

import (
	"context"
	"fmt"
	"slices"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/store"
)

// A NamedShare is a share with the group that it lets in.
type NamedShare struct {
	baton.Share

	With baton.Namespace
}

// Shares returns the groups that were let into a group or project, without
// those that the actor may not see.
func (d *Directory) Shares(ctx context.Context, a *access.Actor, of baton.Source) ([]NamedShare, error) {
	shares, err := d.store.Shares(ctx, of)
	if err != nil {
		return nil, fmt.Errorf("list shares: %w", err)
	}
	var named []NamedShare
	for _, s := range shares {
		g, err := findGroup(ctx, d.store, a, RefOf(s.WithGroup))
		if baton.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		named = append(named, NamedShare{Share: s, With: g})
	}
	return named, nil
}

// ShareGroup lets the members of a group into another group, which it returns.
// https://docs.gitlab.com/api/groups/#invite-groups.
func (d *Directory) ShareGroup(
	ctx context.Context, a *access.Actor, group Ref, with Ref, level baton.AccessLevel, expires baton.Date,
) (baton.Namespace, error) {
	var g baton.Namespace
	err := d.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
		s, err := Place{Group: group}.findFor(ctx, tx, a, access.ManageMembers)
		if err != nil {
			return err
		}
		g = s.namespace
		in, err := findGroup(ctx, tx, a, with)
		if err != nil {
			return err
		}
		if in.ID == g.ID {
			return &baton.Error{Code: baton.CodeInvalid, Message: "A group cannot be shared with itself"}
		}
		return s.letIn(ctx, tx, a, in, level, expires,
			"Shared group The group has already been shared with this group")
	})
	if err != nil {
		return baton.Namespace{}, fmt.Errorf("share group: %w", err)
	}
	return g, nil
}

// ShareProject lets the members of a group into a project. Groups that the
// project is in cannot be let in: their members are.
// https://docs.gitlab.com/api/projects/#share-a-project-with-a-group.
func (d *Directory) ShareProject(
	ctx context.Context, a *access.Actor, project Ref, with Ref, level baton.AccessLevel, expires baton.Date,
) (baton.Share, error) {
	var share baton.Share
	err := d.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
		s, err := Place{Project: project}.findFor(ctx, tx, a, access.ManageMembers)
		if err != nil {
			return err
		}
		in, err := findGroup(ctx, tx, a, with)
		if baton.IsNotFound(err) {
			return baton.NotFound("")
		}
		if err != nil {
			return err
		}
		above, err := s.above(ctx, tx)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(above, func(g baton.Namespace) bool { return g.ID == in.ID }) {
			return baton.Conflict("Project cannot be shared with the group it is in or one of its ancestors.")
		}
		share = baton.Share{Source: s.source, WithGroup: in.ID, AccessLevel: level, ExpiresAt: expires}
		return s.letIn(ctx, tx, a, in, level, expires, "Group already shared with this group")
	})
	if err != nil {
		return baton.Share{}, fmt.Errorf("share project: %w", err)
	}
	return share, nil
}

// letIn stores a share. Nobody shares more than the own role.
func (s *spot) letIn(
	ctx context.Context, tx store.Tx, a *access.Actor, with baton.Namespace,
	level baton.AccessLevel, expires baton.Date, exists string,
) error {
	own, err := access.Policy{Members: tx}.Level(ctx, a, s.source)
	if err != nil {
		return err
	}
	if level > own {
		return baton.Denied("")
	}
	if expires != "" && expires < a.Today() {
		return baton.Invalid([]baton.FieldError{{Field: "expires_at", Problem: "cannot be a date in the past"}})
	}
	err = tx.InsertShare(ctx, baton.Share{
		Source: s.source, WithGroup: with.ID, AccessLevel: level, ExpiresAt: expires, CreatedAt: a.Now,
	})
	if baton.CodeOf(err) == baton.CodeConflict {
		return baton.Conflict(exists)
	}
	if err != nil {
		return err
	}
	event := eventGroupShared
	if s.project != nil {
		event = eventProjectShared
	}
	return s.tellShare(ctx, tx, a, event, "Shared with group", &with,
		baton.AuditChange{Attribute: "group_access", To: levelNames[level]},
		baton.AuditChange{Attribute: "expires_at", To: string(expires)})
}

// Unshare ends a share.
// https://docs.gitlab.com/api/groups/#delete-a-group-invitation.
func (d *Directory) Unshare(ctx context.Context, a *access.Actor, of Place, with baton.NamespaceID) error {
	err := d.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
		s, err := of.findFor(ctx, tx, a, access.ManageMembers)
		if err != nil {
			return err
		}
		err = tx.DeleteShare(ctx, s.source, with)
		if baton.IsNotFound(err) {
			return baton.NotFound("Group Link")
		}
		if err != nil {
			return err
		}
		g, err := tx.Namespace(ctx, with)
		if err != nil {
			return err
		}
		event := eventGroupUnshared
		if s.project != nil {
			event = eventProjectUnshared
		}
		return s.tellShare(ctx, tx, a, event, "Shared no more with group", &g)
	})
	if err != nil {
		return fmt.Errorf("end share: %w", err)
	}
	return nil
}
