package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"baton.example/baton"
)

// A said is a request as a server got it.
type said struct{ Method, URI, Key, Token, Body string }

// A stage is a server that plays answers one after the other, and remembers
// what it was asked.
type stage struct {
	*httptest.Server
	mu      sync.Mutex
	got     []said
	answers []http.HandlerFunc
	version string // what /openapi.yaml begins with, "" for none
}

func newStage(t *testing.T, description string, answers ...http.HandlerFunc) *stage {
	t.Helper()
	s := &stage{answers: answers, version: description}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

// ServeHTTP implements [http.Handler].
func (s *stage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if r.URL.Path == "/api/v4/openapi.yaml" {
		if s.version == "" {
			http.NotFound(w, r)
		} else {
			fmt.Fprint(w, s.version)
		}
		return
	}
	s.mu.Lock()
	s.got = append(s.got, said{r.Method, r.RequestURI, r.Header.Get("Idempotency-Key"), r.Header.Get("Private-Token"), string(body)})
	var answer http.HandlerFunc
	if len(s.answers) > 0 {
		answer, s.answers = s.answers[0], s.answers[1:]
	}
	s.mu.Unlock()
	if answer == nil {
		answer = status(http.StatusTeapot)
	}
	answer(w, r)
}

// asked returns what was asked, and checks that nothing is left to play.
func (s *stage) asked(t *testing.T) []said {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.answers) > 0 {
		t.Errorf("%d answers were not asked for", len(s.answers))
	}
	return s.got
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func ok(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "{}") }

// hangUp ends the connection without an answer.
func hangUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

const batonDescription = "openapi: 3.1.1\ninfo:\n  title: Baton\n  version: 18.11.0-ee\n"

func newClient(t *testing.T, address string) *Client {
	t.Helper()
	u, err := ParseURL(address)
	if err != nil {
		t.Fatal(err)
	}
	c := New(Options{URL: u, Token: baton.NewSecret("glpat-x"), UserAgent: "test", Retries: 3})
	c.http.RetryWaitMin, c.http.RetryWaitMax = time.Millisecond, time.Millisecond
	return c
}

// TestRepeats says which requests are sent again.
func TestRepeats(t *testing.T) {
	t.Parallel()
	get := Request{Method: http.MethodGet, Path: "/runners"}
	post := Request{Method: http.MethodPost, Path: "/user/runners", Body: []byte("{}")}
	keyed := post
	keyed.Key = "k"
	notOurs := strings.Replace(batonDescription, "Baton", "GitLab", 1)
	for name, test := range map[string]struct {
		request     Request
		description string
		first       http.HandlerFunc
		want        int // attempts
	}{
		"a read, busy":                 {get, "", status(http.StatusServiceUnavailable), 2},
		"a read, bad gateway":          {get, "", status(http.StatusBadGateway), 2},
		"a read, gateway timeout":      {get, "", status(http.StatusGatewayTimeout), 2},
		"a read, broken off":           {get, "", hangUp, 2},
		"a read, a fault":              {get, "", status(http.StatusInternalServerError), 1},
		"a read, not there":            {get, "", status(http.StatusNotFound), 1},
		"a change, too many":           {post, batonDescription, status(http.StatusTooManyRequests), 2},
		"a change, bad gateway":        {post, batonDescription, status(http.StatusBadGateway), 1},
		"a change, broken off":         {post, batonDescription, hangUp, 1},
		"a key, Baton, bad gateway":    {keyed, batonDescription, status(http.StatusBadGateway), 2},
		"a key, Baton, broken off":     {keyed, batonDescription, hangUp, 2},
		"a key, Baton, still running":  {keyed, batonDescription, status(http.StatusConflict), 2},
		"a key, Baton, refused":        {keyed, batonDescription, status(http.StatusBadRequest), 1},
		"a key, GitLab, bad gateway":   {keyed, "", status(http.StatusBadGateway), 1},
		"a key, GitLab, broken off":    {keyed, "", hangUp, 1},
		"a key, GitLab, conflict":      {keyed, "", status(http.StatusConflict), 1},
		"a key, another, broken off":   {keyed, notOurs, hangUp, 1},
		"a key, GitLab, too many":      {keyed, "", status(http.StatusTooManyRequests), 2},
		"no key, Baton, still running": {post, batonDescription, status(http.StatusConflict), 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answers := []http.HandlerFunc{test.first, ok}[:test.want]
			s := newStage(t, test.description, answers...)
			answer, err := newClient(t, s.URL).Ask(t.Context(), &test.request)
			got := s.asked(t)
			if len(got) != test.want {
				t.Fatalf("%d attempts, want %d: %v", len(got), test.want, err)
			}
			if (err == nil) != (test.want == 2) {
				t.Errorf("answer %v, error %v", answer, err)
			}
			if test.want == 2 && !cmp.Equal(got[0], got[1]) {
				t.Errorf("the second attempt differs: %s", cmp.Diff(got[0], got[1]))
			}
		})
	}
}

