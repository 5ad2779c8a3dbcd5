package e2e

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync/atomic"
	"testing"
)

// TestClientsRepeat puts a gateway before the server that answers the first
// request by itself. Who sends a create again in that case may make a second
// runner where it is the answer that got lost, as TestLossyNetwork shows;
// docs/clients.md says who does.
func TestClientsRepeat(t *testing.T) {
	t.Parallel()
	p := start(t, setup{})
	w := newWorld(p)
	target := must2(url.Parse(p.url))(t)
	made := 0
	for _, client := range []struct {
		name    string
		driver  func(*testing.T, string) driver
		repeats []int
	}{
		{"client-go", func(_ *testing.T, url string) driver { return goDriver{url: url} }, []int{429, 500, 502, 503}},
		{"python-gitlab", python("python-gitlab.py"), []int{429}},
		{"ruby-gitlab", newRubyDriver, nil},
		{"gitbeaker", newNodeDriver, []int{429, 502}},
	} {
		t.Run(client.name, func(t *testing.T) {
			var refuse atomic.Int64 // with this status, once
			forward := httputil.NewSingleHostReverseProxy(target)
			gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if status := refuse.Swap(0); status != 0 {
					http.Error(w, "not now", int(status))
					return
				}
				forward.ServeHTTP(w, r)
			}))
			defer gateway.Close()
			d := client.driver(t, gateway.URL)
			for _, status := range []int{429, 500, 501, 502, 503} {
				refuse.Store(int64(status))
				a := d.do(t, call{
					Step: "create_runner", Token: p.root, With: with{"runner_type": "instance_type"}, Show: []string{"id"},
				})
				repeats := slices.Contains(client.repeats, status)
				if repeats {
					made++
				}
				if repeated := a.Value != nil; repeated != repeats {
					t.Errorf("after %d a runner was made: %v, want %v: %+v", status, repeated, repeats, a)
				}
				if n := w.runners(); n != made {
					t.Errorf("after %d there are %d runners, want %d", status, n, made)
				}
			}
		})
	}
}
