package baton

// An AccessLevel is the role of a user in a group or project. Levels order as
// numbers do and have GitLab's values.
// https://docs.gitlab.com/api/access_requests/#valid-access-levels.
type AccessLevel int

// The access levels.
const (
	NoAccess              AccessLevel = 0
	MinimalAccess         AccessLevel = 5
	GuestAccess           AccessLevel = 10
	PlannerAccess         AccessLevel = 15
	ReporterAccess        AccessLevel = 20
	SecurityManagerAccess AccessLevel = 25
	DeveloperAccess       AccessLevel = 30
	MaintainerAccess      AccessLevel = 40
	OwnerAccess           AccessLevel = 50
	// AdminAccess is no role: what needs it is for administrators.
	AdminAccess AccessLevel = 60
)

// Known reports whether l is a level that a member may be given.
func (l AccessLevel) Known() bool {
	switch l {
	case MinimalAccess, GuestAccess, PlannerAccess, ReporterAccess,
		SecurityManagerAccess, DeveloperAccess, MaintainerAccess, OwnerAccess:
		return true
	case NoAccess, AdminAccess:
	}
	return false
}

// A Visibility says who may see that a group or project exists.
type Visibility string

// The visibilities.
const (
	// Private things are seen by their members.
	Private Visibility = "private"
	// Internal things are seen by every signed-in user that is not external.
	Internal Visibility = "internal"
	// Public things are seen by everyone.
	Public Visibility = "public"
)
