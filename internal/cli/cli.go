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
	"reflect"
	"slices"
	"strconv"
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
	// ConfigDir finds the directory in which this user's programs keep their
	// settings.
	ConfigDir func() (string, error)
}

// Process returns the world of this process.
func Process() Stdio {
	return Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv, ConfigDir: os.UserConfigDir}
}

// root is the whole command line.
type root struct {
	Serve      serveCmd       `cmd:"" help:"Run the server."`
	Login      loginCmd       `cmd:"" help:"Sign in to a server, a Baton or a GitLab."`
	Logout     logoutCmd      `cmd:"" help:"Forget a server and its token."`
	Servers    savedServerCmd `cmd:"" name:"server" help:"Show and choose the servers that are signed in to."`
	Runner     runnerCmd      `cmd:"" help:"Create, show, change, rotate and delete runners."`
	Token      tokenCmd       `cmd:"" help:"Create, show, rotate and revoke access tokens."`
	Audit      auditCmd       `cmd:"" help:"Show who changed what, and check that nobody changed the log."`
	API        apiCmd         `cmd:"" name:"api" help:"Ask a server for anything else."`
	Admin      adminCmd       `cmd:"" help:"Look after users, tokens and passwords on the machine itself, without a token."`
	Completion completionCmd  `cmd:"" help:"Print what lets a shell complete commands and flags."`
	Help       helpCmd        `cmd:"" help:"Explain a command."`
	Version    versionCmd     `cmd:"" help:"Print the version."`
	Complete   completeCmd    `cmd:"" hidden:"" name:"__complete"`
}

const description = `GitLab's runner control plane as one small program, and a client for any server that has GitLab's API.

Start it, create a runner, connect gitlab-runner:

  baton serve
  export BATON_TOKEN=glpat-…
  baton runner create --type instance

The first start prints the access token, and the last command the line that connects gitlab-runner.
baton login keeps the token of a server elsewhere.`

// An exit is what kong asks for after it printed help.
type exit int

// Main runs the command line and returns the exit code: 0 for success, 2 for a
// command line that makes no sense, others for what docs/cli.md says.
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
		return exitUsage
	}
	err = run.Run()
	if e, ok := errors.AsType[*usageError](err); ok {
		fmt.Fprintf(std.Err, "baton: %s (try: %s --help)\n", harmless(e.message), run.Selected().FullPath())
		return exitUsage
	}
	if err != nil {
		return fail(std, err)
	}
	return exitOK
}

// The groups of flags that several commands have.
const (
	dataGroup   = "data"
	logGroup    = "log"
	serverGroup = "server"
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
		kong.KindMapper(reflect.Int, kong.MapperFunc(wholeNumber)),
		kong.KindMapper(reflect.Int64, kong.MapperFunc(wholeNumber)),
		kong.ExplicitGroups([]kong.Group{
			{Key: dataGroup, Title: "Where the data is:"},
			{Key: serverGroup, Title: "Which server is asked, and how ($BATON_URL and $BATON_TOKEN go before what was saved):"},
			{Key: logGroup, Title: "What is logged, to standard error:"},
		}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(std),
	)
}

// wholeNumber reads ids and counts, with an error for people.
func wholeNumber(ctx *kong.DecodeContext, target reflect.Value) error {
	var word string
	if err := ctx.Scan.PopValueInto("number", &word); err != nil {
		return err
	}
	n, err := strconv.ParseInt(word, 10, target.Type().Bits())
	if err != nil {
		return fmt.Errorf("%q is not a whole number", word)
	}
	target.SetInt(n)
	return nil
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

// fail says what went wrong, one line for each problem. Some of the words may
// be a server's.
func fail(std Stdio, err error) int {
	for line := range strings.Lines(sentence(err)) {
		fmt.Fprintf(std.Err, "baton: %s\n", harmless(strings.TrimSuffix(line, "\n")))
	}
	return exitCode(err)
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

// Help is the long help of the command.
func (versionCmd) Help() string {
	return `
Examples:

  baton version`
}

// Run prints the version.
func (versionCmd) Run(std Stdio) error {
	b := telemetry.Build()
	_, err := fmt.Fprintf(std.Out, "baton %s (%s, %s)\n", b.Version, b.Revision, b.Go)
	return err
}
