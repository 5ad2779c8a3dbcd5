package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"baton.example/baton"
	"baton.example/baton/internal/client"
	"baton.example/baton/internal/testkit/need"
)

// TestHarmless shows nothing that a terminal acts on, loses nothing that can be
// read, and keeps JSON what it is.
func TestHarmless(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"build-1":            "build-1",
		"日本 <b>":             "日本 <b>",
		"\x1b[31mred":        `\u001b[31mred`,
		"a\u202eb":           `a\u202eb`,
		"a\nb\tc\rd":         `a\u000ab\u0009c\u000dd`,
		"\u009b1m\u200b\x00": `\u009b1m\u200b\u0000`,
		"👩\u200d🔧":           "👩\u200d🔧",
		"\U000e0041":         `\udb40\udc41`,
	} {
		if got := harmless(given); got != want {
			t.Errorf("%q is shown as %q, want %q", given, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		given := rapid.String().Draw(t, "text")
		for _, r := range harmless(given) {
			if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
				t.Fatalf("%q is shown with %q", given, r)
			}
		}
		raw, err := json.Marshal([]string{given})
		if err != nil {
			t.Fatal(err)
		}
		var before, after []string
		if json.Unmarshal(raw, &before) != nil || json.Unmarshal([]byte(shown(raw)), &after) != nil || before[0] != after[0] {
			t.Fatalf("%s became %s", raw, shown(raw))
		}
	})
}

// TestTable puts columns below each other, however wide the letters are.
func TestTable(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	std := Stdio{Out: &out, Getenv: func(string) string { return "" }}
	if err := std.table([]string{"ID", "NAME", "STATE"}, [][]cell{
		{text("1"), text("日本"), {"online", greenText}},
		{text("22"), text(""), text("")},
		{text("3"), text("\x1bc"), text("x")},
	}); err != nil {
		t.Fatal(err)
	}
	want := "ID  NAME     STATE\n1   日本     online\n22\n3   \\u001bc  x\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &out, want)
	}
}

// TestTerminal runs commands at a terminal, which util-linux's script makes.
func TestTerminal(t *testing.T) {
	t.Parallel()
	need.Program(t, "script", need.Debian)
	server := httptest.NewServer(&gitlab{paused: map[string]bool{}, runners: 120})
	t.Cleanup(server.Close)
	at := func(env, typed, line string) string {
		t.Helper()
		typescript := filepath.Join(t.TempDir(), "typescript")
		sh := exec.Command("script", "--quiet", "--return", "--command", line, typescript)
		sh.Env = append(os.Environ(), "TERM=xterm", "BATON_URL="+server.URL, "BATON_TOKEN=glpat-gitlab", "XDG_CONFIG_HOME="+t.TempDir(), env)
		sh.Stdin = strings.NewReader(typed)
		out, err := sh.CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v", line, err)
		}
		return strings.ReplaceAll(string(out), "\r\n", "\n")
	}
	for _, test := range []struct{ env, typed, line, want, not string }{
		{"", "", "baton runner list", `(?m)^\x1b\[1mID\x1b\[0m .*\n1   \\u001b\[31mred\\u202e <b>  instance  \x1b\[32monline\x1b\[0m +\d+ (month|year)s? ago$`, `\x1b\[31m|\x{202e}`},
		{"NO_COLOR=1", "", "baton runner list", `^ID `, `\x1b\[1m`},
		{"TERM=dumb", "", "baton runner list", `^ID `, `\x1b\[1m`},
		{"", "", "baton runner list --all >/dev/null", `reading.*100`, `\n1 `},
		{"", "", "baton runner list --all 2>/dev/null", `(?m)^120 `, `reading`},
		{"", "", "baton runner show 1 --output json", `\n  "zzz": "kept",\n`, `\x1b`},
		{"", "", "baton api GET /runners/1", `\n  "zzz": "kept",\n`, `\x1b`},
		{"", "", "baton runner pause 1 2", `(?s)Paused runner 1\.\n.*pausing.*Paused runner 2\.\n.*Paused 2 of 2 runners\.\n`, `\)Paused`},
		{"", "", "baton runner pause 1", `^Paused runner 1\.\n$`, ``},
		{"", "y\n", "baton runner delete 7 || true", `Delete runner 7 for good\? \[y/N\] .*baton: Not Found`, ``},
		{"", "n\n", "baton runner delete 7 || true", `baton: nothing was done\n$`, `Not Found`},
		{"BATON_TOKEN=", "glpat-gitlab\n", "baton login --name typed", `Access token for http://127\.0\.0\.1:\d+: (.*\n)+Signed in to .* as Ann`, ``},
	} {
		got := at(test.env, test.typed, test.line)
		if !regexp.MustCompile(test.want).MatchString(got) {
			t.Errorf("%s %s: want %s in:\n%q", test.env, test.line, test.want, got)
		}
		if test.not != "" && regexp.MustCompile(test.not).MatchString(got) {
			t.Errorf("%s %s: do not want %s in:\n%q", test.env, test.line, test.not, got)
		}
	}
}

