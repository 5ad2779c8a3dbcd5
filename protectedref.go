package baton

import (
	"strings"
	"time"
)

// A ProtectedRef protects the branches or tags of a project that have a name:
// who may run pipelines for them is limited, and so are the runners of their
// jobs, if these are for protected refs.
type ProtectedRef struct {
	ID        ProtectedRefID
	ProjectID ProjectID
	// Tag protects tags, else branches.
	Tag bool
	// Name may hold asterisks, each for any text.
	Name string
	// PushLevel and MergeLevel are the roles that may push to a branch, or
	// merge into it; for a tag PushLevel says who may create it. NoAccess is
	// for nobody, AdminAccess for administrators.
	PushLevel, MergeLevel AccessLevel
	CreatedAt             time.Time
}

// DefaultProtection returns what protects the default branch of a new project:
// Maintainers push to it and merge into it.
// https://docs.gitlab.com/user/project/repository/branches/default/#protect-initial-default-branches.
func DefaultProtection(id ProjectID, p *Project) ProtectedRef {
	return ProtectedRef{
		ProjectID: id, Name: p.DefaultBranch, PushLevel: MaintainerAccess, MergeLevel: MaintainerAccess, CreatedAt: p.CreatedAt,
	}
}

// Matches reports whether the name is that of the ref.
func (r *ProtectedRef) Matches(ref string) bool {
	parts := strings.Split(r.Name, "*")
	if len(parts) == 1 {
		return ref == r.Name
	}
	last := len(parts) - 1
	if !strings.HasPrefix(ref, parts[0]) {
		return false
	}
	ref = ref[len(parts[0]):]
	for _, part := range parts[1:last] {
		i := strings.Index(ref, part)
		if i < 0 {
			return false
		}
		ref = ref[i+len(part):]
	}
	return strings.HasSuffix(ref, parts[last])
}

// Allows reports whether somebody in the role may run pipelines for the ref:
// whoever may change what it points to.
func (r *ProtectedRef) Allows(level AccessLevel) bool {
	allows := func(least AccessLevel) bool { return least != NoAccess && level >= least }
	return allows(r.PushLevel) || allows(r.MergeLevel)
}