// TestKeyIsNotRepeatedByTransport sends a request with a key over a connection
// that was used before and breaks: net/http itself repeats such requests.
func TestKeyIsNotRepeatedByTransport(t *testing.T) {
	t.Parallel()
	s := newStage(t, "", ok, hangUp)
	c := newClient(t, s.URL)
	if _, err := c.Ask(t.Context(), Get("/user", nil)); err != nil {
		t.Fatal(err)
	}
	_, err := c.Ask(t.Context(), &Request{Method: http.MethodPost, Path: "/user/runners", Key: "k", Body: []byte("{}")})
	unreachable, isUnreachable := errors.AsType[*UnreachableError](err)
	if !isUnreachable || !unreachable.Unsure {
		t.Errorf("error %v, want one that says that nobody knows", err)
	}
	if got := s.asked(t); len(got) != 2 || got[1].Key != "k" {
		t.Errorf("asked %+v", got)
	}
}

// TestGivesUp ends after as many repetitions as were asked for, and does not
// wait for an hour.
func TestGivesUp(t *testing.T) {
	t.Parallel()
	busy := status(http.StatusServiceUnavailable)
	s := newStage(t, "", busy, busy, busy, busy)
	c := newClient(t, s.URL)
	var waits []Wait
	c.options.Waiting = func(w Wait) { waits = append(waits, w) }
	_, err := c.Ask(t.Context(), Get("/user", nil))
	if e, isError := errors.AsType[*Error](err); !isError || e.Status != http.StatusServiceUnavailable || e.Unsure {
		t.Errorf("error %#v", err)
	}
	if got := s.asked(t); len(got) != 4 || len(waits) != 3 || waits[0].Status != http.StatusServiceUnavailable {
		t.Errorf("%d attempts, waits %v", len(got), waits)
	}

	later := newStage(t, "", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	_, err = newClient(t, later.URL).Ask(t.Context(), Get("/user", nil))
	if e, isError := errors.AsType[*Error](err); !isError || e.RetryAfter != time.Hour {
		t.Errorf("error %#v, want one that says when", err)
	}
	later.asked(t)
}

// TestNobodyThere tells that nothing was sent.
func TestNobodyThere(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	c := newClient(t, s.URL)
	attempts := 1
	c.options.Waiting = func(Wait) { attempts++ }
	_, err := c.Ask(t.Context(), &Request{Method: http.MethodPost, Path: "/user/runners"})
	if e, isUnreachable := errors.AsType[*UnreachableError](err); !isUnreachable || e.Unsure || attempts != 4 {
		t.Errorf("error %#v after %d attempts", err, attempts)
	}
}

// TestInterrupted ends with what ended the context.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	s := newStage(t, "", func(_ http.ResponseWriter, r *http.Request) { stop(); <-r.Context().Done() })
	if _, err := newClient(t, s.URL).Ask(ctx, Get("/user", nil)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// TestRedirects keeps the token with the server that it is for.
func TestRedirects(t *testing.T) {
	t.Parallel()
	to := func(address string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, address, http.StatusMovedPermanently)
		}
	}
	other := newStage(t, "")
	s := newStage(t, "", to(other.URL+"/api/v4/user"))
	_, err := newClient(t, s.URL).Ask(t.Context(), Get("/user", nil))
	if e, isRedirect := errors.AsType[*RedirectError](err); !isRedirect || e.To != other.URL+"/api/v4/user" {
		t.Errorf("error %v", err)
	}
	if got := append(other.asked(t), s.asked(t)[1:]...); len(got) != 0 {
		t.Errorf("asked %+v", got)
	}

	moved := newStage(t, "", to("/api/v4/projects/7"), ok)
	if _, err := newClient(t, moved.URL).Ask(t.Context(), Get("/projects/old%2Fname", nil)); err != nil {
		t.Error(err)
	}
	if got := moved.asked(t); got[1].URI != "/api/v4/projects/7" || got[1].Token != "glpat-x" {
		t.Errorf("asked %+v", got)
	}

	post := newStage(t, "", to("/api/v4/elsewhere"))
	if _, err := newClient(t, post.URL).Ask(t.Context(), &Request{Method: http.MethodPost, Path: "/user/runners"}); err == nil {
		t.Error("a POST became a GET")
	}
	post.asked(t)
}

