package baton

import (
	"fmt"
	"time"
)

// A Date is a calendar day in UTC, written YYYY-MM-DD, or "" for none. Dates
// in this form order as strings do, in Go and in SQL.
type Date string

// DateOf returns the day of t in UTC.
func DateOf(t time.Time) Date { return Date(t.UTC().Format(time.DateOnly)) }

// Reached reports whether the day has come at now. What expires on a date has
// expired when the date is reached: GitLab ends tokens and memberships at the
// first moment of that day, UTC.
func (d Date) Reached(now time.Time) bool { return d != "" && d <= DateOf(now) }

// AddDays returns the day n days after d.
func (d Date) AddDays(n int) Date {
	t, err := time.Parse(time.DateOnly, string(d))
	if err != nil {
		return ""
	}
	return DateOf(t.AddDate(0, 0, n))
}

// UnmarshalText implements [encoding.TextUnmarshaler]; it takes a day that
// exists, written YYYY-MM-DD, and "" for none.
func (d *Date) UnmarshalText(text []byte) error {
	if len(text) > 0 {
		if _, err := time.Parse(time.DateOnly, string(text)); err != nil {
			return fmt.Errorf("%q is not a day: write it as 2027-06-30", text)
		}
	}
	*d = Date(text)
	return nil
}
