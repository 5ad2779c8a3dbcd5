package api_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// While a request with a key runs, the same again is 409, at once: it would
// otherwise have to wait for an answer that may never come.
func TestSameKeyWhileTheFirstRequestRuns(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			w := kind.open(t)
			type answer struct {
				status int
				body   string
				err    error
			}
			send := func() (a answer) {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
					"http://"+w.Addr()+"/api/v4/user/runners", strings.NewReader(`{"runner_type":"instance_type"}`))
				if err != nil {
					return answer{err: err}
				}
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("Private-Token", w.Vars()["root"])
				r.Header.Set("Idempotency-Key", "8e03978e-40d5-43e8-bc93-6894a57f9324")
				response, err := w.client.Do(r)
				if err != nil {
					return answer{err: err}
				}
				defer response.Body.Close()
				body, err := io.ReadAll(response.Body)
				return answer{response.StatusCode, string(body), err}
			}
			// The token's first use is written down, which must not wait below.
			if a := w.ask(t, http.MethodGet, "/runners/all", "", nil); a != http.StatusOK {
				t.Fatalf("GET /runners/all: %d", a)
			}

			release := w.holdWrites(t)
			answers := make(chan answer, 2)
			for range 2 {
				go func() { answers <- send() }()
			}
			const running = `{"message":"A request with this Idempotency-Key is still running: repeat it when that one has ended"}`
			if a := <-answers; a.err != nil || a.status != http.StatusConflict || a.body != running {
				t.Errorf("the second request: %+v, want 409 %s", a, running)
			}
			release()
			a := <-answers
			if a.err != nil || a.status != http.StatusCreated {
				t.Errorf("the first request: %+v, want 201", a)
			}
			if again := send(); again != a {
				t.Errorf("repeated: %+v, want %+v", again, a)
			}
			if rows, err := w.rows(); err != nil || !strings.HasPrefix(rows, "runners 1,") {
				t.Errorf("%s (%v), want one runner", rows, err)
			}
		})
	}
}

// holdWrites keeps runners from being written until release is called.
func (w *world) holdWrites(t *testing.T) (release func()) {
	t.Helper()
	tx, err := w.database.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	lock := "LOCK TABLE runners IN SHARE MODE"
	if w.store.Kind() == "SQLite" {
		lock = "UPDATE runners SET paused = paused" // takes the one lock for writing
	}
	if _, err := tx.ExecContext(t.Context(), lock); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if err := tx.Rollback(); err != nil {
			t.Error(err)
		}
	}
}
