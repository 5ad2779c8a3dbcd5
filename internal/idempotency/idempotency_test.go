package idempotency

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

const someUUID = "8e03978e-40d5-43e8-bc93-6894a57f9324"

func parse(t *testing.T, user baton.UserID, header string) *Key {
	t.Helper()
	k, err := Parse(user, header)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestParse(t *testing.T) {
	want := parse(t, 1, someUUID).Digest()
	same := []string{`"` + someUUID + `"`, " " + someUUID + "\t", ` "` + someUUID + `" `, `"` + someUUID + `";a=1`}
	for _, header := range same {
		if parse(t, 1, header).Digest() != want {
			t.Errorf("%s is another key than %s", header, someUUID)
		}
	}
	others := []string{strings.ToUpper(someUUID), someUUID + "x", `"\"` + someUUID + `"`, `" ` + someUUID + `"`}
	for _, header := range others {
		if parse(t, 1, header).Digest() == want {
			t.Errorf("%s is the same key as %s", header, someUUID)
		}
	}
	if parse(t, 2, someUUID).Digest() == want {
		t.Error("two users have the same digest")
	}
}

func TestParseRefuses(t *testing.T) {
	const (
		short  = "Idempotency-Key is too short (minimum is 16 characters): use a random UUID"
		long   = "Idempotency-Key is too long (maximum is 255 characters): use a random UUID"
		easy   = "Idempotency-Key is too easy to guess: use a random UUID"
		quotes = "Idempotency-Key is not a string in quotation marks: send one key, such as a random UUID"
		signs  = "Idempotency-Key may only have letters, digits and signs without spaces, quotation marks, commas and semicolons: use a random UUID"
	)
	tests := map[string]string{
		"":                                  short,
		`""`:                                short,
		"a8F3-k2Lq9Zx":                      short,
		strings.Repeat(rand.Text(), 10):     long,
		"aaaaaaaaaaaaaaaa":                  easy,
		`"create-runner-1764000000000"`:     easy,
		`"` + someUUID:                      quotes,
		`"` + someUUID + `" x`:              quotes,
		`"` + someUUID + `", "b"`:           quotes,
		`"` + someUUID + `é"`:               quotes,
		someUUID + ", " + someUUID:          signs,
		someUUID + ";a=1":                   signs,
		someUUID + `"`:                      signs,
		someUUID + "é":                      signs,
		someUUID + "\x00":                   signs,
		someUUID[:18] + " " + someUUID[18:]: signs,
	}
	for header, want := range tests {
		_, err := Parse(1, header)
		if baton.CodeOf(err) != baton.CodeInvalid || err.Error() != want {
			t.Errorf("%q: %v, want invalid: %s", header, err, want)
		}
	}
}

func TestRequest(t *testing.T) {
	k := parse(t, 1, someUUID)
	type params = map[string]any
	digest := func(p params) baton.Digest { return k.Request("POST", "/api/v4/user/runners", p) }
	form := params{"paused": "true", "maximum_timeout": "600", "tag_list": []any{"a", "b"}, "info": params{"x": "1"}}
	asJSON := params{"paused": true, "maximum_timeout": json.Number("600"), "tag_list": []any{"a", "b"}, "info": params{"x": json.Number("1")}}
	if digest(form) != digest(asJSON) {
		t.Error("a form and the same as JSON are different requests")
	}

	seen := make(map[baton.Digest]string)
	add := func(name string, d baton.Digest) {
		if old, ok := seen[d]; ok {
			t.Errorf("%s and %s are the same request", old, name)
		}
		seen[d] = name
	}
	add("form", digest(form))
	for _, p := range []params{
		nil,
		{"a": nil},
		{"a": ""},
		{"a": "x"},
		{"a": "X"},
		{"ax": ""},
		{"a": "x", "b": "y"},
		{"a": "y", "b": "x"},
		{"a": "xby"},
		{"a": []any{}},
		{"a": []any{"x"}},
		{"a": []any{"x", "y"}},
		{"a": []any{"y", "x"}},
		{"a": []any{"xy"}},
		{"a": []any{[]any{"x"}, "y"}},
		{"a": params{}},
		{"a": params{"x": "y"}},
		{"a": "map[x:y]"},
	} {
		add(fmt.Sprint(p), digest(p))
	}
	add("another method", k.Request("PUT", "/api/v4/user/runners", form))
	add("another path", k.Request("POST", "/api/v4/user/runner", form))
	add("method and path cut elsewhere", k.Request("POST/api", "/v4/user/runners", form))
	add("another key", parse(t, 1, uuid4()).Request("POST", "/api/v4/user/runners", form))
	add("another user", parse(t, 2, someUUID).Request("POST", "/api/v4/user/runners", form))
}

func TestOpenReturnsWhatWasSealed(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for _, reply := range []Reply{
		{Status: 201, Body: []byte(`{"id":1,"token":"` + baton.NewToken(baton.RunnerTokenPrefix).Reveal() + `"}`)},
		{Status: 400, Body: []byte(`{"message":"no"}`)},
		{Status: 204, Body: []byte{}},
	} {
		k := parse(t, 7, uuid4())
		request := k.Request("POST", "/", nil)
		answer, err := k.Seal(request, reply, now)
		if err != nil {
			t.Fatal(err)
		}
		want := store.Answer{UserID: 7, Key: k.Digest(), Request: request, Sealed: answer.Sealed, ExpiresAt: now.Add(24 * time.Hour)}
		if diff := cmp.Diff(want, answer); diff != "" {
			t.Errorf("answer (-want +got):\n%s", diff)
		}
		got, err := k.Open(answer, request)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(reply, got); diff != "" {
			t.Errorf("reply (-want +got):\n%s", diff)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	k := parse(t, 1, someUUID)
	request := k.Request("POST", "/", nil)
	answer, err := k.Seal(request, Reply{Status: 201, Body: []byte("{}")}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	other := k.Request("POST", "/", map[string]any{"paused": "true"})
	if _, err := k.Open(answer, other); !errors.Is(err, ErrMismatch) {
		t.Errorf("for another request: %v, want ErrMismatch", err)
	}
	if _, err := parse(t, 2, someUUID).Open(answer, request); !errors.Is(err, errDamaged) {
		t.Errorf("by another user: %v, want errDamaged", err)
	}
	moved := answer
	moved.Request = other
	if _, err := k.Open(moved, other); !errors.Is(err, errDamaged) {
		t.Errorf("given for another request: %v, want errDamaged", err)
	}
	for n := range len(answer.Sealed) {
		cut, changed := answer, answer
		cut.Sealed = answer.Sealed[:n]
		changed.Sealed = bytes.Clone(answer.Sealed)
		changed.Sealed[n] ^= 1
		for _, a := range []store.Answer{cut, changed} {
			if _, err := k.Open(a, request); !errors.Is(err, errDamaged) {
				t.Fatalf("damaged at byte %d: %v, want errDamaged", n, err)
			}
		}
	}
}

// The law that the whole design rests on: what is stored holds nothing of the
// body or the key, and opens with that key alone.
func TestStoredAnswerGivesNothingAway(t *testing.T) {
	for range 1000 {
		text := uuid4()
		token := baton.NewToken(baton.RunnerTokenPrefix).Reveal()
		k := parse(t, 1, text)
		request := k.Request("POST", "/", nil)
		a, err := k.Seal(request, Reply{Status: 201, Body: []byte(`{"token":"` + token + `"}`)}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		stored := bytes.Join([][]byte{a.Key[:], a.Request[:], a.Sealed}, nil)
		for _, secret := range []string{token, token[len(baton.RunnerTokenPrefix):], "token", text, string(k.seal), string(k.request)} {
			if bytes.Contains(stored, []byte(secret)) {
				t.Fatalf("the stored answer holds %q", secret)
			}
		}
		if _, err := parse(t, 1, uuid4()).Open(a, request); !errors.Is(err, errDamaged) {
			t.Fatalf("with another key: %v, want errDamaged", err)
		}
	}
}

func TestKeyIsHidden(t *testing.T) {
	k := parse(t, 1, someUUID)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		if got := fmt.Sprintf(verb, k); got != "[hidden]" {
			t.Errorf("%s prints %s", verb, got)
		}
	}
}

// What is derived is in databases: a new version has to find old answers.
func TestDerivationIsKept(t *testing.T) {
	k := parse(t, 42, someUUID)
	if got := fmt.Sprintf("%x", [32]byte(k.Digest())); got != "5b48ec864bcaa84010bf756c8b1b585ff9dac059cf0dee412569fa2689368b6e" {
		t.Errorf("digest is %s", got)
	}
	request := k.Request("POST", "/api/v4/user/runners", map[string]any{"runner_type": "instance_type"})
	if got := fmt.Sprintf("%x", [32]byte(request)); got != "8e9d665f9279c6692312c53683e248dd0041760ca4292c9a5dc9534417025c6c" {
		t.Errorf("request is %s", got)
	}
	if got := fmt.Sprintf("%x", k.seal); got != "0fa91526014e756ca766c7226ee210c6e9e088385cad6e6e13ae5bac66df4b37" {
		t.Errorf("sealing key is %s", got)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{someUUID, `"` + someUUID + `"`, `"a\"b\\c";x`, "", "2026-11-23T12:44:00Z", "\x00é"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		k, err := Parse(1, header)
		if err != nil {
			if e, ok := errors.AsType[*baton.Error](err); !ok || e.Code != baton.CodeInvalid || e.Message == "" {
				t.Fatalf("%q: error is %v, want invalid with a sentence", header, err)
			}
			return
		}
		if text, err := unquote(strings.TrimSpace(header)); err != nil || len(text) < minLength || len(text) > maxLength {
			t.Fatalf("%q is accepted as %q, %v", header, text, err)
		}
		request := k.Request("POST", "/", map[string]any{"header": header})
		a, err := k.Seal(request, Reply{Status: 201, Body: []byte(header)}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if reply, err := k.Open(a, request); err != nil || string(reply.Body) != header {
			t.Fatalf("%q: opened %q, %v", header, reply.Body, err)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for b.Loop() {
		if _, err := Parse(1, someUUID); err != nil {
			b.Fatal(err)
		}
	}
}
