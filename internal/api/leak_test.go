package api_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"baton.example/baton/internal/store"
)

// token matches a token, with what is secret of it.
var token = regexp.MustCompile(`^(?:gl(?:rtr?|pat)-|GR1348941)([A-Za-z0-9_-]{20})$`)

// keepsNone checks that no log line and no byte of the database holds any of
// the secrets. What is secret of a token is what stands behind its prefix.
func (w *world) keepsNone(t *testing.T, secrets []string) {
	t.Helper()
	stored, err := w.stored(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	log := []byte(w.log.String())
	for _, secret := range secrets {
		if m := token.FindStringSubmatch(secret); m != nil {
			secret = m[1]
		}
		for line := range bytes.Lines(log) {
			if bytes.Contains(line, []byte(secret)) {
				t.Errorf("a secret is in the log: %s", line)
			}
		}
		for where, content := range stored {
			if bytes.Contains(content, []byte(secret)) {
				t.Errorf("a secret is in %s", where)
			}
		}
	}
}

// stored returns everything that the database has: the bytes of SQLite's files,
// or the values of each of PostgreSQL's columns.
func (w *world) stored(ctx context.Context) (map[string][]byte, error) {
	stored := map[string][]byte{}
	if w.store.Kind() == "SQLite" {
		files, err := filepath.Glob(filepath.Join(w.dir, "*"))
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			if stored[file], err = os.ReadFile(file); err != nil {
				return nil, err
			}
		}
		return stored, nil
	}
	columns, err := w.texts(ctx, `SELECT format('SELECT %s FROM %I', CASE data_type WHEN 'bytea'
		THEN format('encode(%I, ''escape'')', column_name) ELSE format('%I::text', column_name) END, table_name)
		FROM information_schema.columns WHERE table_schema = current_schema()`)
	if err != nil {
		return nil, err
	}
	for _, query := range columns {
		values, err := w.texts(ctx, "SELECT coalesce(x, '') FROM ("+query+") q (x)")
		if err != nil {
			return nil, err
		}
		stored[query] = []byte(strings.Join(values, "\n"))
	}
	return stored, nil
}

// texts returns the one column of a query.
func (w *world) texts(ctx context.Context, query string) ([]string, error) {
	rows, err := w.database.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	return all, rows.Err()
}

// A runner's token stands in the answer that makes it, and nowhere else: not in
// the log of everything, the database, an error, the audit log, or any other
// answer but the one to who sent it. A registration token stands in answers to
// those who may replace it besides.
func TestTokensAreNotKept(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) { tokensAreNotKept(t, kind.open(t)) })
	}
}

