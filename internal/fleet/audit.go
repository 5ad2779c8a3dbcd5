package fleet

import (
	"context"
	"fmt"
	"strconv"

	"baton.example/baton"
	"baton.example/baton/internal/audit"
)

// The names of audit events. Those that GitLab has too are spelled as there.
const (
	eventCreated        = "ci_runner_created"
	eventRegistered     = "ci_runner_registered"
	eventUpdated        = "ci_runner_updated"
	eventDeleted        = "ci_runner_unregistered"
	eventAssigned       = "ci_runner_assigned_to_project"
	eventUnassigned     = "ci_runner_unassigned_from_project"
	eventRotated        = "ci_runner_token_reset" // GitLab's for registration tokens alone
	eventManagerDeleted = "ci_runner_manager_unregistered"

	eventStaleCreated = "stale_runner_policy_created"
	eventStaleUpdated = "stale_runner_policy_updated"
	eventStaleDeleted = "stale_runner_policy_deleted"
	eventStaleApplied = "stale_runner_policy_applied"
)

// A place is where a runner belongs.
type place struct {
	// word names the type of the place, page is the path of its runners.
	word, page string
	scope      audit.Scope
}

// event returns the audit event of something done to a runner in the place.
func (p place) event(w audit.Author, r *baton.Runner, name, verb string, changes ...baton.AuditChange) baton.AuditEvent {
	return p.tell(w, r.ID, name, verb+" "+p.word+" CI runner", changes...)
}

// tell is event with a message of its own.
func (p place) tell(w audit.Author, r baton.RunnerID, name, message string, changes ...baton.AuditChange) baton.AuditEvent {
	target := audit.Target{Type: "Ci::Runner", ID: int64(r), Details: fmt.Sprintf("%s/%d", p.page, r)}
	return w.Event(p.scope, name, target, message, changes...)
}

// registrationReset returns the audit event of a registration token of the
// place that took the place of another, 0 for none. Its target is the page of
// the runners, which has no id.
func (p place) registrationReset(w audit.Author, from, to int) baton.AuditEvent {
	change := baton.AuditChange{Attribute: "registration_token", To: strconv.Itoa(to)}
	if from != 0 {
		change.From = strconv.Itoa(from)
	}
	return w.Event(p.scope, eventRotated, audit.Target{Details: p.page}, "Reset "+p.word+" runner registration token", change)
}

// The places of runners.
func instancePlace() place { return place{word: "instance", page: "/admin/runners"} }

func groupPlace(g *baton.Namespace) place {
	return place{"group", "/groups/" + g.FullPath + "/-/runners", audit.InGroup(g)}
}

func projectPlace(p *baton.Project) place {
	return place{"project", "/" + p.FullPath + "/-/runners", audit.InProject(p)}
}

// place returns where the runner belongs.
func (v view) place(ctx context.Context, r *baton.Runner) (place, error) {
	return v.placeOf(ctx, ownerOf(r))
}

// placeOf returns the place that is a group, a project or, with the zero source,
// the instance.
func (v view) placeOf(ctx context.Context, of baton.Source) (place, error) {
	switch {
	case of.Project != 0:
		p, err := v.Project(ctx, of.Project)
		if err != nil {
			return place{}, fmt.Errorf("find project of runner: %w", err)
		}
		return projectPlace(&p), nil
	case of.Namespace != 0:
		g, err := v.Namespace(ctx, of.Namespace)
		if err != nil {
			return place{}, fmt.Errorf("find group of runner: %w", err)
		}
		return groupPlace(&g), nil
	default:
		return instancePlace(), nil
	}
}

// event returns the audit event of something done to a runner.
func (v view) event(
	ctx context.Context, w audit.Author, r *baton.Runner, name, verb string, changes ...baton.AuditChange,
) (baton.AuditEvent, error) {
	p, err := v.place(ctx, r)
	if err != nil {
		return baton.AuditEvent{}, err
	}
	return p.event(w, r, name, verb, changes...), nil
}
