package ciconfig

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// MaxErrors is how many errors are told of one configuration.
const MaxErrors = 100

// An Error is one thing that is wrong with a configuration.
type Error struct {
	// Line and Column are where, from 1; 0 if it is nowhere in particular.
	Line, Column int
	// Job is "" for what stands outside of jobs.
	Job string
	// Keyword is the path to the keyword, such as "artifacts:paths"; "" for the
	// job, or the configuration, as a whole.
	Keyword string
	// Text is what is wrong, without the place, in GitLab's words where it has
	// any.
	Text string
}

// Error returns the error as GitLab words it, with its place behind.
func (e Error) Error() string {
	text := e.Text
	if path := e.path(); path != "" {
		text = path + " " + text
	}
	if e.Line == 0 {
		return text
	}
	return fmt.Sprintf("%s (line %d, column %d)", text, e.Line, e.Column)
}

func (e Error) path() string {
	var parts []string
	if e.Job != "" {
		parts = append(parts, "jobs", e.Job)
	}
	if e.Keyword != "" {
		parts = append(parts, e.Keyword)
	}
	return strings.Join(parts, ":")
}

// Errors are all that is wrong with a configuration, in the order of its lines.
type Errors []Error

// Error returns the errors, a line each.
func (e Errors) Error() string { return strings.Join(e.Texts(), "\n") }

// Texts returns the errors one by one.
func (e Errors) Texts() []string {
	texts := make([]string, len(e))
	for i, one := range e {
		texts[i] = one.Error()
	}
	return texts
}

func (e Errors) sort() {
	slices.SortStableFunc(e, func(a, b Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}
