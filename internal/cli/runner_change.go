package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"baton.example/baton"
	"baton.example/baton/internal/client"
)

type runnerEditCmd struct {
	serverFlags
	outputFlags
	runnerIDs
	Description     *string   `short:"d" placeholder:"TEXT" help:"What the runner is; nothing if empty."`
	Tag             []string  `short:"t" xor:"tags" placeholder:"TAG" help:"Tags instead of those it has; several with commas, or once for each."`
	NoTags          bool      `xor:"tags" help:"Take all tags away."`
	AddTag          []string  `xor:"tags" placeholder:"TAG" help:"Tags besides those it has."`
	RemoveTag       []string  `placeholder:"TAG" help:"Tags to take away."`
	RunUntagged     *bool     `negatable:"" help:"Whether it takes jobs without tags."`
	Paused          *bool     `negatable:"" help:"Whether it takes no new jobs."`
	Locked          *bool     `negatable:"" help:"Whether it serves no further projects."`
	Protected       *bool     `negatable:"" help:"Whether it takes jobs of protected branches and tags alone."`
	MaximumTimeout  *lifetime `placeholder:"TIME" help:"Longest time that a job may take, as 1h30m or a number of seconds; 0 for no limit."`
	MaintenanceNote *string   `placeholder:"TEXT" help:"Note for other people who look after it; none if empty."`
	TokenOverlap    *lifetime `placeholder:"TIME" help:"How long a token works on after it was replaced, where the server knows overlaps."`
}

// Help is the long help of the command.
func (runnerEditCmd) Help() string {
	return `
What no flag names stays as it is.

Examples:

  baton runner edit 1 --description "build-1, the fast one" --maximum-timeout 2h
  baton runner edit 1 2 --add-tag arm64 --remove-tag linux
  baton runner edit 1 --protected --no-run-untagged --maintenance-note ""`
}

// Validate implements kong's check of a command line.
func (c *runnerEditCmd) Validate() error {
	if c.RemoveTag != nil && (c.Tag != nil || c.NoTags) {
		return errors.New("--remove-tag takes away some of the tags that a runner has: leave out --tag and --no-tags")
	}
	if len(c.change()) == 0 && !c.retags() {
		return errors.New("say what to change: there are --description, --tag, --paused and others")
	}
	return nil
}

// retags reports whether the tags depend on those that a runner has.
func (c *runnerEditCmd) retags() bool { return c.AddTag != nil || c.RemoveTag != nil }

// change returns what PUT /runners/:id is sent, but for tags that depend on
// those that a runner has.
func (c *runnerEditCmd) change() map[string]any {
	change := map[string]any{}
	set(change, "description", c.Description)
	set(change, "maintenance_note", c.MaintenanceNote)
	set(change, "run_untagged", c.RunUntagged)
	set(change, "paused", c.Paused)
	set(change, "locked", c.Locked)
	if c.Tag != nil || c.NoTags {
		change["tag_list"] = tags(c.Tag)
	}
	if c.Protected != nil {
		change["access_level"] = everyRef
		if *c.Protected {
			change["access_level"] = protectedOnly
		}
	}
	if c.MaximumTimeout != nil {
		change["maximum_timeout"] = nil // no limit
		if seconds := c.MaximumTimeout.seconds(); seconds != 0 {
			change["maximum_timeout"] = seconds
		}
	}
	if c.TokenOverlap != nil {
		change["token_overlap"] = c.TokenOverlap.seconds()
	}
	return change
}

func set[T any](change map[string]any, name string, value *T) {
	if value != nil {
		change[name] = *value
	}
}

// Run changes the runners.
func (c *runnerEditCmd) Run(ctx context.Context, std Stdio) error {
	return changeRunners(ctx, std, &c.serverFlags, &c.outputFlags, c.IDs, "changing", "Changed", func(ctx context.Context, s *session, id baton.RunnerID) (map[string]any, error) {
		change := c.change()
		if !c.retags() {
			return change, nil
		}
		var r runner
		if _, err := s.get(ctx, runnerPath(id, ""), &r); err != nil {
			return nil, err
		}
		list := slices.DeleteFunc(r.TagList, func(t string) bool { return slices.Contains(c.RemoveTag, t) })
		change["tag_list"] = tags(append(list, c.AddTag...))
		return change, nil
	})
}

