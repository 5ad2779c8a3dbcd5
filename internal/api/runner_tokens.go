package api

import (
	"context"

	"baton.example/baton"
	"baton.example/baton/internal/fleet"
)

// rotatedToken is the answer to a reset: the one copy of the new token.
type rotatedToken struct {
	Token          string    `json:"token"`
	TokenExpiresAt timestamp `json:"token_expires_at"`
}

func newRotatedToken(made fleet.Rotated) rotatedToken {
	return rotatedToken{Token: made.Token.Reveal(), TokenExpiresAt: timestamp(made.ExpiresAt)}
}

// resetRunnerToken gives a runner a new token, for a person. All its other
// tokens end: at once, or after the overlap that is set.
// https://docs.gitlab.com/api/runners/#reset-runners-authentication-token-by-using-the-runner-id.
func (s *Server) resetRunnerToken(ctx context.Context, c *call, in runnerParams) (rotatedToken, error) {
	made, err := s.Fleet.Rotate(ctx, c.actor, in.ID)
	if err != nil {
		return rotatedToken{}, err
	}
	return newRotatedToken(made), nil
}

// resetOwnTokenParams are what POST /runners/reset_authentication_token takes.
type resetOwnTokenParams struct {
	Token    string     `param:"token" required:"true" doc:"The runner's authentication token."`
	SystemID string     `param:"system_id" doc:"Which machine calls."`
	Info     runnerInfo `param:"info" doc:"What gitlab-runner says of itself."`
}

// resetOwnToken gives gitlab-runner a new token in the place of the one that it
// sends. That one ends, at once or after the overlap that is set; other tokens
// of the runner do not.
// https://docs.gitlab.com/api/runners/#reset-runners-authentication-token-by-using-the-current-token.
func (s *Server) resetOwnToken(ctx context.Context, c *call, in resetOwnTokenParams) (rotatedToken, error) {
	// The contact comes first: what it refuses must not have changed a token
	// that nobody is told then.
	if _, err := s.prove(ctx, c, in.Token, in.SystemID, in.Info, false); err != nil {
		return rotatedToken{}, err
	}
	made, err := s.Fleet.RotateOwn(ctx, baton.NewSecret(in.Token), c.ip.String())
	if err != nil {
		return rotatedToken{}, err
	}
	return newRotatedToken(made), nil
}

// unregisterRunnerParams are what DELETE /runners takes.
type unregisterRunnerParams struct {
	Token string `param:"token" required:"true" doc:"The runner's authentication token."`
}

// unregisterRunner removes the runner that holds the token.
// https://docs.gitlab.com/api/runners/#delete-a-runner-by-authentication-token.
func (s *Server) unregisterRunner(ctx context.Context, c *call, in unregisterRunnerParams) (none, error) {
	return none{}, s.Fleet.RemoveOwn(ctx, baton.NewSecret(in.Token), c.ip.String(), c.unmodifiedSince())
}

// unregisterManagerParams are what DELETE /runners/managers takes.
type unregisterManagerParams struct {
	Token    string `param:"token" required:"true" doc:"The runner's authentication token."`
	SystemID string `param:"system_id" required:"true" doc:"Which machine is removed."`
}

// unregisterManager forgets one machine of a runner. The runner stays, for the
// others.
// https://docs.gitlab.com/api/runners/#delete-a-runner-manager.
func (s *Server) unregisterManager(ctx context.Context, c *call, in unregisterManagerParams) (none, error) {
	return none{}, s.Fleet.RemoveManager(ctx, baton.NewSecret(in.Token), in.SystemID, c.ip.String(), c.unmodifiedSince())
}
