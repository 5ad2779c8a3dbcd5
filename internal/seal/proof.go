package seal

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Proofs are what a database knows of the keys that it was used with: for each
// key id a text sealed under the key. The transactions of package store are
// such.
type Proofs interface {
	KeyIDs(ctx context.Context) ([]string, error)
	KeyProof(ctx context.Context, keyID string) ([]byte, error)
	InsertKeyProof(ctx context.Context, keyID string, proof []byte) error
}

// A WrongKeyError says that a database was written with other keys than those
// in the secret key file.
type WrongKeyError struct {
	File string
	// Known are the ids of the keys that the database was written with.
	Known []string
}

// Error implements error.
func (e *WrongKeyError) Error() string {
	noun := "key"
	if len(e.Known) > 1 {
		noun = "keys"
	}
	return fmt.Sprintf("the secret key in %s is not the one this database was written with (it knows %s %s): restore that file or set BATON_SECRET_KEY_FILE",
		e.File, noun, strings.Join(e.Known, ", "))
}

// proofContext is the context of a proof; its plaintext is the key's id.
var proofContext = []byte("baton key proof")

// Check tells at the start of the program whether the keys are those of the
// database, instead of at the first value that does not open. A database that
// knows no key learns the newest; one that knows an older key of the ring
// learns the newest too. Everything else is a [*WrongKeyError].
//
// Run it in a transaction. Where transactions do not wait for each other, as on
// PostgreSQL, two programs that start at the same moment on a new database each
// store their key: with the same key one of them gets the store's conflict and
// has to check again, with different keys neither is refused.
func Check(ctx context.Context, db Proofs, k *Keyring) error {
	known, err := db.KeyIDs(ctx)
	if err != nil {
		return fmt.Errorf("read the ids of the secret keys: %w", err)
	}
	ours := 0
	for _, key := range k.keys {
		id := key.name()
		if !slices.Contains(known, id) {
			continue
		}
		ours++
		proof, err := db.KeyProof(ctx, id)
		if err != nil {
			return fmt.Errorf("read the proof of the secret key %s: %w", id, err)
		}
		if text, err := k.Open(proof, proofContext); err != nil || string(text) != id {
			return fmt.Errorf("the database's proof of the secret key %s is damaged: restore the database from a backup", id)
		}
	}
	if len(known) > 0 && ours == 0 {
		return &WrongKeyError{File: k.file, Known: known}
	}
	if slices.Contains(known, k.ID()) {
		return nil
	}
	if err := db.InsertKeyProof(ctx, k.ID(), k.Seal([]byte(k.ID()), proofContext)); err != nil {
		return fmt.Errorf("store the proof of the secret key %s: %w", k.ID(), err)
	}
	return nil
}
