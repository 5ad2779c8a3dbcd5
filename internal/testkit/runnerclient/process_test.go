package runnerclient_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"baton.example/baton/internal/testkit/runnerclient"
)

// begin runs a process with the entries. The function that it returns ends it.
func begin(t *testing.T, p *runnerclient.Process, entries ...runnerclient.Runner) (stop func()) {
	t.Helper()
	if p.Config == nil {
		p.Config = runnerclient.NewConfig()
	}
	for _, r := range entries {
		if err := p.Config.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	var run sync.WaitGroup
	run.Go(func() { p.Run(ctx) })
	return func() {
		cancel()
		run.Wait()
	}
}

// asked returns which token asked for a job at which second.
func (f *fake) asked(began time.Time) []string {
	var all []string
	for _, e := range f.requests() {
		if e.path == "/api/v4/jobs/request" {
			all = append(all, fmt.Sprintf("%v %s", e.at.Sub(began), e.field("token")))
		}
	}
	return all
}

// The check interval is divided over the entries.
func TestPollsInTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, c := serve(t, always(noJob))
		began := time.Now()
		stop := begin(t, &runnerclient.Process{Client: c}, entry("a"), entry("b"), entry("c"))
		time.Sleep(5*time.Second + time.Millisecond)
		stop()
		want := []string{`0s "a"`, `1s "b"`, `2s "c"`, `3s "a"`, `4s "b"`, `5s "c"`}
		if got := f.asked(began); !slices.Equal(got, want) {
			t.Errorf("got  %v\nwant %v", got, want)
		}
	})
}

// A request that the server holds keeps a worker, and other entries wait for
// one; with a second worker they do not.
func TestHeldRequests(t *testing.T) {
	t.Parallel()
	for concurrent, want := range map[int][]string{
		1: {`0s "held"`, `50s "b"`, `53s "held"`},
		2: {`0s "held"`, `3s "b"`, `9s "b"`, `15s "b"`},
	} {
		synctest.Test(t, func(t *testing.T) {
			f, c := serve(t, func(e exchange) reply {
				if e.field("token") == `"held"` {
					time.Sleep(50 * time.Second)
				}
				return noJob
			})
			config := runnerclient.NewConfig()
			if err := config.SetPace(concurrent, 6*time.Second); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			stop := begin(t, &runnerclient.Process{Client: c, Config: config}, entry("held"), entry("b"))
			time.Sleep(2 * time.Minute)
			stop()
			if got := f.asked(began); !slices.Equal(got[:len(want)], want) {
				t.Errorf("%d workers:\ngot  %v\nwant %v", concurrent, got[:len(want)], want)
			}
		})
	}
}

// After a job the next one is asked for at once, up to the limits; with a strict
// check interval not before the turn comes.
func TestAsksAgainAfterAJob(t *testing.T) {
	t.Parallel()
	// So long an answer takes that all workers wait by then, and so short that
	// four come within a check interval.
	const answers = 700 * time.Millisecond
	for name, tt := range map[string]struct {
		entry      runnerclient.Runner
		concurrent int
		running    int
		took       time.Duration
	}{
		"at once":            {runnerclient.Runner{}, 4, 4, 4 * answers},
		"one worker":         {runnerclient.Runner{}, 1, 1, answers},
		"limit":              {runnerclient.Runner{Limit: 2}, 4, 2, 2 * answers},
		"strict":             {runnerclient.Runner{StrictCheckInterval: true}, 3, 3, 6*time.Second + answers},
		"limit above worker": {runnerclient.Runner{Limit: 9}, 3, 3, 3 * answers},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, c := serve(t, func(e exchange) reply {
					if e.method == http.MethodPut {
						return reply{status: http.StatusOK}
					}
					time.Sleep(answers)
					return reply{status: http.StatusCreated, body: smallest}
				})
				config := runnerclient.NewConfig()
				if err := config.SetPace(tt.concurrent, 0); err != nil {
					t.Fatal(err)
				}
				var mu sync.Mutex
				running, last := 0, time.Now()
				began := last
				p := &runnerclient.Process{Client: c, Config: config, Work: func(ctx context.Context, _ *runnerclient.JobRun) runnerclient.Result {
					mu.Lock()
					running, last = running+1, time.Now()
					mu.Unlock()
					<-ctx.Done()
					return runnerclient.Result{}
				}}
				r := tt.entry
				r.URL, r.Token = instance, "glrt-a"
				stop := begin(t, p, r)
				time.Sleep(time.Minute) // the jobs may take an hour
				stop()
				if running != tt.running || last.Sub(began) != tt.took {
					t.Errorf("%d jobs run, the last since %v; want %d since %v", running, last.Sub(began), tt.running, tt.took)
				}
			})
		})
	}
}

// Three refusals in a row, and the entry is left alone for an hour; anything
// else in between, and it is not.
func TestUnhealthy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, c := serve(t, inTurn(refused, refused, reply{status: 404}, refused, refused, refused))
		began := time.Now()
		p := &runnerclient.Process{Client: c}
		stop := begin(t, p, entry("a"))
		asks := func(want ...time.Duration) {
			t.Helper()
			synctest.Wait()
			var got []time.Duration
			for _, e := range f.requests() {
				got = append(got, e.at.Sub(began))
			}
			if !slices.Equal(got, want) {
				t.Errorf("asked at %v, want %v", got, want)
			}
		}
		time.Sleep(time.Hour)
		want := []time.Duration{0, 3 * time.Second, 6 * time.Second, 9 * time.Second, 12 * time.Second, 15 * time.Second}
		asks(want...)
		time.Sleep(time.Hour)
		again := time.Hour + 15*time.Second
		want = append(want, again, again+3*time.Second, again+6*time.Second)
		asks(want...)
		time.Sleep(time.Millisecond)
		p.Reload()
		time.Sleep(3 * time.Second)
		asks(append(want, 2*time.Hour+3*time.Second)...)
		stop()
	})
}

