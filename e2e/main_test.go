// Package e2e tests the whole program from outside: it builds cmd/baton once,
// runs it as a process on a free port, and talks to it as its users do, mostly
// through GitLab's own Go client. Nothing here knows what is inside but for
// what a test has to look into to prove it: the files of a data directory, the
// rows of a database.
package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"testing"

	"baton.example/baton/internal/cli"
)

// buildDir holds the program that [binary] builds.
var buildDir string

// linked makes everything that the program consists of a part of this test, so
// that a change of the program ends cached results: the go command could not
// know otherwise. It has to be set where a linker cannot prove that nobody
// reads it.
var linked any

func TestMain(m *testing.M) {
	// Not a directory of a test: the program is for all of them, and some run
	// it as another user.
	dir, err := os.MkdirTemp("", "baton-e2e-")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	buildDir = dir
	linked = cli.Main
	m.Run() // its code is the exit code
}

// binary builds the program, with the race detector if the tests have it.
var binary = sync.OnceValues(func() (string, error) {
	if _, err := os.Stat("../cmd/baton/main.go"); err != nil { // for the test cache, too
		return "", err
	}
	path := filepath.Join(buildDir, "baton")
	args := []string{"build", "-o", path}
	if raceDetector() {
		args = append(args, "-race")
	}
	out, err := exec.Command("go", append(args, "../cmd/baton")...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return path, nil
})

func raceDetector() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}
