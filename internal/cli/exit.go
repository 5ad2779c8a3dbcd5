package cli

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"baton.example/baton/internal/client"
)

// The exit codes, which docs/cli.md explains to people.
const (
	exitOK           = 0
	exitFailed       = 1
	exitUsage        = 2
	exitUnauthorized = 3
	exitForbidden    = 4
	exitNotFound     = 5
	exitConflict     = 6
	exitUnavailable  = 7
	exitUnsound      = 8
	exitInterrupted  = 130 // as shells have it: 128 and the number of SIGINT
)

// A usageError is a command line that makes no sense, found later than by the
// parser.
type usageError struct{ message string }

// Error implements error.
func (e *usageError) Error() string { return e.message }

func usagef(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// errDeclined is what a person said no to.
var errDeclined = errors.New("nothing was done")

// A hinted error tells besides what went wrong what to do about it.
type hinted struct {
	error
	hint string
}

// Unwrap returns the error without the hint.
func (e *hinted) Unwrap() error { return e.error }

// Error implements error.
func (e *hinted) Error() string { return fmt.Sprintf("%v (%s)", e.error, e.hint) }

// hint adds what to do to an error, if there is one.
func hint(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &hinted{err, fmt.Sprintf(format, args...)}
}

// exitCode returns the code that tells a script what kind of error it was.
// Of several errors it is that of all, or exitFailed if they differ.
func exitCode(err error) int {
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	}
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		codes := map[int]bool{}
		for _, one := range several.Unwrap() {
			codes[exitCode(one)] = true
		}
		if len(codes) == 1 {
			for code := range codes {
				return code
			}
		}
		return exitFailed
	}
	if answer, ok := err.(*client.Error); ok { //nolint:errorlint // what wraps it is unwrapped below
		switch status := answer.Status; {
		case status == http.StatusUnauthorized:
			return exitUnauthorized
		case status == http.StatusForbidden:
			return exitForbidden
		case status == http.StatusNotFound, status == http.StatusGone:
			return exitNotFound
		case status == http.StatusConflict, status == http.StatusPreconditionFailed:
			return exitConflict
		case status == http.StatusTooManyRequests, status >= http.StatusInternalServerError:
			return exitUnavailable
		}
		return exitFailed
	}
	switch e := err.(type) { //nolint:errorlint // what wraps them is unwrapped below
	case *usageError:
		return exitUsage
	case *missingError:
		return exitNotFound
	case *unsoundError:
		return exitUnsound
	case *signedOutError:
		return exitUnauthorized
	case *client.UnreachableError:
		return exitUnavailable
	default:
		if wrapped := errors.Unwrap(e); wrapped != nil {
			return exitCode(wrapped)
		}
		return exitFailed
	}
}

// advise adds to an error of a server what to do about it.
func (s *session) advise(err error) error {
	answer, ok := errors.AsType[*client.Error](err)
	if !ok {
		return s.adviseUnreached(err)
	}
	switch {
	case answer.Status == http.StatusUnauthorized && s.saved != "":
		return hint(err, "sign in again: baton login --name %s %s", s.saved, s.URL())
	case answer.Status == http.StatusUnauthorized:
		return hint(err, "%s does not open %s: make a token there that does", s.token, s.URL())
	case len(answer.Scopes) > 0:
		return hint(err, "a token needs one of the scopes %s for this", strings.Join(answer.Scopes, ", "))
	case answer.NoRoute:
		return hint(err, "%s has no %s %s", s.URL(), answer.Method, answer.Path)
	case answer.Foreign && (answer.Status == http.StatusBadRequest || answer.Status == http.StatusNotFound):
		return hint(err, "that is no answer of GitLab's API: is %s its address?", s.URL())
	case answer.Unsure:
		return hint(err, "it may have been done all the same: look before you repeat it%s", logged(answer))
	case answer.Status == http.StatusTooManyRequests, answer.Status >= http.StatusInternalServerError:
		when := "in a while"
		if answer.RetryAfter > 0 {
			when = "in " + cmp.Or(answer.RetryAfter.Round(time.Second), time.Second).String()
		}
		return hint(err, "try again %s%s", when, logged(answer))
	}
	return err
}

// An interruptedError is a command that somebody ended.
type interruptedError struct{ cause error }

// Error implements error.
func (e *interruptedError) Error() string { return "interrupted" }

// Unwrap returns what the command was doing.
func (e *interruptedError) Unwrap() error { return e.cause }

// logged tells how to find a request in the log of the server.
func logged(answer *client.Error) string {
	if answer.RequestID == "" {
		return ""
	}
	return "; its log has the request as " + answer.RequestID
}

func (s *session) adviseUnreached(err error) error {
	if redirect, ok := errors.AsType[*client.RedirectError](err); ok {
		return hint(err, "if that is where it is now, sign in there: baton login %s", strings.TrimSuffix(redirect.To, "/"))
	}
	e, ok := errors.AsType[*client.UnreachableError](err)
	switch {
	case !ok:
		return err
	case errors.Is(err, context.Canceled) && e.Unsure:
		return hint(&interruptedError{err}, "it may have been done all the same: look before you repeat it")
	case errors.Is(err, context.Canceled):
		return &interruptedError{err}
	case e.Unsure:
		return hint(err, "it may have been done all the same: look before you repeat it")
	}
	if _, unknown := errors.AsType[x509.UnknownAuthorityError](err); unknown {
		return hint(err, "if you trust who signed it, add that certificate to this machine's, or name its file in SSL_CERT_FILE")
	}
	if s.saved == "" && s.URL() == defaultURL {
		return hint(err, "is the server running, and its address right? %s names another", urlEnv)
	}
	return hint(err, "is the server running, and its address right?")
}
