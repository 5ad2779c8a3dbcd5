package baton

import (
	"errors"
	"fmt"
	"strings"
)

// A Code says what kind of failure an [Error] is. The set is closed: every
// adapter maps all of it, and whatever is not an Error is internal and shown
// to nobody.
type Code int

// The codes.
const (
	// CodeInternal is everything that is not an [Error]; its text is logged,
	// never shown.
	CodeInternal Code = iota
	// CodeNotFound says that the thing does not exist, or that the caller may
	// not know that it does.
	CodeNotFound
	// CodeConflict says that the thing exists already, or is being made.
	CodeConflict
	// CodeInvalid says that values break a rule; [Error.Fields] names them.
	CodeInvalid
	// CodeDenied says that the caller is known and may not do this.
	CodeDenied
	// CodeUnauthenticated says that the caller is not known.
	CodeUnauthenticated
	// CodeStale says that the thing changed since the caller looked at it.
	CodeStale
	// CodeUnavailable says that the same call may succeed later.
	CodeUnavailable
)

// An Error is a failure that its cause may be told about.
type Error struct {
	Code Code
	// Message is for the person who caused the error. For CodeNotFound it is
	// the kind of the missing thing ("Project"); for CodeDenied it is the
	// reason, or "".
	Message string
	// Fields are the values that break a rule, in the order of the rules.
	Fields []FieldError
	// Cause is for the log.
	Cause error
}

// A FieldError is one broken rule: the field's name as the API spells it and
// the rest of the sentence ("is too long (maximum is 1024 characters)").
type FieldError struct {
	Field   string
	Problem string
}

// Sentence returns the rule as ActiveModel's full message: the field's name in
// words, then the problem.
func (f FieldError) Sentence() string {
	name := strings.ReplaceAll(f.Field, "_", " ")
	if name == "" {
		return f.Problem
	}
	return strings.ToUpper(name[:1]) + name[1:] + " " + f.Problem
}

// Error implements error.
func (e *Error) Error() string {
	text := e.Message
	switch e.Code {
	case CodeNotFound:
		text = strings.TrimSpace(e.Message + " not found")
	case CodeInvalid:
		if len(e.Fields) > 0 {
			text = e.Sentences()
		}
	case CodeDenied:
		text = strings.TrimSuffix("not allowed: "+e.Message, ": ")
	case CodeInternal, CodeConflict, CodeUnauthenticated, CodeStale, CodeUnavailable:
	}
	if e.Cause != nil {
		return fmt.Sprintf("%s: %v", text, e.Cause)
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Sentences joins the fields' sentences in the English way: "A", "A and B",
// "A, B, and C".
func (e *Error) Sentences() string {
	if len(e.Fields) == 0 {
		return e.Message
	}
	all := make([]string, len(e.Fields))
	for i, f := range e.Fields {
		all[i] = f.Sentence()
	}
	switch n := len(all); n {
	case 1:
		return all[0]
	case 2:
		return all[0] + " and " + all[1]
	default:
		return strings.Join(all[:n-1], ", ") + ", and " + all[n-1]
	}
}

// CodeOf returns the code of the first [Error] in err's chain, CodeInternal
// when there is none.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return CodeInternal
}

// NotFound returns the error of a missing thing, which is named as GitLab
// names it ("Project", "Group", "User").
func NotFound(thing string) error { return &Error{Code: CodeNotFound, Message: thing} }

// IsNotFound reports whether err says that something does not exist.
func IsNotFound(err error) bool { return CodeOf(err) == CodeNotFound }

// Denied returns the error of a caller who may not; the reason may be "".
func Denied(reason string) error { return &Error{Code: CodeDenied, Message: reason} }

// Conflict returns the error of a thing that exists already.
func Conflict(message string) error { return &Error{Code: CodeConflict, Message: message} }

// Invalid returns the error of broken rules, or nil when there are none.
func Invalid(fields []FieldError) error {
	if len(fields) == 0 {
		return nil
	}
	return &Error{Code: CodeInvalid, Fields: fields}
}
