package api_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"baton.example/baton/internal/testkit/pgtest"
	"baton.example/baton/internal/testkit/pipe"
	"baton.example/baton/internal/testkit/runnerclient"
)

// inBubbles runs a test on both databases, each time in a bubble of its own:
// the clock stands while a database works, and runs while everybody waits.
func inBubbles(t *testing.T, test func(t *testing.T, w *world, network *pipe.Network)) {
	t.Helper()
	for kind, databaseURL := range map[string]func(testing.TB) string{
		"sqlite":   func(testing.TB) string { return "" },
		"postgres": pgtest.URL,
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			u := databaseURL(t)
			synctest.Test(t, func(t *testing.T) {
				w, network := newBubble(t, u)
				test(t, w, network)
			})
		})
	}
}

// How long the tokens of these tests work, and how often every machine asks for
// a job meanwhile. Nobody waits for either, but every request is a real one.
const (
	tokenLife     = 10 * time.Minute
	checkInterval = 15 * time.Second
)

// A machine is a gitlab-runner with a system id of its own. Every refusal is
// noted, and every request that was not answered.
type machine struct {
	*runnerclient.Process

	next http.RoundTripper
	stop func()

	mu      sync.Mutex
	refused []string
	asked   int
}

// RoundTrip implements [http.RoundTripper].
func (m *machine) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := m.next.RoundTrip(r)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked++
	if err != nil && r.Context().Err() == nil || err == nil && answer.StatusCode == http.StatusForbidden {
		m.refused = append(m.refused, strings.TrimPrefix(r.URL.Path, "/api/v4"))
	}
	return answer, err
}

// refusals returns how often what was refused.
func (m *machine) refusals() map[string]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	count := map[string]int{}
	for _, path := range m.refused {
		count[path]++
	}
	return count
}

// entry returns the one entry of the machine's config.
func (m *machine) entry() runnerclient.Runner { return m.Config.Runners()[0] }

// newMachine registers a machine with the token and lets it run.
func newMachine(t *testing.T, network *pipe.Network, token string) *machine {
	t.Helper()
	m := &machine{
		Process: &runnerclient.Process{Config: runnerclient.NewConfig()},
		next:    runnerclient.NewTransport(network.DialContext),
	}
	m.Client = runnerclient.New(runnerclient.Options{Transport: m})
	if err := m.Config.SetPace(1, checkInterval); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Client.Register(t.Context(), m.Config, runnerclient.Registration{URL: "http://pipe", Token: token}); err != nil {
		t.Fatal(err)
	}
	// A request that is on its way when the token is replaced would be refused
	// without an overlap, in GitLab too: the polls of these machines are never
	// at the same moment as a reset.
	time.Sleep(time.Second)
	ctx, cancel := context.WithCancel(t.Context())
	var run sync.WaitGroup
	run.Go(func() { m.Run(ctx) })
	m.stop = func() {
		cancel()
		run.Wait()
		m.next.(*http.Transport).CloseIdleConnections()
	}
	return m
}

// newRunner creates an instance runner and returns its token.
func (w *world) newRunner(t *testing.T) string {
	t.Helper()
	status, token := w.postToken(t, "/user/runners", `{"runner_type":"instance_type"}`)
	if status != http.StatusCreated {
		t.Fatalf("create: %d", status)
	}
	return token
}

// do carries out directives.
func (w *world) do(t *testing.T, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if _, err := w.Do(line); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
}

// usedTokens returns, by system id, the number and the creation of the token
// that each manager used last.
func (w *world) usedTokens(t *testing.T, runner int64) map[string]string {
	t.Helper()
	var managers []struct {
		SystemID string `json:"system_id"`
		Token    struct {
			ID        int    `json:"id"`
			CreatedAt string `json:"created_at"`
		} `json:"token"`
	}
	if status := w.ask(t, http.MethodGet, fmt.Sprintf("/runners/%d/managers?with_token=true", runner), "", &managers); status != http.StatusOK {
		t.Fatalf("the managers of runner %d: status %d", runner, status)
	}
	used := map[string]string{}
	for _, m := range managers {
		used[m.SystemID] = fmt.Sprintf("%d of %s", m.Token.ID, m.Token.CreatedAt)
	}
	return used
}

