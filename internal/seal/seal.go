// Package seal encrypts what has to be readable again: the few secrets that a
// digest cannot stand for, such as registration tokens and the credentials of
// an import. They are sealed with AES-256-GCM under the secret key file, which
// is no part of the database: who steals a backup has nothing to open it with.
//
// # The secret key file
//
// One key a line, 32 random bytes as base64 or as hexadecimal digits, the
// newest first; empty lines and lines that start with # are skipped. The first
// key seals, every key opens. A key is replaced by putting a new line on top;
// the old line stays for as long as anything is sealed under it.
//
// # Sealed values
//
// A sealed value says which key opens it:
//
//	version (1 byte) | key id (8 bytes) | nonce (12 bytes) | ciphertext | tag (16 bytes)
//
// Everything in front of the ciphertext is authenticated, and so is the
// context: a text such as "runner 12 token" that names the place of the value.
// A value that is copied to another place does not open there.
//
// Nonces are random, which is safe for some four thousand million values a key.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
)

const (
	version = 1
	keySize = 32
	idSize  = 8
	// header is the length of version and key id.
	header = 1 + idSize
)

// ErrDamaged says that a value was changed since it was sealed, or was sealed
// for another context, or was never sealed.
var ErrDamaged = errors.New("the sealed value is damaged or belongs to another place")

// An UnknownKeyError says that a value was sealed under a key that is not in
// the secret key file.
type UnknownKeyError struct {
	// KeyID is the id of the missing key, File the file that lacks it.
	KeyID string
	File  string
}

// Error implements error.
func (e *UnknownKeyError) Error() string {
	return fmt.Sprintf("the value is sealed under key %s, which is not in %s: add that key as a line below the others", e.KeyID, e.File)
}

// A Keyring is the keys of a secret key file. It is safe for concurrent use
// and prints as [hidden].
type Keyring struct {
	file string
	keys []key // the newest first, at least one
}

// A key is one line of the secret key file.
type key struct {
	id   [idSize]byte
	aead cipher.AEAD
}

func newKey(secret []byte) (key, error) {
	block, err := aes.NewCipher(secret)
	if err != nil {
		return key{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return key{}, err
	}
	// The label keeps the public id from being a hash of the key that something
	// else may keep secret.
	sum := sha256.Sum256(append([]byte("baton secret key id\x00"), secret...))
	return key{id: [idSize]byte(sum[:]), aead: aead}, nil
}

func (k key) name() string { return hex.EncodeToString(k.id[:]) }

// ID returns the public id of the key that seals: 16 hexadecimal digits that
// tell nothing about the key.
func (k *Keyring) ID() string { return k.keys[0].name() }

// Seal encrypts plaintext for the place that context names.
func (k *Keyring) Seal(plaintext, context []byte) []byte {
	newest := k.keys[0]
	sealed := make([]byte, 0, header+len(plaintext)+newest.aead.Overhead())
	sealed = append(sealed, version)
	sealed = append(sealed, newest.id[:]...)
	return newest.aead.Seal(sealed, nil, plaintext, additional(sealed, context)) //nolint:gosec // G407: no nonce is given because this cipher draws it
}

// Open returns the plaintext of what [Keyring.Seal] made with the same context.
// The error wraps an [*UnknownKeyError] or [ErrDamaged].
func (k *Keyring) Open(sealed, context []byte) ([]byte, error) {
	if len(sealed) < header || sealed[0] != version {
		return nil, fmt.Errorf("open sealed value: %w", ErrDamaged)
	}
	id := [idSize]byte(sealed[1:header])
	i := slices.IndexFunc(k.keys, func(key key) bool { return key.id == id })
	if i < 0 {
		return nil, fmt.Errorf("open sealed value: %w", &UnknownKeyError{KeyID: key{id: id}.name(), File: k.file})
	}
	plaintext, err := k.keys[i].aead.Open(nil, nil, sealed[header:], additional(sealed[:header], context))
	if err != nil {
		return nil, fmt.Errorf("open sealed value: %w", ErrDamaged)
	}
	return plaintext, nil
}

// additional is the data that a sealed value vouches for. The header has a
// fixed length, so no two pairs give the same bytes.
func additional(header, context []byte) []byte {
	return slices.Concat(header, context)
}

// Format implements [fmt.Formatter]: no verb shows a key.
func (*Keyring) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[hidden]") }
