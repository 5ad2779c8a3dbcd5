package runnerclient_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"baton.example/baton/internal/testkit/runnerclient"
)

func TestRegisterCreatedRunner(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, c := serve(t, always(reply{status: 200, body: `{"id":42,"token":"glrt-other","token_expires_at":"2000-01-02T00:00:00.000Z"}`}))
		config := runnerclient.NewConfig()
		r, err := c.Register(t.Context(), config, runnerclient.Registration{URL: instance, Token: "glrt-a", Attributes: runnerclient.Attributes{Description: "kept here"}})
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now().UTC()
		if r.ID != 42 || r.Token != "glrt-a" || !r.TokenObtainedAt.Equal(now) || !r.TokenExpiresAt.Equal(now.Add(24*time.Hour)) {
			t.Errorf("registered %+v", r)
		}
		if all := config.Runners(); len(all) != 1 || all[0].Token != "glrt-a" {
			t.Errorf("config has %+v", all)
		}
		e := f.requests()[0]
		if e.path != "/api/v4/runners/verify" || e.field("system_id") != `"`+config.SystemID()+`"` || strings.Contains(e.field("info"), "executor\"") {
			t.Errorf("asked %+v", e)
		}
	})
}

func TestRegistrationFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		reply    reply
		requests int
	}{
		"refused":             {refused, 1},
		"no id":               {reply{status: 200, body: `{"token":"glrt-a"}`}, 1},
		"another status":      {reply{status: 404}, 1},
		"plain text":          {reply{status: 200, body: "OK", header: map[string]string{"Content-Type": "text/plain"}}, 2},
		"an expiry in words":  {reply{status: 200, body: `{"id":42,"token_expires_at":""}`}, 2},
		"an expiry by day":    {reply{status: 200, body: `{"id":42,"token_expires_at":"2027-01-01"}`}, 2},
		"an id that is text":  {reply{status: 200, body: `{"id":"42"}`}, 2},
		"created, not proven": {reply{status: 201, body: `{"id":42,"token":"glrt-a"}`}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, c := serve(t, always(tt.reply))
				config := runnerclient.NewConfig()
				if _, err := c.Register(t.Context(), config, runnerclient.Registration{URL: instance, Token: "glrt-a"}); err == nil {
					t.Error("registered")
				}
				if n := len(f.requests()); n != tt.requests || len(config.Runners()) != 0 {
					t.Errorf("%d requests, config has %v", n, config.Runners())
				}
			})
		})
	}
}

func TestReservedAttributes(t *testing.T) {
	t.Parallel()
	for _, a := range []runnerclient.Attributes{
		{Unlocked: true},
		{AccessLevel: "ref_protected"},
		{RunUntagged: true},
		{MaximumTimeout: 600},
		{Paused: true},
		{TagList: "a"},
		{MaintenanceNote: "n"},
	} {
		synctest.Test(t, func(t *testing.T) {
			f, c := serve(t, always(verified))
			_, err := c.Register(t.Context(), runnerclient.NewConfig(), runnerclient.Registration{URL: instance, Token: "glrt-a", Attributes: a})
			if !errors.Is(err, runnerclient.ErrReserved) || len(f.requests()) != 0 {
				t.Errorf("%+v: %v", a, err)
			}
			// The same token as a registration token: they are ignored.
			if _, err := c.Register(t.Context(), runnerclient.NewConfig(), runnerclient.Registration{URL: instance, RegistrationToken: "glrt-a", Attributes: a}); err != nil {
				t.Errorf("%+v: %v", a, err)
			}
			if e := f.requests()[0]; e.path != "/api/v4/runners/verify" || e.field("tag_list") != "" {
				t.Errorf("asked %+v", e)
			}
		})
	}
}

func TestRegisterWithRegistrationToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, c := serve(t, always(reply{status: 201, body: `{"id":7,"token":"glrtr-new","token_expires_at":null}`}))
		config := runnerclient.NewConfig()
		register := func(a runnerclient.Attributes) {
			r, err := c.Register(t.Context(), config, runnerclient.Registration{URL: instance, RegistrationToken: "GR1348941x", Attributes: a})
			if err != nil || r.ID != 7 || r.Token != "glrtr-new" || !r.TokenExpiresAt.IsZero() {
				t.Errorf("registered %+v, %v", r, err)
			}
		}
		register(runnerclient.Attributes{})
		register(runnerclient.Attributes{Description: "d", TagList: "a,b", Unlocked: true, Paused: true, AccessLevel: "ref_protected", MaximumTimeout: 600, MaintenanceNote: "n"})
		got := f.requests()
		if got[0].method+got[0].path != "POST/api/v4/runners" || got[0].field("token") != `"GR1348941x"` {
			t.Errorf("asked %+v", got[0])
		}
		for i, want := range []map[string]string{
			{"run_untagged": "true", "locked": "true", "paused": "false", "tag_list": "", "description": "", "access_level": "", "maximum_timeout": "", "maintenance_note": ""},
			{"run_untagged": "false", "locked": "false", "paused": "true", "tag_list": `"a,b"`, "description": `"d"`, "access_level": `"ref_protected"`, "maximum_timeout": "600", "maintenance_note": `"n"`},
		} {
			for name, value := range want {
				if got[i].field(name) != value {
					t.Errorf("registration %d: %s is %s, want %s", i, name, got[i].field(name), value)
				}
			}
		}
		if err := c.Unregister(t.Context(), config.Runners()[0], config.SystemID()); runnerclient.Status(err) != http.StatusCreated {
			t.Errorf("unregister: %v", err) // 201 is not 204
		}
		if e := f.requests()[2]; e.method+e.path != "DELETE/api/v4/runners" || e.body != `{"token":"glrtr-new"}` {
			t.Errorf("asked %+v", e)
		}
	})
}

