package audit

import (
	"crypto/sha256"
	"encoding/binary"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

// Version is that of the encoding of new links. Links keep theirs: what was
// sealed in one encoding is verified in it.
const Version = 1

// Encode returns the canonical encoding, version 1, of an event at a position of
// the chain: every field in a fixed order, so that no two different events have
// the same one. Numbers are 8 bytes, the highest ahead; texts are a number, their
// length in bytes, and the bytes; the changes are a number, how many they are,
// and three texts each. What is missing is 0 or "". Times are in microseconds
// since 1970. docs/audit.md lists the fields.
func Encode(position int64, e *baton.AuditEvent) []byte {
	var b encoder
	b.numbers(Version, position, e.ID)
	b.texts(e.Name)
	b.numbers(int64(e.AuthorID))
	b.texts(e.AuthorName, e.IP)
	b.numbers(int64(e.Source.Namespace), int64(e.Source.Project), int64(e.UserID))
	b.texts(e.EntityPath, e.TargetType)
	b.numbers(e.TargetID)
	b.texts(e.TargetDetails, e.Message)
	b.numbers(int64(len(e.Changes)))
	for _, c := range e.Changes {
		b.texts(c.Attribute, c.From, c.To)
	}
	b.numbers(e.CreatedAt.UnixMicro())
	return b
}

type encoder []byte

func (b *encoder) numbers(all ...int64) {
	for _, n := range all {
		*b = binary.BigEndian.AppendUint64(*b, uint64(n))
	}
}

func (b *encoder) texts(all ...string) {
	for _, s := range all {
		b.numbers(int64(len(s)))
		*b = append(*b, s...)
	}
}

// next returns the head of a chain that ends in hash once the event is at the
// position: SHA-256 of that hash and the encoding.
func next(hash baton.ChainHash, position int64, e *baton.AuditEvent) baton.AuditHead {
	return baton.AuditHead{Position: position, Hash: sha256.Sum256(append(hash[:], Encode(position, e)...))}
}

// Links returns the links that append events to the chain with the head.
func Links(head baton.AuditHead, events []baton.AuditEvent) []store.AuditLink {
	links := make([]store.AuditLink, len(events))
	for i := range events {
		head = next(head.Hash, head.Position+1, &events[i])
		links[i] = store.AuditLink{AuditHead: head, Version: Version, EventID: events[i].ID}
	}
	return links
}
