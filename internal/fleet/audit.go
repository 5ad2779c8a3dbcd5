package fleet

import (
	"context"
	"fmt"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/access"
)

// The names of audit events. Those that GitLab has too are spelled as there.
const (
	eventCreated        = "ci_runner_created"
	eventUpdated        = "ci_runner_updated"
	eventDeleted        = "ci_runner_unregistered"
	eventAssigned       = "ci_runner_assigned_to_project"
	eventUnassigned     = "ci_runner_unassigned_from_project"
	eventRotated        = "ci_runner_token_reset"
	eventManagerDeleted = "ci_runner_manager_unregistered"
)

// An author is who did what an audit event tells of.
type author struct {
	id   baton.UserID
	name string
	ip   string
	at   time.Time
}

// by returns a user as an author.
func by(a *access.Actor) author {
	return author{id: a.User.ID, name: a.User.Name, ip: a.IP, at: a.Now}
}

// A place is where a runner belongs.
type place struct {
	// word names the type of the place, page is the path of its runners.
	word, page string
}

// event returns the audit event of something done to a runner in the place.
func (p place) event(w author, r *baton.Runner, name, verb string) baton.AuditEvent {
	return baton.AuditEvent{
		Name:          name,
		AuthorID:      w.id,
		AuthorName:    w.name,
		IP:            w.ip,
		Source:        source(r),
		TargetType:    "Ci::Runner",
		TargetID:      int64(r.ID),
		TargetDetails: fmt.Sprintf("%s/%d", p.page, r.ID),
		Message:       verb + " " + p.word + " CI runner",
		CreatedAt:     w.at,
	}
}

// The places of runners.
func instancePlace() place { return place{"instance", "/admin/runners"} }

func groupPlace(g *baton.Namespace) place {
	return place{"group", "/groups/" + g.FullPath + "/-/runners"}
}

func projectPlace(p *baton.Project) place { return place{"project", "/" + p.FullPath + "/-/runners"} }

// place returns where the runner belongs.
func (v view) place(ctx context.Context, r *baton.Runner) (place, error) {
	switch r.Type {
	case baton.GroupRunner:
		g, err := v.Namespace(ctx, r.GroupID)
		if err != nil {
			return place{}, fmt.Errorf("find group of runner: %w", err)
		}
		return groupPlace(&g), nil
	case baton.ProjectRunner:
		p, err := v.Project(ctx, r.ProjectID)
		if err != nil {
			return place{}, fmt.Errorf("find project of runner: %w", err)
		}
		return projectPlace(&p), nil
	case baton.InstanceRunner:
	}
	return instancePlace(), nil
}

// event returns the audit event of something done to a runner.
func (v view) event(ctx context.Context, w author, r *baton.Runner, name, verb string) (baton.AuditEvent, error) {
	p, err := v.place(ctx, r)
	if err != nil {
		return baton.AuditEvent{}, err
	}
	return p.event(w, r, name, verb), nil
}
