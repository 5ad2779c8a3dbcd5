package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"

	"baton.example/baton/internal/client"
)

type runnerCreateCmd struct {
	serverFlags
	newTokenFlags
	Type *string `enum:"instance,group,project" placeholder:"TYPE" help:"Whom the runner serves: instance, group or project. --group and --project say so by themselves."`
	placeFlags
	Description           string    `short:"d" placeholder:"TEXT" help:"What the runner is."`
	Tag                   []string  `short:"t" placeholder:"TAG" help:"Tags of the jobs that it takes; several with commas, or once for each."`
	RunUntagged           bool      `negatable:"" default:"true" help:"Whether it takes jobs without tags, too; it does unless this is denied."`
	Paused                bool      `help:"Take no jobs for now."`
	Locked                bool      `help:"Serve no further projects."`
	Protected             bool      `help:"Take jobs of protected branches and tags alone."`
	MaximumTimeout        *lifetime `placeholder:"TIME" help:"Longest time that a job may take, as 1h30m or a number of seconds; at least 10 minutes."`
	MaintenanceNote       string    `placeholder:"TEXT" help:"Note for other people who look after it."`
	TokenExpiresAt        string    `placeholder:"TIME" help:"When the token ends, as 2027-06-30T12:00:00Z; what the server's settings say unless given, and where the server knows this at all."`
	TokenRotationDeadline string    `placeholder:"TIME" help:"Last moment at which the token can be replaced, with --token-expires-at."`
	IdempotencyKey        string    `placeholder:"KEY" help:"Key that lets this command be repeated, after a crash too, without making a second runner on a Baton; a random one unless given."`
}

// Help is the long help of the command.
func (runnerCreateCmd) Help() string {
	return `
The token is shown once, in a line that connects gitlab-runner with it. Nobody can read it again: who
loses it makes a new one with baton runner rotate.

Where an answer gets lost, a Baton is asked again and gives the same runner. A GitLab is not asked
again, since it would make a second one.

Examples:

  baton runner create --type instance --description build-1 --tag docker,linux
  baton runner create --group tools --tag deploy --no-run-untagged --protected
  baton runner create --project tools/app --maximum-timeout 1h30m --token-file app.token
  TOKEN=$(baton runner create --type instance --quiet)`
}

// Validate implements kong's check of a command line.
func (c *runnerCreateCmd) Validate() error {
	switch implied := c.implied(); {
	case c.Type == nil && implied == "":
		return errors.New("say whom the runner is to serve: --type=instance, --group=GROUP or --project=PROJECT")
	case c.Type != nil && *c.Type != "instance" && implied == "":
		return fmt.Errorf("--type=%s needs --%[1]s=%s", *c.Type, map[string]string{"group": "GROUP", "project": "PROJECT"}[*c.Type])
	case c.Type != nil && implied != "" && *c.Type != implied:
		return fmt.Errorf("--type=%s and --%s can't be used together", *c.Type, implied)
	}
	for _, flag := range []struct{ name, value string }{
		{"token-expires-at", c.TokenExpiresAt}, {"token-rotation-deadline", c.TokenRotationDeadline},
	} {
		if _, err := time.Parse(time.RFC3339, flag.value); flag.value != "" && err != nil {
			return fmt.Errorf("--%s: %q is not a time: write it as 2027-06-30T12:00:00Z", flag.name, flag.value)
		}
	}
	return c.newTokenFlags.Validate()
}

// implied returns the type that the flags for groups and projects say.
func (c *runnerCreateCmd) implied() string {
	switch {
	case c.Group != "":
		return "group"
	case c.Project != "":
		return "project"
	}
	return ""
}

// newRunner is what POST /user/runners takes.
type newRunner struct {
	RunnerType            string   `json:"runner_type"`
	GroupID               int64    `json:"group_id,omitzero"`
	ProjectID             int64    `json:"project_id,omitzero"`
	Description           string   `json:"description,omitzero"`
	MaintenanceNote       string   `json:"maintenance_note,omitzero"`
	Paused                bool     `json:"paused,omitzero"`
	Locked                bool     `json:"locked,omitzero"`
	AccessLevel           string   `json:"access_level,omitzero"`
	RunUntagged           bool     `json:"run_untagged"`
	TagList               []string `json:"tag_list,omitzero"`
	MaximumTimeout        *int64   `json:"maximum_timeout,omitzero"`
	TokenExpiresAt        string   `json:"token_expires_at,omitzero"`
	TokenRotationDeadline string   `json:"token_rotation_deadline,omitzero"`
}

func (c *runnerCreateCmd) wanted(ctx context.Context, s *session) (newRunner, error) {
	kind := c.implied()
	if kind == "" {
		kind = *c.Type
	}
	n := newRunner{
		RunnerType: kind + "_type", Description: c.Description, MaintenanceNote: c.MaintenanceNote,
		Paused: c.Paused, Locked: c.Locked, RunUntagged: c.RunUntagged, TagList: c.Tag,
		TokenExpiresAt: c.TokenExpiresAt, TokenRotationDeadline: c.TokenRotationDeadline,
	}
	if c.Protected {
		n.AccessLevel = protectedOnly
	}
	if c.MaximumTimeout != nil {
		n.MaximumTimeout = new(c.MaximumTimeout.seconds())
	}
	var err error
	switch kind {
	case "group":
		n.GroupID, err = c.id(ctx, s)
	case "project":
		n.ProjectID, err = c.id(ctx, s)
	}
	return n, err
}

// The API's words for which refs a runner serves.
const (
	protectedOnly = "ref_protected"
	everyRef      = "not_protected"
)

// Run makes the runner and prints its token.
func (c *runnerCreateCmd) Run(ctx context.Context, std Stdio) error {
	s, err := c.open(std)
	if err != nil {
		return err
	}
	wanted, err := c.wanted(ctx, s)
	if err != nil {
		return err
	}
	request, err := client.Request{Method: http.MethodPost, Path: "/user/runners"}.WithJSON(wanted)
	if err != nil {
		return err
	}
	if request.Key = c.IdempotencyKey; request.Key == "" {
		request.Key = uuid.NewString()
	}
	create := func() (made, error) {
		answer, err := s.ask(ctx, request)
		if err != nil {
			return made{}, err
		}
		return madeRunner(answer)
	}
	return c.keep(std, create, s.connect("Created", c.TokenFile), rotateAgain)
}

// madeRunner reads the answer that holds a runner's token.
func madeRunner(answer *client.Answer) (made, error) {
	var said struct {
		ID    int64
		Token string
	}
	if err := answer.Decode(&said); err != nil {
		return made{}, err
	}
	return made{id: said.ID, token: said.Token, answer: answer.Body}, nil
}

// rotateAgain is how to get another token for a runner.
func rotateAgain(m made) string { return fmt.Sprintf("baton runner rotate %d", m.id) }

// connect returns the text for a person who has a runner's new token, in a file
// unless that is "".
func (s *session) connect(done, file string) func(made, string) string {
	where := "Connect gitlab-runner with its token, which is shown this once:"
	if file != "" {
		where = fmt.Sprintf("Its token is in %s; connect gitlab-runner with it:", harmless(file))
	}
	return func(m made, token string) string {
		return fmt.Sprintf(`%s runner %d. %s

  gitlab-runner register --non-interactive --executor shell --url %s --token %s

`, done, m.id, where, s.URL(), harmless(token))
	}
}

// tags returns tags as the API takes them: none is a list, too.
func tags(list []string) []string { return slices.Concat([]string{}, list) }
