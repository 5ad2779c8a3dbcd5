package e2e

import (
	"context"
	crand "crypto/rand"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gitlab "gitlab.com/gitlab-org/api/client-go"

	"baton.example/baton/internal/testkit/pgtest"
)

// A lossyProxy stands before one or more servers and loses requests and
// answers, each in one of the ways in which networks and gateways do.
type lossyProxy struct {
	*httptest.Server

	targets []*url.URL
	// lost counts what happened to requests, by the ways of losses.
	lost [len(losses)]atomic.Int64
	// quiet lets everything through.
	quiet atomic.Bool
}

// losses are the ways in which a request may fail, in their order of a
// lossyProxy's count.
var losses = [...]string{
	"passed", "closed before forwarding", "closed after the answer", "502 after the answer", "closed while the server works",
}

func newLossyProxy(t *testing.T, targets ...string) *lossyProxy {
	t.Helper()
	p := &lossyProxy{}
	for _, target := range targets {
		u, err := url.Parse(target)
		if err != nil {
			t.Fatal(err)
		}
		p.targets = append(p.targets, u)
	}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

// ServeHTTP implements [http.Handler].
func (p *lossyProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	target := p.targets[rand.IntN(len(p.targets))]
	forward := &httputil.ReverseProxy{
		Rewrite:      func(pr *httputil.ProxyRequest) { pr.SetURL(target); pr.SetXForwarded() },
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	way := 0
	if !p.quiet.Load() && rand.IntN(2) == 0 {
		way = 1 + rand.IntN(len(losses)-1)
	}
	p.lost[way].Add(1)
	switch way {
	case 0:
		forward.ServeHTTP(w, r)
	case 1:
		panic(http.ErrAbortHandler)
	case 2:
		forward.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	case 3:
		forward.ServeHTTP(httptest.NewRecorder(), r)
		w.WriteHeader(http.StatusBadGateway)
	case 4:
		// The client is told at once, and repeats the request while the first
		// one still runs.
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		again := r.Clone(context.WithoutCancel(r.Context()))
		again.Body = io.NopCloser(strings.NewReader(string(body)))
		go forward.ServeHTTP(httptest.NewRecorder(), again)
		panic(http.ErrAbortHandler)
	}
}

// patient is a client that repeats what failed, with the key that the request
// has: broken connections, 5xx, and 409 for as long as the first one runs.
func patient(t *testing.T, url, token string) *gitlab.Client {
	t.Helper()
	return dial(t, url, token,
		gitlab.WithCustomRetry(func(ctx context.Context, resp *http.Response, err error) (bool, error) {
			if ctx.Err() != nil {
				return false, ctx.Err()
			}
			lost := err != nil
			return lost || resp.StatusCode >= 500 || resp.StatusCode == http.StatusConflict, nil //nolint:nilerr // the error is answered by asking again
		}),
		gitlab.WithCustomRetryMax(200),
		gitlab.WithCustomBackoff(func(time.Duration, time.Duration, int, *http.Response) time.Duration {
			return time.Duration(1+rand.IntN(20)) * time.Millisecond
		}),
	)
}

// newUUID returns what clients use as a key.
func newUUID() string {
	var b [16]byte
	crand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// TestLossyNetwork creates runners with keys where half of all requests or
// answers are lost: as many runners as creates, every caller ends with a token
// that works, and nothing that is stored or logged holds one.
func TestLossyNetwork(t *testing.T) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		loseAnswers(t, start(t, setup{}))
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		s := setup{dir: t.TempDir(), postgres: pgtest.URL(t)}
		loseAnswers(t, start(t, s), start(t, s)) // two replicas
	})
}

