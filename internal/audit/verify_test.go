package audit

import (
	"testing"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

// However much was altered, a link costs the same; and what comes behind is told
// from it.
func TestAlteredLinksCostTheSame(t *testing.T) {
	t.Parallel()
	event := func(position int64) *baton.AuditEvent { return &baton.AuditEvent{ID: position, Name: "n"} }
	var sealed []baton.AuditEvent
	for position := range int64(100) {
		sealed = append(sealed, *event(position + 1))
	}
	links := Links(baton.AuditHead{}, sealed)
	for name, alter := range map[string]func(*store.AuditLink){
		"events": func(l *store.AuditLink) { l.Event.Name = "x" },
		"hashes": func(l *store.AuditLink) { l.Hash = baton.ChainHash{1} },
		"both":   func(l *store.AuditLink) { l.Event.Name, l.Hash = "x", baton.ChainHash{1} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := &verifier{found: func(string) {}, hashes: []baton.ChainHash{{}}}
			for i, l := range links {
				l.Event = event(l.Position)
				if i < 90 {
					alter(&l)
				}
				v.link(&l)
				if len(v.hashes) > mostHashes {
					t.Fatalf("position %d: %d hashes are kept, want %d at most", l.Position, len(v.hashes), mostHashes)
				}
			}
			want := 90
			if name == "both" {
				want++ // nothing tells what the hash behind the altered ones was made from
			}
			if v.report.Problems != want {
				t.Errorf("%d problems, want %d", v.report.Problems, want)
			}
		})
	}
}
