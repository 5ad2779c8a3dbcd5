package fleet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/audit"
	"baton.example/baton/internal/store"
)

// ErrModified says that a thing was changed since the caller looked at it, who
// wanted it removed only if it was not.
var ErrModified = errors.New("changed since then")

// A Condition is the time since which a thing must not have been changed to be
// removed, zero for whenever.
type Condition time.Time

// check is [ErrModified] unless the thing, last changed at updated, meets the
// condition. Times are compared as they are, while clients know full seconds:
// what was changed and looked at within one second is refused, as in GitLab.
func (c Condition) check(updated time.Time) error {
	if since := time.Time(c); !since.IsZero() && updated.After(since) {
		return ErrModified
	}
	return nil
}

// Remove deletes a runner with its managers and tokens.
// https://docs.gitlab.com/api/runners/#delete-a-runner.
func (s *Service) Remove(ctx context.Context, a *access.Actor, id baton.RunnerID, cond Condition) error {
	err := s.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
		r, err := tx.Runner(ctx, id)
		if err != nil {
			return err
		}
		can, err := look(tx).rights(ctx, a, &r)
		switch {
		case err != nil:
			return err
		case can.projects > 1:
			return baton.Denied("Runner associated with more than one project")
		case !can.remove:
			return baton.Denied(noAccess)
		}
		return remove(ctx, tx, a.Author(), &r, cond)
	})
	if err != nil {
		return fmt.Errorf("delete runner: %w", err)
	}
	return nil
}

// remove deletes a runner.
func remove(ctx context.Context, tx store.Tx, w audit.Author, r *baton.Runner, cond Condition) error {
	if err := cond.check(r.UpdatedAt); err != nil {
		return err
	}
	event, err := look(tx).event(ctx, w, r, eventDeleted, "Unregistered")
	if err != nil {
		return err
	}
	if err := tx.DeleteRunner(ctx, r.ID); err != nil {
		return err
	}
	return tx.InsertAuditEvent(ctx, event)
}
