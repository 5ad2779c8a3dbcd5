package cli

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/rogpeppe/go-internal/testscript"

	"baton.example/baton"
)

var update = flag.Bool("update", false, "write the scripts' outputs, docs/configuration.md and docs/commands.md anew")

func TestMain(m *testing.M) {
	// Else every program that a script runs under the race detector waits for a
	// second before it ends.
	os.Setenv("GORACE", "atexit_sleep_ms=0")
	testscript.Main(m, map[string]func(){
		"baton": func() {
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
			code := Main(ctx, os.Args[1:], Process())
			stop()
			os.Exit(code) //nolint:forbidigo // the end of the program that a script runs
		},
	})
}

// TestScripts holds the command line to the scripts in testdata, which are its
// specification. Beside testscript's own commands there are
//
//	exits CODE PROGRAM ARG…      run a program that has to end with the code
//	ready                        wait for the server at $ADDR
//	keep NAME                    put what was printed last into a variable
//	sealed N                     wait until N audit events are sealed, and put the head into $HEAD
//	api STATUS METHOD PATH       ask the server at $ADDR, with $TOKEN
//	gitlab [lossy]               start a GitLab at $GITLAB
//	lossy                        start a proxy at $LOSSY that loses answers
//	silent DAYS                  let runners that called, and their machines, be silent for so long
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			defer l.Close()
			env.Setenv("ADDR", l.Addr().String())
			env.Setenv("BATON_LISTEN", l.Addr().String())
			env.Setenv("BATON_DATA_DIR", "data")
			env.Setenv("XDG_CONFIG_HOME", filepath.Join(env.WorkDir, "config"))
			env.Setenv("BATON_RETRIES", "0")
			env.Setenv("GORACE", os.Getenv("GORACE"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": scriptExits, "ready": scriptReady, "keep": scriptKeep, "api": scriptAPI, "sealed": scriptSealed,
			"gitlab": scriptGitLab, "lossy": scriptLossy, "silent": scriptSilent,
		},
	})
}

func scriptExits(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARG…")
	}
	code := 0
	err := ts.Exec(args[1], args[2:]...)
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		code = e.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

func scriptReady(ts *testscript.TestScript, _ bool, _ []string) {
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		resp, err := scripted.Get("http://" + ts.Getenv("ADDR") + "/-/readiness")
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		if time.Now().After(deadline) {
			ts.Fatalf("the server is not ready: %v", err)
		}
	}
}

func scriptSealed(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: sealed N")
	}
	done := regexp.MustCompile(`^head +(` + args[0] + `:\S+)\nsealed +` + args[0] + `\nunsealed +0\n$`)
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		ts.Check(ts.Exec("baton", "audit", "verify"))
		found := done.FindStringSubmatch(ts.ReadFile("stdout"))
		if found != nil {
			ts.Setenv("HEAD", found[1])
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("there are not %s events sealed", args[0])
		}
	}
}

func scriptSilent(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: silent DAYS")
	}
	db, err := sql.Open("sqlite", "file:"+ts.MkAbs("data/baton.db")+"?_pragma=busy_timeout(10000)")
	ts.Check(err)
	defer db.Close()
	for _, table := range []string{"runners", "runner_managers"} {
		const back = " SET created_at = created_at - $1 * 86400000000, contacted_at = contacted_at - $1 * 86400000000"
		_, err := db.ExecContext(context.Background(), "UPDATE "+table+back, args[0])
		ts.Check(err)
	}
}

func scriptKeep(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: keep NAME")
	}
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
}

func scriptAPI(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: api STATUS METHOD PATH")
	}
	req, err := http.NewRequest(args[1], "http://"+ts.Getenv("ADDR")+"/api/v4"+args[2], nil)
	ts.Check(err)
	req.Header.Set("Private-Token", ts.Getenv("TOKEN"))
	resp, err := scripted.Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%s\n", body)
	if strconv.Itoa(resp.StatusCode) != args[0] {
		ts.Fatalf("status %d, want %s: %s", resp.StatusCode, args[0], body)
	}
}

// scripted is the client of scripts.
var scripted = &http.Client{Timeout: 30 * time.Second}

