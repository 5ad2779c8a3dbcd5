package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
)

// begin sets the headers that every answer has, as GitLab's do.
func begin(w http.ResponseWriter) {
	h := w.Header()
	h["Cache-Control"] = cacheControl
	h["Vary"] = vary
	h["X-Content-Type-Options"] = noSniff
	h["X-Frame-Options"] = sameOrigin
}

// The values of headers that never differ, made once.
var (
	cacheControl    = []string{"max-age=0, private, must-revalidate"}
	vary            = []string{"Origin"}
	noSniff         = []string{"nosniff"}
	sameOrigin      = []string{"SAMEORIGIN"}
	applicationJSON = []string{"application/json"}
	applicationYAML = []string{"application/yaml"}
)

// A replay is an answer that is JSON already: one that was stored, written as it
// was the first time, or a job as it was made for a runner.
type replay struct {
	status int
	body   []byte
}

// A bare is a status to answer with and no body.
type bare int

// write answers with what the row's function returned.
func (s *Server) write(w http.ResponseWriter, r *http.Request, c *call, out any) {
	status := c.route.status
	switch v := out.(type) {
	case none:
		w.WriteHeader(status)
		return
	case bare:
		w.WriteHeader(int(v))
		return
	case replay:
		writeJSON(w, v.status, v.body)
		return
	case interface{ paginate(s *Server, c *call) any }:
		out = v.paginate(s, c)
	}
	body, media, err := encode(out)
	if err != nil {
		s.fail(w, r, fmt.Errorf("write answer: %w", err))
		return
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		sum := sha256.Sum256(body)
		tag := `W/"` + hex.EncodeToString(sum[:16]) + `"`
		w.Header().Set("ETag", tag)
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	if status == http.StatusNoContent {
		status = http.StatusOK
	}
	writeBody(w, status, media, body)
}

// A yamlText is an Out that is written as it is, for it is YAML.
type yamlText []byte

// encode returns an Out as it goes over the wire, and its Content-Type.
func encode(out any) (body []byte, media []string, err error) {
	if text, ok := out.(yamlText); ok {
		return text, applicationYAML, nil
	}
	// Entities have Go's escapes for HTML, which are those of Rails too.
	body, err = json.Marshal(out)
	return body, applicationJSON, err
}

// marshalError is [json.Marshal] without its escapes for HTML, which GitLab's
// errors do not have: they print Ruby's hashes with "=>".
func marshalError(v any) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// writeJSON writes a body that is JSON already.
func writeJSON(w http.ResponseWriter, status int, body []byte) {
	writeBody(w, status, applicationJSON, body)
}

func writeBody(w http.ResponseWriter, status int, media []string, body []byte) {
	h := w.Header()
	h["Content-Type"] = media
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	_, _ = w.Write(body) //nolint:gosec // neither JSON nor YAML is run as a page: nosniff
}
