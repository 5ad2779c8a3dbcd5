package web_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"baton.example/baton/internal/web"
)

var started = time.Date(2026, 11, 23, 13, 4, 57, 0, time.UTC)

// serve returns the pages of a server that is ready and has been for three
// minutes; change alters that.
func serve(t *testing.T, external string, change func(*web.Config)) http.Handler {
	t.Helper()
	u, err := url.Parse(external)
	if err != nil {
		t.Fatal(err)
	}
	c := web.Config{
		ExternalURL: u,
		Version:     "1.2.3",
		Database:    "SQLite",
		Started:     started,
		Now:         func() time.Time { return started.Add(3 * time.Minute) },
		Ready:       func(context.Context) error { return nil },
	}
	if change != nil {
		change(&c)
	}
	h, err := web.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func do(h http.Handler, method, path, accept string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// browser is what a browser asks for.
const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

func get(t *testing.T, h http.Handler, path string) *html.Node {
	t.Helper()
	w := do(h, "GET", path, browser)
	if got := w.Header().Get("Content-Type"); got != "text/html; charset=utf-8" {
		t.Fatalf("GET %s: %d, Content-Type %q", path, w.Code, got)
	}
	doc, err := html.Parse(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// elements returns the text of every element with the name, spaces collapsed
// unless it is code.
func elements(doc *html.Node, name string) []string {
	var found []string
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode || n.Data != name {
			continue
		}
		var text strings.Builder
		for c := range n.Descendants() {
			if c.Type == html.TextNode {
				text.WriteString(c.Data)
			}
		}
		if name == "pre" {
			found = append(found, text.String())
		} else {
			found = append(found, strings.Join(strings.Fields(text.String()), " "))
		}
	}
	return found
}

// attributes returns every value of the attribute.
func attributes(doc *html.Node, key string) []string {
	var found []string
	for n := range doc.Descendants() {
		for _, a := range n.Attr {
			if a.Key == key {
				found = append(found, a.Val)
			}
		}
	}
	return found
}

func diff(t *testing.T, what string, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func TestHome(t *testing.T) {
	doc := get(t, serve(t, "http://127.0.0.1:8080", nil), "/")

	diff(t, "title", []string{"Baton: GitLab’s runner control plane"}, elements(doc, "title"))
	diff(t, "labels", []string{"State", "Database", "Version", "Started"}, elements(doc, "dt")[:4])
	diff(t, "state", []string{
		"Ready", "serves requests",
		"SQLite", "answers",
		"1.2.3", "GitLab’s API v4",
		"3 minutes ago", "23 Nov, 13:04 UTC",
	}, elements(doc, "dd")[:8])
	diff(t, "exact time", []string{"23 November 2026, 13:04:57 UTC"}, attributes(doc, "title"))
	diff(t, "machine's time", []string{"2026-11-23T13:04:57Z"}, attributes(doc, "datetime"))
	diff(t, "commands", []string{
		`curl --request POST \
  --header "PRIVATE-TOKEN: $BATON_TOKEN" \
  --data "runner_type=instance_type" \
  "http://127.0.0.1:8080/api/v4/user/runners"`,
		`{"id":1,"token":"glrt-…","token_expires_at":null}`,
		`gitlab-runner register --non-interactive \
  --url "http://127.0.0.1:8080" \
  --token "$RUNNER_TOKEN" \
  --executor shell
gitlab-runner run`,
		`curl \
  --header "PRIVATE-TOKEN: $BATON_TOKEN" \
  "http://127.0.0.1:8080/api/v4/runners/all"`,
	}, elements(doc, "pre"))
}

func TestHomeWithoutDatabase(t *testing.T) {
	h := serve(t, "http://127.0.0.1:8080", func(c *web.Config) {
		c.Database = "PostgreSQL"
		c.Ready = func(context.Context) error { return errors.New("dial tcp 10.1.2.3:5432: password hunter2") }
	})
	w := do(h, "GET", "/", browser)
	if w.Code != http.StatusOK {
		t.Errorf("status %d", w.Code)
	}
	for _, private := range []string{"hunter2", "10.1.2.3"} {
		if strings.Contains(w.Body.String(), private) {
			t.Errorf("the page tells everybody %q", private)
		}
	}
	doc := get(t, h, "/")
	diff(t, "state", []string{"Not ready", "cannot serve requests", "PostgreSQL", "does not answer"}, elements(doc, "dd")[:4])
}

func TestHomeDoesNotWaitForTheDatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := serve(t, "http://127.0.0.1:8080", func(c *web.Config) {
			c.Ready = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		})
		begin := time.Now()
		doc := get(t, h, "/")
		if took := time.Since(begin); took > 3*time.Second {
			t.Errorf("took %v", took)
		}
		diff(t, "state", "Not ready", elements(doc, "dd")[0])
	})
}

// A proxy may pass the external URL's path on or remove it: both work, and
// what the page refers to has it.
func TestExternalURLWithPath(t *testing.T) {
	for _, external := range []string{"https://ci.example.com/baton", "https://ci.example.com/baton/"} {
		h := serve(t, external, nil)
		for _, path := range []string{"/", "/baton", "/baton/"} {
			doc := get(t, h, path)
			if want, got := `"https://ci.example.com/baton/api/v4/user/runners"`, elements(doc, "pre")[0]; !strings.HasSuffix(got, want) {
				t.Errorf("%s: the command does not end in %s:\n%s", path, want, got)
			}
			diff(t, "argument of gitlab-runner", true, strings.Contains(elements(doc, "pre")[2], `--url "https://ci.example.com/baton" `))

			for _, ref := range slices.Concat(attributes(doc, "href"), attributes(doc, "src")) {
				if strings.HasPrefix(ref, "#") || strings.HasPrefix(ref, "https://docs.gitlab.com/") {
					continue
				}
				inside, found := strings.CutPrefix(ref, "/baton/")
				if !found {
					t.Errorf("%s: a reference to %s", path, ref)
				}
				if strings.HasPrefix(inside, "static/") {
					for _, p := range []string{ref, "/" + inside} {
						if w := do(h, "GET", p, ""); w.Code != http.StatusOK {
							t.Errorf("GET %s: %d", p, w.Code)
						}
					}
				}
			}
		}
		if w := do(h, "GET", "/batonette", ""); w.Code != http.StatusNotFound {
			t.Errorf("a path that begins alike: %d", w.Code)
		}
	}
}

// Whatever the external URL holds is text to the page, and one argument to the
// shell into which people paste.
func TestExternalURLIsText(t *testing.T) {
	for host, quoted := range map[string]string{
		`<script>alert(1)</script>`: `"https://<script>alert(1)<`,
		`"onload="x`:                `'https://"onload="x/`,
		`$(reboot)`:                 `'https://$(reboot)/`,
		`'$(reboot)'`:               `'https://'\''$(reboot)'\''/`,
	} {
		h := serve(t, "https://example.com/", func(c *web.Config) { c.ExternalURL = &url.URL{Scheme: "https", Host: host} })
		doc := get(t, h, "/")
		if got := elements(doc, "pre")[0]; !strings.Contains(got, quoted) {
			t.Errorf("host %s: the command has no %s:\n%s", host, quoted, got)
		}
		holdsNothingActive(t, doc)
	}
}

// No secret reaches the page, whatever somebody put into the external URL.
func TestExternalURLSecretsAreLeftOut(t *testing.T) {
	h := serve(t, "https://root:hunter2@ci.example.com/baton/?private_token=glpat-hunter2#hunter2", nil)
	for _, path := range []string{"/", "/nothing"} {
		body := do(h, "GET", path, browser).Body.String()
		for _, secret := range []string{"hunter2", "root:", "glpat-"} {
			if strings.Contains(body, secret) {
				t.Errorf("GET %s shows %q", path, secret)
			}
		}
	}
}

func holdsNothingActive(t *testing.T, doc *html.Node) {
	t.Helper()
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode && (n.Data == "script" || n.Data == "style" || n.Data == "iframe" || n.Data == "base") {
			t.Errorf("the page has a <%s>", n.Data)
		}
		for _, a := range n.Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
				t.Errorf("<%s> has %s=%q", n.Data, a.Key, a.Val)
			}
		}
	}
}

