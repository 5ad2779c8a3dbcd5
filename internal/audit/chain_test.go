package audit

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"baton.example/baton"
)

// A decoder takes an encoding apart, in the order of docs/audit.md.
type decoder struct {
	t    *rapid.T
	rest []byte
}

func (d *decoder) number() int64 {
	if len(d.rest) < 8 {
		d.t.Fatal("the encoding is too short")
	}
	n := int64(binary.BigEndian.Uint64(d.rest))
	d.rest = d.rest[8:]
	return n
}

func (d *decoder) text() string {
	n := d.number()
	if n < 0 || n > int64(len(d.rest)) {
		d.t.Fatal("a text is longer than the encoding")
	}
	s := string(d.rest[:n])
	d.rest = d.rest[n:]
	return s
}

// What can be taken apart again is what no other event is encoded as.
func TestEncodingCanBeTakenApart(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.StringN(0, 3, -1), rapid.SampledFrom([]string{"", "\x00", "\x00\x00\x00\x00\x00\x00\x00\x01", "a\x00", "\xff"}))
		number := rapid.OneOf(rapid.Int64(), rapid.Int64Range(0, 2))
		position := number.Draw(t, "position")
		e := baton.AuditEvent{
			ID: number.Draw(t, "id"), Name: text.Draw(t, "name"), AuthorID: baton.UserID(number.Draw(t, "author")),
			AuthorName: text.Draw(t, "author name"), IP: text.Draw(t, "ip"),
			Source: baton.Source{
				Namespace: baton.NamespaceID(number.Draw(t, "namespace")), Project: baton.ProjectID(number.Draw(t, "project")),
			},
			UserID: baton.UserID(number.Draw(t, "user")), EntityPath: text.Draw(t, "path"), TargetType: text.Draw(t, "type"),
			TargetID: number.Draw(t, "target"), TargetDetails: text.Draw(t, "details"), Message: text.Draw(t, "message"),
			CreatedAt: time.UnixMicro(rapid.Int64Range(-1<<50, 1<<50).Draw(t, "time")).UTC(),
		}
		for range rapid.IntRange(0, 3).Draw(t, "changes") {
			e.Changes = append(e.Changes, baton.AuditChange{
				Attribute: text.Draw(t, "attribute"), From: text.Draw(t, "from"), To: text.Draw(t, "to"),
			})
		}
		d := &decoder{t, Encode(position, &e)}
		if version, at := d.number(), d.number(); version != Version || at != position {
			t.Fatalf("version %d, position %d", version, at)
		}
		is := baton.AuditEvent{
			ID: d.number(), Name: d.text(), AuthorID: baton.UserID(d.number()), AuthorName: d.text(), IP: d.text(),
			Source: baton.Source{Namespace: baton.NamespaceID(d.number()), Project: baton.ProjectID(d.number())},
			UserID: baton.UserID(d.number()), EntityPath: d.text(), TargetType: d.text(), TargetID: d.number(),
			TargetDetails: d.text(), Message: d.text(),
		}
		for range d.number() {
			is.Changes = append(is.Changes, baton.AuditChange{Attribute: d.text(), From: d.text(), To: d.text()})
		}
		is.CreatedAt = time.UnixMicro(d.number()).UTC()
		if diff := cmp.Diff(e, is); diff != "" || len(d.rest) > 0 {
			t.Errorf("%d bytes are left; -encoded +decoded:\n%s", len(d.rest), diff)
		}
	})
}

// What was sealed once has to be what it was: this hash changes with version 2
// and not before.
func TestVersion1(t *testing.T) {
	t.Parallel()
	e := baton.AuditEvent{
		ID: 17, Name: "ci_runner_updated", AuthorID: 2, AuthorName: "Zoë", IP: "::1", Source: baton.InProject(3),
		EntityPath: "tools/app", TargetType: "Ci::Runner", TargetID: 5, TargetDetails: "/tools/app/-/runners/5",
		Message: "Updated project CI runner", CreatedAt: time.Date(2026, 1, 5, 9, 0, 0, 123456000, time.UTC),
		Changes: []baton.AuditChange{{Attribute: "tag_list", From: "", To: "a,b"}},
	}
	const want = "42:0b2202d70cc689242b2f8f8e9bb4b2d1275e9c05b54ad3548cdab4abafe593ee"
	if got := Links(baton.AuditHead{Position: 41, Hash: baton.ChainHash{1}}, []baton.AuditEvent{e})[0].String(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
