package directory

import (
	"context"
	"fmt"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/store"
)

// BlockUser keeps a user from acting until [Directory.UnblockUser]. It changes
// nothing for who is blocked already.
// https://docs.gitlab.com/api/user_moderation/#block-access-to-a-user.
func (d *Directory) BlockUser(ctx context.Context, a *access.Actor, id baton.UserID) error {
	return d.moveUser(ctx, a, id, eventUserBlocked, func(u baton.User) (baton.UserState, error) {
		if a.Is(id) {
			return "", baton.Denied("The API initiating user cannot be blocked by the API")
		}
		return baton.UserBlocked, nil
	})
}

// UnblockUser lets a blocked user act again.
// https://docs.gitlab.com/api/user_moderation/#unblock-access-to-a-user.
func (d *Directory) UnblockUser(ctx context.Context, a *access.Actor, id baton.UserID) error {
	return d.moveUser(ctx, a, id, eventUserUnblocked, func(u baton.User) (baton.UserState, error) {
		if u.State == baton.UserDeactivated {
			return "", baton.Denied("Deactivated users cannot be unblocked by the API")
		}
		return baton.UserActive, nil
	})
}

// DeactivateUser puts a user to rest until [Directory.ActivateUser]. GitLab
// refuses this for users who were active within 90 days, since signing in
// wakes them again there; here it is up to the administrator, who for the same
// reason cannot do it to himself.
// https://docs.gitlab.com/api/user_moderation/#deactivate-a-user.
func (d *Directory) DeactivateUser(ctx context.Context, a *access.Actor, id baton.UserID) error {
	return d.moveUser(ctx, a, id, eventUserDeactivated, func(u baton.User) (baton.UserState, error) {
		if a.Is(id) {
			return "", baton.Denied("The API initiating user cannot be deactivated by the API")
		}
		if u.State == baton.UserBlocked {
			return "", baton.Denied("A blocked user cannot be deactivated by the API")
		}
		return baton.UserDeactivated, nil
	})
}

// ActivateUser wakes a deactivated user.
// https://docs.gitlab.com/api/user_moderation/#reactivate-a-user.
func (d *Directory) ActivateUser(ctx context.Context, a *access.Actor, id baton.UserID) error {
	return d.moveUser(ctx, a, id, eventUserActivated, func(u baton.User) (baton.UserState, error) {
		if u.State == baton.UserBlocked {
			return "", baton.Denied("A blocked user must be unblocked to be activated")
		}
		return baton.UserActive, nil
	})
}

// moveUser brings a user into the state that next says, which the event tells.
func (d *Directory) moveUser(
	ctx context.Context, a *access.Actor, id baton.UserID, event string, next func(baton.User) (baton.UserState, error),
) error {
	if !a.Admin {
		return baton.Denied("")
	}
	err := d.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
		u, err := findUser(ctx, tx, id)
		if err != nil {
			return err
		}
		state, err := next(u)
		if err != nil || state == u.State {
			return err
		}
		if state != baton.UserActive {
			if err := notLastAdmin(ctx, tx, a, u); err != nil {
				return err
			}
		}
		change := baton.AuditChange{Attribute: "state", From: string(u.State), To: string(state)}
		u.State, u.UpdatedAt = state, a.Now
		if err := tx.UpdateUser(ctx, u); err != nil {
			return err
		}
		return tell(ctx, tx, aboutUser(a.Author(), &u).changed(event, change))
	})
	if err != nil {
		return fmt.Errorf("change state of user: %w", err)
	}
	return nil
}

// notLastAdmin returns an error if nobody but the user can administer Baton.
// Who has the machine itself can make an administrator again, and so may end
// the last one.
func notLastAdmin(ctx context.Context, r reader, a *access.Actor, u baton.User) error {
	if a.Token == nil || !u.Admin || u.Bot || u.State != baton.UserActive {
		return nil
	}
	admins, err := r.CountUsers(ctx, store.UserFilter{
		Admins: true, Humans: true, States: []baton.UserState{baton.UserActive},
	})
	if err != nil {
		return fmt.Errorf("count administrators: %w", err)
	}
	if admins > 1 {
		return nil
	}
	return baton.Denied("The last active administrator must remain one")
}

