package seal

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Lines of key files, all different keys.
var (
	lineA = strings.Repeat("a1", keySize)
	lineB = strings.Repeat("B2", keySize)
	lineC = "w8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8M="
)

func ring(t *testing.T, lines ...string) *Keyring {
	t.Helper()
	k, err := parse("secret.key", []byte(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestOpenReturnsWhatWasSealed(t *testing.T) {
	k := ring(t, lineA)
	for _, plaintext := range []string{"", "x", "glpat-secret", strings.Repeat("long ", 1000)} {
		for _, place := range []string{"", "runner 1 token"} {
			sealed := k.Seal([]byte(plaintext), []byte(place))
			if len(plaintext) > 1 && bytes.Contains(sealed, []byte(plaintext)) {
				t.Errorf("sealed %.20q holds its plaintext", plaintext)
			}
			got, err := k.Open(sealed, []byte(place))
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != plaintext {
				t.Errorf("opened %.20q, want %.20q", got, plaintext)
			}
		}
	}
	if bytes.Equal(k.Seal([]byte("x"), nil), k.Seal([]byte("x"), nil)) {
		t.Error("sealing twice gives the same bytes, which tells equal secrets apart from others")
	}
}

func TestOpenRefuses(t *testing.T) {
	k := ring(t, lineA)
	sealed := k.Seal([]byte("secret"), []byte("runner 1"))
	damaged := map[string][]byte{"empty": nil, "short": sealed[:header], "cut": sealed[:len(sealed)-1], "longer": append(bytes.Clone(sealed), 0)}
	for i := range sealed {
		if i >= 1 && i < header {
			continue // another key id: below
		}
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		damaged[fmt.Sprintf("byte %d", i)] = changed
	}
	for name, value := range damaged {
		if _, err := k.Open(value, []byte("runner 1")); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v, want ErrDamaged", name, err)
		}
	}
	if _, err := k.Open(sealed, []byte("runner 2")); !errors.Is(err, ErrDamaged) {
		t.Errorf("in another place: %v, want ErrDamaged", err)
	}

	_, err := ring(t, lineB).Open(sealed, []byte("runner 1"))
	unknown, ok := errors.AsType[*UnknownKeyError](err)
	if !ok {
		t.Fatalf("with another key: %v, want an UnknownKeyError", err)
	}
	if diff := cmp.Diff(&UnknownKeyError{KeyID: k.ID(), File: "secret.key"}, unknown); diff != "" {
		t.Errorf("with another key (-want +got):\n%s", diff)
	}
}

func TestNewestKeySealsAndEveryKeyOpens(t *testing.T) {
	before, after, moved := ring(t, lineA), ring(t, lineB, lineA), ring(t, lineB)
	if before.ID() == after.ID() || after.ID() != moved.ID() {
		t.Errorf("ids are %s, %s, %s; want the newest key's", before.ID(), after.ID(), moved.ID())
	}
	old := before.Seal([]byte("old"), nil)
	if got, err := after.Open(old, nil); err != nil || string(got) != "old" {
		t.Errorf("old value after a key was added: %q, %v", got, err)
	}
	if got, err := moved.Open(after.Seal([]byte("new"), nil), nil); err != nil || string(got) != "new" {
		t.Errorf("new value with the new key alone: %q, %v", got, err)
	}
}

func TestKeyringIsHidden(t *testing.T) {
	k := ring(t, lineA)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		if got := fmt.Sprintf(verb, k); got != "[hidden]" {
			t.Errorf("%s prints %s", verb, got)
		}
	}
	if strings.Contains(lineA, k.ID()) || len(k.ID()) != 2*idSize {
		t.Errorf("id %s is a part of the key", k.ID())
	}
}

// The format and the ids are on disk in every database: they do not change.
func TestFormatIsKept(t *testing.T) {
	const id, sealed = "6dd4f52eedb56150", "016dd4f52eedb56150c46f52194de3321e39d192e9b6f96be01bd131d610c21a06a426abef818c2b3727e8"
	k := ring(t, lineA)
	if k.ID() != id {
		t.Errorf("id is %s, want %s", k.ID(), id)
	}
	got, err := k.Open(unhex(t, sealed), []byte("runner 1"))
	if err != nil || string(got) != "secret" {
		t.Errorf("opened %q, %v", got, err)
	}
}
