package api

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/directory"
	"baton.example/baton/internal/dispatch"
	"baton.example/baton/internal/fleet"
	"baton.example/baton/internal/password"
	"baton.example/baton/internal/store/sqlite"
)

var update = flag.Bool("update", false, "write what was answered into the conversations")

// TestConversations holds the API to the files in testdata/conversations. A
// file is paragraphs of these lines:
//
//	# A comment.
//	+ user alice             make a user; from now on alice calls with a token of scope api
//	+ token ci alice read_api,create_runner
//	                         from now on ci calls with such a token of alice
//	+ keep fresh             from now on fresh calls with the token in the answer above
//	> alice POST /groups     a request, by nobody if it has no token
//	> name=Tools&path=tools  its body: a form, or JSON
//	< 201                    the answer, which -update writes
//	< {"id":2}
//
// Tokens in answers are masked. The time is always the same.
func TestConversations(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/conversations/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no conversations: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := newTalk(t).play(string(text))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(strings.Split(string(text), "\n"), strings.Split(got, "\n")); diff != "" {
				t.Errorf("the answers differ (-want +got); run the test with -update and read what changes:\n%s", diff)
			}
		})
	}
}

// A talk is a conversation with a new instance on SQLite.
type talk struct {
	t      *testing.T
	server http.Handler
	// tokens are by the names of those who call with them.
	tokens map[string]string
	// last is the answer to the last request.
	last *httptest.ResponseRecorder
}

// talkTime is when conversations happen. The digits below a millisecond must
// not be seen anywhere.
var talkTime = time.Date(2026, 1, 5, 9, 0, 0, 123_999_000, time.UTC)

func newTalk(t *testing.T) *talk {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "baton.db"), log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	now := func() time.Time { return talkTime }
	people := directory.New(db, password.NewHasher())
	first, err := people.Bootstrap(t.Context(), now(), baton.Secret{}, baton.NewSecret("correct horse"))
	if err != nil {
		t.Fatal(err)
	}
	return &talk{
		t: t,
		server: New(Config{
			Store: db, Fleet: fleet.New(db, now), Directory: people, Tokens: access.NewTokens(db),
			Queue: dispatch.NewQueue(), Log: log, Now: now,
			ExternalURL: &url.URL{Scheme: "https", Host: "ci.example.com"},
			ClientIP:    func(*http.Request) netip.Addr { return netip.MustParseAddr("192.0.2.7") },
		}),
		tokens: map[string]string{"root": first.Token.Reveal()},
	}
}

// play goes through a conversation and returns it with the answers that came.
func (k *talk) play(text string) string {
	k.t.Helper()
	paragraphs := strings.Split(strings.TrimSpace(text), "\n\n")
	for i, paragraph := range paragraphs {
		var kept, request []string
		for line := range strings.SplitSeq(paragraph, "\n") {
			switch mark, rest, _ := strings.Cut(line, " "); mark {
			case "+":
				k.prepare(strings.Fields(rest))
			case ">":
				request = append(request, rest)
			case "<":
				continue
			}
			kept = append(kept, line)
		}
		if request != nil {
			kept = append(kept, k.request(request)...)
		}
		paragraphs[i] = strings.Join(kept, "\n")
	}
	return strings.Join(paragraphs, "\n\n") + "\n"
}

// prepare does what a "+" line says.
func (k *talk) prepare(words []string) {
	k.t.Helper()
	switch words[0] {
	case "user":
		name := words[1]
		k.ask("root", http.MethodPost, "/users", fmt.Sprintf(
			`{"username":%q,"name":%q,"email":"%s@example.com","force_random_password":true}`,
			name, strings.ToUpper(name[:1])+name[1:], name))
		k.issue(name, name, "api")
	case "token":
		k.issue(words[1], words[2], words[3])
	case "keep":
		k.keep(words[1])
	default:
		k.t.Fatalf("unknown line: + %s", strings.Join(words, " "))
	}
}

// issue makes a token of a user with which as is to call.
func (k *talk) issue(as, user, scopes string) {
	k.t.Helper()
	k.ask("root", http.MethodGet, "/users?username="+user, "")
	var found []struct{ ID int }
	if err := json.Unmarshal(k.last.Body.Bytes(), &found); err != nil || len(found) != 1 {
		k.t.Fatalf("user %s: %s", user, k.last.Body)
	}
	k.ask("root", http.MethodPost, fmt.Sprintf("/users/%d/personal_access_tokens", found[0].ID),
		fmt.Sprintf(`{"name":%q,"scopes":%q}`, as, scopes))
	k.keep(as)
}

// keep takes the token in the last answer.
func (k *talk) keep(as string) {
	k.t.Helper()
	var answer struct{ Token string }
	if err := json.Unmarshal(k.last.Body.Bytes(), &answer); err != nil || answer.Token == "" {
		k.t.Fatalf("no token for %s in %d %s", as, k.last.Code, k.last.Body)
	}
	k.tokens[as] = answer.Token
}

// request asks what the lines say and returns the answer as lines.
func (k *talk) request(lines []string) []string {
	k.t.Helper()
	words := strings.Fields(lines[0])
	k.ask(words[0], words[1], words[2], strings.Join(lines[1:], "\n"))
	answer := []string{fmt.Sprintf("< %d", k.last.Code)}
	for _, name := range []string{"X-Total", "X-Next-Page", "Link", "Www-Authenticate"} {
		if value := k.last.Header().Get(name); value != "" {
			answer = append(answer, "< "+name+": "+value)
		}
	}
	if body := bytes.TrimSuffix(k.last.Body.Bytes(), []byte("\n")); len(body) > 0 {
		answer = append(answer, "< "+secrets.ReplaceAllString(string(body), `$1…"`))
	}
	return answer
}

// secrets are tokens, of which the prefix is shown.
var secrets = regexp.MustCompile(`("token":"[a-z]*-)[A-Za-z0-9_-]{20}"`)

// ask makes a request.
func (k *talk) ask(who, method, path, body string) {
	k.t.Helper()
	r := httptest.NewRequest(method, "/api/v4"+path, strings.NewReader(body))
	switch {
	case strings.HasPrefix(body, "{"), strings.HasPrefix(body, "["):
		r.Header.Set("Content-Type", "application/json")
	case body != "":
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if token, ok := k.tokens[who]; ok {
		r.Header.Set("Private-Token", token)
	} else if who != "nobody" {
		k.t.Fatalf("%s has no token", who)
	}
	k.last = httptest.NewRecorder()
	k.server.ServeHTTP(k.last, r)
}