// The token is replaced at three quarters of its life, and what was heard with
// the old one is forgotten.
func TestRotates(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		life := 2 * time.Hour
		made := 0
		f, c := serve(t, func(e exchange) reply {
			if e.path == "/api/v4/runners/reset_authentication_token" {
				made++
				return reply{status: 201, body: fmt.Sprintf(`{"token":"glrt-%d","token_expires_at":%q}`, made, time.Now().Add(life).UTC().Format(time.RFC3339))}
			}
			return reply{status: 204, header: map[string]string{"X-GitLab-Last-Update": "heard by " + e.field("token")}}
		})
		r := entry("glrt-0")
		r.TokenObtainedAt, r.TokenExpiresAt = time.Now(), time.Now().Add(life)
		began := time.Now()
		p := &runnerclient.Process{Client: c, Config: runnerclient.NewConfig()}
		if err := p.Config.SetPace(0, 50*time.Minute); err != nil {
			t.Fatal(err)
		}
		still := entry("glrt-still")
		still.TokenObtainedAt, still.TokenExpiresAt = began, began.Add(life)
		still.FeatureFlags = map[string]bool{runnerclient.FFNoRotation: true}
		stop := begin(t, p, r, still)
		time.Sleep(4*time.Hour + 45*time.Minute)
		stop()
		if got := p.Config.Runners(); got[0].Token != "glrt-3" || got[0].ID != 42 || got[1].Token != "glrt-still" {
			t.Errorf("config has %+v", got)
		}
		var got []string
		for _, e := range f.requests() {
			if e.field("token") != `"glrt-still"` {
				got = append(got, fmt.Sprint(e.at.Sub(began), e.field("token"), e.field("last_update")))
			}
		}
		want := []string{
			`0s"glrt-0"`, `50m0s"glrt-0""heard by \"glrt-0\""`, `1h30m0s"glrt-0"`,
			`1h40m0s"glrt-1"`, `2h30m0s"glrt-1""heard by \"glrt-1\""`, `3h0m0s"glrt-1"`,
			`3h20m0s"glrt-2"`, `4h10m0s"glrt-2""heard by \"glrt-2\""`, `4h30m0s"glrt-2"`,
		}
		if !slices.Equal(got, want) {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	})
}

// A reset that fails is tried again every minute.
func TestRotationFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, c := serve(t, inTurn(refused, refused, reply{status: 201, body: `{"token":"glrt-b","token_expires_at":null}`}, noJob))
		r := entry("glrt-a")
		r.TokenObtainedAt, r.TokenExpiresAt = time.Now(), time.Now().Add(4*time.Hour)
		p := &runnerclient.Process{Client: c, Config: runnerclient.NewConfig()}
		if err := p.Config.SetPace(0, 100*time.Hour); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		stop := begin(t, p)
		time.Sleep(time.Second)
		if err := p.Config.Add(r); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Hour)
		stop()
		var got []time.Duration
		for _, e := range f.requests() {
			got = append(got, e.at.Sub(began))
		}
		if want := []time.Duration{3 * time.Hour, 3*time.Hour + time.Minute, 3*time.Hour + 2*time.Minute}; !slices.Equal(got, want) {
			t.Errorf("asked at %v, want %v", got, want)
		}
		if got := p.Config.Runners()[0]; got.Token != "glrt-b" || !got.TokenExpiresAt.IsZero() {
			t.Errorf("config has %+v", got)
		}
	})
}

// How many requests may be open moves with what comes of them.
func TestAdaptiveRequests(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		flags map[string]bool
		jobs  int   // that the server has at first
		then  reply // before it holds what it is asked, unless it is zero
		want  int   // open at once
	}{
		"fixed":              {map[string]bool{runnerclient.FFAdaptiveRequests: false}, 0, noJob, 3},
		"at first":           {nil, 0, noJob, 1},
		"after seven jobs":   {nil, 7, noJob, 1}, // 1.1⁷ × 0.95 is below 2
		"after eight jobs":   {nil, 8, noJob, 2},
		"after twelve jobs":  {nil, 12, reply{}, 3},
		"after many jobs":    {nil, 50, noJob, 2}, // no more than 3 × 0.95
		"after some trouble": {nil, 50, reply{status: 500}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				open, most, asked := 0, 0, 0
				_, c := serve(t, func(e exchange) reply {
					if e.method == http.MethodPut {
						return with(200)
					}
					mu.Lock()
					asked++
					switch n := asked; {
					case n <= tt.jobs:
						mu.Unlock()
						return reply{status: 201, body: smallest}
					case tt.then.status == 204 && n == tt.jobs+1, tt.then.status == 500 && n <= tt.jobs+5: // it is sent again
						mu.Unlock()
						return tt.then
					}
					open++
					most = max(most, open)
					mu.Unlock()
					time.Sleep(50 * time.Second)
					mu.Lock()
					open--
					mu.Unlock()
					return noJob
				})
				config := runnerclient.NewConfig()
				if err := config.SetPace(5, 0); err != nil {
					t.Fatal(err)
				}
				r := entry("glrt-a")
				r.RequestConcurrency, r.FeatureFlags = 3, tt.flags
				stop := begin(t, &runnerclient.Process{Client: c, Config: config, Work: script()}, r)
				time.Sleep(4 * time.Minute)
				stop()
				mu.Lock()
				defer mu.Unlock()
				if most != tt.want {
					t.Errorf("%d were open at once, want %d", most, tt.want)
				}
			})
		})
	}
}
