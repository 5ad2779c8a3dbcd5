package grape

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// text reads a String: Ruby calls to_s on a number or boolean, and Grape
// refuses arrays and hashes.
func text(raw any) (string, bool) {
	switch x := raw.(type) {
	case string:
		return x, true
	case json.Number:
		return numberText(string(x)), true
	case bool:
		return strconv.FormatBool(x), true
	}
	return "", false
}

// numberText is the text Ruby prints for a JSON number: 1.50 is "1.5", 1e3 is
// a float and so "1000.0", 1e20 is "1.0e+20".
func numberText(s string) string {
	if !isFloat(s) {
		if s == "-0" {
			return "0"
		}
		return s
	}
	f, _ := strconv.ParseFloat(s, 64)
	switch a := math.Abs(f); {
	case f > math.MaxFloat64:
		return "Infinity"
	case f < -math.MaxFloat64:
		return "-Infinity"
	case a != 0 && (a < 1e-4 || a >= 1e16):
		mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
		if !strings.Contains(mantissa, ".") {
			mantissa += ".0"
		}
		return mantissa + "e" + exponent
	}
	out := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(out, ".") {
		out += ".0"
	}
	return out
}

func isFloat(number string) bool { return strings.ContainsAny(number, ".eE") }

// boolean reads the words of dry-types, which Grape uses; any other spelling,
// "tRue" too, is invalid.
func boolean(raw any) (value bool, state State, ok bool) {
	var s string
	switch x := raw.(type) {
	case nil:
		return false, Null, true
	case bool:
		return x, Present, true
	case string:
		if x == "" {
			return false, Null, true
		}
		s = x
	case json.Number:
		s = numberText(string(x))
	}
	switch s {
	case "1", "true", "True", "TRUE", "t", "T", "yes", "Yes", "YES", "y", "Y", "on", "On", "ON":
		return true, Present, true
	case "0", "false", "False", "FALSE", "f", "F", "no", "No", "NO", "n", "N", "off", "Off", "OFF":
		return false, Present, true
	}
	return false, Absent, false
}

// integer reads an Integer of the given width. A number too large for it is
// the largest one instead: Ruby's integers have no end, so a huge id is not a
// mistake of form, only an id that cannot exist.
func integer(raw any, bits int) (value int64, state State, ok bool) {
	switch x := raw.(type) {
	case nil:
		return 0, Null, true
	case string:
		if x == "" {
			return 0, Null, true
		}
		value, ok = decimal(x)
	case json.Number:
		value, ok = truncated(string(x))
	}
	if !ok {
		return 0, Absent, false
	}
	most := int64(1)<<(bits-1) - 1
	return max(min(value, most), -most-1), Present, true
}

// decimal is Ruby's Integer(s, 10): blanks around, a sign, and single
// underscores between digits.
func decimal(s string) (int64, bool) {
	s = strings.Trim(s, " \t\n\v\f\r")
	negative := strings.HasPrefix(s, "-")
	if negative || strings.HasPrefix(s, "+") {
		s = s[1:]
	}
	var n int64 // kept negative: that side reaches one further
	digit := false
	for i := range len(s) {
		c := s[i]
		if c == '_' && digit {
			digit = false
			continue
		}
		if c < '0' || c > '9' {
			return 0, false
		}
		digit = true
		if d := int64(c - '0'); n < (math.MinInt64+d)/10 {
			n = math.MinInt64
		} else {
			n = n*10 - d
		}
	}
	if !digit {
		return 0, false
	}
	if negative {
		return n, true
	}
	if n == math.MinInt64 {
		return math.MaxInt64, true
	}
	return -n, true
}

// truncated reads a JSON number and cuts its fraction, as Ruby's Integer does.
func truncated(s string) (int64, bool) {
	if !isFloat(s) {
		return decimal(s)
	}
	f, _ := strconv.ParseFloat(s, 64)
	switch {
	case f >= math.MaxInt64:
		return math.MaxInt64, true
	case f <= math.MinInt64:
		return math.MinInt64, true
	}
	return int64(f), true
}

