package cli

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"baton.example/baton/internal/client"
)

type runnerListCmd struct {
	serverFlags
	listFlags
	placeFlags
	Mine          bool     `xor:"place" help:"Runners of your groups and projects."`
	Type          *string  `enum:"instance,group,project" placeholder:"TYPE" help:"Only runners of the type: instance, group or project."`
	Status        *string  `enum:"online,offline,never_contacted,stale" placeholder:"STATUS" help:"Only runners of the status: online, offline, never_contacted or stale."`
	Paused        *bool    `negatable:"" help:"Only runners that are paused, or that are not."`
	Tag           []string `short:"t" placeholder:"TAG" help:"Only runners that have all of these tags."`
	VersionPrefix string   `placeholder:"TEXT" help:"Only runners with a machine on a version of gitlab-runner that begins so."`
}

// Help is the long help of the command.
func (runnerListCmd) Help() string {
	return `
Without --mine, --group or --project these are all runners that there are, for an administrator, and
those of --mine for everybody else.

Examples:

  baton runner list
  baton runner list --status online --tag docker,linux --all
  baton runner list --group tools --no-paused
  baton runner list --type group --output json
  for id in $(baton runner list --status stale --quiet); do baton runner show $id; done`
}

// Run prints the runners.
func (c *runnerListCmd) Run(ctx context.Context, std Stdio) error {
	s, err := c.open(std)
	if err != nil {
		return err
	}
	path := c.path() + "/runners"
	everything := path == "/runners" && !c.Mine
	if everything {
		path = "/runners/all"
	}
	err = c.show(ctx, s, path)
	if everything && forAdministrators(err) {
		if err = c.show(ctx, s, "/runners"); err == nil {
			std.note("These are the runners of your groups and projects: administrators alone see all.")
		}
	}
	return err
}

// forAdministrators reports whether the caller is refused for who he is, and
// not for what the token opens.
func forAdministrators(err error) bool {
	answer, ok := errors.AsType[*client.Error](err)
	return ok && answer.Status == http.StatusForbidden && answer.Scopes == nil
}

func (c *runnerListCmd) show(ctx context.Context, s *session, path string) error {
	params := map[string]string{
		"paused": given(c.Paused), "tag_list": strings.Join(c.Tag, ","), "version_prefix": c.VersionPrefix,
	}
	if c.Type != nil {
		params["type"] = *c.Type + "_type"
	}
	if c.Status != nil {
		params["status"] = *c.Status
	}
	return list(ctx, s, &c.listFlags, client.Get(path, params), func(r *runner) int64 { return r.ID }, []column[runner]{
		{"ID", func(r *runner) cell { return number(r.ID) }},
		{"DESCRIPTION", func(r *runner) cell { return text(r.Description) }},
		{"TYPE", func(r *runner) cell { return text(r.kind()) }},
		{"STATUS", (*runner).state},
		{"CREATED BY", func(r *runner) cell { return text(r.CreatedBy.String()) }},
		{"CREATED", func(r *runner) cell { return text(s.since(r.CreatedAt)) }},
	})
}
