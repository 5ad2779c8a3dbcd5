package cli

import (
	"fmt"
	"os"
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
	want := configuration(t)
	if *update {
		if err := os.WriteFile(docs, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(docs)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(string(got), "\n")); diff != "" {
		t.Errorf("docs/configuration.md is not what the flags say; go test ./internal/cli -update writes it anew (-want +got):\n%s", diff)
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
	fmt.Fprintf(page, "| `--%s` | `%s` | %s | %s |\n", f.Name, strings.Join(f.Envs, "`, `"), fallback, strings.ReplaceAll(f.Help, "|", `\|`))
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
