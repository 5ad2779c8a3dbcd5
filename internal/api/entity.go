package api

import (
	"time"

	"baton.example/baton"
)

// A timestamp is a time as GitLab writes it: UTC with three digits of a
// second, cut and not rounded; null for none.
type timestamp time.Time

// MarshalJSON implements [json.Marshaler].
func (t timestamp) MarshalJSON() ([]byte, error) {
	if time.Time(t).IsZero() {
		return []byte("null"), nil
	}
	return []byte(time.Time(t).UTC().Truncate(time.Millisecond).Format(`"2006-01-02T15:04:05.000Z"`)), nil
}

// orNull returns a pointer to v, nil for the zero value: what is null in
// GitLab's entities is zero in the domain.
func orNull[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// webURL returns the address of a page: the external URL and the parts.
func (s *Server) webURL(path string) string { return s.base + "/" + path }

// shortUser is a user as others see one.
type shortUser struct {
	ID          baton.UserID    `json:"id"`
	Username    string          `json:"username"`
	PublicEmail string          `json:"public_email"`
	Name        string          `json:"name"`
	State       baton.UserState `json:"state"`
	Locked      bool            `json:"locked"`
	AvatarURL   *string         `json:"avatar_url"`
	WebURL      string          `json:"web_url"`
}

func (s *Server) shortUser(u *baton.User) *shortUser {
	if u == nil {
		return nil
	}
	return &shortUser{
		ID: u.ID, Username: u.Username, Name: u.Name, State: u.State,
		WebURL: s.webURL(u.Username),
	}
}