// timestamps are the forms of ISO 8601 that clients send, the usual one first.
// Go accepts a fraction after the seconds of each.
var timestamps = [...]string{
	time.RFC3339,
	"2006-01-02T15:04:05Z0700",
	"2006-01-02T15:04:05",
	"2006-01-02 15:04:05 UTC",
	"2006-01-02 15:04:05 Z0700",
	"2006-01-02 15:04:05Z07:00",
	"2006-01-02 15:04:05",
	"2006-01-02T15:04Z07:00",
	"2006-01-02T15:04",
	"2006-01-02",
	"20060102T150405Z0700",
	"20060102",
}

func timestamp(raw any) (value time.Time, state State, ok bool) {
	switch s := raw.(type) {
	case nil:
		return time.Time{}, Null, true
	case string:
		if s == "" {
			return time.Time{}, Null, true
		}
		for _, layout := range timestamps {
			if t, err := time.Parse(layout, s); err == nil {
				return t.UTC(), Present, true
			}
		}
	}
	return time.Time{}, Absent, false
}

// date reads YYYY-MM-DD. Clients also send a full timestamp where GitLab wants
// a date; its own date is meant, not the one it would have in UTC.
func date(raw any) (value string, state State, ok bool) {
	switch s := raw.(type) {
	case nil:
		return "", Null, true
	case string:
		if s == "" {
			return "", Null, true
		}
		day := s[:min(len(s), len(time.DateOnly))]
		if _, err := time.Parse(time.DateOnly, day); err != nil {
			break
		}
		if day != s {
			if _, _, ok := timestamp(s); !ok {
				break
			}
		}
		return day, Present, true
	}
	return "", Absent, false
}

// commaSeparated is GitLab's CommaSeparatedToArray with the blanks and
// repetitions removed that its models drop. An array or hash inside the array
// has no sensible text and is dropped with them.
func commaSeparated(raw any) []string {
	var out []string
	var seen map[string]struct{} // only once out is too long to look through
	add := func(s string) {
		for part := range strings.SplitSeq(s, ",") {
			part = strings.TrimSpace(part)
			if part == "" {
				continue
			}
			if len(out) < 16 {
				if slices.Contains(out, part) {
					continue
				}
			} else {
				if seen == nil {
					seen = make(map[string]struct{}, 2*len(out))
					for _, s := range out {
						seen[s] = struct{}{}
					}
				}
				if _, dup := seen[part]; dup {
					continue
				}
				seen[part] = struct{}{}
			}
			out = append(out, part)
		}
	}
	switch x := raw.(type) {
	case string:
		add(x)
	case []any:
		for _, e := range x {
			if s, ok := text(e); ok {
				add(s)
			}
		}
	}
	if out == nil {
		out = []string{}
	}
	return out
}

// commaSeparatedIntegers is the same for integers, and takes a lone number for
// a list of one. An element that is no integer makes the whole invalid; 7, 007
// and +7 are a repetition.
func commaSeparatedIntegers(raw any, bits int) (value []int64, ok bool) {
	switch raw.(type) {
	case nil, string, []any:
	case json.Number:
		raw = []any{raw}
	default:
		return nil, false
	}
	parts := commaSeparated(raw)
	value = make([]int64, 0, len(parts))
	seen := make(map[int64]struct{}, len(parts))
	for _, part := range parts {
		n, _, ok := integer(part, bits)
		if !ok {
			return nil, false
		}
		if _, dup := seen[n]; !dup {
			seen[n] = struct{}{}
			value = append(value, n)
		}
	}
	return value, true
}

// strictArray is Grape's Array[String]: a string is no array, except the empty
// one, with which a form says "none". So does x[]=, hence no blank elements.
func strictArray(raw any) (value []string, state State, ok bool) {
	switch x := raw.(type) {
	case nil:
		return nil, Null, true
	case string:
		if x == "" {
			return []string{}, Present, true
		}
	case []any:
		out := make([]string, 0, len(x))
		for _, e := range x {
			if e == nil {
				continue
			}
			s, ok := text(e)
			if !ok {
				return nil, Absent, false
			}
			if s != "" {
				out = append(out, s)
			}
		}
		return out, Present, true
	}
	return nil, Absent, false
}
