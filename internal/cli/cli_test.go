package cli

import (
	"bytes"
	"context"
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

var update = flag.Bool("update", false, "write the scripts' outputs and docs/configuration.md anew")

func TestMain(m *testing.M) {
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
//	api STATUS METHOD PATH       ask the server at $ADDR, with $TOKEN
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
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": scriptExits, "ready": scriptReady, "keep": scriptKeep, "api": scriptAPI,
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

// TestExamples runs the examples of all help texts, one after the other.
func TestExamples(t *testing.T) {
	t.Parallel()
	dir := "--data-dir=" + filepath.Join(t.TempDir(), "data")
	run := func(ctx context.Context, heard writes, args ...string) (code int, out string) {
		var both bytes.Buffer
		w := io.MultiWriter(&both, heard)
		code = Main(ctx, append(args, dir), Stdio{Out: w, Err: w, Getenv: func(string) string { return "" }})
		return code, both.String()
	}
	admin := func(args ...string) (code int, out string) { return run(t.Context(), func([]byte) {}, args...) }

	once, stop := context.WithCancel(t.Context())
	stopWhenReady := func(p []byte) {
		if bytes.Contains(p, []byte("Baton is ready")) {
			stop()
		}
	}
	if code, out := run(once, stopWhenReady, "serve", "--listen=127.0.0.1:0"); code != 0 {
		t.Fatalf("first start: %s", out)
	}
	for _, name := range []string{"alice", "bob"} {
		if code, out := admin("admin", "user", "create", name, "--email="+name+"@example.net"); code != 0 {
			t.Fatalf("make %s: %s", name, out)
		}
	}

	later := time.Now().AddDate(0, 6, 0).Format(time.DateOnly)
	for _, c := range commands(t) {
		if c.FullPath() == "baton serve" || c.FullPath() == "baton version" {
			continue // those of serve are for other machines; see TestScripts
		}
		examples := 0
		for line := range strings.Lines(c.Detail) {
			line, found := strings.CutPrefix(strings.TrimSpace(line), "TOKEN=$(")
			if found {
				line = strings.TrimSuffix(line, ")")
			}
			if !strings.HasPrefix(line, "baton ") {
				continue
			}
			examples++
			line = strings.ReplaceAll(line, "2027-06-30", later)
			if code, out := admin(words(line)[1:]...); code != 0 {
				t.Errorf("%s\nexit code %d: %s", line, code, out)
			}
		}
		if examples == 0 {
			t.Errorf("the help of %s has no example", c.FullPath())
		}
	}
}

// words splits a command line as a shell does, as far as examples need that.
func words(line string) []string {
	var all []string
	for _, m := range regexp.MustCompile(`"([^"]*)"|(\S+)`).FindAllStringSubmatch(line, -1) {
		all = append(all, m[1]+m[2])
	}
	return all
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
