package baton

import "time"

// MaxFullPath is the length limit of full paths, in bytes: databases index
// them, and an entry of an index in PostgreSQL has to be shorter than a page.
const MaxFullPath = 2000

// A Namespace is a group, or the personal namespace of a user. Both hold
// projects and share one space of ids and paths.
type Namespace struct {
	ID   NamespaceID
	Kind NamespaceKind
	Name string
	// Path is the last part of FullPath.
	Path string
	// FullPath and FullName run from the topmost ancestor to the namespace:
	// "tools/ci" and "Tools / CI". They are read, not written: storage keeps
	// them in step with the names and paths of the ancestors.
	FullPath string
	FullName string
	// ParentID is the group that a subgroup is in, 0 for a top-level group.
	ParentID NamespaceID
	// OwnerID is the user whose personal namespace this is, 0 for a group.
	OwnerID UserID

	Description string
	Visibility  Visibility
	// SharedRunnersSetting says whether instance runners serve the group.
	SharedRunnersSetting SharedRunnersSetting
	// SubgroupCreationLevel is the role that may make subgroups.
	SubgroupCreationLevel SubgroupCreationLevel
	// RunnerRegistrationEnabled, when false here or in an ancestor, keeps
	// everyone but administrators from creating runners in the group.
	RunnerRegistrationEnabled bool
	// AllowRunnerRegistrationToken lets registration tokens of a group without a
	// parent, and of all that is in it, work. Below it says nothing.
	AllowRunnerRegistrationToken bool
	// The life in seconds of the tokens of the group's own runners, of the
	// runners of its descendant groups, and of the runners of the projects in
	// it; 0 for no limit.
	RunnerTokenExpirationInterval         int
	SubgroupRunnerTokenExpirationInterval int
	ProjectRunnerTokenExpirationInterval  int
	// RunnerTokenOverlap is how many seconds a token of a runner in the group
	// works on after it was replaced; nil leaves that to the group above or
	// the instance.
	RunnerTokenOverlap *int

	CreatedAt time.Time
	UpdatedAt time.Time
}

// A NamespaceKind tells groups from personal namespaces.
type NamespaceKind string

// The kinds of namespace.
const (
	GroupNamespace NamespaceKind = "group"
	UserNamespace  NamespaceKind = "user"
)

// A SharedRunnersSetting says whether instance runners serve a group.
// https://docs.gitlab.com/api/groups/#options-for-shared_runners_setting.
type SharedRunnersSetting string

// The settings.
const (
	SharedRunnersEnabled                  SharedRunnersSetting = "enabled"
	SharedRunnersDisabledAndOverridable   SharedRunnersSetting = "disabled_and_overridable"
	SharedRunnersDisabledAndUnoverridable SharedRunnersSetting = "disabled_and_unoverridable"
)

// A SubgroupCreationLevel is the role that may make subgroups of a group.
type SubgroupCreationLevel string

// The levels.
const (
	SubgroupsByOwner      SubgroupCreationLevel = "owner"
	SubgroupsByMaintainer SubgroupCreationLevel = "maintainer"
)

// A Source is the group or the project that a membership, a share or an audit
// event belongs to: exactly one of the two ids is set.
type Source struct {
	Namespace NamespaceID
	Project   ProjectID
}

// InGroup returns the source that is a group.
func InGroup(id NamespaceID) Source { return Source{Namespace: id} }

// InProject returns the source that is a project.
func InProject(id ProjectID) Source { return Source{Project: id} }

// A Member is the role that a user was given in a group or project directly.
type Member struct {
	Source      Source
	UserID      UserID
	AccessLevel AccessLevel
	// ExpiresAt is the first day on which the membership gives nothing, or "".
	ExpiresAt Date
	CreatedBy UserID
	CreatedAt time.Time
}

// A Share lets the members of a group into another group or project, each
// with the lower of the share's level and the own level there.
type Share struct {
	Source Source
	// WithGroup is the group whose members are let in.
	WithGroup   NamespaceID
	AccessLevel AccessLevel
	// ExpiresAt is the first day on which the share gives nothing, or "".
	ExpiresAt Date
	CreatedAt time.Time
}