// One machine lives through several lives of its tokens without anybody's help,
// as in GitLab: no overlap is set.
func TestUnattendedRotation(t *testing.T) {
	t.Parallel()
	inBubbles(t, func(t *testing.T, w *world, network *pipe.Network) {
		t.Helper()
		w.do(t, "set runner_token_expiration_interval 600")
		m := newMachine(t, network, w.newRunner(t))
		first := m.entry()
		time.Sleep(5 * tokenLife)
		m.stop()
		if refused := m.refusals(); len(refused) > 0 {
			t.Errorf("refused: %v", refused)
		}
		last := m.entry()
		if last.ID != first.ID {
			t.Errorf("the runner was %d and is %d", first.ID, last.ID)
		}
		// One reset after every three quarters of a life.
		want := fmt.Sprintf("7 of %s", last.TokenObtainedAt.Format("2006-01-02T15:04:05.000Z"))
		if used := w.usedTokens(t, last.ID)[m.Config.SystemID()]; used != want {
			t.Errorf("the machine used token %s, want %s", used, want)
		}
		// Who was told that there is nothing is held for 50 s, and asks once
		// more with every new token.
		if most := int(5*tokenLife/(50*time.Second)) + 2*7; m.asked < most-5 || m.asked > most+5 {
			t.Errorf("%d requests, want about %d", m.asked, most)
		}
		for _, old := range []struct {
			token string
			want  int
		}{{first.Token, http.StatusForbidden}, {last.Token, http.StatusOK}} {
			if status, _ := w.postToken(t, "/runners/verify", fmt.Sprintf(`{"token":%q}`, old.token)); status != old.want {
				t.Errorf("a token gets %d, want %d", status, old.want)
			}
		}
	})
}

// Ten machines share a runner, and each replaces its token by itself.
func TestMachinesOutliveTheirToken(t *testing.T) {
	t.Parallel()
	const machines = 10
	for name, test := range map[string]struct {
		overlap   time.Duration
		lockedOut int
	}{
		"with an overlap of a quarter": {tokenLife / 4, 0},
		"without":                      {0, machines - 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubbles(t, func(t *testing.T, w *world, network *pipe.Network) {
				t.Helper()
				w.do(t, "set runner_token_expiration_interval 600", fmt.Sprintf("set runner_token_overlap %d", int(test.overlap.Seconds())))
				token := w.newRunner(t)
				all := make([]*machine, machines)
				for i := range all {
					all[i] = newMachine(t, network, token)
					time.Sleep(10 * time.Second) // they are not set up at once
				}
				time.Sleep(3 * tokenLife)
				for _, m := range all {
					m.stop()
				}

				runner := all[0].entry().ID
				used := w.usedTokens(t, runner)
				lockedOut := 0
				var numbers []string
				for i, m := range all {
					entry := m.entry()
					if entry.ID != runner {
						t.Errorf("machine %d has runner %d, want %d", i, entry.ID, runner)
					}
					if len(m.refusals()) > 0 {
						lockedOut++
						if status, _ := w.postToken(t, "/runners/verify", fmt.Sprintf(`{"token":%q}`, entry.Token)); status != http.StatusForbidden {
							t.Errorf("machine %d was refused %v, and gets %d now", i, m.refusals(), status)
						}
						continue
					}
					created := entry.TokenObtainedAt.Format("2006-01-02T15:04:05.000Z")
					number, at, _ := strings.Cut(used[m.Config.SystemID()], " of ")
					if at != created || slices.Contains(numbers, number) {
						t.Errorf("machine %d holds a token of %s and used number %s of %s last", i, created, number, at)
					}
					numbers = append(numbers, number)
				}
				if lockedOut != test.lockedOut {
					t.Errorf("%d of %d machines were refused, want %d", lockedOut, machines, test.lockedOut)
				}
				if test.lockedOut == 0 && len(numbers) != machines {
					t.Errorf("%d machines use %v", machines, numbers)
				}
			})
		})
	}
}
