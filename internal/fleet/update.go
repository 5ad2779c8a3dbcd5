package fleet

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/audit"
	"baton.example/baton/internal/store"
)

// A Change is what to change of a runner; nil leaves a thing as it is.
type Change struct {
	Description     *string
	MaintenanceNote *string
	Paused          *bool
	Locked          *bool
	RunUntagged     *bool
	AccessLevel     *baton.RunnerAccess
	MaximumTimeout  *Seconds
	Tags            *[]string
	TokenOverlap    *Seconds
}

// Seconds are what a length of time is changed to.
type Seconds struct {
	// None takes away what was said; Number then says nothing.
	None   bool
	Number int
}

// Update changes a runner and returns it without its projects. In GitLab's
// order: the runner exists, the actor may change it, the new attributes are
// valid. The audit log holds what was before; a change that changes nothing is
// not written down.
// https://docs.gitlab.com/api/runners/#update-runner-details.
func (s *Service) Update(ctx context.Context, a *access.Actor, id baton.RunnerID, c Change) (Details, error) {
	d := Details{MayUpdate: true}
	err := s.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
		was, err := look(tx).updatable(ctx, a, id)
		if err != nil {
			return err
		}
		d.Runner = was
		if err := c.apply(&d.Runner); err != nil {
			return err
		}
		changes := audit.Compare(attributes, &was, &d.Runner)
		if len(changes) == 0 {
			return nil
		}
		d.Runner.UpdatedAt = a.Now
		if err := tx.UpdateRunner(ctx, d.Runner); err != nil {
			return err
		}
		event, err := look(tx).event(ctx, a.Author(), &was, eventUpdated, "Updated", changes...)
		if err != nil {
			return err
		}
		return tx.InsertAuditEvent(ctx, event)
	})
	if err != nil {
		return Details{}, fmt.Errorf("update runner: %w", err)
	}
	return s.complete(ctx, d)
}

// updatable returns the runner if the actor may change it.
func (v view) updatable(ctx context.Context, a *access.Actor, id baton.RunnerID) (baton.Runner, error) {
	r, err := v.Runner(ctx, id)
	if err != nil {
		return baton.Runner{}, err
	}
	can, err := v.rights(ctx, a, &r)
	if err == nil && !can.update {
		err = baton.Denied(noAccess)
	}
	return r, err
}

// apply changes r, and returns what keeps it from being stored so.
func (c *Change) apply(r *baton.Runner) error {
	set(&r.Description, c.Description)
	set(&r.MaintenanceNote, c.MaintenanceNote)
	set(&r.Paused, c.Paused)
	set(&r.Locked, c.Locked)
	set(&r.RunUntagged, c.RunUntagged)
	set(&r.AccessLevel, c.AccessLevel)
	set(&r.Tags, c.Tags)
	timeout := c.MaximumTimeout != nil && !c.MaximumTimeout.None
	if c.MaximumTimeout != nil {
		r.MaximumTimeout = c.MaximumTimeout.Number
	}
	if c.TokenOverlap != nil {
		r.TokenOverlap = nil
		if !c.TokenOverlap.None {
			r.TokenOverlap = &c.TokenOverlap.Number
		}
	}
	return r.Validate(timeout)
}

// set writes what a change holds; nil leaves things as they are.
func set[T any](dst, v *T) {
	if v != nil {
		*dst = *v
	}
}

// attributes are what a change can change, in words for the audit log.
var attributes = []audit.Attribute[baton.Runner]{
	audit.NewAttribute("description", eventUpdated, func(r *baton.Runner) string { return r.Description }),
	audit.NewAttribute("maintenance_note", eventUpdated, func(r *baton.Runner) string { return r.MaintenanceNote }),
	audit.NewAttribute("paused", eventUpdated, func(r *baton.Runner) string { return strconv.FormatBool(r.Paused) }),
	audit.NewAttribute("locked", eventUpdated, func(r *baton.Runner) string { return strconv.FormatBool(r.Locked) }),
	audit.NewAttribute("run_untagged", eventUpdated, func(r *baton.Runner) string { return strconv.FormatBool(r.RunUntagged) }),
	audit.NewAttribute("access_level", eventUpdated, func(r *baton.Runner) string { return string(r.AccessLevel) }),
	audit.NewAttribute("maximum_timeout", eventUpdated, func(r *baton.Runner) string { return audit.Number(r.MaximumTimeout) }),
	audit.NewAttribute("tag_list", eventUpdated, func(r *baton.Runner) string { return strings.Join(r.Tags, ",") }),
	audit.NewAttribute("token_overlap", eventUpdated, func(r *baton.Runner) string { return audit.Optional(r.TokenOverlap) }),
}
