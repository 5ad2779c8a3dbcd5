package baton

import (
	"slices"
	"time"
	"unicode/utf8"
)

// A Runner is a configuration that gitlab-runner processes work under: what it
// was created with decides which jobs they are given.
type Runner struct {
	ID   RunnerID
	Type RunnerType
	// GroupID is the group of a group runner, else 0.
	GroupID NamespaceID
	// ProjectID is the project that a project runner was created in and is
	// owned by, else 0.
	ProjectID ProjectID
	// CreatorID is the user who created the runner, 0 when that user is gone.
	CreatorID UserID
	// Registered tells that a machine made the runner with a registration
	// token. It never had a creator.
	Registered bool

	Description     string
	MaintenanceNote string
	// Paused runners are given no new jobs.
	Paused bool
	// Locked project runners cannot be assigned to further projects.
	Locked bool
	// RunUntagged runners are given jobs without tags too.
	RunUntagged bool
	AccessLevel RunnerAccess
	// MaximumTimeout is the longest that a job may take on the runner, in
	// seconds; 0 for no limit.
	MaximumTimeout int
	// TokenOverlap is how many seconds a token works on after it was replaced;
	// nil leaves that to the group or the instance.
	TokenOverlap *int
	// TokenRotationDeadline is the last moment at which a token can be replaced,
	// zero for none. It was said at the creation and stays: a runner that is not
	// to outlive it gets no further token, whatever it got before.
	TokenRotationDeadline time.Time
	// Tags are the runner's tags in the order they were given, none twice.
	Tags []string

	// ContactedAt is the last time a manager called, zero for never.
	ContactedAt time.Time
	// AskedForJobs tells that a manager asked for work at least once, which
	// ends what GitLab calls the creation state "started".
	AskedForJobs bool
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// A RunnerType says whom a runner serves.
type RunnerType string

// The runner types.
const (
	InstanceRunner RunnerType = "instance_type"
	GroupRunner    RunnerType = "group_type"
	ProjectRunner  RunnerType = "project_type"
)

// A RunnerAccess says whether a runner takes jobs of protected refs only.
type RunnerAccess string

// The access levels of a runner.
const (
	NotProtected RunnerAccess = "not_protected"
	RefProtected RunnerAccess = "ref_protected"
)

// The limits on a runner's attributes, as GitLab's.
const (
	// MaxRunnerTags is how many tags a runner may have.
	MaxRunnerTags = 50
	// MaxTagLength is how long a tag may be, in characters.
	MaxTagLength = 255
	// MaxRunnerText is how long description and maintenance note may be, in
	// characters.
	MaxRunnerText = 1024
	// MinMaximumTimeout is the least maximum timeout, in seconds.
	MinMaximumTimeout = 600
	// MaxMaximumTimeout is the largest one: GitLab keeps it in 32 bits.
	MaxMaximumTimeout = 1<<31 - 1
	// MaxTokenOverlap is the largest token overlap, in seconds.
	MaxTokenOverlap = 1<<31 - 1
)

// TokenPrefix returns what the runner's authentication tokens begin with.
func (r *Runner) TokenPrefix() string {
	if r.Registered {
		return RegisteredTokenPrefix
	}
	return RunnerTokenPrefix
}

// Validate checks the runner's attributes and returns an error of CodeInvalid
// with every broken rule in GitLab's order, or nil. timeoutGiven tells a
// maximum timeout of 0, which is too low, from none.
func (r *Runner) Validate(timeoutGiven bool) error {
	var broken []FieldError
	fail := func(field, problem string) { broken = append(broken, FieldError{field, problem}) }
	if len(r.Tags) == 0 && !r.RunUntagged {
		fail("tags_list", "can not be empty when runner is not allowed to pick untagged jobs")
	}
	if len(r.Tags) > MaxRunnerTags {
		fail("tags_list", "Too many tags specified. Please limit the number of tags to 50")
	}
	if slices.ContainsFunc(r.Tags, func(tag string) bool { return utf8.RuneCountInString(tag) > MaxTagLength }) {
		fail("tags_list", "has a tag that is too long (maximum is 255 characters)")
	}
	if utf8.RuneCountInString(r.Description) > MaxRunnerText {
		fail("description", "is too long (maximum is 1024 characters)")
	}
	if timeoutGiven {
		switch {
		case r.MaximumTimeout < MinMaximumTimeout:
			fail("maximum_timeout", "needs to be at least 10 minutes")
		case r.MaximumTimeout > MaxMaximumTimeout:
			fail("maximum_timeout", "must be less than or equal to 2147483647")
		}
	}
	if utf8.RuneCountInString(r.MaintenanceNote) > MaxRunnerText {
		fail("maintenance_note", "is too long (maximum is 1024 characters)")
	}
	if r.TokenOverlap != nil && (*r.TokenOverlap < 0 || *r.TokenOverlap > MaxTokenOverlap) {
		fail("token_overlap", "must be between 0 and 2147483647")
	}
	return Invalid(broken)
}

// Serves reports whether the runner may take a job with these tags: all of them
// are its own, and there is one unless it takes untagged jobs.
// https://docs.gitlab.com/ci/runners/configure_runners/#control-jobs-that-a-runner-can-run.
func (r *Runner) Serves(tags []string) bool {
	if len(tags) == 0 {
		return r.RunUntagged
	}
	for _, tag := range tags {
		if !slices.Contains(r.Tags, tag) {
			return false
		}
	}
	return true
}

// The windows of [Runner.Status].
const (
	// OnlineWindow is how recent the last contact of an online runner is.
	OnlineWindow = 2 * time.Hour
	// StaleAfter is how long a stale runner has been silent.
	StaleAfter = 7 * 24 * time.Hour
)

// A RunnerStatus tells how a runner or manager is doing.
type RunnerStatus string

// The statuses.
const (
	StatusOnline         RunnerStatus = "online"
	StatusOffline        RunnerStatus = "offline"
	StatusStale          RunnerStatus = "stale"
	StatusNeverContacted RunnerStatus = "never_contacted"
	StatusPaused         RunnerStatus = "paused"
)

// Status returns the runner's status at now.
// https://docs.gitlab.com/ci/runners/runners_scope/#runner-statuses.
func (r *Runner) Status(now time.Time) RunnerStatus {
	status := statusOf(r.CreatedAt, r.ContactedAt, now)
	if r.Paused && (status == StatusOnline || status == StatusOffline) {
		return StatusPaused
	}
	return status
}

// SeenAt returns when the runner was last heard of: the later of its creation
// and its last contact.
func (r *Runner) SeenAt() time.Time { return later(r.CreatedAt, r.ContactedAt) }

func later(t, u time.Time) time.Time {
	if t.After(u) {
		return t
	}
	return u
}

// statusOf returns the status of what was created and last called then.
func statusOf(created, contacted, now time.Time) RunnerStatus {
	switch {
	case now.Sub(later(created, contacted)) >= StaleAfter:
		return StatusStale
	case contacted.IsZero():
		return StatusNeverContacted
	case now.Sub(contacted) < OnlineWindow:
		return StatusOnline
	default:
		return StatusOffline
	}
}

// Online reports whether a manager called within [OnlineWindow].
func (r *Runner) Online(now time.Time) bool {
	return !r.ContactedAt.IsZero() && now.Sub(r.ContactedAt) < OnlineWindow
}

// A Manager is one gitlab-runner process that works under a runner's token.
type Manager struct {
	ID       ManagerID
	RunnerID RunnerID
	// SystemID tells the managers of a runner apart, [LegacySystemID] for
	// programs that send none.
	SystemID     string
	Version      string
	Revision     string
	Platform     string
	Architecture string
	Executor     string
	// IP is the address that the manager last called from.
	IP string
	// TokenNumber and TokenCreatedAt tell which token the manager used last.
	TokenNumber    int
	TokenCreatedAt time.Time
	ContactedAt    time.Time
	CreatedAt      time.Time
}

// Status returns the manager's status at now. Managers are not paused.
func (m *Manager) Status(now time.Time) RunnerStatus {
	return statusOf(m.CreatedAt, m.ContactedAt, now)
}

// LegacySystemID is the system id of a manager that sent none.
const LegacySystemID = "<legacy>"

// MaxSystemID is how long a system id may be, in characters.
const MaxSystemID = 64

// A RunnerToken is one of the authentication tokens of a runner: what is known
// of it, never the text.
type RunnerToken struct {
	RunnerID RunnerID
	// Number counts the tokens that the runner ever had, from 1.
	Number int
	// ExpiresAt is the first moment after which the token does not work, zero
	// for never.
	ExpiresAt time.Time
	CreatedAt time.Time
}

// Active reports whether the token works at now: at ExpiresAt it still does.
func (t *RunnerToken) Active(now time.Time) bool {
	return t.ExpiresAt.IsZero() || !t.ExpiresAt.Before(now)
}
