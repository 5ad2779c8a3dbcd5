package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"baton.example/baton/internal/testkit/need"
)

// TestRunnerContact does what gitlab-runner does with a token, by hand.
func TestRunnerContact(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, p *program) {
		w := newWorld(p)
		made := must(w.root.Users.CreateUserRunner(instanceRunner()))(t)
		before := must(w.root.Runners.GetRunnerDetails(made.ID))(t)
		if before.Online || before.Status != "never_contacted" || before.ContactedAt != nil {
			t.Errorf("before: %s, contacted %v", before.Status, before.ContactedAt)
		}
		contact(t, p.url, made.Token, nil)
		after := must(w.root.Runners.GetRunnerDetails(made.ID))(t)
		if !after.Online || after.Status != "online" || after.ContactedAt == nil || time.Since(*after.ContactedAt).Abs() > time.Minute {
			t.Errorf("after: %s, contacted %v", after.Status, after.ContactedAt)
		}
		if v := value[string](p, "SELECT version || ' ' || platform || ' ' || system_id FROM runner_managers"); v != "18.5.0 linux s_0123456789ab" {
			t.Errorf("the manager is %s", v)
		}
	})
}

// TestGitLabRunner registers and runs the official program.
func TestGitLabRunner(t *testing.T) {
	t.Parallel()
	path := need.Program(t, "gitlab-runner", need.Optional)
	p := start(t, setup{})
	w := newWorld(p)
	made := must(w.root.Users.CreateUserRunner(instanceRunner()))(t)

	dir := t.TempDir()
	config := filepath.Join(dir, "config.toml")
	runner := func(args ...string) *exec.Cmd {
		cmd := exec.CommandContext(context.Background(), path, args...) // ended below
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "CONFIG_FILE=" + config}
		cmd.Dir = dir
		return cmd
	}
	for _, args := range [][]string{
		{"register", "--non-interactive", "--url", p.url, "--token", made.Token, "--executor", "shell", "--name", "e2e"},
		{"verify"},
	} {
		if r := runToEnd(t, runner(args...), patience); r.code != 0 {
			t.Fatalf("gitlab-runner %s: exit code %d\n%s%s", args[0], r.code, r.out, r.log)
		}
	}
	text, err := os.ReadFile(config)
	if err != nil || !strings.Contains(string(text), made.Token) {
		t.Fatalf("config.toml: %v", err)
	}

	var log output
	work := runner("run", "--working-directory", dir)
	work.Stdout, work.Stderr = &log, &log
	if err := work.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = work.Wait() // its log tells how it went
		close(ended)
	}()
	eventually(t, "the runner has asked for jobs and is online", func() bool {
		d := must(w.root.Runners.GetRunnerDetails(made.ID))(t)
		return d.Status == "online" && strings.Contains(p.log.String(), "path=/api/v4/jobs/request status=204")
	})
	if err := work.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	select {
	case <-ended:
	case <-time.After(patience):
		_ = work.Process.Kill()
		t.Error("gitlab-runner does not end")
	}
	for line := range strings.Lines(log.String()) {
		if strings.Contains(line, "ERROR") || strings.Contains(line, "FATAL") {
			t.Errorf("gitlab-runner: %s", line)
		}
	}
}
