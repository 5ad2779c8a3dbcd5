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
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/alecthomas/kong"

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
	var cmd root
	parser, err := kong.New(
		&cmd,
		kong.Name("baton"),
		kong.Description(description),
		kong.Writers(std.Out, std.Err),
		kong.Exit(func(code int) { panic(exit(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{WrapUpperBound: 100, NoExpandSubcommands: true}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(std),
	)
	if err != nil {
		return fail(std, err)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	run, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(std.Err, "baton: %v\nTry: baton --help\n", err)
		return 2
	}
	if err := run.Run(); err != nil {
		return fail(std, err)
	}
	return 0
}

// fail says what went wrong, one line for each problem.
func fail(std Stdio, err error) int {
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintf(std.Err, "baton: %s\n", strings.TrimSuffix(line, "\n"))
	}
	return 1
}

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run(std Stdio) error {
	b := telemetry.Build()
	_, err := fmt.Fprintf(std.Out, "baton %s (%s, %s)\n", b.Version, b.Revision, b.Go)
	return err
}
