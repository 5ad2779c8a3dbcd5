package idempotency

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

func TestEasyKeysAreRefused(t *testing.T) {
	for _, key := range []string{
		"aaaaaaaaaaaaaaaa",
		"abababababababababababababababab",
		"1234567890123456",
		"0123456789abcdef0123456789abcdef",
		"abcdefghijklmnopqrstuvwxyz",
		"zyxwvutsrqponmlkjihgfedcba",
		"qwertyuiopasdfgh",
		"2027-10-29T17:38:52.947Z",
		"2027-10-29T17:38:52.947123456+01:00",
		"20261123T124400Z-20261123T124401Z",
		"2027-10-29 17:38:52 retry 3",
		"1764000000000000000",
		"1764000000000-1764000000001",
		"create-runner-1764000000000",
		"create-runner-for-group-tools",
		"CREATE_RUNNER_FOR_GROUP_TOOLS",
		"pipeline-123456-job-789012-runner",
		"user42-runner7-host3-1",
		"00000000-0000-0000-0000-000000000000",
		"11111111-1111-4111-8111-111111111111",
		"----------------",
	} {
		if got := bits(key); got >= minBits {
			t.Errorf("%s has %.1f bits, want less than %d", key, got, minBits)
		}
		if _, err := Parse(1, key); err == nil {
			t.Errorf("%s is accepted", key)
		}
	}
}

// uuid4 returns a random UUID.
func uuid4() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// A refusal of a random key would be a failure that comes once in a while and
// that nobody can explain, so none may be near the limit.
func TestRandomKeysPass(t *testing.T) {
	random := func(n int) []byte {
		b := make([]byte, n)
		_, _ = rand.Read(b)
		return b
	}
	generators := map[string]func() string{
		"UUIDv4":          uuid4,
		"UUIDv4, upper":   func() string { return strings.ToUpper(uuid4()) },
		"UUIDv7":          func() string { return "01936f2c-8a4e-7" + uuid4()[15:] },
		"ULID":            func() string { return "01JDCK7M8N" + rand.Text()[:16] },
		"128 bits of hex": func() string { return hex.EncodeToString(random(16)) },
		"base64url":       func() string { return base64.RawURLEncoding.EncodeToString(random(16)) },
		"base64":          func() string { return base64.StdEncoding.EncodeToString(random(16)) },
		"base32":          rand.Text,
		"lower base32":    func() string { return strings.ToLower(rand.Text()) },
		"with a prefix":   func() string { return "create-runner-" + uuid4() },
		"with a time":     func() string { return "2026-11-23T12:44:00Z-" + hex.EncodeToString(random(16)) },
		"in quotes":       func() string { return `"` + uuid4() + `"` },
	}
	for name, generate := range generators {
		t.Run(name, func(t *testing.T) {
			low, lowest := bits(generate()), ""
			for range 1000 {
				key := generate()
				if got := bits(strings.Trim(key, `"`)); got < low {
					low, lowest = got, key
				}
				if _, err := Parse(1, key); err != nil {
					t.Fatalf("%s: %v", key, err)
				}
			}
			if low < minBits+4 {
				t.Errorf("%s has %.1f bits, near the limit", lowest, low)
			}
		})
	}
}
