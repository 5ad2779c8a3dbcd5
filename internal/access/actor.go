// Package access decides who may do what: it turns the token of a request into
// an [Actor], and answers every question of permission from one table, which
// [Policy.Can] reads. It also makes, rotates and revokes personal access
// tokens.
//
// The rules are GitLab's: https://docs.gitlab.com/user/permissions/ for roles,
// https://docs.gitlab.com/user/profile/personal_access_tokens/ for tokens.
package access

import (
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/audit"
)

// An Actor is who makes a request and by what right.
type Actor struct {
	User baton.User
	// Token is what the actor was authenticated by; nil for who has the
	// machine itself (baton admin).
	Token *baton.AccessToken
	// Admin tells that administrator rights count: the user has them and,
	// where admin mode is on, so does the token.
	Admin bool
	// IP is the address that the request came from, "" if it came from none.
	IP string
	// Settings are the application settings at the time of the request.
	Settings baton.Settings
	// Now is the time of the request, by which everything is judged.
	Now time.Time
}

// Today returns the day of the request.
func (a *Actor) Today() baton.Date { return baton.DateOf(a.Now) }

// Is reports whether the actor is the user.
func (a *Actor) Is(user baton.UserID) bool { return a.User.ID == user }

// Author returns the actor as the author of audit events.
func (a *Actor) Author() audit.Author {
	return audit.Author{ID: a.User.ID, Name: a.User.Name, IP: a.IP, At: a.Now}
}
