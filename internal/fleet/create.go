package fleet

import (
	"context"
	"fmt"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/audit"
	"baton.example/baton/internal/store"
)

// A NewRunner is what somebody wants a runner to be.
type NewRunner struct {
	// Runner holds the attributes. ID, creator, and times are set here.
	baton.Runner
	// TimeoutGiven tells that Runner.MaximumTimeout was asked for, so that 0
	// is too low instead of none.
	TimeoutGiven bool
	FirstToken   FirstToken
}

// A Created is a new runner with the one copy of its token.
type Created struct {
	ID    baton.RunnerID
	Token baton.Secret
	// ExpiresAt is the end of the token's life, zero for none.
	ExpiresAt time.Time
}

// insufficient is what GitLab says to whoever may not create a runner, for
// every reason alike.
const insufficient = "Insufficient permissions"

// Create makes a runner for the actor and returns its token, which nothing can
// show again.
//
// The checks, in GitLab's order: the group or project exists (CodeInvalid,
// "Missing/invalid group"), the actor may create a runner there (CodeDenied),
// the first token ends when it may (CodeInvalid), the attributes are valid
// (CodeInvalid with fields). That a private group exists leaks by this order, in
// GitLab too.
// https://docs.gitlab.com/api/users/#create-a-runner-linked-to-a-user.
//
// answer, unless nil, makes the answer to store with the runner, for a request
// with an idempotency key; if the same key has an answer already the error is
// CodeConflict and no runner is made.
func (s *Service) Create(ctx context.Context, a *access.Actor, n NewRunner, answer func(Created) (store.Answer, error)) (Created, error) {
	scope, err := s.view.scope(ctx, a, n.Runner)
	if err != nil {
		return Created{}, err
	}
	end, err := n.FirstToken.end(a.Now, scope.lives)
	if err != nil {
		return Created{}, err
	}
	if err := n.Validate(n.TimeoutGiven); err != nil {
		return Created{}, err
	}

	r := n.Runner
	r.CreatorID = a.User.ID
	if d := n.FirstToken.RotationDeadline; d != nil {
		r.TokenRotationDeadline = *d
	}
	made, creation := scope.creation(a.Author(), r, end, eventCreated, "Created")
	if answer != nil {
		creation.Answer = func(id baton.RunnerID) (store.Answer, error) {
			return answer(Created{ID: id, Token: made.Token, ExpiresAt: made.ExpiresAt})
		}
	}
	if made.ID, err = s.store.CreateRunner(ctx, creation); err != nil {
		return Created{}, fmt.Errorf("create runner: %w", err)
	}
	return made, nil
}

// A runnerScope is where a runner is made.
type runnerScope struct {
	place

	lives lives
}

// creation makes a token, which works until end, for a new runner of the scope,
// and what is to be stored of both with the audit event.
func (sc *runnerScope) creation(w audit.Author, r baton.Runner, end time.Time, event, verb string) (Created, store.RunnerCreation) {
	r.CreatedAt, r.UpdatedAt = w.At, w.At
	made := Created{Token: baton.NewToken(r.TokenPrefix()), ExpiresAt: end}
	return made, store.RunnerCreation{
		Runner:         r,
		Token:          made.Token.Digest(),
		TokenExpiresAt: made.ExpiresAt,
		Audit: func(id baton.RunnerID) baton.AuditEvent {
			made := r
			made.ID = id
			return sc.event(w, &made, event, verb)
		},
	}
}

// scope finds where the runner is to be made and whether the actor may.
func (v view) scope(ctx context.Context, a *access.Actor, r baton.Runner) (runnerScope, error) {
	switch r.Type {
	case baton.GroupRunner:
		return v.groupScope(ctx, a, r.GroupID)
	case baton.ProjectRunner:
		return v.projectScope(ctx, a, r.ProjectID)
	case baton.InstanceRunner:
		if !a.Admin {
			return runnerScope{}, baton.Denied(insufficient)
		}
		return runnerScope{
			place: instancePlace(),
			lives: instanceLives(&a.Settings),
		}, nil
	default:
		return runnerScope{}, fmt.Errorf("runner type %q", r.Type)
	}
}

func (v view) groupScope(ctx context.Context, a *access.Actor, id baton.NamespaceID) (runnerScope, error) {
	chain, err := v.Ancestors(ctx, id)
	if baton.IsNotFound(err) || err == nil && chain[0].Kind != baton.GroupNamespace {
		return runnerScope{}, &baton.Error{Code: baton.CodeInvalid, Message: "Missing/invalid group", Cause: err}
	}
	if err != nil {
		return runnerScope{}, fmt.Errorf("find group: %w", err)
	}
	group := chain[0]
	may, err := v.policy.CanGroup(ctx, a, access.CreateRunner, &group)
	if err != nil {
		return runnerScope{}, err
	}
	if !may || !a.Admin && restricted(&a.Settings, chain) {
		return runnerScope{}, baton.Denied(insufficient)
	}
	return runnerScope{place: groupPlace(&group), lives: groupLives(&a.Settings, chain)}, nil
}

// restricted reports whether the registration of group runners is closed to
// all but administrators, for the instance, the group or an ancestor of it.
func restricted(s *baton.Settings, chain []baton.Namespace) bool {
	if !s.MayRegister(baton.RegistrarGroup) {
		return true
	}
	for _, n := range chain {
		if !n.RunnerRegistrationEnabled {
			return true
		}
	}
	return false
}

func (v view) projectScope(ctx context.Context, a *access.Actor, id baton.ProjectID) (runnerScope, error) {
	project, err := v.Project(ctx, id)
	if baton.IsNotFound(err) {
		return runnerScope{}, &baton.Error{Code: baton.CodeInvalid, Message: "Missing/invalid project", Cause: err}
	}
	if err != nil {
		return runnerScope{}, fmt.Errorf("find project: %w", err)
	}
	may, err := v.mayCreateIn(ctx, a, &project)
	if err != nil {
		return runnerScope{}, err
	}
	if !may {
		return runnerScope{}, baton.Denied(insufficient)
	}
	chain, err := v.Ancestors(ctx, project.NamespaceID)
	if err != nil {
		return runnerScope{}, fmt.Errorf("find ancestors: %w", err)
	}
	return runnerScope{place: projectPlace(&project), lives: projectLives(&a.Settings, &project, chain)}, nil
}

// mayCreateIn reports whether the actor may create runners of the project. The
// flags of the groups above do not count here, in GitLab neither.
func (v view) mayCreateIn(ctx context.Context, a *access.Actor, p *baton.Project) (bool, error) {
	may, err := v.policy.CanProject(ctx, a, access.CreateRunner, p)
	return may && (a.Admin || openProject(&a.Settings, p)), err
}

// openProject reports whether the registration of runners of the project is
// open to others than administrators.
func openProject(s *baton.Settings, p *baton.Project) bool {
	return s.MayRegister(baton.RegistrarProject) && p.RunnerRegistrationEnabled
}
