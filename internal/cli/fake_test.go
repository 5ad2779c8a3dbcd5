package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// scriptGitLab starts what a command line sees of a GitLab that has none of
// Baton's own: no openapi.yaml, no Idempotency-Key, no token numbers, and no
// /personal_access_tokens/self, as before 15.5. Its address is $GITLAB. With
// the word "lossy" the answer to each POST gets lost.
func scriptGitLab(ts *testscript.TestScript, _ bool, args []string) {
	g := &gitlab{lossy: len(args) == 1 && args[0] == "lossy", paused: map[string]bool{}}
	server := httptest.NewServer(g)
	ts.Defer(server.Close)
	ts.Setenv("GITLAB", server.URL)
}

type gitlab struct {
	mu      sync.Mutex
	lossy   bool
	runners int
	paused  map[string]bool
}

// ServeHTTP implements [http.Handler].
func (g *gitlab) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	answer := func(status int, body string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
	if r.Header.Get("Private-Token") != "glpat-gitlab" {
		answer(http.StatusUnauthorized, `{"message":"401 Unauthorized"}`)
		return
	}
	path := strings.TrimPrefix(r.URL.Path, "/api/v4")
	id := strings.TrimPrefix(path, "/runners/")
	runner := func(id string) string {
		return fmt.Sprintf(`{"zzz":"kept","id":%s,"description":"\u001b[31mred\u202e <b>","runner_type":"instance_type","paused":%t,"status":"online","tag_list":["a"],"created_at":"2026-01-05T09:00:00.000Z"}`, id, g.paused[id])
	}
	switch r.Method + " " + path {
	case "GET /version":
		answer(http.StatusOK, `{"version":"16.0.0","revision":"abc"}`)
	case "GET /user":
		answer(http.StatusOK, `{"id":7,"username":"ann","name":"Ann"}`)
	case "POST /user/runners":
		g.runners++
		if g.lossy {
			answer(http.StatusBadGateway, "<html>")
			return
		}
		answer(http.StatusCreated, fmt.Sprintf(`{"id":%d,"token":"glrt-of-gitlab-%[1]d","token_expires_at":null,"more":1}`, g.runners))
	case "GET /groups/tools/ci/access_tokens":
		answer(http.StatusOK, `[{"id":9,"name":"bot","active":true,"scopes":["api"],"access_level":40,"user_id":5,"expires_at":"2027-01-01"}]`)
	case "POST /groups/tools/ci/access_tokens":
		var wanted map[string]any
		if err := json.NewDecoder(r.Body).Decode(&wanted); err != nil || wanted["access_level"] != 30.0 || wanted["name"] != "bot" {
			answer(http.StatusBadRequest, `{"error":"bad"}`)
			return
		}
		answer(http.StatusCreated, `{"id":10,"name":"bot","token":"glpat-of-a-bot"}`)
	case "DELETE /groups/tools/ci/access_tokens/10":
		w.WriteHeader(http.StatusNoContent)
	case "GET /runners/all":
		answer(http.StatusForbidden, `{"message":"403 Forbidden"}`)
	case "GET /runners":
		size, _ := strconv.Atoi(r.FormValue("per_page"))
		page, _ := strconv.Atoi(r.FormValue("page"))
		page = max(page, 1)
		var rows []string
		for i := (page-1)*size + 1; i <= min(page*size, g.runners); i++ {
			rows = append(rows, runner(strconv.Itoa(i)))
		}
		if page*size < g.runners { // this list alone has links and no numbers
			w.Header().Set("Link", fmt.Sprintf(`<https://elsewhere.example/api/v4/runners?page=%d&per_page=%d>; rel="next"`, page+1, size))
		}
		answer(http.StatusOK, "["+strings.Join(rows, ",")+"]")
	case "GET /runners/1/managers":
		answer(http.StatusOK, `[]`)
	case "GET /runners/1/jobs":
		answer(http.StatusOK, `[{"id":5,"status":"failed","stage":"test","name":"unit","ref":"main","started_at":"2026-01-05T09:00:00.000Z","duration":61.2,"project":{"id":1,"path_with_namespace":"tools/app"}}]`)
	case "GET /runners/" + id:
		if n, err := strconv.Atoi(id); err != nil || n > g.runners {
			answer(http.StatusNotFound, `{"message":"404 Runner Not Found"}`)
			return
		}
		answer(http.StatusOK, runner(id))
	case "PUT /runners/" + id:
		var change struct{ Paused bool }
		if err := json.NewDecoder(r.Body).Decode(&change); err != nil {
			answer(http.StatusBadRequest, `{"error":"bad"}`)
			return
		}
		g.paused[id] = change.Paused
		answer(http.StatusOK, runner(id))
	default:
		answer(http.StatusNotFound, `{"error":"404 Not Found"}`)
	}
}

// scriptLossy puts a proxy before the server at $ADDR that loses the answer to
// the first request with each method and path, after the server carried it
// out. Its address is $LOSSY.
func scriptLossy(ts *testscript.TestScript, _ bool, _ []string) {
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: ts.Getenv("ADDR")})
	var lost sync.Map
	proxy.ModifyResponse = func(r *http.Response) error {
		if _, before := lost.LoadOrStore(r.Request.Method+r.Request.URL.Path, true); !before {
			r.Body.Close()
			return fmt.Errorf("lost")
		}
		return nil
	}
	proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
	server := httptest.NewServer(proxy)
	ts.Defer(server.Close)
	ts.Setenv("LOSSY", server.URL)
}
