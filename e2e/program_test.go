package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a condition may take to come true on a busy machine.
const patience = 30 * time.Second

// A setup says how the program is run. The zero value is a new instance on
// SQLite.
type setup struct {
	// dir is the data directory, "" for a new one.
	dir string
	// postgres is the URL of a database to use instead of SQLite.
	postgres string
	// listen is the address, "" for a free port.
	listen string
	// keepRoot leaves it to the program to make root's secrets.
	keepRoot bool
	args     []string
	env      []string
	// change is the last word on the command.
	change func(*exec.Cmd)
}

// A program is one process of Baton.
type program struct {
	t     *testing.T
	cmd   *exec.Cmd
	setup setup
	// out and log are what it wrote to standard output and standard error.
	out, log output
	// url is where it says that it is ready.
	url string
	// root is the access token that root was given.
	root string
	// ended is closed after the process has ended.
	ended chan struct{}
}

// rootTokens are the tokens of root by data directory or database, for
// programs that are started again.
var rootTokens sync.Map

// start starts the server and returns when it is ready.
func start(t *testing.T, s setup) *program {
	t.Helper()
	p := launch(t, s)
	p.waitReady()
	return p
}

// launch starts the server and returns at once.
func launch(t *testing.T, s setup) *program {
	t.Helper()
	if s.dir == "" {
		s.dir = t.TempDir()
	}
	if s.listen == "" {
		s.listen = "127.0.0.1:0"
	}
	p := &program{t: t, setup: s, ended: make(chan struct{})}
	env := append([]string{"BATON_DATA_DIR=" + s.dir, "BATON_LISTEN=" + s.listen}, s.databaseEnv(t)...)
	if !s.keepRoot {
		token, _ := rootTokens.LoadOrStore(s.dir+s.postgres, "glpat-"+rand.Text()[:20])
		p.root = token.(string)
		env = append(env, "BATON_ROOT_TOKEN="+p.root)
	}
	p.cmd = command(t, append([]string{"serve"}, s.args...)...)
	p.cmd.Env = append(append(p.cmd.Env, env...), s.env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.log
	if s.change != nil {
		s.change(p.cmd)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("the program's log:\n%s", p.log.tail())
		}
		if strings.Contains(p.log.String(), "DATA RACE") {
			t.Errorf("the race detector found:\n%s", p.log.tail())
		}
	})
	return p
}

// databaseEnv names the database. With PostgreSQL the secret key has to be
// named too: it is in the data directory all the same.
func (s *setup) databaseEnv(t *testing.T) []string {
	t.Helper()
	if s.postgres == "" {
		return nil
	}
	key := filepath.Join(s.dir, "secret.key")
	if _, err := os.Stat(key); err != nil {
		secret := make([]byte, 32)
		rand.Read(secret) // never fails
		if err := os.WriteFile(key, []byte(base64.StdEncoding.EncodeToString(secret)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return []string{"BATON_DATABASE_URL=" + s.postgres, "BATON_SECRET_KEY_FILE=" + key}
}

// command returns the program with arguments and an environment that has
// nothing of Baton in it.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.Background(), path, args...) // a cleanup ends it
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "TMPDIR=" + os.TempDir()}
	return cmd
}

var readyLine = regexp.MustCompile(`Baton is ready at (\S+)`)

// waitReady waits for the line that tells the address.
func (p *program) waitReady() {
	p.t.Helper()
	p.waitFor("the program is ready", func() bool {
		match := readyLine.FindStringSubmatch(p.out.String())
		if match == nil {
			return false
		}
		p.url = match[1]
		return true
	})
}

// waitFor is [eventually], unless the program ends first.
func (p *program) waitFor(what string, done func() bool) {
	p.t.Helper()
	eventually(p.t, what, func() bool {
		if done() {
			return true
		}
		select {
		case <-p.ended:
			p.t.Fatalf("the program ended (%v) before %s:\n%s", p.cmd.ProcessState, what, p.log.tail())
		default:
		}
		return false
	})
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after %v it is still not so that %s", patience, what)
		}
	}
}

// signal sends the process a signal.
func (p *program) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatalf("send %v: %v", s, err)
	}
}

// wait waits for the process to end by itself and returns its exit code.
func (p *program) wait(within time.Duration) int {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(within):
		p.t.Fatalf("the program still runs after %v:\n%s", within, p.log.tail())
	}
	return p.cmd.ProcessState.ExitCode()
}

// stop ends the program as an operator does, and expects that to be orderly.
func (p *program) stop() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	if code := p.wait(patience); code != 0 {
		p.t.Fatalf("exit code %d after SIGTERM:\n%s", code, p.log.tail())
	}
}

// kill ends the process as a power cut does, but for the files that the kernel
// has yet to write.
func (p *program) kill() {
	_ = p.cmd.Process.Kill() // an error says that it is gone already
	<-p.ended
}

// again starts the program anew at the same address with the same data. It
// has to have ended.
func (p *program) again() *program {
	p.t.Helper()
	s := p.setup
	s.listen = p.addr()
	return start(p.t, s)
}

// addr returns the host and port that the program listens on.
func (p *program) addr() string {
	p.t.Helper()
	_, rest, _ := strings.Cut(p.url, "://")
	host, _, _ := strings.Cut(rest, "/")
	if _, _, err := net.SplitHostPort(host); err != nil {
		p.t.Fatalf("the address of %s: %v", p.url, err)
	}
	return host
}

// get fetches a path and returns the status and the body.
func (p *program) get(path string) (int, string) {
	p.t.Helper()
	return fetch(p.t, client, p.url+path)
}

// client is for requests that are about HTTP and not about GitLab.
var client = &http.Client{Timeout: patience}

// fetch gets a URL and returns the status and the body.
func fetch(t *testing.T, client *http.Client, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, body.String()
}

// A result is how a command ended that is no server.
type result struct {
	code     int
	out, log string
	took     time.Duration
}

// runToEnd runs the command, which has to end within the time.
func runToEnd(t *testing.T, cmd *exec.Cmd, within time.Duration) result {
	t.Helper()
	var out, log output
	cmd.Stdout, cmd.Stderr = &out, &log
	began := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(within, func() { _ = cmd.Process.Kill() })
	err := cmd.Wait()
	if !timer.Stop() {
		t.Fatalf("%v still ran after %v:\n%s%s", cmd.Args, within, out.String(), log.String())
	}
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), out.String(), log.String(), time.Since(began)}
}

// An output collects what a process writes.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements [io.Writer].
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

// String returns everything so far.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// tail returns the end, for messages.
func (o *output) tail() string {
	text := o.String()
	if n := len(text) - 8000; n > 0 {
		return fmt.Sprintf("(%d bytes before)…%s", n, text[n:])
	}
	return text
}
