package runnerclient_test

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"baton.example/baton/internal/testkit/runnerclient"
)

func TestHeaders(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, c := serve(t, always(verified))
		if err := c.Verify(t.Context(), entry("glrt-a"), "s_1"); err != nil {
			t.Fatal(err)
		}
		_, _ = c.Reset(t.Context(), entry("glrt-a"))          // 200 is not what it wants
		_ = c.Unregister(t.Context(), entry("glrt-a"), "s_1") // likewise
		want := []struct{ method, path, accept, token string }{
			{"POST", "/api/v4/runners/verify", "application/json", "glrt-a"},
			{"POST", "/api/v4/runners/reset_authentication_token", "application/json", ""},
			{"DELETE", "/api/v4/runners/managers", "", "glrt-a"},
		}
		got := f.requests()
		ids := map[string]bool{}
		for i, want := range want {
			e := got[i]
			if e.method != want.method || e.path != want.path || e.header.Get("Accept") != want.accept || e.header.Get("Runner-Token") != want.token {
				t.Errorf("%s %s with %v, want %+v", e.method, e.path, e.header, want)
			}
			if e.header.Get("Content-Type") != "application/json" || !strings.HasPrefix(e.header.Get("User-Agent"), "gitlab-runner 19.4.0 (") {
				t.Errorf("%s: headers %v", e.path, e.header)
			}
			id := e.header.Get("X-Request-Id")
			if !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(id) || ids[id] {
				t.Errorf("%s: X-Request-Id %q", e.path, id)
			}
			ids[id] = true
			if e.field("token") != `"glrt-a"` {
				t.Errorf("%s: body %s", e.path, e.body)
			}
		}
	})
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		instance:                  "/api/v4/runners/verify",
		instance + "/":            "/api/v4/runners/verify",
		instance + "/ci":          "/api/v4/runners/verify",
		instance + "/ci/":         "/api/v4/runners/verify",
		instance + "/gitlab//":    "/gitlab/api/v4/runners/verify",
		instance + "/circus":      "/circus/api/v4/runners/verify",
		instance + "/gitlab/ci//": "/gitlab/api/v4/runners/verify",
	} {
		synctest.Test(t, func(t *testing.T) {
			f, c := serve(t, always(verified))
			r := entry("glrt-a")
			r.URL = url
			if err := c.Verify(t.Context(), r, "s_1"); err != nil {
				t.Error(err)
			}
			if got := f.requests()[0].path; got != want {
				t.Errorf("%s is asked at %s, want %s", url, got, want)
			}
		})
	}
}

func TestSendsAgain(t *testing.T) {
	t.Parallel()
	again := map[int]bool{408: true, 429: true, 500: true, 502: true, 503: true, 504: true, 512: true, 599: true}
	for _, status := range []int{400, 401, 403, 404, 408, 409, 410, 416, 422, 429, 500, 501, 502, 503, 504, 505, 511, 512, 599} {
		synctest.Test(t, func(t *testing.T) {
			f, c := serve(t, always(reply{status: status, body: `{"message":{"tags_list":["is blank"]}}`}))
			began := time.Now()
			err := c.Unregister(t.Context(), entry("glrt-a"), "s_1")
			if runnerclient.Status(err) != status || !strings.Contains(err.Error(), "map[tags_list:[is blank]]") {
				t.Errorf("%d is told as %v", status, err)
			}
			got := f.requests()
			if !again[status] {
				if len(got) != 1 {
					t.Errorf("%d is asked %d times", status, len(got))
				}
				return
			}
			if len(got) != 5 {
				t.Fatalf("%d is asked %d times, want 5", status, len(got))
			}
			for i, e := range got {
				if e.body != got[0].body || e.header.Get("X-Request-Id") != got[0].header.Get("X-Request-Id") {
					t.Errorf("%d: request %d is another: %+v", status, i, e)
				}
			}
			// 100 ms, then up to 200, 400 and 800.
			if took := time.Since(began); got[1].at.Sub(began) != 100*time.Millisecond || took < 400*time.Millisecond || took > 1500*time.Millisecond {
				t.Errorf("%d: waits of %v, the first %v", status, took, got[1].at.Sub(began))
			}
		})
	}
}