// TestWrongAddress asks what is no server, or not as it wants to be asked.
func TestWrongAddress(t *testing.T) {
	t.Parallel()
	encrypted := httptest.NewUnstartedServer(http.NotFoundHandler())
	encrypted.Config.ErrorLog = log.New(io.Discard, "", 0)
	encrypted.StartTLS()
	t.Cleanup(encrypted.Close)
	site := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(site.Close)
	plain := strings.Replace(encrypted.URL, "https:", "http:", 1)
	for address, want := range map[string]string{
		encrypted.URL: "certificate signed by unknown authority (if you trust who signed it, add that certificate to this machine's, or name its file in SSL_CERT_FILE)\n",
		plain:         "baton: 400 Bad Request (that is no answer of GitLab's API: is " + plain + " its address?)\n",
		site.URL:      "baton: page not found (that is no answer of GitLab's API: is " + site.URL + " its address?)\n",
	} {
		var out bytes.Buffer
		Main(t.Context(), []string{"runner", "list"}, Stdio{
			Out: &out, Err: &out, ConfigDir: func() (string, error) { return t.TempDir(), nil },
			Getenv: func(name string) string { return map[string]string{urlEnv: address, tokenEnv: "glpat-x"}[name] },
		})
		if !strings.HasSuffix(out.String(), want) {
			t.Errorf("%s: %q, want %q", address, &out, want)
		}
	}
}

// TestUnsaidAddress asks where nobody said to ask, and there is nobody.
func TestUnsaidAddress(t *testing.T) {
	t.Parallel()
	c, err := (&requestFlags{}).dial(Stdio{}, defaultURL, baton.NewSecret("glpat-x"))
	if err != nil {
		t.Fatal(err)
	}
	got := (&session{Client: c}).advise(&client.UnreachableError{URL: defaultURL, Cause: errors.New("refused")}).Error()
	if want := "no answer from " + defaultURL + ": refused (is the server running, and its address right? BATON_URL names another)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestInterrupted ends a command while the server works on its request.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"runner list":     "baton: interrupted\n",
		"runner rotate 1": "baton: interrupted (it may have been done all the same: look before you repeat it)\n",
	} {
		ctx, interrupt := context.WithCancel(t.Context())
		server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			interrupt()
			<-r.Context().Done()
		}))
		var out bytes.Buffer
		code := Main(ctx, strings.Fields(line), Stdio{
			Out: &out, Err: &out, ConfigDir: func() (string, error) { return t.TempDir(), nil },
			Getenv: func(name string) string {
				return map[string]string{urlEnv: server.URL, tokenEnv: "glpat-x"}[name]
			},
		})
		server.Close()
		if code != exitInterrupted || out.String() != want {
			t.Errorf("%s ended with %d and %q, want %q", line, code, &out, want)
		}
	}
}
