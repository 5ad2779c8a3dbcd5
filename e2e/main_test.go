// Package e2e tests the whole program from outside: it builds cmd/baton once,
// runs it as a process on a free port, and talks to it as its users do, mostly
// through GitLab's own Go client. Nothing here knows what is inside but for
// what a test has to look into to prove it: the files of a data directory, the
// rows of a database.
package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"testing"
)

// buildDir holds the program that [binary] builds.
var buildDir string

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	// Not a directory of a test: the program is for all of them, and some run
	// it as another user.
	if buildDir, err = os.MkdirTemp("", "baton-e2e-"); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(buildDir)) }()
	if err := os.Chmod(buildDir, 0o755); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

// binary builds the program, with the race detector if the tests have it.
var binary = sync.OnceValues(func() (string, error) {
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
