package fleet

import (
	"context"
	"fmt"
	"strconv"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/audit"
	"baton.example/baton/internal/store"
)

// A StaleChange is what to change of a [baton.StaleRunnerPolicy]; nil leaves a
// thing as it is.
type StaleChange struct {
	RunnerAge    *Seconds
	RunnerAction *baton.StaleAction
	ManagerAge   *Seconds
	Automatic    *bool
}

// apply changes p, and returns what keeps it from being stored so.
func (c *StaleChange) apply(p *baton.StaleRunnerPolicy) error {
	setAge(&p.RunnerAge, c.RunnerAge)
	set(&p.RunnerAction, c.RunnerAction)
	setAge(&p.ManagerAge, c.ManagerAge)
	set(&p.Automatic, c.Automatic)
	return p.Validate()
}

// setAge writes an age. Zero means none where it is kept, and is too low where it
// was asked for.
func setAge(dst *int, v *Seconds) {
	switch {
	case v == nil:
	case v.None:
		*dst = 0
	case v.Number == 0:
		*dst = -1
	default:
		*dst = v.Number
	}
}

// newStalePolicy returns what a policy is before anything was said: it does
// nothing, and is gentle where it is told to do something.
func newStalePolicy(of baton.Source) baton.StaleRunnerPolicy {
	return baton.StaleRunnerPolicy{Source: of, RunnerAction: baton.PauseStale}
}

// staleAttributes are what a policy says, in words for the audit log.
var staleAttributes = []audit.Attribute[baton.StaleRunnerPolicy]{
	audit.NewAttribute("runner_age", eventStaleUpdated, func(p *baton.StaleRunnerPolicy) string { return audit.Number(p.RunnerAge) }),
	audit.NewAttribute("runner_action", eventStaleUpdated, func(p *baton.StaleRunnerPolicy) string { return string(p.RunnerAction) }),
	audit.NewAttribute("manager_age", eventStaleUpdated, func(p *baton.StaleRunnerPolicy) string { return audit.Number(p.ManagerAge) }),
	audit.NewAttribute("automatic", eventStaleUpdated, func(p *baton.StaleRunnerPolicy) string {
		if p.RunnerAction == "" {
			return "" // there is no policy
		}
		return strconv.FormatBool(p.Automatic)
	}),
}

// StalePolicy returns the policy that counts in a group, a project or, with the
// zero source, the instance: its own, or the nearest above, which its Source
// tells. Who may see the runners there may see it.
func (s *Service) StalePolicy(ctx context.Context, a *access.Actor, of baton.Source) (baton.StaleRunnerPolicy, error) {
	if err := s.view.may(ctx, a, access.ReadRunners, of); err != nil {
		return baton.StaleRunnerPolicy{}, err
	}
	p, err := s.store.NearestStalePolicy(ctx, of)
	if err != nil {
		return baton.StaleRunnerPolicy{}, fmt.Errorf("find stale runner policy: %w", err)
	}
	return p, nil
}

// SetStalePolicy changes the source's own policy, or makes it, and returns it.
// Who may manage the runners there may: administrators for the instance, Owners
// of a group, Maintainers of a project. A policy can do nothing that they could
// not do by hand.
func (s *Service) SetStalePolicy(ctx context.Context, a *access.Actor, of baton.Source, c StaleChange) (baton.StaleRunnerPolicy, error) {
	var p baton.StaleRunnerPolicy
	err := s.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
		v := look(tx)
		if err := v.may(ctx, a, access.ManageRunners, of); err != nil {
			return err
		}
		name, verb := eventStaleUpdated, "Changed"
		was, err := tx.StalePolicy(ctx, of)
		switch {
		case baton.IsNotFound(err):
			p, name, verb = newStalePolicy(of), eventStaleCreated, "Set"
			p.CreatedAt = a.Now
		case err != nil:
			return err
		default:
			p = was
		}
		if err := c.apply(&p); err != nil {
			return err
		}
		changes := audit.Compare(staleAttributes, &was, &p)
		if len(changes) == 0 {
			return nil
		}
		p.UpdatedAt = a.Now
		if err := tx.SetStalePolicy(ctx, p); err != nil {
			return err
		}
		return v.tellStale(ctx, tx, a.Author(), of, name, verb, changes...)
	})
	if err != nil {
		return baton.StaleRunnerPolicy{}, fmt.Errorf("set stale runner policy: %w", err)
	}
	return p, nil
}

// RemoveStalePolicy takes the source's own policy away, so that the nearest above
// counts.
func (s *Service) RemoveStalePolicy(ctx context.Context, a *access.Actor, of baton.Source) error {
	err := s.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
		v := look(tx)
		if err := v.may(ctx, a, access.ManageRunners, of); err != nil {
			return err
		}
		was, err := tx.StalePolicy(ctx, of)
		if err != nil {
			return err
		}
		if err := tx.DeleteStalePolicy(ctx, of); err != nil {
			return err
		}
		return v.tellStale(ctx, tx, a.Author(), of, eventStaleDeleted, "Removed",
			audit.Compare(staleAttributes, &was, &baton.StaleRunnerPolicy{})...)
	})
	if err != nil {
		return fmt.Errorf("remove stale runner policy: %w", err)
	}
	return nil
}

// tellStale writes an audit event about the policy of the source.
func (v view) tellStale(
	ctx context.Context, tx store.Tx, w audit.Author, of baton.Source, name, verb string, changes ...baton.AuditChange,
) error {
	p, err := v.placeOf(ctx, of)
	if err != nil {
		return err
	}
	return tx.InsertAuditEvent(ctx, w.Event(p.scope, name, audit.Target{Details: p.page}, verb+" "+p.word+" stale runner policy", changes...))
}
