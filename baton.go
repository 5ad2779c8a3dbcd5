// Package baton is the vocabulary of Baton, GitLab's runner control plane as
// one small program: the nouns that two packages or more share, their rules,
// and the closed set of errors. It imports the standard library alone and is
// the bottom of the dependency graph; docs/architecture.md maps the rest.
//
// # Vocabulary
//
// The terms are GitLab's. A [Runner] is what somebody created to be given
// jobs: an instance, group or project runner. The gitlab-runner processes that
// share a runner's authentication token are its [Manager]s, told apart by
// their system id. A [Namespace] is a group or a user's personal namespace;
// a [Project] lives in one. A [User] acts with an [AccessToken], within the
// token's [Scope]s, and what the user may do in a group or project follows
// from an [AccessLevel].
//
// # Zero means none
//
// Fields of the domain types use their zero value for "not set": an id of 0,
// an empty string, a zero time. Storage turns them into NULL and back.
package baton

// Ids are positive, given by the database and never used twice.
type (
	// UserID identifies a [User].
	UserID int64
	// NamespaceID identifies a [Namespace]; a group's id is one of these.
	NamespaceID int64
	// ProjectID identifies a [Project].
	ProjectID int64
	// RunnerID identifies a [Runner].
	RunnerID int64
	// ManagerID identifies a [Manager].
	ManagerID int64
	// PipelineID identifies a [Pipeline].
	PipelineID int64
	// JobID identifies a [Job].
	JobID int64
	// VariableID identifies a [Variable].
	VariableID int64
	// ProtectedRefID identifies a [ProtectedRef].
	ProtectedRefID int64
	// TokenID identifies an [AccessToken].
	TokenID int64
)