func tokensAreNotKept(t *testing.T, w *world) {
	t.Helper()
	root := w.Vars()["root"]
	var answers []string // of what may hold no secret
	call := func(want int, method, path, media, body string, headers ...string) string {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, "http://"+w.Addr()+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", media)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		response, err := w.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		content, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		if response.StatusCode != want {
			t.Fatalf("%s %s: %d %s, want %d", method, path, response.StatusCode, content, want)
		}
		answer := fmt.Sprint(response.Header) + string(content)
		if want >= 300 || method == http.MethodGet {
			answers = append(answers, answer)
		}
		return string(content)
	}
	const form, json = "application/x-www-form-urlencoded", "application/json"
	const create, verify, work = "/api/v4/user/runners", "/api/v4/runners/verify", "/api/v4/jobs/request"
	made := regexp.MustCompile(`"token":"([^"]+)"`)
	newToken := func(answer string) string {
		t.Helper()
		found := made.FindStringSubmatch(answer)
		if found == nil || !token.MatchString(found[1]) {
			t.Fatalf("no token in %s", answer)
		}
		return found[1]
	}

	// Made without a key, with one, and with one again.
	key := "f3c1f0f0-7d7e-4a39-9a8f-5b8f5c5e7a11"
	first := newToken(call(201, "POST", create, form, "runner_type=instance_type", "Private-Token", root))
	second := newToken(call(201, "POST", create, form, "runner_type=instance_type", "Private-Token", root, "Idempotency-Key", key))
	if again := newToken(call(201, "POST", create, form, "runner_type=instance_type", "Private-Token", root, "Idempotency-Key", key)); again != second {
		t.Errorf("the same key made %s and %s", second, again)
	}
	person := newToken(call(201, "POST", "/api/v4/users/1/personal_access_tokens", json, `{"name":"ci","scopes":["api"]}`, "Private-Token", root))
	call(201, "POST", "/api/v4/groups", json, `{"name":"robots","path":"robots"}`, "Private-Token", root)
	robot := newToken(call(201, "POST", "/api/v4/groups/robots/access_tokens", json, `{"name":"ci","scopes":["api"],"access_level":50}`, "Private-Token", root))
	rotated := newToken(call(200, "POST", "/api/v4/groups/robots/access_tokens/self/rotate", "", "", "Private-Token", robot))
	secrets := []string{robot, rotated, root, first, second, person, key}

	// Registration tokens, of which one is shown and one has been replaced, and
	// what they make.
	const register = "/api/v4/runners"
	call(201, "POST", "/api/v4/groups", json, `{"name":"Tools","path":"tools"}`, "Private-Token", root)
	shown := regexp.MustCompile(`"runners_token":"([^"]+)"`).FindStringSubmatch(
		call(200, "PUT", "/api/v4/groups/tools", form, "description=x", "Private-Token", root))
	if shown == nil || !token.MatchString(shown[1]) {
		t.Fatalf("the group shows %q", shown)
	}
	replaced := newToken(call(201, "POST", register+"/reset_registration_token", json, "", "Private-Token", root))
	machine := newToken(call(201, "POST", register, json, `{"token":"`+replaced+`"}`, "Runner-Token", replaced))
	instance := newToken(call(201, "POST", register+"/reset_registration_token", json, "", "Private-Token", root))
	secrets = append(secrets, shown[1], replaced, machine, instance)
	call(403, "POST", register, json, `{"token":"`+replaced+`"}`)
	call(403, "POST", register+"?token="+first, form, "")
	call(400, "POST", register, form, "token="+instance+"&maximum_timeout="+instance)
	call(400, "POST", register, json, `{"token":"`+instance+`","run_untagged":false}`)
	call(404, "POST", register+"/"+instance, form, "")
	call(403, "POST", verify, json, `{"token":"`+instance+`"}`)
	call(401, "GET", "/api/v4/groups/tools?private_token="+shown[1], "", "")
	call(200, "GET", "/api/v4/groups", "", "", "Private-Token", root)

	// Values of variables, which are in answers to those who may change them, and
	// in jobs.
	const variables = "/api/v4/groups/tools/variables"
	value, next := "variable-value-one-kq", "variable-value-two-kq"
	secrets = append(secrets, value, next)
	call(201, "POST", variables, json, `{"key":"KEPT","value":"`+value+`","masked_and_hidden":true}`, "Private-Token", root)
	call(200, "PUT", variables+"/KEPT", form, "value="+next, "Private-Token", root)
	call(201, "POST", variables, form, "key=GONE&value="+value, "Private-Token", root)
	call(204, "DELETE", variables+"/GONE", form, "value="+value, "Private-Token", root)
	call(400, "POST", variables, form, "key=KEPT&value="+value, "Private-Token", root)
	call(400, "POST", variables, json, `{"key":"X","masked":true,"value":"`+value+` "}`, "Private-Token", root)
	call(404, "PUT", variables+"/GONE", form, "value="+value, "Private-Token", root)
	call(200, "GET", variables, "", "", "Private-Token", root)
	call(200, "GET", variables+"/KEPT", "", "", "Private-Token", root)

	// Refused in every way, with secrets wherever a client may put them.
	call(422, "POST", create, form, "runner_type=instance_type&paused=1", "Private-Token", root, "Idempotency-Key", key)
	call(400, "POST", create, form, "runner_type=instance_type", "Private-Token", root, "Idempotency-Key", key+", "+key)
	call(400, "POST", create, form, "runner_type="+first, "Private-Token", root)
	call(400, "POST", create, form, "runner_type=instance_type&maximum_timeout="+first, "Private-Token", root)
	call(400, "POST", create, json, `{"runner_type":"instance_type","private_token":"`+root+`",`)
	call(400, "POST", create, json, `{"runner_type":"group_type","group_id":7}`, "Private-Token", root)
	call(400, "POST", create+"?access_token="+root, form, "runner_type=instance_type", "Authorization", "Bearer "+root)
	call(401, "POST", create+"?private_token="+first, form, "runner_type=instance_type")
	call(401, "POST", create, form, "runner_type=instance_type", "Private-Token", root+"x")
	call(404, "POST", create+"/"+first, form, "runner_type=instance_type", "Private-Token", root)
	call(404, "GET", "/api/v4/"+person+"?private_token="+root, "", "")
	call(404, "GET", "/api/v4/runners/99?private_token="+root, "", "")
	call(415, "POST", create, "text/plain", first)
	call(403, "POST", verify, json, `{"token":"`+root+`"}`)
	call(403, "POST", verify, json, `{"token":"`+first+`x"}`)
	call(400, "POST", verify, json, `{"token":["`+first+`"]}`)
	call(400, "POST", verify, json, `{"token":"`+first+`","system_id":"`+strings.Repeat("s", 65)+`"}`)
	call(403, "POST", work, json, `{"token":"`+person+`"}`)

	call(400, "POST", "/api/v4/groups/robots/access_tokens", json, `{"name":"x","scopes":["`+person+`"],"expires_at":"`+rotated+`"}`, "Private-Token", root)
	call(404, "GET", "/api/v4/groups/robots/access_tokens/"+rotated, "", "", "Private-Token", root)
	call(405, "POST", "/api/v4/groups/robots/access_tokens/self/rotate", json, `{"token":"`+rotated+`"}`, "Private-Token", root)

	// Used as it should be, and looked at.
	if echo := newToken(call(200, "POST", verify, json, `{"token":"`+first+`","system_id":"s_1"}`)); echo != first {
		t.Errorf("verify answered %s to %s", echo, first)
	}
	call(204, "POST", work, json, `{"token":"`+second+`"}`, "Runner-Token", second, "User-Agent", "gitlab-runner "+second)
	call(200, "GET", "/api/v4/runners/all?private_token="+root+"&bearer_token="+person+"&token="+first, "", "")
	call(200, "GET", "/api/v4/runners/1", "", "", "Authorization", "Bearer "+root)
	call(200, "GET", "/api/v4/personal_access_tokens", "", "", "Private-Token", root)
	call(200, "GET", "/api/v4/groups/robots/access_tokens?private_token="+rotated, "", "")
	call(401, "POST", "/api/v4/groups/robots/access_tokens/self/rotate", "", "", "Private-Token", robot)

	events, err := w.store.AuditEvents(t.Context(), store.AuditFilter{}, store.Page{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	answers = append(answers, fmt.Sprintf("%+v", events))
	for _, secret := range secrets {
		for _, answer := range answers {
			if strings.Contains(answer, secret) {
				t.Errorf("a secret is in %s", answer)
			}
		}
	}
	w.keepsNone(t, secrets)
}

// A lockedBuffer may be written to while it is read.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements [io.Writer].
func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// String returns what was written.
func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
