package fleet

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"baton.example/baton"
	"baton.example/baton/internal/audit"
	"baton.example/baton/internal/store"
)

// ErrRegistrationDisallowed says that registration tokens do not work: in the
// whole instance, or in the topmost group.
var ErrRegistrationDisallowed = errors.New("runner registration disallowed")

// Register makes a runner for a machine that holds a registration token, of the
// type that goes with it. Attributes alone count of n.
//
// The checks, in GitLab's order: the token is known and registration is open
// where it belongs (CodeDenied), tokens work there
// ([ErrRegistrationDisallowed]), the attributes are valid (CodeInvalid with
// fields). While tokens do not work in the instance, every token is told that,
// unknown ones too.
// https://docs.gitlab.com/api/runners/#create-a-runner.
func (s *Service) Register(ctx context.Context, token baton.Secret, n NewRunner, ip string) (Created, error) {
	settings, err := s.store.Settings(ctx)
	if err != nil {
		return Created{}, fmt.Errorf("read settings: %w", err)
	}
	t, at, err := s.view.registryOf(ctx, &settings, token)
	switch {
	case err != nil && !baton.IsNotFound(err):
		return Created{}, err
	case !settings.AllowRunnerRegistrationToken && strings.TrimSpace(token.Reveal()) != "":
		return Created{}, ErrRegistrationDisallowed
	case err != nil || !at.open:
		return Created{}, baton.Denied("invalid token supplied")
	case !at.allowed:
		return Created{}, ErrRegistrationDisallowed
	}
	if err := n.Validate(n.TimeoutGiven); err != nil {
		return Created{}, err
	}

	r := n.Runner
	r.Type, r.GroupID, r.ProjectID, r.Registered = at.runners, t.Source.Namespace, t.Source.Project, true
	w := audit.Author{Name: fmt.Sprintf("Registration token %d of %s", t.Number, sourceName(t.Source)), IP: ip, At: s.now()}
	made, creation := at.creation(w, r, at.lives.end(w.At), eventRegistered, "Registered")
	if made.ID, err = s.store.CreateRunner(ctx, creation); err != nil {
		return Created{}, fmt.Errorf("register runner: %w", err)
	}
	return made, nil
}

// sourceName names a group, a project or the instance for the audit log.
func sourceName(of baton.Source) string {
	switch {
	case of.Project != 0:
		return fmt.Sprintf("project %d", of.Project)
	case of.Namespace != 0:
		return fmt.Sprintf("group %d", of.Namespace)
	default:
		return "the instance"
	}
}

// A registry is where a registration token makes runners.
type registry struct {
	runnerScope

	// runners is their type.
	runners baton.RunnerType
	// allowed tells that registration tokens work here. The topmost group
	// decides that for all that is in it, as far as the instance lets it.
	allowed bool
	// open tells that the registration of runners is not left to administrators
	// alone: a token does not tell that one of them holds it.
	open bool
}

// registryOf returns the registration token and its place, or CodeNotFound when
// there is none.
func (v view) registryOf(ctx context.Context, s *baton.Settings, token baton.Secret) (store.RegistrationToken, registry, error) {
	t, err := v.RegistrationTokenByDigest(ctx, token.Digest())
	if err != nil {
		return store.RegistrationToken{}, registry{}, fmt.Errorf("find registration token: %w", err)
	}
	at, err := v.registry(ctx, s, t.Source)
	return t, at, err
}

// registry returns what there is to know of the place that a registration token
// belongs to.
func (v view) registry(ctx context.Context, s *baton.Settings, of baton.Source) (registry, error) {
	at := registry{allowed: s.AllowRunnerRegistrationToken}
	if of == (baton.Source{}) {
		at.runnerScope = runnerScope{instancePlace(), instanceLives(s)}
		at.runners, at.open = baton.InstanceRunner, true
		return at, nil
	}
	below := of.Namespace
	var project baton.Project
	if of.Project != 0 {
		var err error
		if project, err = v.Project(ctx, of.Project); err != nil {
			return registry{}, fmt.Errorf("find project: %w", err)
		}
		below = project.NamespaceID
	}
	chain, err := v.Ancestors(ctx, below)
	if err != nil {
		return registry{}, fmt.Errorf("find ancestors: %w", err)
	}
	at.allowed = at.allowed && chain[len(chain)-1].AllowRunnerRegistrationToken
	if of.Project != 0 {
		at.runnerScope = runnerScope{projectPlace(&project), projectLives(s, &project, chain)}
		at.runners, at.open = baton.ProjectRunner, openProject(s, &project)
	} else {
		at.runnerScope = runnerScope{groupPlace(&chain[0]), groupLives(s, chain)}
		at.runners, at.open = baton.GroupRunner, !restricted(s, chain)
	}
	return at, nil
}
