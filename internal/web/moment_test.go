package web

import (
	"testing"
	"time"
)

func TestRelative(t *testing.T) {
	for _, c := range []struct {
		ago  time.Duration
		want string
	}{
		{-time.Hour, "just now"},
		{0, "just now"},
		{4999 * time.Millisecond, "just now"},
		{5 * time.Second, "5 seconds ago"},
		{59999 * time.Millisecond, "59 seconds ago"},
		{time.Minute, "1 minute ago"},
		{119 * time.Second, "1 minute ago"},
		{59 * time.Minute, "59 minutes ago"},
		{time.Hour, "1 hour ago"},
		{23*time.Hour + 59*time.Minute, "23 hours ago"},
		{24 * time.Hour, "1 day ago"},
		{400 * 24 * time.Hour, "400 days ago"},
	} {
		if got := relative(c.ago); got != c.want {
			t.Errorf("%v: %q, want %q", c.ago, got, c.want)
		}
	}
}

// The exact time is the same for readers everywhere.
func TestMomentIsInUTC(t *testing.T) {
	at := time.Date(2026, 11, 24, 1, 4, 57, 0, time.FixedZone("", 12*60*60))
	want := moment{Relative: "just now", Short: "23 Nov, 13:04 UTC", Exact: "23 November 2026, 13:04:57 UTC", Machine: "2026-11-23T13:04:57Z"}
	if got := momentOf(at, at); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}