func TestWaitsAsTold(t *testing.T) {
	t.Parallel()
	// A bubble begins at midnight.
	for name, tt := range map[string]struct {
		header   map[string]string
		min, max time.Duration // of the first wait
	}{
		"reset time":              {map[string]string{"RateLimit-ResetTime": "Sat, 01 Jan 2000 00:02:00 UTC", "Retry-After": "7"}, 2 * time.Minute, 2 * time.Minute},
		"reset time that is over": {map[string]string{"RateLimit-ResetTime": "Fri, 31 Dec 1999 23:59:00 UTC", "Retry-After": "7"}, 7 * time.Second, 7 * time.Second},
		"reset time in words":     {map[string]string{"RateLimit-ResetTime": "soon", "Retry-After": "7"}, 7 * time.Second, 7 * time.Second},
		"seconds":                 {map[string]string{"Retry-After": "60"}, time.Minute, time.Minute},
		"a date is no number":     {map[string]string{"Retry-After": "Sat, 01 Jan 2000 00:02:00 GMT"}, 100 * time.Millisecond, 100 * time.Millisecond},
		"no seconds":              {map[string]string{"Retry-After": "0"}, 100 * time.Millisecond, 100 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, c := serve(t, inTurn(reply{status: http.StatusTooManyRequests, header: tt.header}, verified))
				began := time.Now()
				if err := c.Verify(t.Context(), entry("glrt-a"), "s_1"); err != nil {
					t.Fatal(err)
				}
				if wait := f.requests()[1].at.Sub(began); wait < tt.min || wait > tt.max {
					t.Errorf("waited %v, want %v to %v", wait, tt.min, tt.max)
				}
			})
		})
	}
}

// Without another transport the client calls over the network.
func TestRealNetwork(t *testing.T) {
	t.Parallel()
	f := &fake{answer: always(verified)}
	server := httptest.NewServer(f)
	defer server.Close()
	c := runnerclient.New(runnerclient.Options{})
	defer c.CloseIdleConnections()
	r := entry("glrt-a")
	r.URL = server.URL
	if err := c.Verify(t.Context(), r, "s_1"); err != nil || len(f.requests()) != 1 {
		t.Errorf("%v after %v", err, f.paths())
	}
}

