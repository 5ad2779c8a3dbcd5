package baton_test

import (
	"testing"
	"time"

	"baton.example/baton"
)

func TestDateUnmarshalText(t *testing.T) {
	for text, good := range map[string]bool{
		"": true, "2026-01-31": true, "2028-02-29": true,
		"2026-02-29": false, "2026-1-5": false, "2026-01-31T00:00:00Z": false, "banana": false, " 2026-01-31": false,
	} {
		var d baton.Date
		switch err := d.UnmarshalText([]byte(text)); {
		case good && (err != nil || string(d) != text):
			t.Errorf("%q became %q with error %v", text, d, err)
		case !good && (err == nil || d != ""):
			t.Errorf("%q became %q, want an error", text, d)
		}
	}
}

func TestDateReached(t *testing.T) {
	lastMoment := time.Date(2026, 1, 30, 23, 59, 59, 0, time.UTC)
	if d := baton.Date("2026-01-31"); d.Reached(lastMoment) || !d.Reached(lastMoment.Add(time.Second)) {
		t.Error("a date is reached with its first moment in UTC, and not before")
	}
	if baton.Date("").Reached(lastMoment) {
		t.Error("no date was reached")
	}
}
