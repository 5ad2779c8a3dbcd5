// Package password hashes and checks the passwords that people sign in with:
// argon2id with OWASP's least parameters, which are 19 MiB of memory and two
// passes, as a PHC string ($argon2id$v=19$m=19456,t=2,p=1$salt$hash). The
// parameters stand in the hash, so that those of old hashes keep working when
// the ones for new hashes grow.
// https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html.
package password

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"

	"baton.example/baton"
)

// The limits on the length of a password in characters, as GitLab's.
const (
	MinLength = 8
	MaxLength = 128
)

// atOnce is how many passwords are hashed at a time. Each takes 19 MiB and a
// core: a burst of sign-ins has to queue, not to end the program.
const atOnce = 2

// params returns the parameters of new hashes.
func params() *argon2id.Params {
	return &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}
}

// decoy is a hash with the same parameters that no known password has: salt
// and hash are zeros.
const decoy = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// A Hasher hashes and checks passwords, two at a time. The program has one.
type Hasher struct{ slots chan struct{} }

// NewHasher returns a Hasher.
func NewHasher() *Hasher {
	return &Hasher{slots: make(chan struct{}, atOnce)}
}

// Hash returns the PHC string of a password that keeps the rules of [Validate].
// While other passwords are hashed it waits, at most until ctx ends.
func (h *Hasher) Hash(ctx context.Context, plain string) (string, error) {
	if err := Validate(plain); err != nil {
		return "", err
	}
	if err := h.acquire(ctx); err != nil {
		return "", err
	}
	defer h.release()
	phc, err := argon2id.CreateHash(plain, params())
	if err != nil {
		return "", fmt.Errorf("hash a password: %w", err)
	}
	return phc, nil
}

// Verify reports whether plain is the password with the hash. The hash "" is
// nobody's; checking it takes the time of any other, so that sign-in does not
// tell which users exist. A hash that is none is an error. While other
// passwords are hashed Verify waits, at most until ctx ends.
func (h *Hasher) Verify(ctx context.Context, plain, phc string) (bool, error) {
	if err := h.acquire(ctx); err != nil {
		return false, err
	}
	defer h.release()
	nobody := phc == ""
	if nobody {
		phc = decoy
	}
	ok, err := argon2id.ComparePasswordAndHash(plain, phc)
	if err != nil {
		return false, fmt.Errorf("check a password: %w", err)
	}
	return ok && !nobody, nil
}

func (h *Hasher) acquire(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err // select chooses at random when both are ready
	}
	select {
	case h.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h *Hasher) release() { <-h.slots }

// Validate returns an error of CodeInvalid if a password is too short or too
// long.
func Validate(plain string) error {
	switch n := utf8.RuneCountInString(plain); {
	case n < MinLength:
		return invalid("is too short (minimum is 8 characters)")
	case n > MaxLength:
		return invalid("is too long (maximum is 128 characters)")
	}
	return nil
}

func invalid(problem string) error {
	return baton.Invalid([]baton.FieldError{{Field: "password", Problem: problem}})
}

// Generate makes a password for somebody to type once: four groups of five
// characters out of a-z and 2-7, 100 bits from crypto/rand.
func Generate() baton.Secret {
	const groups, size = 4, 5
	chars := strings.ToLower(rand.Text())
	parts := make([]string, groups)
	for i := range parts {
		parts[i] = chars[i*size : (i+1)*size]
	}
	return baton.NewSecret(strings.Join(parts, "-"))
}
