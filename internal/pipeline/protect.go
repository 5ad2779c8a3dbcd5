package pipeline

import (
	"context"
	"fmt"

	"baton.example/baton"
	"baton.example/baton/internal/access"
)

// protects reports whether the ref is protected, and is an error when the actor
// may not run pipelines for it then.
func (c *change) protects(ctx context.Context, a *access.Actor, p *baton.Project, ref string, tag bool) (bool, error) {
	rules, err := c.ProtectedRefs(ctx, p.ID)
	if err != nil {
		return false, err
	}
	level, err := c.policy.Level(ctx, a, baton.InProject(p.ID))
	if err != nil {
		return false, err
	}
	if a.Admin {
		level = baton.AdminAccess
	}
	protected, may := false, false
	for _, r := range rules {
		if r.Tag == tag && r.Matches(ref) {
			protected = true
			may = may || r.Allows(level)
		}
	}
	if protected && !may {
		return false, invalid(fmt.Sprintf("You do not have sufficient permission to run a pipeline on '%s'. "+
			"Please select a different branch or contact your administrator for assistance.", ref))
	}
	return protected, nil
}