// TestPages follows numbers and links, and stays with the server.
func TestPages(t *testing.T) {
	t.Parallel()
	page := func(body string, headers ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i < len(headers); i += 2 {
				w.Header().Set(headers[i], headers[i+1])
			}
			fmt.Fprint(w, body)
		}
	}
	for name, test := range map[string]struct {
		answers []http.HandlerFunc
		want    []string // what is asked
	}{
		"numbers": {
			[]http.HandlerFunc{
				page("1", "X-Next-Page", "2", "Link", `<https://other.example/x?cursor=1>; rel="next"`),
				page("2", "X-Next-Page", ""),
			},
			[]string{"/api/v4/runners?tag_list=a%2Cb", "/api/v4/runners?page=2&tag_list=a%2Cb"},
		},
		"links": {
			[]http.HandlerFunc{
				page("1", "Link", `<https://other.example/api/v4/runners?page=1>; rel="first", <https://other.example/base/api/v4/runners?cursor=eyJ9&per_page=2>; rel="next"`),
				page("2", "Link", `<https://other.example/api/v4/runners?page=1>; rel="first"`),
			},
			[]string{"/api/v4/runners?tag_list=a%2Cb", "/api/v4/runners?cursor=eyJ9&per_page=2"},
		},
		"no pages": {[]http.HandlerFunc{page("1")}, []string{"/api/v4/runners?tag_list=a%2Cb"}},
		"an error": {
			[]http.HandlerFunc{page("1", "X-Next-Page", "2"), status(http.StatusForbidden)},
			[]string{"/api/v4/runners?tag_list=a%2Cb", "/api/v4/runners?page=2&tag_list=a%2Cb"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, "", test.answers...)
			var bodies []string
			var last error
			for answer, err := range newClient(t, s.URL).Pages(t.Context(), Get("/runners", map[string]string{"tag_list": "a,b", "type": ""})) {
				if last = err; err == nil {
					bodies = append(bodies, string(answer.Body))
				}
			}
			var uris []string
			for _, r := range s.asked(t) {
				uris = append(uris, r.URI)
			}
			if !slices.Equal(uris, test.want) {
				t.Errorf("asked %q, want %q", uris, test.want)
			}
			if want := []string{"1", "2"}[:len(bodies)]; !slices.Equal(bodies, want) || (last != nil) != (name == "an error") {
				t.Errorf("answers %q, then %v", bodies, last)
			}
		})
	}
}

