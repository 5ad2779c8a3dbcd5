package baton

import "time"

// An AuditEvent is one line of the audit log. It commits with the change that
// it tells of and holds no secret.
type AuditEvent struct {
	ID int64
	// Name is GitLab's name of the event, such as "ci_runner_created".
	Name string
	// AuthorID and AuthorName are who did it; the name stays when the user is
	// gone.
	AuthorID   UserID
	AuthorName string
	// IP is the address the request came from.
	IP string
	// Source is the group or project that the event belongs to, zero for the
	// instance.
	Source Source
	// TargetType and TargetID are what was changed; TargetDetails is its page.
	TargetType    string
	TargetID      int64
	TargetDetails string
	// Message is the event in words.
	Message string
	// Changes are what was changed of the target, in the order of its
	// attributes.
	Changes   []AuditChange
	CreatedAt time.Time
}

// An AuditChange is one attribute before and after, as texts: tags are
// separated by commas, and what was not set is "".
type AuditChange struct {
	Attribute string
	From, To  string
}
