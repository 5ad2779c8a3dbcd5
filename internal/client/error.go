package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// An Error is an answer of 400 and above.
type Error struct {
	Method, Path string
	Status       int
	// Message is what the server says, in one sentence, without the number of
	// the status before it.
	Message string
	// Scopes are those of which the token would need one, if that is what is
	// wrong.
	Scopes []string
	// NoRoute reports that the server has nothing at the path, rather than not
	// the thing that the path names.
	NoRoute bool
	// Foreign reports that the body is no JSON object: it comes from something
	// that is not GitLab's API, or that is ahead of it.
	Foreign bool
	// Unsure reports that the request may have been carried out all the same:
	// something between here and the server answered instead of it.
	Unsure bool
	// RequestID finds the request in the server's log, "" if it told none.
	RequestID string
	// RetryAfter is how long the server asks to wait, 0 if it does not.
	RetryAfter time.Duration
	// Body is what the server sent, up to 1 MiB.
	Body []byte
}

// Error implements error.
func (e *Error) Error() string { return e.Message }

// maxErrorBody is as much of an error's body as is kept.
const maxErrorBody = 1 << 20

func newError(r *Request, resp *http.Response) *Error {
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody)) // what there is of it
	e := &Error{
		Method: r.Method, Path: r.Path, Status: resp.StatusCode,
		RequestID: resp.Header.Get("X-Request-Id"), Body: body,
		Unsure: !r.reads() && resp.StatusCode >= http.StatusInternalServerError,
	}
	if resp.Header.Get("Retry-After") != "" {
		e.RetryAfter = retryablehttp.DefaultBackoff(0, 0, 0, resp)
	}
	e.read(resp.Header.Get("Content-Type"))
	return e
}

// numbered is the beginning that GitLab gives to messages, as in "403 Forbidden
// - Insufficient permissions".
var numbered = regexp.MustCompile(`^[45]\d\d (?:[A-Za-z' ]+ - )?`)

// read finds the message. GitLab puts a string or a hash under "message", or a
// string under "error", https://docs.gitlab.com/api/rest/troubleshooting/.
func (e *Error) read(contentType string) {
	var said struct {
		Message     json.RawMessage `json:"message"`
		Error       json.RawMessage `json:"error"`
		Description string          `json:"error_description"`
		Scope       string          `json:"scope"`
	}
	kind, _, _ := mime.ParseMediaType(contentType)
	err := json.Unmarshal(e.Body, &said)
	e.Foreign = err != nil && len(e.Body) > 0
	switch {
	case err == nil:
		e.Message = sentence(said.Message)
		if e.Message == "" {
			problem := sentence(said.Error)
			e.NoRoute = problem == "404 Not Found"
			e.Message = problem
			if said.Description != "" {
				e.Message = said.Description
			}
			if problem == "insufficient_scope" {
				e.Scopes = strings.Fields(said.Scope)
			}
		}
	case kind == "text/plain":
		first, _, _ := strings.Cut(strings.TrimSpace(string(e.Body)), "\n")
		if len(first) < 200 {
			e.Message = first
		}
	}
	e.Message = strings.TrimSpace(numbered.ReplaceAllString(e.Message, ""))
	if e.Message == "" {
		e.Message = strings.TrimSpace(fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status)))
	}
}

// sentence writes a message for people: a string as it is, a list with
// semicolons, a hash with its fields in front.
func sentence(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil {
		var parts []string
		for _, element := range list {
			parts = append(parts, sentence(element))
		}
		return strings.Join(parts, "; ")
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return string(raw) // a number, perhaps
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		words := strings.ReplaceAll(name, "_", " ")
		if name == "base" { // about the whole
			words = ""
		}
		parts = append(parts, capital(strings.TrimSpace(words+" "+sentence(fields[name]))))
	}
	return strings.Join(parts, "; ")
}

// capital returns the text with a capital letter first, if that is an English
// one: fields are.
func capital(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// An UnreachableError is no answer: the server could not be reached, or the
// connection ended before it answered.
type UnreachableError struct {
	URL string
	// Unsure reports that the request may have been carried out all the same.
	Unsure bool
	Cause  error
}

// Error implements error.
func (e *UnreachableError) Error() string {
	return fmt.Sprintf("no answer from %s: %v", e.URL, e.Cause)
}

// Unwrap returns what ended the connection.
func (e *UnreachableError) Unwrap() error { return e.Cause }

// plain returns an error without the method and the address that net/http puts
// before it.
func plain(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}

// A RedirectError is an answer that sends elsewhere, where the token must not
// go, or where a request could not go as it is.
type RedirectError struct{ To string }

// Error implements error.
func (e *RedirectError) Error() string { return "the server sends to " + e.To }
