package audit

import (
	"context"
	"fmt"
	"slices"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

// A Report is what [Verify] found beside problems.
type Report struct {
	// Head is the end of the chain, as it is stored apart from it.
	Head baton.AuditHead
	// Sealed is how many links there are up to it.
	Sealed int64
	Tail   store.AuditTail
	// Problems is how many there are.
	Problems int
}

// page is how many links are read at a time.
const page = 1000

// Verify walks through the chain and compares it with the events, with its
// stored head and, unless that is nil, with a head that was saved earlier. It
// calls found for every problem as it comes to it, and needs no more memory for
// a long chain than for a short one. What is sealed meanwhile is left for the
// next time.
func Verify(ctx context.Context, s store.AuditReader, saved *baton.AuditHead, found func(problem string)) (Report, error) {
	v := &verifier{s: s, saved: saved, found: found}
	if err := v.run(ctx); err != nil {
		return Report{}, fmt.Errorf("verify audit log: %w", err)
	}
	return v.report, nil
}

// A verifier is on its way through the chain.
type verifier struct {
	s      store.AuditReader
	saved  *baton.AuditHead
	found  func(string)
	report Report

	// last is the link before.
	last baton.AuditHead
	// hashes are what the link before may have had, so that one that was altered
	// is not held against the next; nil when it is not there. There are
	// [mostHashes] at most, so that a log in which everything was altered costs no
	// more than another one.
	hashes []baton.ChainHash
	// met tells that there was a link at the position of the saved head.
	met bool
}

func (v *verifier) problem(format string, args ...any) {
	v.report.Problems++
	v.found(fmt.Sprintf(format, args...))
}

func (v *verifier) run(ctx context.Context) (err error) {
	// The tail ahead of the head: what is sealed in between counts twice, and not
	// at all the other way round.
	if v.report.Tail, err = v.s.AuditTail(ctx); err != nil {
		return err
	}
	if v.report.Head, err = v.s.AuditHead(ctx); err != nil {
		return err
	}
	v.hashes = []baton.ChainHash{{}}
	v.compareSaved(baton.AuditHead{}) // a chain without links has a head, too
	for v.last.Position < v.report.Head.Position {
		links, err := v.s.AuditLinks(ctx, v.last.Position, page)
		if err != nil {
			return err
		}
		links = slices.DeleteFunc(links, func(l store.AuditLink) bool { return l.Position > v.report.Head.Position })
		if len(links) == 0 {
			break
		}
		for i := range links {
			v.link(&links[i])
		}
	}
	v.end()
	v.tail()
	return v.behind(ctx)
}

// mostHashes is enough for the hash that a link has, for the one that it should
// have behind what the link before has, and for the one that it should have if
// all hashes so far were replaced.
const mostHashes = 3

// link looks at the next link.
func (v *verifier) link(l *store.AuditLink) {
	v.report.Sealed++
	v.gap(l.Position)
	hashes := []baton.ChainHash{l.Hash}
	switch {
	case l.Version != Version:
		v.problem("position %d: version %d of the encoding is unknown to this program", l.Position, l.Version)
	case l.Event == nil:
		v.problem("position %d: event %d is missing", l.Position, l.EventID)
	case v.hashes != nil:
		sound := false
		for _, before := range v.hashes {
			is := next(before, l.Position, l.Event)
			sound = sound || is.Hash == l.Hash
			hashes = append(hashes, is.Hash)
		}
		if sound {
			hashes = hashes[:1]
		} else {
			last := len(hashes) - 1
			hashes = slices.Delete(hashes, min(mostHashes-1, last), last)
			v.problem("position %d: event %d is not what was sealed", l.Position, l.EventID)
		}
	}
	v.hashes, v.last = hashes, l.AuditHead
	v.compareSaved(l.AuditHead)
}

// gap looks at what is missing ahead of a position.
func (v *verifier) gap(position int64) {
	if first, last := v.last.Position+1, position-1; first == last {
		v.problem("position %d is missing", first)
	} else if first < last {
		v.problem("positions %d to %d are missing", first, last)
	}
	if v.last.Position+1 != position {
		v.hashes = nil
	}
}

func (v *verifier) compareSaved(at baton.AuditHead) {
	if v.saved == nil || v.saved.Position != at.Position {
		return
	}
	v.met = true
	if *v.saved != at {
		v.problem("position %d: the hash is %s now, and was %s when it was saved", at.Position, at.Hash, v.saved.Hash)
	}
}

// end compares the last link with the head that is stored apart.
func (v *verifier) end() {
	head := v.report.Head
	v.gap(head.Position + 1)
	if v.last.Position == head.Position && v.last.Hash != head.Hash {
		v.problem("position %d: the hash is %s, and %s in the stored head", head.Position, v.last.Hash, head.Hash)
	}
	if v.saved != nil && !v.met {
		v.problem("position %d, which was saved, is not there", v.saved.Position)
	}
}

// behind looks for links behind the end of the chain.
func (v *verifier) behind(ctx context.Context) error {
	links, err := v.s.AuditLinks(ctx, v.report.Head.Position, 1)
	if err != nil || len(links) == 0 {
		return err
	}
	now, err := v.s.AuditHead(ctx) // read later: it may have moved, with the links
	if err == nil && now.Position < links[0].Position {
		v.problem("position %d is behind the end of the chain", links[0].Position)
	}
	return err
}

// tail looks at the events that are not sealed.
func (v *verifier) tail() {
	for _, id := range v.report.Tail.Gone {
		v.problem("event %d is missing; it was not sealed yet", id)
	}
	for _, id := range v.report.Tail.Stray {
		v.problem("event %d is neither sealed nor waiting for it", id)
	}
}
