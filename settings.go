package baton

import "slices"

// Settings are the application settings: what an administrator decides for
// the whole instance. The names are GitLab's, but for those that say so.
// https://docs.gitlab.com/api/settings/.
type Settings struct {
	// ValidRunnerRegistrars are the kinds ("project", "group") in which users
	// who are not administrators may create runners.
	ValidRunnerRegistrars []string
	// AllowRunnerRegistrationToken lets legacy registration tokens work.
	AllowRunnerRegistrationToken bool
	// The life in seconds of the tokens of instance, group and project
	// runners; 0 for no limit.
	RunnerTokenExpirationInterval        int
	GroupRunnerTokenExpirationInterval   int
	ProjectRunnerTokenExpirationInterval int
	// RunnerTokenOverlap is Baton's own: how many seconds a runner's token works
	// on after it was replaced, where neither runner nor group say otherwise.
	RunnerTokenOverlap int
	// MaintainersCanCreateProjectRunners is Baton's own: it lets project
	// Maintainers create project runners, as GitLab's code does and its
	// documentation does not.
	MaintainersCanCreateProjectRunners bool

	SharedRunnersEnabled bool
	SharedRunnersText    string
	// AdminMode makes administrators ordinary users unless their token has
	// the scope admin_mode.
	AdminMode bool
	// PersonalAccessTokenPrefix begins new personal access tokens.
	PersonalAccessTokenPrefix string
	// InactiveResourceAccessTokensDeleteAfterDays is how long the bots of groups
	// and projects are kept, with their tokens, after the last of these ended; 0
	// for ever.
	InactiveResourceAccessTokensDeleteAfterDays int
	// RequirePersonalAccessTokenExpiry gives every new token an end.
	RequirePersonalAccessTokenExpiry bool
	// InstanceTokenPrefix is kept for clients that write it and changes
	// nothing: gitlab-runner knows created tokens by a leading "glrt-".
	InstanceTokenPrefix         string
	UpdateRunnerVersionsEnabled bool

	// UnauthenticatedThrottle and AuthenticatedThrottle limit API requests per
	// address and per user.
	UnauthenticatedThrottle Throttle
	AuthenticatedThrottle   Throttle
}

// A Throttle limits requests.
type Throttle struct {
	Enabled bool
	// Requests is how many requests a Period of so many seconds may hold.
	Requests int
	Period   int
}

// The kinds in [Settings.ValidRunnerRegistrars].
const (
	RegistrarProject = "project"
	RegistrarGroup   = "group"
)

// MinRunnerTokenExpirationInterval is the least that the three instance-wide
// intervals may be set to, in seconds.
const MinRunnerTokenExpirationInterval = 7200

// DefaultSettings returns the settings of a new instance.
func DefaultSettings() Settings {
	return Settings{
		ValidRunnerRegistrars:            []string{RegistrarProject, RegistrarGroup},
		AllowRunnerRegistrationToken:     true,
		SharedRunnersEnabled:             true,
		PersonalAccessTokenPrefix:        AccessTokenPrefix,
		RequirePersonalAccessTokenExpiry: true,
		UpdateRunnerVersionsEnabled:      true,

		InactiveResourceAccessTokensDeleteAfterDays: 30,

		UnauthenticatedThrottle: Throttle{Requests: 3600, Period: 3600},
		AuthenticatedThrottle:   Throttle{Requests: 7200, Period: 3600},
	}
}

// MayRegister reports whether users who are not administrators may create
// runners of the kind.
func (s *Settings) MayRegister(registrar string) bool {
	return slices.Contains(s.ValidRunnerRegistrars, registrar)
}
