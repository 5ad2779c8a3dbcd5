package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// rootToken is the access token of every benchmark's administrator.
const rootToken = "glpat-of-the-benchmark"

// build compiles the program, once, and returns its path.
var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "baton-bench")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "baton")
	out, err := exec.Command("go", "build", "-o", path, "baton.example/baton/cmd/baton").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

// A process is a running Baton.
type process struct {
	cmd    *exec.Cmd
	url    string
	client http.Client
}

// start runs Baton on the data directory and returns when it says it is ready.
func start(b *testing.B, dataDir string) *process {
	b.Helper()
	path, err := build()
	if err != nil {
		b.Fatal(err)
	}
	addr := freeAddr(b)
	cmd := exec.CommandContext(context.WithoutCancel(b.Context()), path, "serve", "--data-dir", dataDir, "--listen", addr, "--log-level", "warn")
	cmd.Env = append(os.Environ(), "BATON_ROOT_TOKEN="+rootToken, "BATON_ROOT_PASSWORD=of-the-benchmark")
	var out bytes.Buffer
	cmd.Stderr = &out
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	p := &process{cmd: cmd, url: "http://" + addr}
	for deadline := time.Now().Add(10 * time.Second); ; {
		if p.get(b, "/-/readiness") == http.StatusOK {
			return p
		}
		if time.Now().After(deadline) {
			b.Fatalf("not ready after 10 s: %s", out.String())
		}
		time.Sleep(500 * time.Microsecond)
	}
}

// freeAddr returns an address that nobody listens on.
func freeAddr(b *testing.B) string {
	b.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// get returns the status of a request, 0 if nobody answers.
func (p *process) get(b *testing.B, path string) int {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+path, nil)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Private-Token", rootToken)
	answer, err := p.client.Do(r)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	return answer.StatusCode
}

// addr is host and port.
func (p *process) addr() string { return strings.TrimPrefix(p.url, "http://") }

// stop ends the process as an operator would.
func (p *process) stop(b *testing.B) {
	b.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		b.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		b.Fatal(err)
	}
}

var residentLine = regexp.MustCompile(`VmRSS:\s+(\d+) kB`)

// resident returns how much memory the process has, in megabytes.
func (p *process) resident(b *testing.B) float64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		b.Skip("resident memory is read from /proc: ", err)
	}
	kB, err := strconv.Atoi(string(residentLine.FindSubmatch(status)[1]))
	if err != nil {
		b.Fatal(err)
	}
	return float64(kB) / 1000
}
