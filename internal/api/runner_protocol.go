package api

import (
	"context"
	"net/http"

	"baton.example/baton"
	"baton.example/baton/internal/fleet"
)

// runnerInfo is what gitlab-runner says of itself. It sends more than is read
// here, and newer versions more than that: all of it is accepted.
type runnerInfo struct {
	Version      string `param:"version" doc:"Version of the program."`
	Revision     string `param:"revision" doc:"Revision of the program."`
	Platform     string `param:"platform" doc:"Operating system."`
	Architecture string `param:"architecture" doc:"Processor architecture."`
	Executor     string `param:"executor" doc:"Executor that runs the jobs."`
}

// manager returns the manager that calls.
func (i runnerInfo) manager(c *call, systemID string) baton.Manager {
	return baton.Manager{
		SystemID: systemID, IP: c.ip.String(),
		Version: i.Version, Revision: i.Revision, Platform: i.Platform,
		Architecture: i.Architecture, Executor: i.Executor,
	}
}

// verifyRunnerParams are what POST /runners/verify takes.
// https://docs.gitlab.com/api/runners/#verify-authentication-for-a-registered-runner.
type verifyRunnerParams struct {
	Token    string     `param:"token" required:"true" doc:"The runner's authentication token."`
	SystemID string     `param:"system_id" doc:"Which machine calls."`
	Info     runnerInfo `param:"info" doc:"What gitlab-runner says of itself."`
}

// verifyRunner tells a runner that its token is good. The answer echoes the
// token that was sent: Baton could not tell it otherwise.
func (s *Server) verifyRunner(ctx context.Context, c *call, in verifyRunnerParams) (runnerToken, error) {
	proof, err := s.prove(ctx, c, in.Token, in.SystemID, in.Info, false)
	if err != nil {
		return runnerToken{}, err
	}
	return runnerToken{
		ID: proof.Runner.ID, Token: in.Token, TokenExpiresAt: timestamp(proof.Token.ExpiresAt),
	}, nil
}

// prove checks a runner's token and records the contact.
func (s *Server) prove(ctx context.Context, c *call, token, systemID string, info runnerInfo, asksForJobs bool) (fleet.Proof, error) {
	proof, err := s.Fleet.Prove(ctx, baton.NewSecret(token))
	if err != nil {
		return fleet.Proof{}, err
	}
	return proof, s.Fleet.Contact(ctx, proof, info.manager(c, systemID), asksForJobs)
}

// requestJobParams are what POST /jobs/request takes; see runnerInfo for what
// else comes.
type requestJobParams struct {
	Token    string     `param:"token" required:"true" doc:"The runner's authentication token."`
	SystemID string     `param:"system_id" doc:"Which machine calls."`
	Info     runnerInfo `param:"info" doc:"What gitlab-runner says of itself."`
}

// requestJob answers a runner that asks for work. The queue is empty, for
// paused runners too; the header X-GitLab-Last-Update tells the runner in what
// state it was.
func (s *Server) requestJob(ctx context.Context, c *call, in requestJobParams) (none, error) {
	if _, err := s.prove(ctx, c, in.Token, in.SystemID, in.Info, true); err != nil {
		return none{}, err
	}
	c.reply.Set("X-Gitlab-Last-Update", s.Queue.LastUpdate())
	return none{}, nil
}

// discoverRouter tells gitlab-runner that there is no job router, so that it
// asks for jobs as it always did.
func (s *Server) discoverRouter(context.Context, *call, struct{}) (none, error) {
	return none{}, &failure{
		status: http.StatusNotImplemented,
		body:   message{"Job Router is not available. Please contact your administrator."},
	}
}
