package baton

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// A Secret is text that must not be shown: every way of printing or logging
// it writes [hidden] instead. [Secret.Reveal] is the one way to the text.
type Secret struct {
	// text is behind a pointer because fmt prints an unexported field of a
	// struct without asking its methods.
	text *string
}

// hidden stands for a secret wherever something prints one.
const hidden = "[hidden]"

// NewSecret hides text.
func NewSecret(text string) Secret { return Secret{&text} }

// Reveal returns the text, for the one answer that may hold it.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s.Reveal() == "" }

// Format implements [fmt.Formatter] for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// LogValue implements [slog.LogValuer].
func (s Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText implements [encoding.TextMarshaler].
func (s Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// Digest returns what is stored of the secret and what it is looked up by.
func (s Secret) Digest() Digest { return DigestOf(s.Reveal()) }

// A Digest is the SHA-256 of a token. Tokens carry 119 bits of chance or more,
// so a plain hash can be neither reversed nor searched, and it survives the
// loss of the secret key file (docs/decisions/0002-token-digests.md).
type Digest [sha256.Size]byte

// DigestOf returns the digest of a token's text.
func DigestOf(token string) Digest { return sha256.Sum256([]byte(token)) }

// Format implements [fmt.Formatter]: digests are not shown either.
func (d Digest) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// The prefixes of the tokens that Baton makes, which secret scanners look for.
const (
	// RunnerTokenPrefix begins the authentication token of a runner created by
	// a user; gitlab-runner tells such tokens from registration tokens by it.
	RunnerTokenPrefix = "glrt-"
	// RegisteredTokenPrefix begins the authentication token of a runner that a
	// machine registered: gitlab-runner removes such a runner when it
	// unregisters, where it would only remove itself from one of a user's.
	RegisteredTokenPrefix = "glrtr-"
	// JobTokenPrefix begins the token that a runner works on a job with.
	JobTokenPrefix = "glcbt-"
	// RegistrationTokenPrefix begins a registration token.
	RegistrationTokenPrefix = "GR1348941"
	// AccessTokenPrefix begins a personal access token unless the setting
	// personal_access_token_prefix says otherwise.
	AccessTokenPrefix = "glpat-"
)

// NewToken makes a token: the prefix and 20 characters of [A-Za-z0-9_-], 120
// bits from crypto/rand.
//
// The first character after the prefix is never followed by a pattern that
// gitlab-runner would take for a partition prefix: it strips "t1_", "t2_" and
// "t3_" before it shortens a token to nine characters for directory names, so
// such a beginning is drawn again.
func NewToken(prefix string) Secret {
	for {
		var raw [15]byte
		_, _ = rand.Read(raw[:]) // never fails: crypto/rand ends the program instead
		body := base64.RawURLEncoding.EncodeToString(raw[:])
		if !strings.HasPrefix(body, "t1_") && !strings.HasPrefix(body, "t2_") && !strings.HasPrefix(body, "t3_") {
			return NewSecret(prefix + body)
		}
	}
}
