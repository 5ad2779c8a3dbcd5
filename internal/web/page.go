package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/jba/templatecheck"
)

// A frame is what the layout needs on every page, whose struct holds it in a
// field of this name.
type frame struct {
	Version string
	// Home is the path of "/" with the external URL's own before it.
	Home string
	// Style and Icon are the paths of the stylesheet and of the mark.
	Style, Icon string
}

//go:embed templates/*.html
var templates embed.FS

// A page is a template that was checked against its data.
type page[Data any] struct {
	*templatecheck.CheckedTemplate[Data]
}

// parse reads the page's template into the layout and checks it: whatever is
// misspelt in either keeps the program from starting.
func parse[Data any](name string) (page[Data], error) {
	t, err := template.New("layout").ParseFS(templates, "templates/layout.html", "templates/"+name+".html")
	if err != nil {
		return page[Data]{}, fmt.Errorf("parse page %s: %w", name, err)
	}
	checked, err := templatecheck.NewChecked[Data](t)
	if err != nil {
		return page[Data]{}, fmt.Errorf("check page %s: %w", name, err)
	}
	return page[Data]{checked}, nil
}

// serve writes the page. A template that fails half-way leaves no half page.
func (p page[Data]) serve(w http.ResponseWriter, r *http.Request, status int, data Data) {
	var body bytes.Buffer
	if err := p.Execute(&body, data); err != nil {
		// Only a method that a template calls could fail now, and none does.
		panic(fmt.Errorf("page %s: %w", p.Name(), err))
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	h.Set("Cache-Control", "no-cache")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = body.WriteTo(w) // the reader has gone
	}
}

// kinds are the media types, told here because a machine's own table may differ.
var kinds = map[string]string{
	".css": "text/css; charset=utf-8",
	".svg": "image/svg+xml",
}

//go:embed static
var static embed.FS

// assets are the files that pages need. Their names hold a digest of their
// content, so that browsers may keep them for ever and never mix versions.
type assets struct {
	prefix string            // before every path, without a slash at its end
	path   map[string]string // from a file's own name to where it is served
	byName map[string]asset  // from the name that it is served under
}

func loadAssets(prefix string) (*assets, error) {
	files, err := static.ReadDir("static")
	if err != nil {
		return nil, fmt.Errorf("list static files: %w", err)
	}
	a := &assets{prefix: prefix, path: map[string]string{}, byName: map[string]asset{}}
	for _, f := range files {
		content, err := static.ReadFile("static/" + f.Name())
		if err != nil {
			return nil, fmt.Errorf("read static file: %w", err)
		}
		sum := sha256.Sum256(content)
		ext := path.Ext(f.Name())
		name := strings.TrimSuffix(f.Name(), ext) + "-" + hex.EncodeToString(sum[:6]) + ext
		a.path[f.Name()] = prefix + "/static/" + name
		a.byName[name] = asset{kind: kinds[ext], content: content}
	}
	return a, nil
}

type asset struct {
	kind    string
	content []byte
}

// ServeHTTP implements [http.Handler].
func (a asset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.content))
}
