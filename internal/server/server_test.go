package server

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"baton.example/baton/internal/telemetry"
)

// A bench is a server with handlers that say who answered.
type bench struct {
	*Server

	log   bytes.Buffer
	ready atomic.Pointer[error]
}

func newBench(t *testing.T, external string, api http.HandlerFunc) *bench {
	t.Helper()
	b := &bench{}
	log, err := telemetry.NewLogger(&b.log, telemetry.TextLog, slog.LevelDebug)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(external)
	if err != nil {
		t.Fatal(err)
	}
	answer := func(name string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, name+" "+r.URL.EscapedPath())
		}
	}
	if api == nil {
		api = answer("api")
	}
	b.Server, err = New(nil, Config{
		ExternalURL: u, API: api, Pages: answer("page"),
		Ready: func(context.Context) error {
			if err := b.ready.Load(); err != nil {
				return *err
			}
			return nil
		},
		ClientIP:       func(*http.Request) netip.Addr { return netip.MustParseAddr("192.0.2.7") },
		MayReadMetrics: func(*http.Request) bool { return false },
		Metrics:        telemetry.NewMetrics(), Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) ask(method, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	b.http.Handler.ServeHTTP(w, r)
	return w
}

func TestRouting(t *testing.T) {
	t.Parallel()
	tests := []struct{ external, path, want string }{
		{"http://x", "/", "page /"},
		{"http://x", "/api/v4/user", "api /api/v4/user"},
		{"http://x", "/api", "page /api"},
		{"http://x", "/apiary/", "page /apiary/"},
		{"http://x", "/api/v4/groups/a%2Fb", "api /api/v4/groups/a%2Fb"}, // as it was asked for
		{"http://x", "/api//v4", "api /api//v4"},                         // and without a redirect
		{"http://x/ci/baton", "/ci/baton", "page /"},
		{"http://x/ci/baton", "/ci/baton/", "page /"},
		{"http://x/ci/baton", "/ci/baton/api/v4/groups/a%2Fb", "api /api/v4/groups/a%2Fb"},
		{"http://x/ci/baton", "/api/v4/groups/a%2Fb", "api /api/v4/groups/a%2Fb"}, // a proxy cut the path
		{"http://x/ci/baton", "/ci/batons", "page /ci/batons"},
		{"http://x/ci/baton/", "/ci/baton/api/v4", "api /api/v4"},
	}
	for _, tt := range tests {
		if got := newBench(t, tt.external, nil).ask(http.MethodGet, tt.path).Body.String(); got != tt.want {
			t.Errorf("%s at %s: got %q, want %q", tt.path, tt.external, got, tt.want)
		}
	}
}

func TestOperations(t *testing.T) {
	t.Parallel()
	b := newBench(t, "http://x", nil)
	expect := func(when, method, path string, status int, body string) {
		t.Helper()
		if w := b.ask(method, path); w.Code != status || strings.TrimSpace(w.Body.String()) != body {
			t.Errorf("%s: %s %s: %d %s, want %d %s", when, method, path, w.Code, w.Body, status, body)
		}
	}
	const healthy, lost = `{"status":"ok","db_check":[{"status":"ok"}]}`, `{"status":"failed","db_check":[{"status":"failed","message":"the database does not answer"}]}`
	expect("running", http.MethodGet, "/-/liveness", 200, `{"status":"ok"}`)
	expect("running", http.MethodGet, "/-/readiness", 200, healthy)
	expect("running", http.MethodGet, "/-/health", 200, "Baton OK")
	expect("running", http.MethodGet, "/-/metrics", 404, "404 page not found")
	expect("running", http.MethodGet, "/-/", 404, "404 page not found")
	expect("running", http.MethodPost, "/-/readiness", 405, "Method Not Allowed")

	away := errors.New("dial tcp 10.0.0.5: password=hunter2")
	b.ready.Store(&away)
	expect("without a database", http.MethodGet, "/-/liveness", 200, `{"status":"ok"}`)
	expect("without a database", http.MethodGet, "/-/readiness", 503, lost)
	expect("without a database", http.MethodGet, "/-/health", 503, "Baton is not ready")

	b.ready.Store(nil)
	b.draining.Store(true)
	expect("shutting down", http.MethodGet, "/-/liveness", 200, `{"status":"ok"}`)
	expect("shutting down", http.MethodGet, "/-/readiness", 503, `{"status":"failed"}`)
	expect("shutting down", http.MethodGet, "/-/health", 503, "Baton is not ready")
}

func TestRequestsAreNamedAndLogged(t *testing.T) {
	t.Parallel()
	b := newBench(t, "http://x", nil)
	w := b.ask(http.MethodGet, "/api/v4/user?private_token=hunter2", "X-Request-Id", "caller-1", "User-Agent", "curl/8")
	if got := w.Header().Get("X-Request-Id"); got != "caller-1" {
		t.Errorf("X-Request-Id %q", got)
	}
	if got := w.Header().Get("X-Gitlab-Meta"); got != `{"correlation_id":"caller-1","version":"1"}` {
		t.Errorf("X-Gitlab-Meta %q", got)
	}
	line := b.log.String()
	for _, part := range []string{"method=GET", "path=/api/v4/user", "status=200", "remote_ip=192.0.2.7", "request_id=caller-1", "user_agent=curl/8"} {
		if !strings.Contains(line, part) {
			t.Errorf("want %s in the log:\n%s", part, line)
		}
	}
	if strings.Contains(line, "hunter2") {
		t.Errorf("the query is in the log:\n%s", line)
	}
	for _, bad := range []string{"", `"},{`, strings.Repeat("x", 256), "a b"} {
		if got := b.ask(http.MethodGet, "/", "X-Request-Id", bad).Header().Get("X-Request-Id"); got == bad || got == "" {
			t.Errorf("the caller's id %q became %q", bad, got)
		}
	}
}

func TestPanic(t *testing.T) {
	t.Parallel()
	b := newBench(t, "http://x", func(http.ResponseWriter, *http.Request) { panic("hunter2") })
	w := b.ask(http.MethodGet, "/api/v4/user")
	if w.Code != http.StatusInternalServerError || w.Body.String() != `{"message":"500 Internal Server Error"}` {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if log := b.log.String(); !strings.Contains(log, "a request panicked") || !strings.Contains(log, "server_test.go") || !strings.Contains(log, "status=500") {
		t.Errorf("the log does not tell of it:\n%s", log)
	}

	// What has begun cannot become a 500; the connection must end, so that the
	// client does not take half of an answer for the whole.
	half := newBench(t, "http://x", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "10")
		_, _ = io.WriteString(w, "half")
		panic("hunter2")
	})
	server := httptest.NewServer(half.http.Handler)
	defer server.Close()
	resp, err := server.Client().Get(server.URL + "/api/v4/user") //nolint:noctx // the server is the test's own
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("half of an answer passed for the whole: %q", text)
	}
}

