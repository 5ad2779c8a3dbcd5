package e2e

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"baton.example/baton/internal/testkit/need"
)

// TestCurl pastes the line of the first start into a shell.
func TestCurl(t *testing.T) {
	t.Parallel()
	need.Program(t, "curl", need.Debian)
	p := start(t, setup{keepRoot: true})
	line := regexp.MustCompile(`(?m)^  curl .*$`).FindString(p.out.String())
	r := runToEnd(t, shell(line), patience)
	if want := regexp.MustCompile(`^\{"id":1,"token":"glrt-[A-Za-z0-9_-]{20}","token_expires_at":null\}$`); r.code != 0 || !want.MatchString(r.out) {
		t.Errorf("%s\nexit code %d: %s%s", line, r.code, r.out, r.log)
	}
	// The page has the same line with a place for the token.
	_, page := p.get("/")
	if !strings.Contains(page, "/api/v4/user/runners") || strings.Contains(page, "glpat-") {
		t.Errorf("the page:\n%s", page)
	}
}

// shell returns a command that runs a line as if it had been pasted.
func shell(line string) *exec.Cmd {
	cmd := exec.Command("/bin/sh", "-c", line)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	return cmd
}

// TestNowhereToPrint starts for the first time where the secrets cannot be
// shown: the program says how to get others, and that works.
func TestNowhereToPrint(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	dir := t.TempDir()
	cmd := command(t, "serve")
	cmd.Env = append(cmd.Env, "BATON_DATA_DIR="+dir, "BATON_LISTEN=127.0.0.1:0", "BATON_LOG_LEVEL=warn")
	var log output
	cmd.Stdout, cmd.Stderr = full, &log
	_ = cmd.Run() // the exit code tells
	if code := cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(log.String(), "baton admin token create root") {
		t.Errorf("exit code %d: %s", code, log.String())
	}
	create := command(t, "admin", "token", "create", "root", "--data-dir", dir)
	r := runToEnd(t, create, patience)
	if r.code != 0 {
		t.Fatalf("exit code %d: %s", r.code, r.log)
	}
	p := start(t, setup{dir: dir, keepRoot: true})
	if got := must(dial(t, p.url, strings.TrimSpace(r.out)).Users.CurrentUser())(t); got.Username != "root" {
		t.Errorf("the token is %s's", got.Username)
	}
}