// TestErrors reads the forms in which GitLab words what is wrong.
func TestErrors(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]Error{
		`{"message":"404 Runner Not Found"}`:                                            {Message: "Runner Not Found"},
		`{"message":"403 Forbidden - Insufficient permissions"}`:                        {Message: "Insufficient permissions"},
		`{"message":"400 Bad request - Tags list is - what it is"}`:                     {Message: "Tags list is - what it is"},
		`{"message":"403 Forbidden"}`:                                                   {Message: "Forbidden"},
		`{"error":"runner_type is missing"}`:                                            {Message: "runner_type is missing"},
		`{"error":"404 Not Found"}`:                                                     {Message: "Not Found", NoRoute: true},
		`{"message":{"tags_list":["is a","is b"],"base":["as a whole"]}}`:               {Message: "As a whole; Tags list is a; is b"},
		`{"message":["one","two"]}`:                                                     {Message: "one; two"},
		`{"error":"invalid_token","error_description":"Token is expired."}`:             {Message: "Token is expired."},
		`{"error":"insufficient_scope","error_description":"x","scope":"api read_api"}`: {Message: "x", Scopes: []string{"api", "read_api"}},
		`Retry later`: {Message: "Retry later", Foreign: true},
		``:            {Message: "418 I'm a teapot"},
		`<html>`:      {Message: "418 I'm a teapot", Foreign: true},
		`[1]`:         {Message: "418 I'm a teapot", Foreign: true},
	} {
		s := newStage(t, "", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			if strings.HasPrefix(body, "<") {
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
			}
			if strings.HasPrefix(body, "{") || strings.HasPrefix(body, "[") {
				w.Header().Set("Content-Type", "application/json")
			}
			w.Header().Set("X-Request-Id", "r1")
			w.WriteHeader(http.StatusTeapot)
			fmt.Fprint(w, body)
		})
		_, err := newClient(t, s.URL).Ask(t.Context(), Get("/x", nil))
		got, isError := errors.AsType[*Error](err)
		if !isError {
			t.Fatalf("%s: error %v", body, err)
		}
		want.Method, want.Path, want.Status, want.RequestID, want.Body = http.MethodGet, "/x", http.StatusTeapot, "r1", []byte(body)
		if diff := cmp.Diff(want, *got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", body, diff)
		}
	}
}

// TestParseURL takes addresses as people copy them, and asks below their paths.
func TestParseURL(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"https://gitlab.example.com":                 "https://gitlab.example.com",
		" https://gitlab.example.com/ ":              "https://gitlab.example.com",
		"https://gitlab.example.com/api/v4/":         "https://gitlab.example.com",
		"http://example.com:8080/baton/api/v4":       "http://example.com:8080/baton",
		"https://example.com/a%2Fb/?private_token=x": "https://example.com/a%2Fb",
		"gitlab.example.com":                         "",
		"ftp://example.com":                          "",
		"https://":                                   "",
		"https://user:pass@example.com":              "",
	} {
		got, err := ParseURL(given)
		if (err == nil) != (want != "") || err == nil && got.String() != want {
			t.Errorf("%q: %v, %v", given, got, err)
		}
		if err != nil && strings.Contains(err.Error(), "pass@") {
			t.Errorf("%v tells the password", err)
		}
	}

	s := newStage(t, "", ok)
	if _, err := newClient(t, s.URL+"/base").Ask(t.Context(), &Request{
		Method: http.MethodGet, Path: "/groups/" + Escape("tools/ci ä"), Query: url.Values{"q": {"a b"}},
	}); err != nil {
		t.Fatal(err)
	}
	if got, want := s.asked(t)[0].URI, "/base/api/v4/groups/tools%2Fci%20%C3%A4?q=a+b"; got != want {
		t.Errorf("asked %s, want %s", got, want)
	}
}

// TestDecode tells a wrong address from a wrong answer.
func TestDecode(t *testing.T) {
	t.Parallel()
	answer := &Answer{Header: http.Header{"Content-Type": {"text/html"}}, Body: []byte("<html>")}
	if err := answer.Decode(&struct{}{}); err == nil || !strings.Contains(err.Error(), "text/html") {
		t.Errorf("error %v", err)
	}
}