// commands returns every command that can be run.
func commands(t *testing.T) []*kong.Node {
	t.Helper()
	parser, err := newParser(t.Context(), Stdio{Out: io.Discard, Err: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	return parser.Model.Leaves(true)
}

// writes calls a function for what is written.
type writes func(p []byte)

// Write implements [io.Writer].
func (w writes) Write(p []byte) (int, error) {
	w(p)
	return len(p), nil
}

// serving starts a server in this process and returns its address.
func serving(t *testing.T, dir string) string {
	t.Helper()
	ready := make(chan string, 1)
	told := writes(func(p []byte) {
		if m := regexp.MustCompile(`Baton is ready at (\S+)`).FindSubmatch(p); m != nil {
			ready <- string(m[1])
		}
	})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	var logged bytes.Buffer
	go func() {
		ended <- Main(ctx, []string{"serve", "--listen=127.0.0.1:0", "--data-dir=" + dir}, Stdio{
			Out: told, Err: &logged,
			Getenv: func(name string) string { return map[string]string{rootTokenEnv: exampleToken}[name] },
		})
	}()
	t.Cleanup(func() {
		stop()
		if code := <-ended; code != 0 {
			t.Errorf("the server ended with %d: %s", code, &logged)
		}
	})
	select {
	case address := <-ready:
		return address
	case code := <-ended:
		ended <- code
		t.Fatalf("the server ended with %d: %s", code, &logged)
		return ""
	}
}

// exampleToken is root's in tests.
const exampleToken = "glpat-known-to-examples"

// TestExamples runs the examples of all help texts in a shell, one after the
// other, against a server that has what they name.
func TestExamples(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	address := serving(t, filepath.Join(dir, "baton-data"))
	env := append(os.Environ(),
		"BATON_URL="+address, "XDG_CONFIG_HOME="+filepath.Join(dir, "config"), "HOME="+dir, "BATON_RETRIES=0",
	)
	shell := func(line string) (string, error) {
		sh := exec.Command("sh", "-c", line)
		sh.Dir, sh.Env = dir, env
		out, err := sh.CombinedOutput()
		return string(out), err
	}
	must := func(line string) {
		if out, err := shell(line); err != nil {
			t.Fatalf("%s\n%v: %s", line, err, out)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "token.txt"), []byte(exampleToken), 0o600); err != nil {
		t.Fatal(err)
	}
	must("baton login --name local --token-file token.txt")
	must("baton api POST /groups -f name=tools -f path=tools")
	for _, name := range []string{"alice", "bob"} {
		must("baton admin user create " + name + " --email=" + name + "@example.net")
	}
	for _, name := range []string{"app", "web"} {
		must("baton api POST /projects -f namespace_id=2 -f name=" + name)
	}
	for _, scope := range []string{"--type instance", "--group tools", "--project tools/app", "--type instance", "--type instance"} {
		must("baton runner create --tag linux " + scope) // with the ids 1 to 5
	}

	later := time.Now().AddDate(0, 6, 0).Format(time.DateOnly)
	for _, c := range commands(t) {
		if c.FullPath() == "baton serve" {
			continue // those are for other machines; see TestScripts
		}
		lines := examples(c.Detail)
		if len(lines) == 0 {
			t.Errorf("the help of %s has no example", c.FullPath())
		}
		for _, line := range lines {
			line = strings.ReplaceAll(line, "2027-06-30", later)
			line = strings.ReplaceAll(line, "http://127.0.0.1:8080", address)
			must("cp config/baton/servers.json signed-in")
			if out, err := shell(line); err != nil {
				t.Errorf("%s\n%v: %s", line, err, out)
			}
			if strings.Contains(line, "logout") {
				must("cp signed-in config/baton/servers.json")
			}
		}
	}
}

// examples returns the lines at the end of a help text.
func examples(help string) []string {
	_, part, _ := strings.Cut(help, "Examples:\n")
	var lines []string
	for line := range strings.Lines(part) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// TestSentence keeps what is for a person apart from what is for the log.
func TestSentence(t *testing.T) {
	t.Parallel()
	rule := &baton.Error{
		Code:   baton.CodeInvalid,
		Fields: []baton.FieldError{{Field: "name", Problem: "can't be blank"}},
		Cause:  errors.New("constraint 7"),
	}
	for want, err := range map[string]error{
		"Name can't be blank": fmt.Errorf("create user: %w", errors.Join(rule)),
		"one\nopen: two":      errors.Join(errors.New("one"), fmt.Errorf("open: %w", errors.New("two"))),
		"open: newer":         fmt.Errorf("open: %w", &baton.Error{Code: baton.CodeUnavailable, Message: "newer"}),
		"x: Name can't be blank: constraint 7\none": errors.Join(fmt.Errorf("x: %w", rule), errors.New("one")),
	} {
		if got := sentence(err); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
