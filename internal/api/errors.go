package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/fleet"
	"baton.example/baton/internal/grape"
	"baton.example/baton/internal/idempotency"
)

// A failure is an error as the client gets it.
type failure struct {
	status int
	// body is marshalled as JSON, unless it is a plainText.
	body   any
	header map[string]string
}

// Error implements error.
func (f *failure) Error() string { return fmt.Sprintf("%d %v", f.status, f.body) }

// plainText is a body that is not JSON.
type plainText string

// message is GitLab's body for errors that come from handlers, problem the one
// for errors that come from the framework: parameters, routes, OAuth.
type (
	message struct {
		Message any `json:"message"`
	}
	problem struct {
		Error            string `json:"error"`
		ErrorDescription string `json:"error_description,omitempty"`
		Scope            string `json:"scope,omitempty"`
	}
)

// The failures that need nothing of the request.
var (
	errUnknownRoute = &failure{status: http.StatusNotFound, body: problem{Error: "404 Not Found"}}
	errV3           = &failure{status: http.StatusGone, body: problem{Error: "API V3 is no longer supported. Use API V4 instead."}}
	errTwoTokens    = &failure{status: http.StatusBadRequest, body: problem{
		Error: "invalid_request", ErrorDescription: "Both Authorization header and payload includes access token.",
	}}
	errRotationDeadline = &failure{status: http.StatusForbidden, body: problem{Error: "Token rotation deadline has passed"}}
	// errNotFound is GitLab's where it looked for something and gives no name.
	errNotFound = &failure{status: http.StatusNotFound, body: message{"404 Not Found"}}
	// errNotAllowed is for who is none of those that a route is for.
	errNotAllowed   = &failure{status: http.StatusMethodNotAllowed, body: message{"405 Method Not Allowed"}}
	errPrecondition = &failure{status: http.StatusPreconditionFailed, body: message{"412 Precondition Failed"}}
	errTooLarge     = &failure{status: http.StatusRequestEntityTooLarge, body: message{"413 Request Entity Too Large"}}
)

// scopeError refuses a token without a scope that opens the route.
func scopeError(scopes []baton.Scope) error {
	names := make([]string, len(scopes))
	for i, s := range scopes {
		names[i] = string(s)
	}
	return &failure{status: http.StatusForbidden, body: problem{
		Error:            "insufficient_scope",
		ErrorDescription: "The request requires higher privileges than provided by the access token.",
		Scope:            strings.Join(names, " "),
	}}
}

// badRequest is a 400 whose message has no "400 Bad request" ahead.
func badRequest(text string) *failure {
	return &failure{status: http.StatusBadRequest, body: message{text}}
}

// sentences returns err with its broken rules joined to one sentence, as
// GitLab answers where it creates; elsewhere it answers with a hash.
func sentences(err error) error {
	if e, ok := errors.AsType[*baton.Error](err); ok && e.Code == baton.CodeInvalid && len(e.Fields) > 0 {
		return &baton.Error{Code: baton.CodeInvalid, Message: e.Sentences()}
	}
	return err
}

// fail answers with err. It is the one place where errors become statuses and
// bodies, and where what nobody may see is logged instead.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	f := s.failure(err)
	if f == nil {
		// The client is gone: nobody is left to answer.
		w.WriteHeader(statusClientClosedRequest)
		return
	}
	if f.status == http.StatusInternalServerError || f.status == http.StatusServiceUnavailable {
		s.Log.ErrorContext(r.Context(), "request failed", "error", err)
	}
	for key, value := range f.header {
		w.Header().Set(key, value)
	}
	if text, ok := f.body.(plainText); ok {
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(f.status)
		_, _ = w.Write([]byte(text))
		return
	}
	body, err := marshalError(f.body)
	if err != nil {
		s.Log.ErrorContext(r.Context(), "an error could not be written as JSON", "error", err)
	}
	writeJSON(w, f.status, body)
}

// statusClientClosedRequest is nginx's status for a client that went away; it
// is seen in logs and metrics alone.
const statusClientClosedRequest = 499

