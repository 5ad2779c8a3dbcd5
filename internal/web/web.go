// Package web is what a browser sees of Baton: pages made on the server, each
// a struct and a template that is checked against it when the program starts.
//
// A page works without a script. Styles and images are files of ours under a
// name that changes with their content; the Content-Security-Policy allows
// nothing else, so text that reaches a page can do no more than be read.
package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"baton.example/baton/internal/telemetry"
)

// Config is what the pages need to know.
type Config struct {
	// ExternalURL is where people reach this server. Its path, if any, stands
	// before that of every link; requests may come with it or, from a proxy
	// that removes it, without.
	ExternalURL *url.URL
	// Version is Baton's own.
	Version string
	// Database is what keeps the data, as people call it: SQLite, PostgreSQL.
	Database string
	// Started is when this process began to serve.
	Started time.Time
	// Now tells the time.
	Now func() time.Time
	// Ready returns nil if a request that needs the database would be served.
	Ready func(context.Context) error
}

// readyWithin is how long the page waits for the database: a reader is told
// that it does not answer instead of being kept waiting for it.
const readyWithin = 2 * time.Second

type site struct {
	Config

	instance string // the external URL without a slash at its end
	prefix   string // its path, likewise: "" or "/baton"
	assets   *assets
	home     page[homePage]
	problem  page[problemPage]
}

// New returns the handler of all pages and of the files that they need. It
// fails if a template does not fit its page.
func New(c Config) (http.Handler, error) {
	s := &site{Config: c}
	instance := url.URL{Scheme: c.ExternalURL.Scheme, Host: c.ExternalURL.Host, Path: c.ExternalURL.Path}
	s.instance = strings.TrimRight(instance.String(), "/")
	s.prefix = strings.TrimRight(c.ExternalURL.Path, "/")

	var err error
	if s.assets, err = loadAssets((&url.URL{Path: s.prefix}).EscapedPath()); err != nil {
		return nil, err
	}
	if s.home, err = parse[homePage]("home"); err != nil {
		return nil, err
	}
	if s.problem, err = parse[problemPage]("problem"); err != nil {
		return nil, err
	}
	return s, nil
}

// policy names all that a page may load: its own stylesheet and images. There
// is no script to allow, and no form or frame yet.
const policy = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// ServeHTTP implements [http.Handler].
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")

	route, serve := s.route(r.URL.Path)
	telemetry.SetRoute(r.Context(), route)
	if serve != nil && r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		serve = s.notAllowed
	}
	if serve == nil {
		serve = s.notFound
	}
	serve(w, r)
}

// route finds what serves a path, nil for nothing.
func (s *site) route(path string) (pattern string, serve http.HandlerFunc) {
	if rest, found := strings.CutPrefix(path, s.prefix); found && (rest == "" || rest[0] == '/') {
		path = rest
	}
	if path == "" || path == "/" {
		return "/", s.serveHome
	}
	if name, found := strings.CutPrefix(path, "/static/"); found {
		if a, found := s.assets.byName[name]; found {
			return "/static/{name}", a.ServeHTTP
		}
	}
	return "", nil
}

// A problemPage says why there is no page.
type problemPage struct {
	Frame  frame
	Status int
	Title  string
	Text   string
}

func (s *site) notFound(w http.ResponseWriter, r *http.Request) {
	s.fail(w, r, http.StatusNotFound, "Page not found", "There is nothing at this address. The API is under "+s.instance+"/api/v4.")
}

func (s *site) notAllowed(w http.ResponseWriter, r *http.Request) {
	s.fail(w, r, http.StatusMethodNotAllowed, "Method not allowed", "This page can be read and nothing else. The API is under "+s.instance+"/api/v4.")
}

// fail answers with an error: a page for who can show one, else a line.
func (s *site) fail(w http.ResponseWriter, r *http.Request, status int, title, text string) {
	w.Header().Add("Vary", "Accept")
	if !strings.Contains(r.Header.Get("Accept"), "text/html") {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(status)
		if r.Method != http.MethodHead {
			fmt.Fprintf(w, "%d %s\n%s\n", status, title, text)
		}
		return
	}
	s.problem.serve(w, r, status, problemPage{Frame: s.frame(), Status: status, Title: title, Text: text})
}

// frame returns what every page needs.
func (s *site) frame() frame {
	return frame{
		Version: s.Version,
		Home:    s.assets.prefix + "/",
		Style:   s.assets.path["baton.css"],
		Icon:    s.assets.path["baton.svg"],
	}
}
