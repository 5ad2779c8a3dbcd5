package e2e

import (
	"strings"
	"testing"

	"baton.example/baton/internal/testkit/pgtest"
)

// sealed waits until every audit event is sealed, and expects that the chain is
// sound and has all of them. A head that was saved before still holds.
func (p *program) sealed(saved string) (head string) {
	p.t.Helper()
	var report string
	eventually(p.t, "every audit event is sealed", func() bool {
		args := []string{"audit", "verify"}
		if saved != "" {
			args = append(args, "--head", saved)
		}
		report = p.beside(args...)
		return strings.HasSuffix(report, "unsealed  0")
	})
	if n := value[string](p, "SELECT count(*) FROM audit_events"); !strings.Contains(report, "sealed    "+n+"\n") {
		p.t.Errorf("there are %s audit events, and the report is\n%s", n, report)
	}
	return strings.Fields(report)[1]
}

// TestAuditLogSurvivesKills ends the process in the middle of a load, between
// the commits of events and their seals, again and again.
func TestAuditLogSurvivesKills(t *testing.T) {
	t.Parallel()
	onBothNew(t, func(t *testing.T, s setup) {
		p := start(t, s)
		l := newLoad(p, 0)
		for range 3 {
			l.more("runners are created", &l.acknowledged, 30)
			p.kill()
			l.more("the callers notice", &l.broken, 1)
			p = p.again()
		}
		l.end()
		p.sealed(p.sealed(""))
	})
}

// TestAuditSealerIsReplaced kills one of two servers right after it has written
// events: the other one, which was told nothing, seals what is left.
func TestAuditSealerIsReplaced(t *testing.T) {
	t.Parallel()
	s := setup{dir: t.TempDir(), postgres: pgtest.URL(t)}
	p, q := start(t, s), start(t, s)
	head := ""
	for _, pair := range [][2]*program{{p, q}, {q, nil}} {
		writes, stays := pair[0], pair[1]
		client := dial(t, writes.url, writes.root)
		for range 50 {
			must(client.Users.CreateUserRunner(instanceRunner()))(t)
		}
		writes.kill()
		if stays == nil {
			stays = writes.again() // nobody was left: the next one to start does it
		}
		head = stays.sealed(head)
	}
}