// What cannot be kept is taken back.
func TestRegistrationThatCannotBeKept(t *testing.T) {
	t.Parallel()
	for _, leave := range []bool{false, true} {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			f, c := serve(t, func(e exchange) reply {
				if e.method == http.MethodDelete {
					return reply{status: http.StatusNoContent}
				}
				return verified
			})
			config, err := runnerclient.OpenConfig(filepath.Join(dir, "config.json"))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Register(t.Context(), config, runnerclient.Registration{URL: instance, Token: "glrt-a", LeaveRunner: leave}); err == nil {
				t.Error("registered")
			}
			want := []string{"POST /api/v4/runners/verify", "DELETE /api/v4/runners/managers"}
			if leave {
				want = want[:1]
			}
			if got := f.paths(); !slices.Equal(got, want) {
				t.Errorf("leave %t: asked %v", leave, got)
			}
		})
	}
}

func TestVerifyAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, c := serve(t, func(e exchange) reply {
			switch e.field("token") {
			case `"glrt-gone"`:
				return refused
			case `"glrt-odd"`:
				return reply{status: http.StatusUnprocessableEntity}
			default:
				return verified
			}
		})
		config := runnerclient.NewConfig()
		for i, token := range []string{"glrt-good", "glrt-gone", "glrt-odd"} {
			r := entry(token)
			r.ID = int64(i)
			if err := config.Add(r); err != nil {
				t.Fatal(err)
			}
		}
		for _, drop := range []bool{false, true} {
			removed, err := c.VerifyAll(t.Context(), config, drop)
			if err != nil || !slices.Equal(removed, []int64{1}) {
				t.Errorf("removed %v, %v", removed, err)
			}
			want := map[bool]int{false: 3, true: 2}[drop]
			if got := config.Runners(); len(got) != want {
				t.Errorf("config has %v", got)
			}
		}
		if e := f.requests()[0]; !strings.Contains(e.field("info"), `"executor":"shell"`) {
			t.Errorf("says %s", e.body)
		}
	})
}

func TestReset(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		answer := reply{status: 201, body: `{"token":"glrt-b","token_expires_at":"2000-01-01T02:00:00.000Z"}`}
		f, c := serve(t, inTurn(answer, answer, reply{status: 201, body: `{}`}, reply{status: 200, body: answer.body}))
		r, err := c.Reset(t.Context(), entry("glrt-a"))
		if err != nil || r.ID != 42 || r.Token != "glrt-b" || r.TokenExpiresAt.Sub(r.TokenObtainedAt) != 2*time.Hour {
			t.Errorf("got %+v, %v", r, err)
		}
		if _, err = c.ResetWithPAT(t.Context(), entry("glrt-a"), "glpat-x"); err != nil {
			t.Error(err)
		}
		for range 2 {
			if _, err = c.Reset(t.Context(), entry("glrt-a")); err == nil {
				t.Error("an answer that is no success was taken")
			}
		}
		got := f.requests()
		if e := got[0]; e.path != "/api/v4/runners/reset_authentication_token" || e.body != `{"token":"glrt-a"}` || e.header.Get("Runner-Token") != "" {
			t.Errorf("asked %+v", e)
		}
		if e := got[1]; e.path != "/api/v4/runners/42/reset_authentication_token" || e.body != "null" || e.header.Get("Private-Token") != "glpat-x" {
			t.Errorf("asked %+v", e)
		}
	})
}

func TestConfigIsKept(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "config.json")
	c, err := runnerclient.OpenConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	r := entry("glrt-a")
	r.TokenObtainedAt, r.TokenExpiresAt = time.Now().UTC().Truncate(0), time.Now().UTC().Add(time.Hour)
	r.FeatureFlags = map[string]bool{runnerclient.FFNoRotation: true}
	if err := c.Add(r); err != nil {
		t.Fatal(err)
	}
	if err := c.Update(r.Credentials(), func(r *runnerclient.Runner) { r.Token = "glrt-b" }); err != nil {
		t.Fatal(err)
	}
	again, err := runnerclient.OpenConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	got := again.Runners()
	if again.SystemID() != c.SystemID() || len(got) != 1 || got[0].Token != "glrt-b" || got[0].ID != 42 ||
		!got[0].TokenObtainedAt.Equal(r.TokenObtainedAt) || !got[0].TokenExpiresAt.Equal(r.TokenExpiresAt) || !got[0].FeatureFlags[runnerclient.FFNoRotation] {
		t.Errorf("kept %s, %+v", again.SystemID(), got)
	}
	if err := again.Remove(got[0].Credentials()); err != nil || len(again.Runners()) != 0 {
		t.Errorf("not removed: %v", err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("tokens are readable to others: %v, %v", info.Mode(), err)
	}
	if other := runnerclient.NewConfig(); other.SystemID() == c.SystemID() || len(other.SystemID()) != 14 || other.SystemID()[:2] != "r_" {
		t.Errorf("system id %q", other.SystemID())
	}
}