// changeRunners sends each runner's change and tells what became of it.
func changeRunners(ctx context.Context, std Stdio, server *serverFlags, output *outputFlags, ids []baton.RunnerID, doing, done string, change func(context.Context, *session, baton.RunnerID) (map[string]any, error)) error {
	s, err := server.open(std)
	if err != nil {
		return err
	}
	var changed []json.RawMessage
	err = s.each(ctx, ids, doing, done, func(ctx context.Context, id baton.RunnerID) error {
		to, err := change(ctx, s, id)
		if err != nil {
			return err
		}
		answer, err := s.send(ctx, http.MethodPut, runnerPath(id, ""), to)
		if err != nil {
			return err
		}
		if output.json() {
			changed = append(changed, answer.Body)
			return nil
		}
		return s.say("%s runner %d.", done, id)
	})
	if output.json() {
		err = errors.Join(err, writeArray(std.Out, changed))
	}
	return err
}

type runnerPauseCmd struct {
	serverFlags
	outputFlags
	runnerIDs
}

// Help is the long help of the command.
func (runnerPauseCmd) Help() string {
	return `
Jobs that run go on.

Examples:

  baton runner pause 1
  baton runner pause 1 2`
}

// Run pauses the runners.
func (c *runnerPauseCmd) Run(ctx context.Context, std Stdio) error {
	return changeRunners(ctx, std, &c.serverFlags, &c.outputFlags, c.IDs, "pausing", "Paused", setPaused(true))
}

// setPaused is a change of whether runners are paused.
func setPaused(paused bool) func(context.Context, *session, baton.RunnerID) (map[string]any, error) {
	return func(context.Context, *session, baton.RunnerID) (map[string]any, error) {
		return map[string]any{"paused": paused}, nil
	}
}

type runnerResumeCmd struct {
	serverFlags
	outputFlags
	runnerIDs
}

// Help is the long help of the command.
func (runnerResumeCmd) Help() string {
	return `
Examples:

  baton runner resume 1 2`
}

// Run lets the runners go on.
func (c *runnerResumeCmd) Run(ctx context.Context, std Stdio) error {
	return changeRunners(ctx, std, &c.serverFlags, &c.outputFlags, c.IDs, "resuming", "Resumed", setPaused(false))
}

type runnerDeleteCmd struct {
	serverFlags
	runnerIDs
	Yes bool `short:"y" help:"Do not ask."`
}

// Help is the long help of the command.
func (runnerDeleteCmd) Help() string {
	return `
Their tokens do not work any more, and nobody can undo it: baton runner pause is for what may come
back. Without a terminal there is nobody to ask, and --yes has to be said.

Examples:

  baton runner delete 4 --yes
  baton runner delete $(baton runner list --status stale --quiet) 5 --yes`
}

