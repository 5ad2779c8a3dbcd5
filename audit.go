package baton

import "time"

// An AuditEvent is one line of the audit log. It commits with the change that
// it tells of and holds no secret.
type AuditEvent struct {
	ID int64
	// Name is GitLab's name of the event, such as "ci_runner_created".
	Name string
	// AuthorID and AuthorName are who did it; the name stays when the user is
	// gone. AuthorID is 0 for who is no user: a runner, or who has the machine.
	AuthorID   UserID
	AuthorName string
	// IP is the address the request came from, "" if it came from none.
	IP string
	// Source is the group or project that the event belongs to, UserID the user
	// if it belongs to one; both are zero for the instance.
	Source Source
	UserID UserID
	// EntityPath is the full path, or the username, of what the event belongs
	// to as it was then; "" for the instance.
	EntityPath string
	// TargetType and TargetID are what was changed; TargetDetails is its page,
	// or its name.
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

// An AuditEntity is what an audit event belongs to.
type AuditEntity struct {
	Kind AuditEntityKind
	// ID is 0 for the instance.
	ID int64
}

// An AuditEntityKind tells what kind of thing an audit event belongs to.
type AuditEntityKind string

// The kinds.
const (
	InstanceEntity AuditEntityKind = "instance"
	GroupEntity    AuditEntityKind = "group"
	ProjectEntity  AuditEntityKind = "project"
	UserEntity     AuditEntityKind = "user"
)

// Entity returns what the event belongs to.
func (e *AuditEvent) Entity() AuditEntity {
	switch {
	case e.Source.Project != 0:
		return AuditEntity{ProjectEntity, int64(e.Source.Project)}
	case e.Source.Namespace != 0:
		return AuditEntity{GroupEntity, int64(e.Source.Namespace)}
	case e.UserID != 0:
		return AuditEntity{UserEntity, int64(e.UserID)}
	}
	return AuditEntity{Kind: InstanceEntity}
}
