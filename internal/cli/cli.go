// Package cli is the command line: a struct for each command, whose tags are
// its flags, environment variables, defaults and help.
//
// What goes where: answers and secrets go to standard output, and only there;
// logs, progress and errors go to standard error. Every error says what to do
// next. Secrets come from the environment or from files, never from flags,
// which every user of the machine can read.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"baton.example/baton"
	"baton.example/baton/internal/telemetry"
)

// Stdio is the world that a command sees.
type Stdio struct {
	In       io.Reader
	Out, Err io.Writer
	// Getenv looks a variable up.
	Getenv func(string) string
}

// Process returns the world of this process.
func Process() Stdio {
	return Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv}
}

// root is the whole command line.
type root struct {
	Serve   serveCmd   `cmd:"" help:"Run the server."`
	Admin   adminCmd   `cmd:"" help:"Look after users, tokens and passwords on the machine itself, without a token."`
	Version versionCmd `cmd:"" help:"Print the version."`
}

const description = `GitLab's runner control plane as one small program.

Start it, create a runner, connect gitlab-runner:

  baton serve
  curl --request POST --header "PRIVATE-TOKEN: $BATON_TOKEN" \
    --data "runner_type=instance_type" http://127.0.0.1:8080/api/v4/user/runners
  gitlab-runner register --non-interactive --url http://127.0.0.1:8080 \
    --token glrt-… --executor shell

The first start prints an access token for $BATON_TOKEN.`

// An exit is what kong asks for after it printed help.
type exit int

// Main runs the command line and returns the exit code: 0 for success, 1 for
// an error, 2 for a command line that makes no sense.
func Main(ctx context.Context, args []string, std Stdio) (code int) {
	defer func() {
		if e, ok := recover().(exit); ok {
			code = int(e)
		}
	}()
	parser, err := newParser(ctx, std)
	if err != nil {
		return fail(std, err)
	}
	switch {
	case len(args) == 0:
		args = []string{"--help"}
	case slices.Equal(args, []string{"--version"}): // where people look first; a flag would be in the help of every command
		args = []string{"version"}
	}
	run, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(std.Err, "baton: %v (try: %s --help)\n", err, command(err))
		return 2
	}
	if err := run.Run(); err != nil {
		return fail(std, err)
	}
	return 0
}

// The groups of flags that several commands have.
const (
	dataGroup = "data"
	logGroup  = "log"
)

func newParser(ctx context.Context, std Stdio) (*kong.Kong, error) {
	return kong.New(
		new(root),
		kong.Name("baton"),
		kong.Description(description),
		kong.Writers(std.Out, std.Err),
		kong.Exit(func(code int) { panic(exit(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{WrapUpperBound: 100, NoExpandSubcommands: true}),
		kong.ValueFormatter(describe),
		kong.ExplicitGroups([]kong.Group{
			{Key: dataGroup, Title: "Where the data is:"},
			{Key: logGroup, Title: "What is logged, to standard error:"},
		}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(std),
	)
}

// describe returns the help of a flag with its default and variable.
func describe(v *kong.Value) string {
	var facts []string
	if v.HasDefault && v.Default != "" {
		facts = append(facts, "default "+v.Default)
	}
	for _, env := range v.Tag.Envs {
		facts = append(facts, "$"+env)
	}
	if facts == nil {
		return v.Help
	}
	return strings.TrimSuffix(v.Help, ".") + " (" + strings.Join(facts, ", ") + ")."
}

// command returns the command that a command line was meant for, as far as it
// made sense.
func command(err error) string {
	if e, ok := errors.AsType[*kong.ParseError](err); ok && e.Context != nil {
		if selected := e.Context.Selected(); selected != nil {
			return selected.FullPath()
		}
		for _, step := range e.Context.Path {
			if step.Command != nil {
				return step.Command.FullPath()
			}
		}
	}
	return "baton"
}

// fail says what went wrong, one line for each problem.
func fail(std Stdio, err error) int {
	for line := range strings.Lines(sentence(err)) {
		fmt.Fprintf(std.Err, "baton: %s\n", strings.TrimSuffix(line, "\n"))
	}
	return 1
}

// sentence returns an error for a person. What breaks a rule of the domain is
// said in the domain's words alone: what was attempted is in the command line.
// Of other errors nothing is left out.
func sentence(err error) string {
	for e := err; e != nil; e = next(e) {
		rule, ok := e.(*baton.Error) //nolint:errorlint // not the errors that were joined: each has its line
		if ok && rule.Code != baton.CodeInternal && rule.Code != baton.CodeUnavailable {
			plain := *rule
			plain.Cause = nil
			return plain.Error()
		}
	}
	return err.Error()
}

// next returns the error that e wraps, nil if there are several or none.
func next(e error) error {
	if all, ok := e.(interface{ Unwrap() []error }); ok {
		if wrapped := all.Unwrap(); len(wrapped) == 1 {
			return wrapped[0]
		}
	}
	return errors.Unwrap(e)
}

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run(std Stdio) error {
	b := telemetry.Build()
	_, err := fmt.Fprintf(std.Out, "baton %s (%s, %s)\n", b.Version, b.Revision, b.Go)
	return err
}