func TestBrokenConnections(t *testing.T) {
	t.Parallel()
	dials := 0
	c := runnerclient.New(runnerclient.Options{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
		dials++
		return nil, net.ErrClosed
	})})
	if err := c.Unregister(t.Context(), entry("glrt-a"), "s_1"); !errors.Is(err, net.ErrClosed) || runnerclient.Status(err) != 0 || dials != 1 {
		t.Errorf("%d dials, %v", dials, err)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestContentTypes(t *testing.T) {
	t.Parallel()
	for kind, good := range map[string]bool{
		"application/json":                true,
		"application/json; charset=utf-8": true,
		"text/json":                       false,
		"text/plain":                      false,
		"application/problem+json":        false,
		"":                                false,
	} {
		synctest.Test(t, func(t *testing.T) {
			_, c := serve(t, always(reply{status: http.StatusCreated, body: `{"token":"glrt-b"}`, header: map[string]string{"Content-Type": kind}}))
			_, err := c.Reset(t.Context(), entry("glrt-a"))
			if _, unusable := errors.AsType[*runnerclient.AnswerError](err); unusable == good || good != (err == nil) {
				t.Errorf("%q: %v", kind, err)
			}
		})
	}
}

// What is heard of the queue is kept for each token, whatever call heard it,
// and said when a job is asked for.
func TestLastUpdate(t *testing.T) {
	t.Parallel()
	said := func(status int, value string) reply {
		return reply{status: status, header: map[string]string{"X-GitLab-Last-Update": value}}
	}
	synctest.Test(t, func(t *testing.T) {
		f, c := serve(t, inTurn(said(204, ""), said(204, "one"), said(409, ""), said(403, "two"), said(204, ""), said(404, "three"), noJob))
		ask := func(token string) { c.RequestJob(t.Context(), entry(token), "s_1") }
		ask("glrt-a")
		ask("glrt-a")                                         // hears one
		ask("glrt-a")                                         // 409
		ask("glrt-a")                                         // hears two
		ask("glrt-b")                                         // another token
		_ = c.Unregister(t.Context(), entry("glrt-a"), "s_1") // hears three
		ask("glrt-a")
		want := []string{"", "", `"one"`, `"one"`, "", "", `"three"`}
		for i, e := range f.requests() {
			if got := e.field("last_update"); got != want[i] {
				t.Errorf("request %d says %s, want %s", i, got, want[i])
			}
		}
	})
}

func TestPolls(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		reply   reply
		want    runnerclient.Outcome
		healthy bool
	}{
		"a job":                    {reply{status: 201, body: smallest}, runnerclient.Received, true},
		"a job with a wrong type":  {reply{status: 201, body: strings.Replace(smallest, `"timeout":3600`, `"timeout":3600.0`, 1)}, runnerclient.Lost, true},
		"a job that is cut":        {reply{status: 201, body: smallest[:100]}, runnerclient.Lost, true},
		"a job of another type":    {reply{status: 201, body: smallest, header: map[string]string{"Content-Type": "text/html"}}, runnerclient.Lost, true},
		"a job with status 200":    {reply{status: 200, body: smallest}, runnerclient.Failed, true},
		"none":                     {noJob, runnerclient.Idle, true},
		"refused":                  {refused, runnerclient.Refused, false},
		"away":                     {reply{status: 503}, runnerclient.Unavailable, true},
		"unknown":                  {reply{status: 401}, runnerclient.Failed, true},
		"not found":                {reply{status: 404}, runnerclient.Failed, true},
		"a race lost":              {reply{status: 409}, runnerclient.Failed, true},
		"too many requests":        {reply{status: 429}, runnerclient.Failed, true},
		"a fault of the server":    {reply{status: 500}, runnerclient.Failed, true},
		"what nobody has heard of": {reply{status: 599}, runnerclient.Failed, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, c := serve(t, always(tt.reply))
				p := c.RequestJob(t.Context(), entry("glrt-a"), "s_1")
				if p.Outcome != tt.want || p.Outcome.Healthy() != tt.healthy || (p.Job != nil) != (tt.want == runnerclient.Received) {
					t.Errorf("%v, %v, job %v", p.Outcome, p.Err, p.Job)
				}
				if retried := len(f.requests()) > 1; p.Troubled != retried {
					t.Errorf("troubled is %t after %d requests", p.Troubled, len(f.requests()))
				}
				e := f.requests()[0]
				if e.path != "/api/v4/jobs/request" || e.field("system_id") != `"s_1"` || e.header.Get("Runner-Token") != "glrt-a" {
					t.Errorf("asked %+v", e)
				}
			})
		})
	}
}

// What the program says of itself, field by field: servers read it.
func TestInfo(t *testing.T) {
	t.Parallel()
	got, err := json.Marshal(runnerclient.ShellInfo())
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"name":"gitlab-runner","version":"19.4.0","revision":"d79f3e7b","platform":"linux","architecture":"amd64",` +
		`"executor":"shell","shell":"bash","features":{"variables":true,"image":false,"services":false,"artifacts":true,"cache":true,` +
		`"fallback_cache_keys":true,"shared":true,"upload_multiple_artifacts":true,"upload_raw_artifacts":true,"session":true,"terminal":true,` +
		`"refspecs":true,"masking":true,"proxy":false,"raw_variables":true,"artifacts_exclude":true,"multi_build_steps":true,"trace_reset":true,` +
		`"trace_checksum":true,"trace_size":true,"vault_secrets":true,"cancelable":true,"return_exit_code":true,"service_variables":false,` +
		`"service_multiple_aliases":false,"image_executor_opts":false,"service_executor_opts":false,"cancel_gracefully":true,` +
		`"native_steps_integration":true,"two_phase_job_commit":true,"job_inputs":true},"config":{"gpus":""}}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