// failure is the table from errors to what the client gets, nil for a client
// that is gone.
func (s *Server) failure(err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	if e, ok := errors.AsType[*grape.ValidationError](err); ok {
		return &failure{status: http.StatusBadRequest, body: problem{Error: e.Error()}}
	}
	if e, ok := errors.AsType[*grape.BodyError](err); ok {
		return &failure{status: e.Status, body: problem{Error: e.Message}}
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return errTooLarge
	}
	if p, ok := errors.AsType[access.TokenProblem](err); ok {
		return tokenFailure(p)
	}
	if p, ok := errors.AsType[access.UserProblem](err); ok {
		return s.userFailure(p)
	}
	if errors.Is(err, access.ErrSudoScope) {
		return s.failure(scopeError([]baton.Scope{baton.ScopeSudo}))
	}
	if errors.Is(err, idempotency.ErrMismatch) {
		return &failure{
			status: http.StatusUnprocessableEntity,
			body:   message{"422 Unprocessable Entity - " + idempotency.ErrMismatch.Error()},
		}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return domainFailure(&baton.Error{Code: baton.CodeUnavailable})
	}
	if p, ok := errors.AsType[fleet.AssignError](err); ok {
		return badRequest(p.Error())
	}
	if errors.Is(err, fleet.ErrRegistrationDisallowed) {
		return errRegistrationDisallowed
	}
	if errors.Is(err, fleet.ErrModified) {
		return errPrecondition
	}
	if errors.Is(err, fleet.ErrRotationDeadline) {
		return errRotationDeadline
	}
	if errors.Is(err, context.Canceled) {
		return nil
	}
	if e, ok := errors.AsType[*baton.Error](err); ok {
		return domainFailure(e)
	}
	return &failure{status: http.StatusInternalServerError, body: message{"500 Internal Server Error"}}
}

// domainFailure maps the closed set of codes.
func domainFailure(e *baton.Error) *failure {
	switch e.Code {
	case baton.CodeNotFound:
		if e.Message == "" {
			return &failure{status: http.StatusNotFound, body: message{"404 Not found"}}
		}
		return &failure{status: http.StatusNotFound, body: message{"404 " + e.Message + " Not Found"}}
	case baton.CodeConflict:
		return &failure{status: http.StatusConflict, body: message{e.Message}}
	case baton.CodeInvalid:
		if len(e.Fields) > 0 {
			return &failure{status: http.StatusBadRequest, body: message{fieldHash(e.Fields)}}
		}
		return &failure{status: http.StatusBadRequest, body: message{"400 Bad request - " + e.Message}}
	case baton.CodeDenied:
		text := "403 Forbidden"
		if e.Message != "" {
			text += " - " + e.Message
		}
		return &failure{status: http.StatusForbidden, body: message{text}}
	case baton.CodeUnauthenticated:
		return &failure{status: http.StatusUnauthorized, body: message{"401 Unauthorized"}}
	case baton.CodeStale:
		return &failure{status: http.StatusConflict, body: message{"409 Conflict: Resource lock"}}
	case baton.CodeUnavailable:
		return &failure{
			status: http.StatusServiceUnavailable, body: message{"503 Service Unavailable"},
			header: map[string]string{"Retry-After": "1"},
		}
	case baton.CodeInternal:
	}
	return &failure{status: http.StatusInternalServerError, body: message{"500 Internal Server Error"}}
}

// tokenFailure is RFC 6750's answer to a token that does not work any more.
func tokenFailure(p access.TokenProblem) *failure {
	return &failure{
		status: http.StatusUnauthorized,
		body:   problem{Error: "invalid_token", ErrorDescription: p.Error()},
		header: map[string]string{"WWW-Authenticate": fmt.Sprintf(
			`Bearer realm="Protected by OAuth 2.0", error="invalid_token", error_description="%s"`, p.Error())},
	}
}

// userFailure is what a user hears who may not act.
func (s *Server) userFailure(p access.UserProblem) *failure {
	text := "403 Forbidden - Your account has been blocked."
	if baton.UserState(p) == baton.UserDeactivated {
		text = "403 Forbidden - Your account has been deactivated by your administrator. " +
			"Please log back in from a web browser to reactivate your account at " + s.base
	}
	return &failure{status: http.StatusForbidden, body: message{text}}
}

// A fieldHash is broken rules as GitLab's hash, {"field":["problem"]}, with
// the fields in the order of the rules.
type fieldHash []baton.FieldError

// MarshalJSON implements [encoding/json.Marshaler].
func (h fieldHash) MarshalJSON() ([]byte, error) {
	var order []string
	problems := map[string][]string{}
	for _, f := range h {
		if problems[f.Field] == nil {
			order = append(order, f.Field)
		}
		problems[f.Field] = append(problems[f.Field], f.Problem)
	}
	var out bytes.Buffer
	out.WriteByte('{')
	for i, field := range order {
		if i > 0 {
			out.WriteByte(',')
		}
		key, err := marshalError(field)
		if err != nil {
			return nil, err
		}
		value, err := marshalError(problems[field])
		if err != nil {
			return nil, err
		}
		out.Write(key)
		out.WriteByte(':')
		out.Write(value)
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}