func TestNothingButOurOwnFilesIsAllowed(t *testing.T) {
	h := serve(t, "http://127.0.0.1:8080", nil)
	doc := get(t, h, "/")
	paths := []string{"/", "/nothing"}
	for _, ref := range attributes(doc, "href") {
		if strings.HasPrefix(ref, "/static/") {
			paths = append(paths, ref)
		}
	}
	if len(paths) < 4 {
		t.Fatalf("found no static files: %v", paths)
	}
	for _, path := range paths {
		header := do(h, "GET", path, browser).Header()
		for name, want := range map[string]string{
			"Content-Security-Policy":      "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Permissions-Policy":           "camera=(), geolocation=(), microphone=()",
			"Referrer-Policy":              "same-origin",
			"X-Content-Type-Options":       "nosniff",
			"X-Frame-Options":              "DENY",
		} {
			diff(t, path+": "+name, want, header.Get(name))
		}
		if path == "/" || path == "/nothing" {
			holdsNothingActive(t, get(t, h, path))
			diff(t, path+": Cache-Control", "no-cache", header.Get("Cache-Control"))
		} else {
			diff(t, path+": Cache-Control", "public, max-age=31536000, immutable", header.Get("Cache-Control"))
		}
	}
}

func TestNotFound(t *testing.T) {
	h := serve(t, "http://127.0.0.1:8080", nil)
	for _, path := range []string{"/nothing", "/static/", "/static/baton.css", "/static/../web.go", "//", "/baton/"} {
		w := do(h, "GET", path, browser)
		diff(t, path, http.StatusNotFound, w.Code)
		diff(t, path, []string{"Page not found"}, elements(get(t, h, path), "h1"))
		diff(t, path+": Vary", "Accept", w.Header().Get("Vary"))

		w = do(h, "GET", path, "*/*")
		diff(t, path, http.StatusNotFound, w.Code)
		diff(t, path, "text/plain; charset=utf-8", w.Header().Get("Content-Type"))
		diff(t, path, "404 Page not found\nThere is nothing at this address. The API is under http://127.0.0.1:8080/api/v4.\n", w.Body.String())
	}
}

func TestOnlyReading(t *testing.T) {
	h := serve(t, "http://127.0.0.1:8080", nil)
	w := do(h, "POST", "/", "")
	diff(t, "status", http.StatusMethodNotAllowed, w.Code)
	diff(t, "Allow", "GET, HEAD", w.Header().Get("Allow"))
	diff(t, "status of another path", http.StatusNotFound, do(h, "POST", "/nothing", "").Code)
}

func TestHead(t *testing.T) {
	h := serve(t, "http://127.0.0.1:8080", nil)
	paths := append([]string{"/", "/nothing"}, attributes(get(t, h, "/"), "src")...)
	for _, path := range paths {
		for _, accept := range []string{browser, "*/*"} {
			want, got := do(h, "GET", path, accept), do(h, "HEAD", path, accept)
			diff(t, path+": status", want.Code, got.Code)
			diff(t, path+": header", want.Header(), got.Header())
			diff(t, path+": body", "", got.Body.String())
		}
	}
}
