package api_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"
)

// Ten machines share a token and replace it at the same moment. With an overlap
// each of them gets one of its own; without, as in GitLab, the first one does.
func TestMachinesRotateAtOnce(t *testing.T) {
	t.Parallel()
	const machines = 10
	for _, kind := range kinds {
		for name, test := range map[string]struct {
			overlap string
			want    int
		}{
			"with an overlap": {"60", machines},
			"without":         {"0", 1},
		} {
			t.Run(kind.name+"/"+name, func(t *testing.T) {
				w := kind.open(t)
				if _, err := w.Do("set runner_token_overlap " + test.overlap); err != nil {
					t.Fatal(err)
				}
				status, shared := w.postToken(t, "/user/runners", `{"runner_type":"instance_type"}`)
				if status != http.StatusCreated {
					t.Fatalf("create: %d", status)
				}

				var mu sync.Mutex
				var got []string
				var all sync.WaitGroup
				for i := range machines {
					all.Go(func() {
						status, token := w.postToken(t, "/runners/reset_authentication_token",
							fmt.Sprintf(`{"token":%q,"system_id":"s_%d"}`, shared, i))
						mu.Lock()
						defer mu.Unlock()
						switch status {
						case http.StatusCreated:
							got = append(got, token)
						case http.StatusForbidden:
						default:
							t.Errorf("machine %d: %d", i, status)
						}
					})
				}
				all.Wait()
				if len(got) != test.want {
					t.Errorf("%d machines got a token, want %d", len(got), test.want)
				}
				w.setClock(w.clock().Add(time.Minute + time.Second))
				for _, token := range append(got, shared) {
					want := http.StatusOK
					if token == shared {
						want = http.StatusForbidden
					}
					if status, _ := w.postToken(t, "/runners/verify", fmt.Sprintf(`{"token":%q}`, token)); status != want {
						t.Errorf("after the overlap a token gets %d, want %d", status, want)
					}
				}
			})
		}
	}
}

// postToken posts JSON as root and returns the status and the token in the
// answer.
func (w *world) postToken(t *testing.T, path, body string) (status int, token string) {
	t.Helper()
	var answer struct {
		Token string `json:"token"`
	}
	status = w.ask(t, http.MethodPost, path, body, &answer)
	return status, answer.Token
}
