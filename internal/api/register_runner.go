package api

import (
	"context"
	"net/http"

	"baton.example/baton"
	"baton.example/baton/internal/fleet"
	"baton.example/baton/internal/grape"
)

// registerRunnerParams are what POST /runners takes.
// https://docs.gitlab.com/api/runners/#create-a-runner.
type registerRunnerParams struct {
	Token           string          `param:"token" required:"true" doc:"A registration token."`
	Description     string          `param:"description" doc:"At most 1024 characters."`
	MaintainerNote  string          `param:"maintainer_note" doc:"Deprecated: the same as maintenance_note."`
	MaintenanceNote string          `param:"maintenance_note" doc:"A note for other people, at most 1024 characters."`
	Info            runnerInfo      `param:"info" doc:"What gitlab-runner says of itself. It counts when the runner calls."`
	Active          grape.Opt[bool] `param:"active" doc:"Deprecated: the opposite of paused."`
	Paused          bool            `param:"paused" doc:"Whether the runner ignores new jobs."`
	runnerTraits

	_ struct{} `exclusive:"maintainer_note,maintenance_note"`
	_ struct{} `exclusive:"active,paused"`
}

// registerRunner lets a machine that holds a registration token make a runner
// of the instance, the group or the project that the token belongs to, and
// answers with the runner's own token, once.
func (s *Server) registerRunner(ctx context.Context, c *call, in registerRunnerParams) (runnerToken, error) {
	n := in.newRunner(baton.Runner{
		Description:     present(in.Description),
		MaintenanceNote: present(in.MaintenanceNote) + present(in.MaintainerNote), // one of them
		Paused:          in.Paused || !in.Active.Or(true),
	})
	made, err := s.Fleet.Register(ctx, baton.NewSecret(in.Token), n, c.ip.String())
	if err != nil {
		return runnerToken{}, inHashOrder(err)
	}
	return createdRunner(made), nil
}

// errRegistrationDisallowed is [fleet.ErrRegistrationDisallowed].
var errRegistrationDisallowed = &failure{status: http.StatusGone, body: message{"410 Gone - " + fleet.ErrRegistrationDisallowed.Error()}}

// registrationToken is the answer to a reset of a registration token. Such
// tokens have no end.
func registrationToken(token baton.Secret, err error) (rotatedToken, error) {
	return rotatedToken{Token: token.Reveal()}, err
}

// resetInstanceRegistrationToken replaces the registration token of the
// instance, for an administrator. The old one ends at once; runners that were
// registered with it stay.
// https://docs.gitlab.com/api/runners/#reset-instances-runner-registration-token.
func (s *Server) resetInstanceRegistrationToken(ctx context.Context, c *call, _ struct{}) (rotatedToken, error) {
	return registrationToken(s.Fleet.ResetRegistrationToken(ctx, c.actor, baton.Source{}))
}

// resetGroupRegistrationToken replaces the registration token of a group, for
// an Owner. The old one ends at once; runners that were registered with it stay.
// https://docs.gitlab.com/api/runners/#reset-groups-runner-registration-token.
func (s *Server) resetGroupRegistrationToken(ctx context.Context, c *call, in groupParams) (rotatedToken, error) {
	g, err := s.Directory.Group(ctx, c.actor, in.ID)
	if err != nil {
		return rotatedToken{}, err
	}
	return registrationToken(s.Fleet.ResetRegistrationToken(ctx, c.actor, baton.InGroup(g.ID)))
}

// resetProjectRegistrationToken replaces the registration token of a project,
// for a Maintainer. The old one ends at once; runners that were registered with
// it stay.
// https://docs.gitlab.com/api/runners/#reset-projects-runner-registration-token.
func (s *Server) resetProjectRegistrationToken(ctx context.Context, c *call, in projectParams) (rotatedToken, error) {
	p, err := s.Directory.Project(ctx, c.actor, in.ID)
	if err != nil {
		return rotatedToken{}, err
	}
	return registrationToken(s.Fleet.ResetRegistrationToken(ctx, c.actor, baton.InProject(p.ID)))
}

// runnersToken is the registration token of a group or project in its entity:
// nil, which leaves it out, for who may not see it, and null where such tokens
// do not work.
func (s *Server) runnersToken(ctx context.Context, c *call, of baton.Source) (**string, error) {
	token, err := s.Fleet.RegistrationToken(ctx, c.actor, of)
	if baton.CodeOf(err) == baton.CodeDenied {
		return nil, nil
	}
	return new(orNull(token.Reveal())), err
}