// TestSlowClients holds the limits on time to their values, with a clock that
// nobody has to wait for.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, sends string
		want        time.Duration
	}{
		{"nothing", "", headerTimeout},
		{"half of the headers", "GET /api/v4/user HTTP/1.1\r\nHost: x\r\n", headerTimeout},
		{"half of the body", "POST /api/v4/user HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf", readTimeout},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, "http://x", func(w http.ResponseWriter, r *http.Request) {
					if _, err := io.ReadAll(r.Body); err != nil {
						w.WriteHeader(http.StatusRequestTimeout)
					}
				})
				client, stop, served := b.serve(t)
				began := time.Now()
				go func() { _, _ = io.WriteString(client, tt.sends) }()
				_, _ = io.ReadAll(client)
				if took := time.Since(began).Round(time.Second); took != tt.want {
					t.Errorf("the connection was closed after %v, want %v", took, tt.want)
				}
				stop()
				if err := <-served; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestDrainEnds shuts down while a request runs that does not want to end.
func TestDrainEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "http://x", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		client, stop, served := b.serve(t)
		go func() { _, _ = io.WriteString(client, "GET /api/v4/user HTTP/1.1\r\nHost: x\r\n\r\n") }()
		synctest.Wait()
		began := time.Now()
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
		if took := time.Since(began).Round(time.Second); took != drainTimeout {
			t.Errorf("the server ended after %v, want %v", took, drainTimeout)
		}
		synctest.Wait() // for the handler to notice
		if log := b.log.String(); !strings.Contains(log, "requests were cut short") {
			t.Errorf("the log does not tell of it:\n%s", log)
		}
	})
}

// serve runs the server with one connection, whose other end it returns.
func (b *bench) serve(t *testing.T) (client net.Conn, stop func(), served <-chan error) {
	t.Helper()
	l := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	b.listener = l
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.Serve(ctx) }()
	client, server := net.Pipe()
	l.conns <- server
	return client, stop, ended
}

// pipes is a listener whose connections the test hands in.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

// Accept implements [net.Listener].
func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (p *pipes) Close() error {
	close(p.closed)
	return nil
}

// Addr implements [net.Listener].
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }
