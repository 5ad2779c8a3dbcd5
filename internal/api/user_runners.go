package api

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/fleet"
	"baton.example/baton/internal/grape"
	"baton.example/baton/internal/idempotency"
	"baton.example/baton/internal/store"
)

// createUserRunnerParams are what POST /user/runners takes.
// https://docs.gitlab.com/api/users/#create-a-runner-linked-to-a-user.
type createUserRunnerParams struct {
	RunnerType      baton.RunnerType  `param:"runner_type" required:"true" values:"instance_type,group_type,project_type" doc:"The scope of the runner."`
	GroupID         baton.NamespaceID `param:"group_id" required:"true" given:"runner_type=group_type" doc:"The group of a group runner."`
	ProjectID       baton.ProjectID   `param:"project_id" required:"true" given:"runner_type=project_type" doc:"The project of a project runner."`
	Description     string            `param:"description" doc:"At most 1024 characters."`
	MaintenanceNote string            `param:"maintenance_note" doc:"A note for other people, at most 1024 characters."`
	Paused          bool              `param:"paused" doc:"Whether the runner ignores new jobs."`
	runnerTraits

	TokenExpiresAt        grape.Opt[time.Time] `param:"token_expires_at" doc:"When the token that is answered ends: in five minutes at the earliest, in fifteen days or when the settings end it at the latest. The tokens that replace it end as the settings say."`
	TokenRotationDeadline grape.Opt[time.Time] `param:"token_rotation_deadline" doc:"Until when tokens of the runner can be replaced: in the future, and no later than token_expires_at, which has to be given too."`
}

// runnerTraits are the attributes that whoever makes a runner may choose, and
// that read alike in every way to make one.
type runnerTraits struct {
	Locked         bool               `param:"locked" doc:"Whether the runner stays with its project."`
	AccessLevel    baton.RunnerAccess `param:"access_level" values:"not_protected,ref_protected" doc:"Whether the runner serves protected refs only."`
	RunUntagged    grape.Opt[bool]    `param:"run_untagged" doc:"Whether the runner takes jobs without tags; true unless said otherwise."`
	TagList        []string           `param:"tag_list,csv" doc:"At most 50 tags."`
	MaximumTimeout grape.Opt[int]     `param:"maximum_timeout" doc:"The longest that a job may take, in seconds, at least 600."`
}

// newRunner returns r with the traits.
func (in *runnerTraits) newRunner(r baton.Runner) fleet.NewRunner {
	r.Locked, r.AccessLevel, r.RunUntagged = in.Locked, in.AccessLevel, in.RunUntagged.Or(true)
	r.MaximumTimeout, r.Tags = in.MaximumTimeout.Value, in.TagList
	if r.AccessLevel == "" {
		r.AccessLevel = baton.NotProtected
	}
	return fleet.NewRunner{Runner: r, TimeoutGiven: in.MaximumTimeout.Valid()}
}

// asked returns the runner that the parameters ask for.
func (in *createUserRunnerParams) asked() fleet.NewRunner {
	n := in.newRunner(baton.Runner{
		Type: in.RunnerType, GroupID: in.GroupID, ProjectID: in.ProjectID,
		Description: present(in.Description), MaintenanceNote: present(in.MaintenanceNote), Paused: in.Paused,
	})
	n.FirstToken = fleet.FirstToken{ExpiresAt: given(in.TokenExpiresAt), RotationDeadline: given(in.TokenRotationDeadline)}
	return n
}

// runnerToken is the one answer that holds a runner's token.
type runnerToken struct {
	ID             baton.RunnerID `json:"id"`
	Token          string         `json:"token"`
	TokenExpiresAt timestamp      `json:"token_expires_at"`
}

// createUserRunner creates a runner for the caller and answers with its token,
// once.
//
// With an Idempotency-Key the answer is kept for a day, sealed under the key,
// and given again, with the header Idempotency-Replayed, to whoever repeats the
// same request with the same key.
func (s *Server) createUserRunner(ctx context.Context, c *call, in createUserRunnerParams) (any, error) {
	if values := c.header.Values("Idempotency-Key"); len(values) > 0 {
		return s.createOnce(ctx, c, in, strings.Join(values, ", "))
	}
	made, err := s.Fleet.Create(ctx, c.actor, in.asked(), nil)
	if err != nil {
		return nil, sentences(err)
	}
	return createdRunner(made), nil
}

func createdRunner(made fleet.Created) runnerToken {
	return runnerToken{ID: made.ID, Token: made.Token.Reveal(), TokenExpiresAt: timestamp(made.ExpiresAt)}
}

// createOnce creates unless the same request with the same key did: then it
// gives the answer of that again.
func (s *Server) createOnce(ctx context.Context, c *call, in createUserRunnerParams, header string) (any, error) {
	key, err := idempotency.Parse(c.actor.User.ID, header)
	if err != nil {
		return nil, err
	}
	end, err := s.running.Begin(key)
	if err != nil {
		return nil, err
	}
	defer end()

	request := key.Request(c.route.method, c.route.pattern, c.withoutCredentials())
	if stored, err := s.storedAnswer(ctx, c, key, request); err != nil || stored != nil {
		return stored, err
	}
	made, err := s.Fleet.Create(ctx, c.actor, in.asked(), func(made fleet.Created) (store.Answer, error) {
		body, err := json.Marshal(createdRunner(made))
		if err != nil {
			return store.Answer{}, fmt.Errorf("write answer: %w", err)
		}
		return key.Seal(request, idempotency.Reply{Status: c.route.status, Body: body}, c.now)
	})
	if baton.CodeOf(err) == baton.CodeConflict {
		// Another process was faster with the same key: its answer is ours.
		if stored, again := s.storedAnswer(ctx, c, key, request); stored != nil || again != nil {
			return stored, again
		}
	}
	if err != nil {
		return nil, sentences(err)
	}
	return createdRunner(made), nil
}

// storedAnswer returns what the key was answered before, nil when it was not
// or when that has expired.
func (s *Server) storedAnswer(ctx context.Context, c *call, key *idempotency.Key, request baton.Digest) (any, error) {
	answer, err := s.Store.Answer(ctx, c.actor.User.ID, key.Digest())
	if baton.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find stored answer: %w", err)
	}
	if !answer.ExpiresAt.After(c.now) {
		// The sweep has not come by yet, and a new answer needs the place.
		return nil, idempotency.Forget(ctx, s.Store, c.now)
	}
	reply, err := key.Open(answer, request)
	if err != nil {
		return nil, err
	}
	c.reply.Set("Idempotency-Replayed", "true")
	return replay{status: reply.Status, body: reply.Body}, nil
}

// withoutCredentials returns the call's parameters but for those that say who
// calls.
func (c *call) withoutCredentials() map[string]any {
	params := make(map[string]any, len(c.params))
	for name, value := range c.params {
		if !credentials[name] {
			params[name] = value
		}
	}
	return params
}
