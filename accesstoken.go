package baton

import (
	"slices"
	"time"
)

// An AccessToken is a personal access token: the credential of a [User] for
// the API. The token's text is not part of it; only a digest of that is
// stored, and it cannot be read again.
type AccessToken struct {
	ID          TokenID
	UserID      UserID
	Name        string
	Description string
	Scopes      []Scope
	// ExpiresAt is the first day on which the token does not work, or "".
	ExpiresAt Date
	Revoked   bool
	// Family is the id of the first token of a chain of rotations. Using a
	// rotated token to rotate again revokes the whole family, since either
	// side may hold a stolen copy.
	Family     TokenID
	LastUsedAt time.Time
	// LastUsedIPs are the newest addresses that the token was used from, the
	// newest first, at most [MaxLastUsedIPs].
	LastUsedIPs []string
	CreatedAt   time.Time
}

// MaxLastUsedIPs is how many addresses an [AccessToken] remembers, as in GitLab.
const MaxLastUsedIPs = 5

// Has reports whether the token has one of the scopes.
func (t *AccessToken) Has(scopes ...Scope) bool {
	return slices.ContainsFunc(scopes, func(s Scope) bool { return slices.Contains(t.Scopes, s) })
}

// Active reports whether the token works at now.
func (t *AccessToken) Active(now time.Time) bool {
	return !t.Revoked && !t.ExpiresAt.Reached(now)
}

// A Scope is a part of the API that an [AccessToken] opens.
// https://docs.gitlab.com/user/profile/personal_access_tokens/#personal-access-token-scopes.
type Scope string

// The scopes that open something in Baton.
const (
	ScopeAPI          Scope = "api"
	ScopeReadAPI      Scope = "read_api"
	ScopeReadUser     Scope = "read_user"
	ScopeCreateRunner Scope = "create_runner"
	ScopeManageRunner Scope = "manage_runner"
	ScopeSelfRotate   Scope = "self_rotate"
	ScopeSudo         Scope = "sudo"
	ScopeAdminMode    Scope = "admin_mode"
	ScopeK8sProxy     Scope = "k8s_proxy"
)

// scopes lists every scope a token may carry, in GitLab's order. Those
// without a constant open nothing here but are accepted, so that scripts
// written for GitLab need no change.
var scopes = []Scope{
	ScopeAPI, ScopeReadUser, ScopeReadAPI, "read_repository", "write_repository",
	"read_registry", "write_registry", "read_virtual_registry", "write_virtual_registry",
	"read_package_registry", "write_package_registry",
	ScopeCreateRunner, ScopeManageRunner, "ai_features", ScopeK8sProxy,
	ScopeSelfRotate, "read_service_ping", ScopeSudo, ScopeAdminMode,
}

// Scopes returns every scope that a token may carry.
func Scopes() []Scope { return slices.Clone(scopes) }

// AdminOnly reports whether only an administrator's token may carry the scope.
func (s Scope) AdminOnly() bool {
	return s == ScopeSudo || s == ScopeAdminMode || s == "read_service_ping"
}
