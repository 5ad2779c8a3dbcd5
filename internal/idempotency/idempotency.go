package idempotency

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dunglas/httpsfv"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

// Life is how long an answer is kept.
const Life = 24 * time.Hour

// The limits on the length of a key in characters.
const (
	minLength = 16
	maxLength = 255
)

// ErrMismatch says that a key was sent before with another request. The draft
// answers it with 422; to an adapter that does not know it, it is invalid.
var ErrMismatch error = &baton.Error{
	Code:    baton.CodeInvalid,
	Message: "This Idempotency-Key was sent before with another request: use a new key for a new request",
}

// errDamaged says that a stored answer is not what was stored.
var errDamaged = errors.New("the stored answer is damaged")

// A Key is what is derived from the Idempotency-Key of a user. It prints as
// [hidden].
type Key struct {
	user    baton.UserID
	digest  baton.Digest
	request []byte
	seal    []byte
}

// Parse reads the header Idempotency-Key of a request of the user: the string
// of a structured field ("8e03978e-40d5-43e8-bc93-6894a57f9324" in quotation
// marks), or the same without quotation marks, as many clients send it. A key
// that is malformed or easy to guess is an error of CodeInvalid.
func Parse(user baton.UserID, header string) (*Key, error) {
	text, err := unquote(strings.TrimSpace(header))
	if err != nil {
		return nil, err
	}
	switch {
	case len(text) < minLength:
		return nil, invalid("is too short (minimum is 16 characters): use a random UUID")
	case len(text) > maxLength:
		return nil, invalid("is too long (maximum is 255 characters): use a random UUID")
	case !looksRandom(text):
		return nil, invalid("is too easy to guess: use a random UUID")
	}
	return derive(user, text)
}

// unquote returns the key's text, which is printable ASCII either way.
func unquote(header string) (string, error) {
	if strings.HasPrefix(header, `"`) {
		item, err := httpsfv.UnmarshalItem([]string{header})
		text, ok := item.Value.(string)
		if err != nil || !ok {
			return "", invalid("is not a string in quotation marks: send one key, such as a random UUID")
		}
		return text, nil
	}
	// What a structured field would end or divide at is no part of a bare key:
	// two headers that a proxy joined with a comma must not become one key.
	if strings.ContainsFunc(header, func(c rune) bool { return c <= ' ' || c > '~' || strings.ContainsRune(`",;`, c) }) {
		return "", invalid("may only have letters, digits and signs without spaces, quotation marks, commas and semicolons: use a random UUID")
	}
	return header, nil
}

func invalid(problem string) error {
	return &baton.Error{Code: baton.CodeInvalid, Message: "Idempotency-Key " + problem}
}

func derive(user baton.UserID, text string) (*Key, error) {
	salt := "baton idempotency key of user " + strconv.FormatInt(int64(user), 10)
	secret, err := hkdf.Extract(sha256.New, []byte(text), []byte(salt))
	if err != nil {
		return nil, fmt.Errorf("derive from Idempotency-Key: %w", err)
	}
	var derived [3][]byte
	for i, label := range []string{"lookup", "request", "seal"} {
		if derived[i], err = hkdf.Expand(sha256.New, secret, label, sha256.Size); err != nil {
			return nil, fmt.Errorf("derive from Idempotency-Key: %w", err)
		}
	}
	return &Key{user: user, digest: baton.Digest(derived[0]), request: derived[1], seal: derived[2]}, nil
}

// Digest returns what the answer is found by. No two users have one in common.
func (k *Key) Digest() baton.Digest { return k.digest }

// Format implements [fmt.Formatter]: no verb shows what is derived.
func (*Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[hidden]") }

// Request returns the digest of a request, by which it is told from others
// with the same key. The parameters are as package grape reads them, without
// those that only say who is calling. Their order does not count, nor whether
// they came as a form or as JSON: a number, a boolean and their text are the
// same, as they are to the endpoints.
func (k *Key) Request(method, path string, params map[string]any) baton.Digest {
	h := hmac.New(sha256.New, k.request)
	digestText(h, method)
	digestText(h, path)
	digestValue(h, params)
	return baton.Digest(h.Sum(nil))
}

// digestValue writes a value so that no two have the same bytes: its kind, its
// length, its content.
func digestValue(h hash.Hash, value any) {
	switch v := value.(type) {
	case nil:
		digestHead(h, 'n', 0)
	case map[string]any:
		digestHead(h, 'm', len(v))
		for _, name := range slices.Sorted(maps.Keys(v)) {
			digestText(h, name)
			digestValue(h, v[name])
		}
	case []any:
		digestHead(h, 'l', len(v))
		for _, element := range v {
			digestValue(h, element)
		}
	default: // string, json.Number, bool
		digestText(h, fmt.Sprint(v))
	}
}

func digestText(h hash.Hash, text string) {
	digestHead(h, 't', len(text))
	_, _ = io.WriteString(h, text)
}

func digestHead(h hash.Hash, kind byte, length int) {
	_, _ = h.Write(binary.AppendUvarint([]byte{kind}, uint64(length)))
}

// A Reply is an answer to be given again.
type Reply struct {
	Status int
	Body   []byte
}

// Seal returns what is stored of the reply to a request, until [Life] after
// now.
func (k *Key) Seal(request baton.Digest, reply Reply, now time.Time) (store.Answer, error) {
	aead, err := k.aead()
	if err != nil {
		return store.Answer{}, fmt.Errorf("seal answer: %w", err)
	}
	plaintext := binary.BigEndian.AppendUint16(nil, uint16(reply.Status))
	plaintext = append(plaintext, reply.Body...)
	return store.Answer{
		UserID: k.user, Key: k.digest, Request: request,
		Sealed:    aead.Seal(nil, nil, plaintext, request[:]), //nolint:gosec // G407: no nonce is given because this cipher draws it
		ExpiresAt: now.Add(Life),
	}, nil
}

// Open returns the reply in a stored answer, [ErrMismatch] if it answers
// another request.
func (k *Key) Open(a store.Answer, request baton.Digest) (Reply, error) {
	if !hmac.Equal(a.Request[:], request[:]) {
		return Reply{}, ErrMismatch
	}
	aead, err := k.aead()
	if err != nil {
		return Reply{}, fmt.Errorf("open answer: %w", err)
	}
	plaintext, err := aead.Open(nil, nil, a.Sealed, request[:])
	if err != nil || len(plaintext) < 2 {
		return Reply{}, fmt.Errorf("open answer: %w", errDamaged)
	}
	return Reply{Status: int(binary.BigEndian.Uint16(plaintext)), Body: plaintext[2:]}, nil
}

// aead seals under the derived key. Its nonces are random: a store may ask
// twice for an answer that it then stores once.
func (k *Key) aead() (cipher.AEAD, error) {
	block, err := aes.NewCipher(k.seal)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