// Run asks and deletes the runners.
func (c *runnerDeleteCmd) Run(ctx context.Context, std Stdio) error {
	s, err := c.open(std)
	if err != nil {
		return err
	}
	if !c.Yes {
		if err := std.confirm(fmt.Sprintf("Delete %s %s for good?", plural(len(c.IDs), "runner"), numbers(c.IDs))); err != nil {
			return err
		}
	}
	return s.each(ctx, c.IDs, "deleting", "Deleted", func(ctx context.Context, id baton.RunnerID) error {
		if _, err := s.send(ctx, http.MethodDelete, runnerPath(id, ""), nil); err != nil {
			return err
		}
		return s.say("Deleted runner %d.", id)
	})
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

type runnerRotateCmd struct {
	serverFlags
	newTokenFlags
	runnerIDs
}

// Help is the long help of the command.
func (runnerRotateCmd) Help() string {
	return `
The old token ends, at once or after the overlap that is set on the server: machines that have it need
the new one. Each token is shown once, as soon as it is made.

Examples:

  baton runner rotate 1
  baton runner rotate 1 --token-file runner.token
  baton runner rotate 1 2 --output json`
}

// Validate implements kong's check of a command line.
func (c *runnerRotateCmd) Validate() error {
	if err := c.newTokenFlags.Validate(); err != nil {
		return err
	}
	if len(c.IDs) > 1 && (c.Quiet || c.TokenFile != "") {
		return errors.New("--quiet and --token-file are for one runner; --output=json tells which token is whose")
	}
	return nil
}

// Run replaces the tokens.
func (c *runnerRotateCmd) Run(ctx context.Context, std Stdio) error {
	s, err := c.open(std)
	if err != nil {
		return err
	}
	if c.json() {
		return c.stream(ctx, s)
	}
	return s.each(ctx, c.IDs, "rotating", "Rotated", func(ctx context.Context, id baton.RunnerID) error {
		create := func() (made, error) { return s.rotateRunner(ctx, id) }
		return c.keep(std, create, s.connect("Rotated the token of", c.TokenFile), rotateAgain)
	})
}

// stream writes an array to which each token is added as soon as it is there:
// if the command ends early, it must not be lost.
func (c *runnerRotateCmd) stream(ctx context.Context, s *session) error {
	begin := "["
	err := s.each(ctx, c.IDs, "rotating", "Rotated", func(ctx context.Context, id baton.RunnerID) error {
		m, err := s.rotateRunner(ctx, id)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(s.std.Out, "%s%s", begin, m.answer)
		begin = ",\n"
		return hint(err, "its token is lost: %s makes another", rotateAgain(m))
	})
	if begin == "[" {
		begin = "[]\n"
	} else {
		begin = "]\n"
	}
	_, closeErr := fmt.Fprint(s.std.Out, begin)
	return errors.Join(err, closeErr)
}

// rotateRunner replaces a runner's token. The answer gets the runner's id in
// front, which the server's does not have.
func (s *session) rotateRunner(ctx context.Context, id baton.RunnerID) (made, error) {
	answer, err := s.send(ctx, http.MethodPost, runnerPath(id, "/reset_authentication_token"), nil)
	if err != nil {
		return made{}, err
	}
	m, err := madeRunner(answer)
	if err != nil {
		return made{}, err
	}
	m.id = int64(id)
	m.answer = fmt.Appendf(nil, `{"id":%d,%s`, id, answer.Body[1:])
	return m, nil
}

// runnerProjects are a project runner and projects.
type runnerProjects struct {
	runnerID
	Projects []string `arg:"" name:"project" help:"Projects, by their full paths or ids."`
}

// eachProject does one thing with a runner to several projects.
func (c *runnerProjects) each(ctx context.Context, std Stdio, server *serverFlags, done string, do func(context.Context, *session, string) error) error {
	s, err := server.open(std)
	if err != nil {
		return err
	}
	var errs []error
	for _, project := range c.Projects {
		if err := do(ctx, s, "/projects/"+client.Escape(project)+"/runners"); err != nil {
			errs = append(errs, fmt.Errorf("project %s: %w", project, err))
			continue
		}
		if err := s.say("%s %s.", done, project); err != nil {
			return err
		}
	}
	return errors.Join(errs...)
}

type runnerAssignCmd struct {
	serverFlags
	runnerProjects
}

// Help is the long help of the command.
func (runnerAssignCmd) Help() string {
	return `
Examples:

  baton runner assign 3 tools/web`
}

// Run assigns the runner.
func (c *runnerAssignCmd) Run(ctx context.Context, std Stdio) error {
	return c.each(ctx, std, &c.serverFlags, fmt.Sprintf("Assigned runner %d to", c.ID), func(ctx context.Context, s *session, path string) error {
		_, err := s.send(ctx, http.MethodPost, path, map[string]any{"runner_id": c.ID})
		return err
	})
}

type runnerUnassignCmd struct {
	serverFlags
	runnerProjects
}

// Help is the long help of the command.
func (runnerUnassignCmd) Help() string {
	return `
The project that a runner was made in keeps it: delete the runner instead.

Examples:

  baton runner unassign 3 tools/web`
}

// Run takes the runner away.
func (c *runnerUnassignCmd) Run(ctx context.Context, std Stdio) error {
	return c.each(ctx, std, &c.serverFlags, fmt.Sprintf("Took runner %d away from", c.ID), func(ctx context.Context, s *session, path string) error {
		_, err := s.send(ctx, http.MethodDelete, fmt.Sprintf("%s/%d", path, c.ID), nil)
		return err
	})
}