func loseAnswers(t *testing.T, replicas ...*program) {
	t.Helper()
	const callers, each = 16, 10
	p := replicas[0]
	w := newWorld(p)
	acme := w.group("acme", nil)
	app := w.project(acme)
	alice := w.user("alice")
	w.joinGroup(alice, acme, gitlab.OwnerPermissions)
	token := w.token(alice, "create_runner").Token

	urls := make([]string, len(replicas))
	for i, r := range replicas {
		urls[i] = r.url
	}
	proxy := newLossyProxy(t, urls...)

	var mu sync.Mutex
	made := map[int64]string{} // tokens by runner
	var keys []string
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			client := patient(t, proxy.URL, token)
			for n := range each {
				o := groupRunner(acme)
				if n%2 == 0 {
					o = projectRunner(app)
				}
				key := newUUID()
				o.Description = new("runner " + key[:4])
				runner, _, err := client.Users.CreateUserRunner(o, gitlab.WithHeader("Idempotency-Key", `"`+key+`"`))
				if err != nil {
					t.Errorf("create: %v", err)
					return
				}
				mu.Lock()
				if made[runner.ID] != "" {
					t.Errorf("two callers got runner %d", runner.ID)
				}
				made[runner.ID] = runner.Token
				keys = append(keys, key)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if t.Failed() {
		return
	}
	for way, name := range losses {
		n := proxy.lost[way].Load()
		t.Logf("%4d × %s", n, name)
		if n == 0 {
			t.Errorf("nothing was %s", name)
		}
	}
	// What the proxy forwarded last may still run.
	eventually(t, "no request runs any more", func() bool {
		for _, r := range replicas {
			if _, text := r.get("/-/metrics"); !strings.Contains(text, "baton_http_requests_in_flight 1\n") {
				return false
			}
		}
		return true
	})
	if n := w.runners(); n != callers*each || len(made) != n {
		t.Errorf("there are %d runners and %d answers, want %d", n, len(made), callers*each)
	}
	if n := value[int](p, "SELECT count(*) FROM audit_events WHERE name = 'ci_runner_created'"); n != callers*each {
		t.Errorf("there are %d audit events, want %d", n, callers*each)
	}

	secrets := map[string]string{"alice's access token": token, "root's access token": p.root}
	for id, text := range made {
		if err := verifies(w.root, text); err != nil {
			t.Errorf("verify runner %d: %v", id, err)
		}
		secrets[fmt.Sprintf("the token of runner %d", id)] = text
	}
	for i, key := range keys {
		secrets[fmt.Sprintf("idempotency key %d", i)] = key
	}
	for i, r := range replicas {
		noSecret(t, secrets, fmt.Sprintf("the log of replica %d", i), []byte(r.log.String()))
		noSecret(t, secrets, fmt.Sprintf("the output of replica %d", i), []byte(r.out.String()))
	}
	everything := stored(t, p.setup)
	for where, bytes := range everything {
		noSecret(t, secrets, where, bytes)
	}
	if !anyHolds(everything, "runner "+keys[0][:4]) {
		t.Error("not even the description of a runner was found in what is stored: this test looks in the wrong place")
	}
	p.stop() // the same once more for what is written at the end
	for where, bytes := range stored(t, p.setup) {
		noSecret(t, secrets, where, bytes)
	}
}

// TestKeyIsOneAnswer repeats requests by hand.
func TestKeyIsOneAnswer(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, p *program) {
		w := newWorld(p)
		create := func(o *gitlab.CreateUserRunnerOptions, client *gitlab.Client, key string) (*gitlab.UserRunner, *gitlab.Response, error) {
			return client.Users.CreateUserRunner(o, gitlab.WithHeader("Idempotency-Key", key))
		}
		key := `"` + newUUID() + `"`
		first := must(create(instanceRunner(), w.root, key))(t)
		again, resp, err := create(instanceRunner(), w.root, key)
		if err != nil {
			t.Fatal(err)
		}
		if *again != *first || resp.StatusCode != http.StatusCreated || resp.Header.Get("Idempotency-Replayed") != "true" {
			t.Errorf("the second answer is %d %+v, want %+v", resp.StatusCode, again, first)
		}
		// A new process gives it, too.
		p.stop()
		p.again()
		if again := must(create(instanceRunner(), w.root, key))(t); *again != *first {
			t.Errorf("after a restart the answer is %+v, want %+v", again, first)
		}

		other := instanceRunner()
		other.Paused = new(true)
		if _, _, err := create(other, w.root, key); !strings.HasPrefix(refusal(err), "422 ") {
			t.Errorf("another request: %v", err)
		}
		for _, weak := range []string{`"1"`, `"create-runner-1"`, `"2026-11-23T10:00:00Z"`, `""`, `"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"`} {
			if _, _, err := create(instanceRunner(), w.root, weak); !strings.HasPrefix(refusal(err), "400 ") {
				t.Errorf("the key %s: %v", weak, err)
			}
		}
		// Another caller's key is another key.
		u := w.user("bob")
		must(w.root.Users.ModifyUser(u.ID, &gitlab.ModifyUserOptions{Admin: new(true)}))(t)
		if theirs := must(create(instanceRunner(), w.as(u), key))(t); theirs.ID == first.ID {
			t.Error("two users with the same key got the same runner")
		}
		// A refusal is no answer to keep: what was wrong may be put right.
		late := `"` + newUUID() + `"`
		if _, _, err := create(groupRunner(&gitlab.Group{ID: 3}), w.root, late); err == nil {
			t.Fatal("a runner for a group that does not exist")
		}
		if g := w.group("late", nil); g.ID != 3 {
			t.Fatalf("the group's id is %d", g.ID)
		}
		must(create(groupRunner(&gitlab.Group{ID: 3}), w.root, late))(t)
		if n := w.runners(); n != 3 {
			t.Errorf("there are %d runners, want 3", n)
		}
	})
}
