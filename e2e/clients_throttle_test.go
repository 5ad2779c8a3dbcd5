package e2e

import (
	"context"
	"net/http"
	"strings"
	"testing"

	gitlab "gitlab.com/gitlab-org/api/client-go"
)

// TestThrottledClients lets clients ask for more than a throttle allows, each as
// it comes: what it makes of the headers and of 429 is its own affair, but it
// has to understand them.
func TestThrottledClients(t *testing.T) {
	t.Parallel()
	// A user of each server makes as many runners in a row.
	const creates = 7
	throttled := func(t *testing.T, requests, seconds int) (*program, *world, string) {
		t.Helper()
		p := start(t, setup{})
		w := newWorld(p)
		u := must(w.root.Users.CreateUser(&gitlab.CreateUserOptions{
			Username: new("ann"), Name: new("Ann"), Email: new("ann@example.com"), ForceRandomPassword: new(true), Admin: new(true),
		}))(t)
		token := w.token(u).Token
		w.put("application/settings", map[string]any{
			"throttle_authenticated_api_enabled":             true,
			"throttle_authenticated_api_requests_per_period": requests,
			"throttle_authenticated_api_period_in_seconds":   seconds,
		})
		return p, w, token
	}
	refusals := func(p *program) int { return strings.Count(p.log.String(), " status=429 ") }

	// It takes RateLimit-Limit for the limit of a minute and spreads its requests,
	// so that none is refused; were it that of the second, it would be at it for
	// a minute.
	t.Run("client-go", func(t *testing.T) {
		t.Parallel()
		p, w, token := throttled(t, 10, 1)
		client := must2(gitlab.NewClient(token, gitlab.WithBaseURL(p.url)))(t)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		for range creates {
			must(client.Users.CreateUserRunner(instanceRunner(), gitlab.WithContext(ctx)))(t)
		}
		if n := refusals(p); n != 0 {
			t.Errorf("%d requests were refused", n)
		}
		if n := w.runners(); n != creates {
			t.Errorf("%d runners, want %d", n, creates)
		}
	})

	// It waits for as long as Retry-After says, and goes on.
	t.Run("python-gitlab", func(t *testing.T) {
		t.Parallel()
		p, w, token := throttled(t, 3, 2)
		d := python("python-gitlab.py")(t, p.url)
		for range creates {
			a := d.do(t, call{Step: "create_runner", Token: token, With: with{"runner_type": "instance_type"}, Show: []string{"id"}})
			if a.Value == nil {
				t.Fatalf("%+v", a)
			}
		}
		if refusals(p) == 0 {
			t.Error("no request was refused")
		}
		if n := w.runners(); n != creates {
			t.Errorf("%d runners, want %d", n, creates)
		}
	})

	// It tells its caller.
	t.Run("ruby-gitlab", func(t *testing.T) {
		t.Parallel()
		p, _, token := throttled(t, 3, 60)
		d := newRubyDriver(t, p.url)
		var told *refused
		for range creates {
			a := d.do(t, call{Step: "create_runner", Token: token, With: with{"runner_type": "instance_type"}, Show: []string{"id"}})
			if a.Refused != nil {
				told = a.Refused
			} else if a.Value == nil {
				t.Fatalf("%+v", a)
			}
		}
		if told == nil || told.Status != http.StatusTooManyRequests || !strings.Contains(told.Text, "Gitlab::Error::TooManyRequests") {
			t.Errorf("told %+v, want 429", told)
		}
	})
}
