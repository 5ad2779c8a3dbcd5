package api

import (
	"context"
	"net/http"

	"baton.example/baton"
	"baton.example/baton/internal/dispatch"
	"baton.example/baton/internal/fleet"
	"baton.example/baton/internal/pipeline"
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
func (i runnerInfo) manager(c *call, id string) baton.Manager {
	return baton.Manager{
		SystemID: systemID(id), IP: c.ip.String(),
		Version: i.Version, Revision: i.Revision, Platform: i.Platform,
		Architecture: i.Architecture, Executor: i.Executor,
	}
}

// systemID returns the system id of a manager that sent this one.
func systemID(sent string) string {
	if sent == "" {
		return baton.LegacySystemID
	}
	return sent
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
func (s *Server) prove(ctx context.Context, c *call, token, id string, info runnerInfo, asksForJobs bool) (fleet.Proof, error) {
	proof, err := s.Fleet.Prove(ctx, baton.NewSecret(token))
	if err != nil {
		return fleet.Proof{}, err
	}
	return proof, s.Fleet.Contact(ctx, proof, info.manager(c, id), asksForJobs)
}

// requestJobParams are what POST /jobs/request takes.
type requestJobParams struct {
	Token      string        `param:"token" required:"true" doc:"The runner's authentication token."`
	SystemID   string        `param:"system_id" doc:"Which machine calls."`
	LastUpdate string        `param:"last_update" doc:"The X-GitLab-Last-Update of the answer before."`
	Info       requesterInfo `param:"info" doc:"What gitlab-runner says of itself."`
}

// requesterInfo is a [runnerInfo] with what the program can do.
type requesterInfo struct {
	runnerInfo
	Features runnerFeatures `param:"features" doc:"What the program can do."`
}

// runnerFeatures is what of a program's abilities decides about something.
type runnerFeatures struct {
	CancelGracefully bool `param:"cancel_gracefully" doc:"It runs after_script when a job is cancelled."`
}

// requestJob gives a runner a job. A runner that was told before that there is
// none, and says so, is held until there is one, up to 50 seconds; the header
// X-GitLab-Last-Update of an answer without a job is what it says it with.
// https://docs.gitlab.com/ci/runners/long_polling/.
func (s *Server) requestJob(ctx context.Context, c *call, in requestJobParams) (any, error) {
	proof, err := s.prove(ctx, c, in.Token, in.SystemID, in.Info.runnerInfo, true)
	if err != nil {
		return nil, err
	}
	answer, err := s.Queue.Ask(ctx, dispatch.Request{
		Token: baton.NewSecret(in.Token), Runner: proof.Runner, SystemID: systemID(in.SystemID),
		LastUpdate: in.LastUpdate, CancelsGracefully: in.Info.Features.CancelGracefully,
	})
	switch {
	case err != nil:
		return nil, err
	case answer.Job != nil:
		return replay{http.StatusCreated, answer.Job}, nil
	case answer.LastUpdate != "":
		c.reply.Set("X-Gitlab-Last-Update", answer.LastUpdate)
	}
	return bare(http.StatusNoContent), nil
}

// updateJobParams are what PUT /jobs/:id takes.
type updateJobParams struct {
	ID            baton.JobID         `param:"id" required:"true" doc:"The job's id."`
	Token         string              `param:"token" required:"true" doc:"The job's token."`
	State         string              `param:"state" doc:"What becomes of the job: running, success or failed."`
	FailureReason baton.FailureReason `param:"failure_reason" doc:"Why it failed."`
	ExitCode      int                 `param:"exit_code" doc:"The exit code of its script."`
}

// updateJob tells Baton that a job still runs, or how it ended. The header
// Job-Status of the answer tells the runner what has become of the job
// meanwhile.
func (s *Server) updateJob(ctx context.Context, c *call, in updateJobParams) (bare, error) {
	j, err := s.workedOn(ctx, c, in.ID, in.Token)
	if err != nil {
		return 0, err
	}
	switch in.State {
	case "running":
		err = s.Pipelines.Touch(ctx, j.ID)
	case "success", "failed":
		j, err = s.Pipelines.Finish(ctx, j.ID, pipeline.Outcome{Failed: in.State == "failed", Reason: in.FailureReason, ExitCode: in.ExitCode})
		c.reply.Set(jobStatusHeader, string(j.Status))
	default:
		return 0, &baton.Error{Code: baton.CodeInvalid, Message: "Unknown state"}
	}
	return http.StatusOK, err
}

// jobStatusHeader tells a runner the state of the job that it works on.
const jobStatusHeader = "Job-Status"

// workedOn returns the job that a runner works on. Runners take 403, and
// nothing else, for the end of a job that they know nothing of.
func (s *Server) workedOn(ctx context.Context, c *call, id baton.JobID, token string) (baton.Job, error) {
	j, err := s.Pipelines.Prove(ctx, id, baton.NewSecret(token))
	if err != nil {
		return baton.Job{}, err
	}
	c.reply.Set(jobStatusHeader, string(j.Status))
	if !j.Status.WithRunner() {
		return baton.Job{}, baton.Denied("Job is not running")
	}
	return j, s.Fleet.Alive(ctx, j.RunnerID, j.ManagerID, c.ip.String())
}

// discoverRouter tells gitlab-runner that there is no job router, so that it
// asks for jobs as it always did.
func (s *Server) discoverRouter(context.Context, *call, struct{}) (none, error) {
	return none{}, &failure{
		status: http.StatusNotImplemented,
		body:   message{"Job Router is not available. Please contact your administrator."},
	}
}
