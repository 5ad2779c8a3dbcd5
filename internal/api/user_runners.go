package api

import (
	"context"

	"baton.example/baton"
	"baton.example/baton/internal/fleet"
	"baton.example/baton/internal/grape"
)

// createUserRunnerParams are what POST /user/runners takes.
// https://docs.gitlab.com/api/users/#create-a-runner-linked-to-a-user.
type createUserRunnerParams struct {
	RunnerType      baton.RunnerType   `param:"runner_type" required:"true" values:"instance_type,group_type,project_type" doc:"The scope of the runner."`
	GroupID         baton.NamespaceID  `param:"group_id" required:"true" given:"runner_type=group_type" doc:"The group of a group runner."`
	ProjectID       baton.ProjectID    `param:"project_id" required:"true" given:"runner_type=project_type" doc:"The project of a project runner."`
	Description     string             `param:"description" doc:"At most 1024 characters."`
	MaintenanceNote string             `param:"maintenance_note" doc:"A note for other people, at most 1024 characters."`
	Paused          bool               `param:"paused" doc:"Whether the runner ignores new jobs."`
	Locked          bool               `param:"locked" doc:"Whether the runner stays with its project."`
	AccessLevel     baton.RunnerAccess `param:"access_level" values:"not_protected,ref_protected" doc:"Whether the runner serves protected refs only."`
	RunUntagged     grape.Opt[bool]    `param:"run_untagged" doc:"Whether the runner takes jobs without tags; true unless said otherwise."`
	TagList         []string           `param:"tag_list,csv" doc:"At most 50 tags."`
	MaximumTimeout  grape.Opt[int]     `param:"maximum_timeout" doc:"The longest that a job may take, in seconds, at least 600."`
}

// newRunner returns what the parameters ask for.
func (in *createUserRunnerParams) newRunner() fleet.NewRunner {
	n := fleet.NewRunner{
		Runner: baton.Runner{
			Type: in.RunnerType, GroupID: in.GroupID, ProjectID: in.ProjectID,
			Description: present(in.Description), MaintenanceNote: present(in.MaintenanceNote),
			Paused: in.Paused, Locked: in.Locked,
			AccessLevel: in.AccessLevel, RunUntagged: in.RunUntagged.Or(true),
			MaximumTimeout: in.MaximumTimeout.Value, Tags: in.TagList,
		},
		TimeoutGiven: in.MaximumTimeout.Valid(),
	}
	if n.AccessLevel == "" {
		n.AccessLevel = baton.NotProtected
	}
	return n
}

// runnerToken is the one answer that holds a runner's token.
type runnerToken struct {
	ID             baton.RunnerID `json:"id"`
	Token          string         `json:"token"`
	TokenExpiresAt timestamp      `json:"token_expires_at"`
}

// createUserRunner is the heart of Baton: it makes a runner for the caller and
// answers with its token, once.
//
// With an Idempotency-Key the answer is kept for a day, sealed under the key,
// and given again to whoever repeats the same request with the same key; see
// package idempotency and docs/idempotency.md.
func (s *Server) createUserRunner(ctx context.Context, c *call, in createUserRunnerParams) (any, error) {
	made, err := s.Fleet.Create(ctx, c.actor, in.newRunner(), nil)
	if err != nil {
		return nil, sentences(err)
	}
	return createdRunner(made), nil
}

func createdRunner(made fleet.Created) runnerToken {
	return runnerToken{ID: made.ID, Token: made.Token.Reveal(), TokenExpiresAt: timestamp(made.ExpiresAt)}
}
