package baton

import "time"

// A User is a person or a bot that acts on Baton.
type User struct {
	ID       UserID
	Username string
	Name     string
	Email    string
	State    UserState
	// Admin makes an administrator, subject to admin mode.
	Admin bool
	// Bot marks the user behind a group or project access token, BotOf is that
	// group or project.
	Bot            bool
	BotOf          Source
	External       bool
	PrivateProfile bool
	CanCreateGroup bool
	// ProjectsLimit is how many projects the user may make in the personal
	// namespace.
	ProjectsLimit int
	// Note is for administrators' eyes.
	Note string
	// CreatedBy is who made the user, 0 for none: an administrator, or for a bot
	// who made its token.
	CreatedBy UserID
	// LastActivityOn is the last day on which the user called the API.
	LastActivityOn Date
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// A UserState says whether a user may act.
type UserState string

// The user states that Baton knows.
const (
	UserActive UserState = "active"
	// UserBlocked users may not act until an administrator unblocks them.
	UserBlocked UserState = "blocked"
	// UserDeactivated users are dormant; an administrator activates them.
	UserDeactivated UserState = "deactivated"
)
