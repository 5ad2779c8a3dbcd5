package idempotency

import (
	"math"
	"regexp"
	"strings"
)

// minBits is how many bits of chance a key must show by the estimate of
// [bits]. Who has the database can try keys against the stored digest, as fast
// as hardware hashes.
const minBits = 64

// partBits is the most that a word or a number counts for: one in a thousand.
const partBits = 10

// longPart is the length from which a part is no word and no number.
const longPart = 20

var (
	uuid = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)
	// timestamps match a date with or without a time, and seconds, milli-,
	// micro- or nanoseconds since 1970.
	timestamps = regexp.MustCompile(`\b(?:(?:19|20)\d\d-?[01]\d-?[0-3]\d(?:[T _-]?[0-2]\d[:.-]?[0-5]\d(?:[:.-]?[0-6]\d(?:[.,]\d+)?)?)?(?:Z|[+-]\d\d:?\d\d)?|[12]\d{9}(?:\d{3}){0,3})\b`)
	// separators match what stands between words.
	separators = regexp.MustCompile(`[^0-9A-Za-z]+`)
	// plainPart matches a word, a number, or a word with a number.
	plainPart = regexp.MustCompile(`^(?:[a-z]*|[A-Z]*)[0-9]*$`)
)

// bits estimates how many bits of chance made a key. No text proves that it is
// random, so this is built to let keys from random generators pass, from some
// twenty characters on, and to find the usual ones that are none:
//
//   - a timestamp counts for nothing;
//   - in a repetition (aaaa) or a sequence (1234, dcba), only the first two
//     symbols count;
//   - in a key whose letters are of one case, a word or a number between
//     separators counts for ten bits at most, and the separators for nothing;
//   - every other symbol counts for Shannon's entropy of all that are left,
//     with Miller and Madow's correction for short texts.
func bits(key string) float64 {
	if uuid.MatchString(key) {
		// A group of a UUID can look like a number or a date by chance.
		key = strings.ReplaceAll(key, "-", "")
	} else {
		key = timestamps.ReplaceAllString(key, "-")
	}
	parts := []string{key}
	words := key == strings.ToLower(key) || key == strings.ToUpper(key)
	if words {
		parts = separators.Split(key, -1)
	}
	var counts [128]int
	total, distinct := 0, 0
	for i, part := range parts {
		parts[i] = withoutRuns(part)
		for _, c := range []byte(parts[i]) {
			if counts[c] == 0 {
				distinct++
			}
			counts[c]++
			total++
		}
	}
	entropy := 0.0
	for _, n := range counts {
		if n > 0 {
			p := float64(n) / float64(total)
			entropy -= p * math.Log2(p)
		}
	}
	if distinct > 1 {
		entropy += float64(distinct-1) / (2 * math.Ln2 * float64(total))
	}
	sum := 0.0
	for _, part := range parts {
		worth := entropy * float64(len(part))
		if words && len(part) < longPart && plainPart.MatchString(part) {
			worth = min(worth, partBits)
		}
		sum += worth
	}
	return sum
}

// withoutRuns drops every symbol that repeats its two predecessors or goes on
// as they do.
func withoutRuns(part string) string {
	var kept strings.Builder
	for i := range len(part) {
		if i >= 2 {
			step, before := int(part[i])-int(part[i-1]), int(part[i-1])-int(part[i-2])
			if step == before && -1 <= step && step <= 1 {
				continue
			}
		}
		kept.WriteByte(part[i])
	}
	return kept.String()
}
