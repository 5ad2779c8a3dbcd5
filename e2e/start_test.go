package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alexedwards/argon2id"
	"github.com/google/go-cmp/cmp"

	"baton.example/baton/internal/testkit/pgtest"
)

// TestFirstStart follows the first start to the letter, and starts again.
func TestFirstStart(t *testing.T) {
	t.Parallel()
	onBothNew(t, func(t *testing.T, s setup) {
		s.keepRoot = true
		p := start(t, s)
		out := p.out.String()
		text := regexp.MustCompile(`^Baton is ready at (http://127\.0\.0\.1:\d+) and made the administrator root\.

  Password:      (\S{20,})
  Access token:  (glpat-[A-Za-z0-9_-]{20})

This is shown once\. Create a runner:

  (curl --request POST --header "PRIVATE-TOKEN: (\S+)" --data "runner_type=instance_type" "(\S+)/api/v4/user/runners")

$`)
		match := text.FindStringSubmatch(out)
		if match == nil || match[3] != match[5] || match[1] != match[6] {
			t.Fatalf("the first start says:\n%s", out)
		}
		password, token := match[2], match[3]

		status, body := paste(t, match[4])
		if want := regexp.MustCompile(`^\{"id":1,"token":"(glrt-[A-Za-z0-9_-]{20})","token_expires_at":null\}$`); status != http.StatusCreated || !want.MatchString(body) {
			t.Errorf("the curl line got %d %s", status, body)
		}
		if err := verifies(dial(t, p.url, token), body[len(`{"id":1,"token":"`):][:25]); err != nil {
			t.Errorf("verify: %v", err)
		}
		hash := value[string](p, "SELECT password_hash FROM users WHERE username = 'root'")
		if same, err := argon2id.ComparePasswordAndHash(password, hash); err != nil || !same {
			t.Errorf("the password that was printed is not root's: %v", err)
		}
		private(t, s.dir)
		for name, secret := range map[string]string{"password": password, "token": token} {
			if strings.Contains(p.log.String(), secret) {
				t.Errorf("the %s is in the log", name)
			}
		}
		p.sealed("") // or the next start would do it
		p.stop()

		before := contents(t, s)
		again := start(t, s)
		if got, want := again.out.String(), "Baton is ready at "+again.url+"\n"; got != want {
			t.Errorf("the second start says:\n%s\nwant:\n%s", got, want)
		}
		if got := must(dial(t, again.url, token).Users.CurrentUser())(t); got.Username != "root" || !got.IsAdmin {
			t.Errorf("root's token is %s's, administrator %v", got.Username, got.IsAdmin)
		}
		again.stop()
		if diff := cmp.Diff(before, contents(t, s)); diff != "" {
			t.Errorf("the second start changed the data (-before +after):\n%s", diff)
		}
	})
}

// private expects that nobody but the owner can read what is in a directory.
func private(t *testing.T, dir string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has the mode %v", f.Name(), info.Mode())
		}
	}
}

// paste does what the curl line asks curl to do.
func paste(t *testing.T, line string) (status int, body string) {
	t.Helper()
	match := regexp.MustCompile(`^curl --request (\S+) --header "([^:"]+): ([^"]+)" --data "([^"]+)" "([^"]+)"$`).FindStringSubmatch(line)
	if match == nil {
		t.Fatalf("not the curl line: %s", line)
	}
	req, err := http.NewRequestWithContext(t.Context(), match[1], match[5], strings.NewReader(match[4]))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set(match[2], match[3])
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// TestGivenSecrets gives root's secrets to the first start in either way, and
// others to the second.
func TestGivenSecrets(t *testing.T) {
	t.Parallel()
	const token, password = "glpat-given-by-the-operator", "correct horse battery"
	for name, give := range map[string]func(dir, token, password string) []string{
		"variables": func(_, token, password string) []string {
			return []string{"BATON_ROOT_TOKEN=" + token, "BATON_ROOT_PASSWORD=" + password}
		},
		"files": func(dir, token, password string) []string {
			return []string{
				"BATON_ROOT_TOKEN_FILE=" + write(t, dir, "token", token+"\n"),
				"BATON_ROOT_PASSWORD_FILE=" + write(t, dir, "password", password+"\n"),
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setup{dir: t.TempDir(), keepRoot: true}
			s.env = give(t.TempDir(), token, password)
			p := start(t, s)
			for where, text := range map[string]string{"output": p.out.String(), "log": p.log.String()} {
				if strings.Contains(text, token) || strings.Contains(text, password) {
					t.Errorf("a secret that was given is in the %s:\n%s", where, text)
				}
			}
			if out := p.out.String(); !strings.Contains(out, `"PRIVATE-TOKEN: $BATON_ROOT_TOKEN"`) || strings.Contains(out, "shown once") {
				t.Errorf("the first start says:\n%s", out)
			}
			must(dial(t, p.url, token).Users.CurrentUser())(t)
			hash := value[string](p, "SELECT password_hash FROM users WHERE username = 'root'")
			if same, err := argon2id.ComparePasswordAndHash(password, hash); err != nil || !same {
				t.Errorf("root has another password than the one given: %v", err)
			}
			p.stop()

			const other = "glpat-given-for-the-second"
			s.env = give(t.TempDir(), other, "another password")
			again := start(t, s)
			must(dial(t, again.url, token).Users.CurrentUser())(t)
			if _, _, err := dial(t, again.url, other).Users.CurrentUser(); refusal(err) != unauthorized {
				t.Errorf("the second start took a token: %v", err)
			}
			if value[string](again, "SELECT password_hash FROM users WHERE username = 'root'") != hash {
				t.Error("the second start took a password")
			}
		})
	}
}

// write writes a file and returns its path.
func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestTwoStartAtOnce starts several replicas on a new database: one of them
// makes root, and says so.
func TestTwoStartAtOnce(t *testing.T) {
	t.Parallel()
	s := setup{dir: t.TempDir(), postgres: pgtest.URL(t), keepRoot: true}
	replicas := make([]*program, 3)
	for i := range replicas {
		replicas[i] = launch(t, s)
	}
	made := 0
	var token string
	for _, p := range replicas {
		p.waitReady()
		if match := regexp.MustCompile(`Access token:  (\S+)`).FindStringSubmatch(p.out.String()); match != nil {
			made++
			token = match[1]
		}
	}
	if made != 1 {
		t.Fatalf("%d replicas made root, want 1", made)
	}
	for i, p := range replicas {
		made := must(dial(t, p.url, token).Users.CreateUserRunner(instanceRunner()))(t)
		if err := verifies(dial(t, replicas[(i+1)%len(replicas)].url, token), made.Token); err != nil {
			t.Errorf("verify at another replica: %v", err)
		}
	}
}

// contents returns every table as text.
func contents(t *testing.T, s setup) map[string][]string {
	t.Helper()
	db := openData(t, s)
	defer db.Close()
	tables := map[string][]string{}
	for _, table := range tableNames(t, db, s) {
		rows, err := db.QueryContext(t.Context(), "SELECT * FROM "+table)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			values := make([]any, len(columns))
			for i := range values {
				values[i] = new(any)
			}
			if err := rows.Scan(values...); err != nil {
				t.Fatal(err)
			}
			var row strings.Builder
			for i, v := range values {
				fmt.Fprintf(&row, "%s=%v ", columns[i], *v.(*any))
			}
			tables[table] = append(tables[table], row.String())
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	return tables
}
