package baton

import "time"

// A Project is what jobs belong to.
type Project struct {
	ID          ProjectID
	NamespaceID NamespaceID
	Name        string
	// Path is the last part of FullPath.
	Path string
	// FullPath and FullName include the namespace's; see [Namespace.FullPath].
	FullPath    string
	FullName    string
	Description string
	Visibility  Visibility
	CreatorID   UserID
	// DefaultBranch is "main" unless it was set.
	DefaultBranch string
	// CIConfigPath is the configuration file in the repository, "" for
	// .gitlab-ci.yml.
	CIConfigPath string
	// BuildTimeout is the longest that a job may take in seconds, unless the
	// job says otherwise.
	BuildTimeout int
	// SharedRunnersEnabled and GroupRunnersEnabled let instance runners and
	// the runners of the ancestor groups serve the project.
	SharedRunnersEnabled bool
	GroupRunnersEnabled  bool
	// RunnerRegistrationEnabled, when false, keeps everyone but administrators
	// from creating runners in the project.
	RunnerRegistrationEnabled bool
	// RunnerTokenExpirationInterval is the life in seconds of the tokens of
	// the project's runners, 0 for no limit.
	RunnerTokenExpirationInterval int

	LastActivityAt time.Time
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// DefaultBuildTimeout is [Project.BuildTimeout] where nothing else was said:
// one hour, as in GitLab.
const DefaultBuildTimeout = 3600