// DeleteUser removes a user with the personal namespace and its projects. The
// only Owner of a group is not removed; with hard, the group goes along.
// Runners that the user created elsewhere live on.
// https://docs.gitlab.com/api/users/#delete-a-user.
func (d *Directory) DeleteUser(ctx context.Context, a *access.Actor, id baton.UserID, hard bool) error {
	if !a.Admin {
		return baton.Denied("")
	}
	err := d.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
		u, err := findUser(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := notLastAdmin(ctx, tx, a, u); err != nil {
			return err
		}
		var groups []baton.NamespaceID
		if !u.Bot { // nobody relies on a bot to own a group
			if groups, err = soloOwned(ctx, tx, u.ID, a.Today()); err != nil {
				return err
			}
		}
		if len(groups) > 0 && !hard {
			return baton.Conflict("User cannot be removed while is the sole-owner of a group")
		}
		own, err := tx.PersonalNamespace(ctx, u.ID)
		if err != nil && !baton.IsNotFound(err) {
			return fmt.Errorf("find personal namespace: %w", err)
		}
		if err == nil {
			groups = append(groups, own.ID)
		}
		for _, id := range groups {
			g, err := tx.Namespace(ctx, id)
			if baton.IsNotFound(err) {
				continue // it has gone with one that it was in
			}
			if err != nil {
				return err
			}
			if err := deleteNamespace(ctx, tx, a, &g); err != nil {
				return err
			}
		}
		if err := tx.DeleteUser(ctx, u.ID); err != nil {
			return err
		}
		return tell(ctx, tx, aboutUser(a.Author(), &u)(eventUserDeleted, "User destroyed"))
	})
	if err != nil {
		return fmt.Errorf("delete user: %w", err)
	}
	return nil
}

// soloOwned returns the groups that would be left without any Owner if the
// user were gone.
func soloOwned(ctx context.Context, r reader, user baton.UserID, today baton.Date) ([]baton.NamespaceID, error) {
	owned, err := every(func(p store.Page) ([]baton.Namespace, error) {
		return r.Groups(ctx, store.GroupFilter{
			VisibleTo: &store.Viewer{UserID: user, Today: today}, Owned: true,
		}, p)
	})
	if err != nil {
		return nil, fmt.Errorf("list owned groups: %w", err)
	}
	var solo []baton.NamespaceID
	for _, g := range owned {
		m, err := r.Member(ctx, baton.InGroup(g.ID), user)
		if baton.IsNotFound(err) || err == nil && m.AccessLevel < baton.OwnerAccess {
			continue // an Owner by inheritance or a share; whoever gave that is one too
		}
		if err != nil {
			return nil, err
		}
		others, err := hasOtherOwner(ctx, r, g.ID, user, today)
		if err != nil {
			return nil, err
		}
		if !others {
			solo = append(solo, g.ID)
		}
	}
	return solo, nil
}

// hasOtherOwner reports whether any person but the user is an Owner of the
// group, as a member of it or of a group that it is in.
func hasOtherOwner(
	ctx context.Context, r reader, group baton.NamespaceID, user baton.UserID, today baton.Date,
) (bool, error) {
	chain, err := r.Ancestors(ctx, group)
	if err != nil {
		return false, fmt.Errorf("find ancestors: %w", err)
	}
	for _, g := range chain {
		members, err := every(func(p store.Page) ([]baton.Member, error) {
			return r.Members(ctx, baton.InGroup(g.ID), p)
		})
		if err != nil {
			return false, fmt.Errorf("list members: %w", err)
		}
		for _, m := range members {
			if m.UserID == user || m.AccessLevel != baton.OwnerAccess || expired(m.ExpiresAt, today) {
				continue
			}
			u, err := r.User(ctx, m.UserID)
			if err != nil {
				return false, fmt.Errorf("find user of membership: %w", err)
			}
			if !u.Bot {
				return true, nil
			}
		}
	}
	return false, nil
}

// expired reports whether a day has come.
func expired(d, today baton.Date) bool { return d != "" && d <= today }
