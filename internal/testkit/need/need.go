// Package need is the one place that decides what a test does when a program
// that it drives is not on the machine.
//
// On a developer's machine the test is skipped with one line that says what to
// install. Where the environment variable BATON_TEST_REQUIRE is "all", as it
// is in .ci/run, the test fails instead, so that a missing install step can
// never pass for a green run.
package need

import (
	"os"
	"os/exec"
	"testing"
)

// RequireVar is the environment variable that turns skipping into failing. It
// is empty or "all".
const RequireVar = "BATON_TEST_REQUIRE"

// A Source says where a program comes from, and with that whether its absence
// may fail a test.
type Source int

const (
	// Debian marks what .ci/run installs from Debian's packages: its absence
	// skips the test, or fails it when BATON_TEST_REQUIRE is "all".
	Debian Source = iota
	// Npm marks what .ci/run installs with npm: its absence counts like that of
	// something from Debian.
	Npm
	// Optional marks what no package of Debian's provides, such as
	// gitlab-runner, glab or terraform: its absence always skips the test.
	Optional
)

// Program returns the path of the program called name, or ends the test as
// [Missing] does.
func Program(t testing.TB, name string, from Source) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		Missing(t, from, "no program "+name+" on PATH")
	}
	return path
}

// Missing ends the test because of what is missing: it skips, or fails if the
// thing is not optional and BATON_TEST_REQUIRE is "all". It does not return.
func Missing(t testing.TB, from Source, what string) {
	t.Helper()
	switch v := os.Getenv(RequireVar); {
	case v != "" && v != "all":
		t.Fatalf("%s is %q: want it empty or \"all\"", RequireVar, v)
	case v == "all" && from != Optional:
		t.Fatalf("%s (%s=all)", what, RequireVar)
	default:
		t.Skip(what)
	}
}
