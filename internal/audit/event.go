// Package audit is the audit log beyond its rows: how events are made, how they
// are sealed into a chain, and how the chain is verified. docs/audit.md says
// what it proves.
package audit

import (
	"strconv"
	"strings"
	"time"

	"baton.example/baton"
)

// An Author is who did what an event tells of.
type Author struct {
	// ID is 0 for who is no user.
	ID   baton.UserID
	Name string
	// IP is the address that the request came from, "" if it came from none.
	IP string
	At time.Time
}

// A Scope is what an event belongs to; the zero value is the instance.
type Scope struct {
	source baton.Source
	user   baton.UserID
	path   string
}

// InGroup returns the scope that is a group, or a personal namespace.
func InGroup(g *baton.Namespace) Scope { return Scope{source: baton.InGroup(g.ID), path: g.FullPath} }

// InProject returns the scope that is a project.
func InProject(p *baton.Project) Scope {
	return Scope{source: baton.InProject(p.ID), path: p.FullPath}
}

// OfUser returns the scope that is a user.
func OfUser(u *baton.User) Scope { return Scope{user: u.ID, path: u.Username} }

// A Target is what was changed.
type Target struct {
	// Type is GitLab's name of the type, such as "Ci::Runner".
	Type string
	ID   int64
	// Details is the target's page, or its name.
	Details string
}

// Event returns the event of something that the author did. Name is GitLab's
// name of the event, message says it in words.
func (w Author) Event(in Scope, name string, t Target, message string, changes ...baton.AuditChange) baton.AuditEvent {
	return baton.AuditEvent{
		Name:          name,
		AuthorID:      w.ID,
		AuthorName:    w.Name,
		IP:            w.IP,
		Source:        in.source,
		UserID:        in.user,
		EntityPath:    in.path,
		TargetType:    t.Type,
		TargetID:      t.ID,
		TargetDetails: t.Details,
		Message:       message,
		Changes:       changes,
		CreatedAt:     w.At,
	}
}

// An Attribute is one thing about a T whose changes are written down.
type Attribute[T any] struct {
	name, event string
	text        func(*T) string
}

// NewAttribute returns the attribute with the name in the API, of whose change
// the event tells. Text returns its value as a text, "" for what is not set.
func NewAttribute[T any](name, event string, text func(*T) string) Attribute[T] {
	return Attribute[T]{name, event, text}
}

// Compare returns what differs, in the order of the attributes.
func Compare[T any](attributes []Attribute[T], was, is *T) []baton.AuditChange {
	var changes []baton.AuditChange
	for _, a := range attributes {
		if from, to := a.text(was), a.text(is); from != to {
			changes = append(changes, baton.AuditChange{Attribute: a.name, From: from, To: to})
		}
	}
	return changes
}

// Updates returns the events of what differs: one for each name of an event
// among the attributes, in their order, made by event.
func Updates[T any](
	attributes []Attribute[T], was, is *T, event func(name string, changes ...baton.AuditChange) baton.AuditEvent,
) []baton.AuditEvent {
	var names []string
	named := map[string][]baton.AuditChange{}
	for _, a := range attributes {
		if changes := Compare([]Attribute[T]{a}, was, is); changes != nil {
			if named[a.event] == nil {
				names = append(names, a.event)
			}
			named[a.event] = append(named[a.event], changes...)
		}
	}
	events := make([]baton.AuditEvent, len(names))
	for i, name := range names {
		events[i] = event(name, named[name]...)
	}
	return events
}

// Changed says in words what was changed.
func Changed(changes []baton.AuditChange) string {
	names := make([]string, len(changes))
	for i, c := range changes {
		names[i] = c.Attribute
	}
	return "Changed " + strings.Join(names, ", ")
}

// Number returns a number as a text, "" for 0, which is none.
func Number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// Optional returns a number that may be missing as a text.
func Optional(n *int) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n)
}
