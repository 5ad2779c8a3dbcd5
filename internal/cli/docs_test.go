package cli

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
)

// docs is where the settings are written down for people.
const docs = "../../docs/configuration.md"

// TestConfigurationIsDocumented holds docs/configuration.md to the structs.
// Run it with -update after a change.
func TestConfigurationIsDocumented(t *testing.T) {
	t.Parallel()
	holdTo(t, docs, configuration(t))
}

// holdTo compares a page with what it should be, or writes it with -update.
func holdTo(t *testing.T, file, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(string(got), "\n")); diff != "" {
		t.Errorf("%s is not what the code says; go test ./internal/cli -update writes it anew (-want +got):\n%s", file, diff)
	}
}

// configuration returns the page.
func configuration(t *testing.T) string {
	t.Helper()
	var page strings.Builder
	page.WriteString(`# Settings

Generated from the flags of ` + "`baton serve`" + ` by a test; change those, and run
` + "`go test ./internal/cli -update`" + `. [running.md](running.md) tells when to use which.

Each setting is a flag and an environment variable; the flag wins. Lists are
separated by commas. What is not about one process, such as who may create
runners or how long tokens live, is changed while Baton runs, with
` + "`PUT /api/v4/application/settings`" + `.

## Of the server

| Flag | Variable | Default | |
| --- | --- | --- | --- |
`)
	var serve *kong.Node
	for _, c := range commands(t) {
		if c.FullPath() == "baton serve" {
			serve = c
		}
	}
	for _, f := range serve.Flags {
		if f.Group == nil && f.Name != "help" {
			row(&page, f)
		}
	}
	page.WriteString(`
## Where the data is

` + "`baton admin`" + ` takes these, too.

| Flag | Variable | Default | |
| --- | --- | --- | --- |
`)
	for _, f := range serve.Flags {
		if f.Group != nil && f.Group.Key == dataGroup {
			row(&page, f)
		}
	}
	page.WriteString(`
## What is logged

| Flag | Variable | Default | |
| --- | --- | --- | --- |
`)
	for _, f := range serve.Flags {
		if f.Group != nil && f.Group.Key == logGroup {
			row(&page, f)
		}
	}
	page.WriteString(`
## Secrets

They have no flags, since every user of a machine can read the flags of its
programs. Each can stand in a file instead, which a flag above names.

| Variable | |
| --- | --- |
`)
	for _, v := range variables() {
		fmt.Fprintf(&page, "| `%s` | %s |\n", v.name, v.help)
	}
	return page.String()
}

// row writes the row of a flag.
func row(page *strings.Builder, f *kong.Flag) {
	fallback := ""
	if f.Default != "" {
		fallback = "`" + f.Default + "`"
	}
	fmt.Fprintf(page, "| `--%s` | `%s` | %s | %s |\n", f.Name, strings.Join(f.Envs, "`, `"), fallback, cellOf(f.Help))
}

// A variable is a setting without a flag: a secret, since every user of a
// machine can read the flags of its programs.
type variable struct{ name, help string }

// variables are the settings of serve that have no flag.
func variables() []variable {
	return []variable{
		{rootTokenEnv, "Access token to give root at the first start, at least 20 characters."},
		{rootPasswordEnv, "Password to give root at the first start, at least 8 characters."},
	}
}

// commandsPage is the reference of all commands.
const commandsPage = "../../docs/commands.md"

// TestCommandsAreDocumented holds docs/commands.md to the commands. Run it with
// -update after a change.
func TestCommandsAreDocumented(t *testing.T) {
	t.Parallel()
	holdTo(t, commandsPage, commandReference(t))
}

// commandReference returns the page.
func commandReference(t *testing.T) string {
	t.Helper()
	var page strings.Builder
	page.WriteString(`# Commands

Generated from the commands by a test; change those, and run
` + "`go test ./internal/cli -update`" + `. [cli.md](cli.md) tells what they have in common:
signing in, what is printed, exit codes. Of every command the help, with
examples, is ` + "`baton COMMAND --help`" + `.
`)
	common := map[string]*kong.Flag{} // those of a group, told once
	for _, c := range commands(t) {
		fmt.Fprintf(&page, "\n## %s\n\n%s\n", c.FullPath(), c.Help)
		fmt.Fprintf(&page, "\n    baton %s\n", c.Summary())
		if lines := examples(c.Detail); lines != nil {
			fmt.Fprintf(&page, "\nFor example:\n\n    %s\n", strings.Join(lines, "\n    "))
		}
		var rows strings.Builder
		for _, a := range c.Positional {
			fmt.Fprintf(&rows, "| `%s` | %s |\n", a.Summary(), cellOf(a.Help))
		}
		for _, f := range c.Flags {
			switch {
			case f.Name == "help":
			case f.Group != nil:
				common[f.Name] = f
			default:
				flag := f.String()
				if f.Tag.Negatable != "" {
					flag = strings.Replace(flag, "--", "--[no-]", 1)
				}
				fmt.Fprintf(&rows, "| `%s` | %s |\n", flag, cellOf(describe(f.Value)))
			}
		}
		if rows.Len() > 0 {
			fmt.Fprintf(&page, "\n| | |\n| --- | --- |\n%s", &rows)
		}
	}
	page.WriteString("\n## Flags of several commands\n\nThose of `baton serve` and `baton admin` are in [configuration.md](configuration.md).\n\n| | |\n| --- | --- |\n")
	for _, name := range slices.Sorted(maps.Keys(common)) {
		if f := common[name]; f.Group.Key == serverGroup {
			fmt.Fprintf(&page, "| `%s` | %s |\n", f.String(), cellOf(describe(f.Value)))
		}
	}
	return page.String()
}

// cellOf writes a text into a table.
func cellOf(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

// TestHelpIsWritten looks for every command in the scripts that show its help.
func TestHelpIsWritten(t *testing.T) {
	t.Parallel()
	var scripts strings.Builder
	for _, name := range []string{"help", "help_client"} {
		text, err := os.ReadFile("testdata/" + name + ".txtar")
		if err != nil {
			t.Fatal(err)
		}
		scripts.Write(text)
	}
	for _, c := range commands(t) {
		for node := c; node != nil; node = node.Parent {
			if !strings.Contains(scripts.String(), "exec "+node.FullPath()+" --help\ncmp stdout ") {
				t.Errorf("no script shows %s --help", node.FullPath())
			}
		}
	}
}
