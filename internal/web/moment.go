package web

import (
	"fmt"
	"time"
)

// A moment is a time as pages show it: relative, with the exact one on hover.
type moment struct {
	Relative string
	Short    string // for people, to the minute
	Exact    string // for people
	Machine  string // for the datetime attribute
}

// momentOf tells a time as seen from now.
func momentOf(t, now time.Time) moment {
	t = t.UTC()
	return moment{
		Relative: relative(now.Sub(t)),
		Short:    t.Format("2 Jan, 15:04 UTC"),
		Exact:    t.Format("2 January 2006, 15:04:05 UTC"),
		Machine:  t.Format(time.RFC3339),
	}
}

// relative says how long ago something was, in the largest unit of which there
// is a whole one. A clock that was set back makes it "just now".
func relative(ago time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case ago < 5*time.Second:
		return "just now"
	case ago < time.Minute:
		return fmt.Sprintf("%d seconds ago", ago/time.Second)
	case ago < time.Hour:
		return count(ago/time.Minute, "minute")
	case ago < day:
		return count(ago/time.Hour, "hour")
	default:
		return count(ago/day, "day")
	}
}

func count(n time.Duration, unit string) string {
	if n == 1 {
		return "1 " + unit + " ago"
	}
	return fmt.Sprintf("%d %ss ago", n, unit)
}
