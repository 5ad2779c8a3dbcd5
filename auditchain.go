package baton

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// An AuditHead is a place in the chain of sealed audit events: who knows it can
// tell later whether anything up to there was changed. The zero value is the
// head of a chain without events.
type AuditHead struct {
	// Position is how many events there are up to here.
	Position int64
	// Hash depends on every one of them.
	Hash ChainHash
}

// A ChainHash is a hash in the chain of audit events.
type ChainHash [sha256.Size]byte

// String returns the hash in hexadecimal digits.
func (h ChainHash) String() string { return hex.EncodeToString(h[:]) }

// String returns position and hash, with a colon between.
func (h AuditHead) String() string { return fmt.Sprintf("%d:%s", h.Position, h.Hash) }

// UnmarshalText implements [encoding.TextUnmarshaler]. It reads what String
// wrote.
func (h *AuditHead) UnmarshalText(text []byte) error {
	position, digits, _ := strings.Cut(string(text), ":")
	n, err := strconv.ParseInt(position, 10, 64)
	hash, hexErr := hex.DecodeString(digits)
	if err != nil || n < 0 || hexErr != nil || len(hash) != len(h.Hash) {
		return fmt.Errorf("%q is no head of the audit log: it is a position, a colon and 64 hexadecimal digits", text)
	}
	*h = AuditHead{Position: n, Hash: ChainHash(hash)}
	return nil
}
