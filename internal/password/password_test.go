package password

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/alexedwards/argon2id"
	"github.com/google/go-cmp/cmp"

	"baton.example/baton"
)

func TestVerify(t *testing.T) {
	h := NewHasher()
	phc, err := h.Hash(t.Context(), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(phc, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hash is %s, want argon2id with 19 MiB, t=2, p=1", phc)
	}
	weaker, err := argon2id.CreateHash("old password", &argon2id.Params{Memory: 8, Iterations: 1, Parallelism: 1, SaltLength: 8, KeyLength: 16})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, plain, phc string
		want, wantErr    bool
	}{
		{"right", "correct horse", phc, true, false},
		{"wrong", "correct horsf", phc, false, false},
		{"empty", "", phc, false, false},
		{"very long", strings.Repeat("x", 100_000), phc, false, false},
		{"other parameters", "old password", weaker, true, false},
		{"no hash", "correct horse", "", false, false},
		{"not a hash", "correct horse", "plain text", false, true},
		{"another algorithm", "correct horse", "$2a$10$abcdefghijklmnopqrstuv", false, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := h.Verify(t.Context(), test.plain, test.phc)
			if got != test.want || (err != nil) != test.wantErr {
				t.Errorf("got %t, %v; want %t, error %t", got, err, test.want, test.wantErr)
			}
		})
	}
}

func TestDecoyCostsWhatAHashDoes(t *testing.T) {
	got, _, _, err := argon2id.DecodeHash(decoy)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(params(), got); diff != "" {
		t.Errorf("parameters (-want +got):\n%s", diff)
	}
}

func TestHashesAreSalted(t *testing.T) {
	h := NewHasher()
	a, errA := h.Hash(t.Context(), "correct horse")
	b, errB := h.Hash(t.Context(), "correct horse")
	if errA != nil || errB != nil || a == b {
		t.Errorf("hashes %s (%v) and %s (%v); want two different ones", a, errA, b, errB)
	}
}

func TestValidate(t *testing.T) {
	short := []baton.FieldError{{Field: "password", Problem: "is too short (minimum is 8 characters)"}}
	long := []baton.FieldError{{Field: "password", Problem: "is too long (maximum is 128 characters)"}}
	tests := []struct {
		name, plain string
		want        []baton.FieldError
	}{
		{"empty", "", short},
		{"7 characters", "1234567", short},
		{"7 characters in 14 bytes", strings.Repeat("é", 7), short},
		{"8 characters", "12345678", nil},
		{"128 characters", strings.Repeat("x", 128), nil},
		{"128 characters in 256 bytes", strings.Repeat("é", 128), nil},
		{"129 characters", strings.Repeat("x", 129), long},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got []baton.FieldError
			err := Validate(test.plain)
			if e, ok := errors.AsType[*baton.Error](err); ok && e.Code == baton.CodeInvalid {
				got = e.Fields
			} else if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
	if _, err := NewHasher().Hash(t.Context(), "short"); baton.CodeOf(err) != baton.CodeInvalid {
		t.Errorf("hashing a short password: %v, want CodeInvalid", err)
	}
}

func TestTwoAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHasher()
		for range atOnce {
			if err := h.acquire(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		gaveUp := make(chan error, 1)
		go func() {
			_, err := h.Hash(ctx, "correct horse")
			gaveUp <- err
		}()
		waited := make(chan error, 1)
		go func() {
			_, err := h.Verify(t.Context(), "correct horse", "")
			waited <- err
		}()
		synctest.Wait()
		if len(gaveUp)+len(waited) > 0 {
			t.Fatal("a third password was hashed")
		}
		cancel()
		if err := <-gaveUp; !errors.Is(err, context.Canceled) {
			t.Errorf("whose context ended got %v, want Canceled", err)
		}
		h.release()
		if err := <-waited; err != nil {
			t.Errorf("who waited got %v", err)
		}
		if _, err := h.Hash(ctx, "correct horse"); !errors.Is(err, context.Canceled) {
			t.Errorf("with a free slot and an ended context: %v, want Canceled", err)
		}
	})
}

func TestGenerate(t *testing.T) {
	form := regexp.MustCompile(`^[a-z2-7]{5}(-[a-z2-7]{5}){3}$`)
	seen := make(map[string]bool)
	for range 100 {
		text := Generate().Reveal()
		if !form.MatchString(text) || Validate(text) != nil || seen[text] {
			t.Fatalf("generated %q", text)
		}
		seen[text] = true
	}
}

func BenchmarkVerify(b *testing.B) {
	h := NewHasher()
	phc, err := h.Hash(b.Context(), "correct horse")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if ok, err := h.Verify(b.Context(), "correct horse", phc); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}
