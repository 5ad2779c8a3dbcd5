package fleet

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"baton.example/baton"
	"baton.example/baton/internal/access"
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

// RegistrationToken returns the token with which machines register runners of
// the group or project, nothing where such tokens do not work, and CodeDenied
// for who may not manage its runners.
//
// A token is made when somebody first looks: until then there is none that
// could leak, and groups and projects need nothing to be made for them when
// they are created.
// https://docs.gitlab.com/api/groups/#retrieve-a-group.
func (s *Service) RegistrationToken(ctx context.Context, a *access.Actor, of baton.Source) (baton.Secret, error) {
	if err := s.view.managesRegistration(ctx, a, of); err != nil {
		return baton.Secret{}, err
	}
	at, err := s.view.registry(ctx, &a.Settings, of)
	if err != nil || !at.allowed {
		return baton.Secret{}, err
	}
	t, err := s.store.RegistrationToken(ctx, of)
	if baton.IsNotFound(err) {
		err = s.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
			var err error
			if t, err = tx.RegistrationToken(ctx, of); !baton.IsNotFound(err) {
				return err // somebody else looked at the same moment
			}
			t, _ = s.newRegistrationToken(a, of, 1)
			return tx.SetRegistrationToken(ctx, t)
		})
	}
	if err != nil {
		return baton.Secret{}, fmt.Errorf("find registration token: %w", err)
	}
	text, err := s.keys.Open(t.Sealed, sealedAs(&t))
	if err != nil {
		return baton.Secret{}, fmt.Errorf("read registration token of %s: %w", sourceName(of), err)
	}
	return baton.NewSecret(string(text)), nil
}

// ResetRegistrationToken replaces the registration token of a group, a project
// or, with the zero source, the instance. The old one ends at once; runners
// that were registered with it stay. Where such tokens do not work it is
// CodeDenied, for administrators too.
// https://docs.gitlab.com/api/runners/#reset-instances-runner-registration-token.
func (s *Service) ResetRegistrationToken(ctx context.Context, a *access.Actor, of baton.Source) (baton.Secret, error) {
	var made baton.Secret
	err := s.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
		v := look(tx)
		if err := v.managesRegistration(ctx, a, of); err != nil {
			return err
		}
		settings, err := tx.Settings(ctx)
		if err != nil {
			return err
		}
		at, err := v.registry(ctx, &settings, of)
		if err != nil {
			return err
		}
		if !at.allowed {
			return baton.Denied("")
		}
		was, err := tx.RegistrationToken(ctx, of)
		if err != nil && !baton.IsNotFound(err) {
			return err
		}
		var t store.RegistrationToken
		t, made = s.newRegistrationToken(a, of, was.Number+1)
		if err := tx.SetRegistrationToken(ctx, t); err != nil {
			return err
		}
		return tx.InsertAuditEvent(ctx, at.registrationReset(a.Author(), was.Number, t.Number))
	})
	if err != nil {
		return baton.Secret{}, fmt.Errorf("reset registration token: %w", err)
	}
	return made, nil
}

// managesRegistration is CodeDenied unless the actor may see and replace the
// registration token.
func (v view) managesRegistration(ctx context.Context, a *access.Actor, of baton.Source) error {
	switch {
	case of.Project != 0:
		return denied(v.policy.CanProject(ctx, a, access.ManageRunners, &baton.Project{ID: of.Project}))
	case of.Namespace != 0:
		return denied(v.policy.CanGroup(ctx, a, access.ManageRunners, &baton.Namespace{ID: of.Namespace}))
	default:
		return denied(a.Admin, nil)
	}
}

// newRegistrationToken makes a token of the source and what is to be stored of
// it.
func (s *Service) newRegistrationToken(a *access.Actor, of baton.Source, number int) (store.RegistrationToken, baton.Secret) {
	text := baton.NewToken(baton.RegistrationTokenPrefix)
	t := store.RegistrationToken{Source: of, Number: number, Digest: text.Digest(), CreatedAt: a.Now}
	t.Sealed = s.keys.Seal([]byte(text.Reveal()), sealedAs(&t))
	return t, text
}

// sealedAs is the context under which a token is sealed. It must stay as it is:
// what was sealed under another does not open.
func sealedAs(t *store.RegistrationToken) []byte {
	return fmt.Appendf(nil, "registration token %d of namespace %d, project %d", t.Number, t.Source.Namespace, t.Source.Project)
}
