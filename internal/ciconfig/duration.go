package ciconfig

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// minTimeout is the least time that a job may be given, as in GitLab.
const minTimeout = 10 * time.Minute

var (
	// A number with a unit behind it, or without one.
	durationPart = regexp.MustCompile(`^(\d+(?:\.\d+)?)\s*([a-z]*)\s*(?:,|and\b)?\s*`)
	// 1:30 is a minute and a half, 1:30:00 an hour and a half.
	durationClock = regexp.MustCompile(`^(?:(\d+):)?(\d{1,2}):(\d{1,2})$`)
)

// durationUnits are the units by their names in the singular.
func durationUnits() map[string]time.Duration {
	const day = 24 * time.Hour
	units := make(map[string]time.Duration)
	for unit, names := range map[time.Duration]string{
		time.Second:     "s sec second",
		time.Minute:     "m min minute",
		time.Hour:       "h hr hour",
		day:             "d dy day",
		7 * day:         "w wk week",
		30 * day:        "mo mon mos month",
		365*day + day/4: "y yr year",
	} {
		for name := range strings.FieldsSeq(names) {
			units[name] = unit
		}
	}
	return units
}

// ParseDuration reads a duration as people write it into timeout and expire_in:
// "3 hours", "1h 30m", "2 weeks and 1 day", "1:30:00", "90" for seconds. It
// reports whether it could.
func ParseDuration(s string) (time.Duration, bool) {
	s = strings.ToLower(strings.TrimSpace(s))
	if at := durationClock.FindStringSubmatch(s); at != nil {
		var total time.Duration
		for _, part := range at[1:] {
			n, _ := strconv.Atoi("0" + part)
			total = total*60 + time.Duration(n)*time.Second
		}
		return total, total >= 0
	}
	units := durationUnits()
	var total time.Duration
	for s != "" {
		part := durationPart.FindStringSubmatch(s)
		if part == nil {
			return 0, false
		}
		unit, known := units[part[2]]
		if !known {
			unit, known = units[strings.TrimSuffix(part[2], "s")]
		}
		if part[2] == "" {
			unit, known = time.Second, true
		}
		n, err := strconv.ParseFloat(part[1], 64)
		if !known || err != nil || n*float64(unit) > float64(maxDuration) {
			return 0, false
		}
		if total += time.Duration(n * float64(unit)); total > maxDuration {
			return 0, false
		}
		s = s[len(part[0]):]
	}
	return total, total > 0
}

// maxDuration keeps sums from overflowing.
const maxDuration = 100 * 365 * 24 * time.Hour

// duration reads a duration and reports whether it is one.
func (v value) duration() (time.Duration, bool) {
	if v.kind() == text {
		if d, ok := ParseDuration(v.node.Value); ok {
			return d, true
		}
	}
	v.fail("should be a duration")
	return 0, false
}

// never is the word for files that do not expire.
const never = "never"
