package audit_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/audit"
	"baton.example/baton/internal/store"
	"baton.example/baton/internal/store/postgres"
	"baton.example/baton/internal/store/sqlite"
	"baton.example/baton/internal/testkit/need"
	"baton.example/baton/internal/testkit/pgtest"
)

// A log is a database with an audit log, of which a test may open several
// stores, and which it can tamper with.
type auditLog struct {
	testing.TB

	open func() (store.Store, error)
	raw  *sql.DB
}

// kinds are the databases that every test runs on.
var kinds = []struct {
	name string
	log  func(testing.TB) *auditLog
}{
	{"sqlite", func(t testing.TB) *auditLog {
		t.Helper()
		path := filepath.Join(t.TempDir(), "baton.db")
		return newLog(t, "sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?_pragma=busy_timeout(10000)",
			func() (store.Store, error) { return sqlite.Open(t.Context(), path, slog.New(slog.DiscardHandler)) })
	}},
	{"postgres", func(t testing.TB) *auditLog {
		t.Helper()
		at := pgtest.URL(t)
		return newLog(t, "pgx", at, func() (store.Store, error) { return postgres.Open(t.Context(), at, slog.New(slog.DiscardHandler)) })
	}},
}

func newLog(t testing.TB, driver, source string, open func() (store.Store, error)) *auditLog {
	t.Helper()
	raw, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = raw.Close() })
	return &auditLog{t, open, raw}
}

// store opens a store, which the test closes at its end if it does not before.
func (l *auditLog) store() store.Store {
	l.Helper()
	s, err := l.open()
	if err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() { _ = s.Close() })
	return s
}

// write writes n events, each in a transaction of its own.
func (l *auditLog) write(s store.Store, n int) {
	l.Helper()
	for range n {
		err := s.Tx(l.Context(), func(ctx context.Context, tx store.Tx) error {
			return tx.InsertAuditEvent(ctx, baton.AuditEvent{
				Name: "ci_runner_updated", AuthorID: 1, AuthorName: "A", IP: "::1", TargetType: "Ci::Runner", TargetID: 3,
				Message: "Updated instance CI runner", CreatedAt: time.Now(),
				Changes: []baton.AuditChange{{Attribute: "tag_list", From: "a", To: "b"}},
			})
		})
		if err != nil {
			l.Error(err)
			return
		}
	}
}

// seal seals what waits.
func (l *auditLog) seal(s store.Store) int {
	l.Helper()
	n, err := s.SealAuditEvents(l.Context(), 1000, audit.Links)
	if err != nil {
		l.Fatal(err)
	}
	return n
}

func (l *auditLog) exec(statement string) {
	l.Helper()
	if _, err := l.raw.ExecContext(l.Context(), statement); err != nil {
		l.Fatalf("%s: %v", statement, err)
	}
}

// verify returns the report and the problems.
func (l *auditLog) verify(s store.Store, saved *baton.AuditHead) (audit.Report, []string) {
	l.Helper()
	var problems []string
	r, err := audit.Verify(l.Context(), s, saved, func(p string) { problems = append(problems, p) })
	if err != nil {
		l.Fatal(err)
	}
	if r.Problems != len(problems) {
		l.Errorf("%d problems are reported, %d were found", r.Problems, len(problems))
	}
	return r, problems
}

// onBoth runs a test on both databases.
func onBoth(t *testing.T, test func(*testing.T, *auditLog)) {
	t.Helper()
	t.Parallel()
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			test(t, kind.log(t))
		})
	}
}

// Whatever somebody does to the log behind Baton's back is found, and named.
func TestTamperingIsFound(t *testing.T) {
	t.Parallel()
	const hash = "[0-9a-f]{64}"
	for _, tamper := range []struct {
		name       string
		statements []string
		want       []string
	}{
		{"nothing", nil, nil},
		{"a value", []string{"UPDATE audit_events SET author_name = 'B' WHERE id = 7"}, []string{"position 7: event 7 is not what was sealed"}},
		{"changes", []string{`UPDATE audit_events SET changes = '[["tag_list","a","c"]]' WHERE id = 7`}, []string{"position 7: event 7 is not what was sealed"}},
		{"changes that are none", []string{"UPDATE audit_events SET changes = '{' WHERE id = 7"}, []string{"position 7: event 7 is not what was sealed"}},
		{"a value that is missing", []string{"UPDATE audit_events SET author_id = NULL WHERE id = 7"}, []string{"position 7: event 7 is not what was sealed"}},
		{"an event in the middle", []string{"DELETE FROM audit_events WHERE id = 7"}, []string{"position 7: event 7 is missing"}},
		{"an event and its link", []string{"DELETE FROM audit_events WHERE id = 7", "DELETE FROM audit_seals WHERE position = 7"}, []string{"position 7 is missing"}},
		{"an event, and the positions closed up", []string{
			"DELETE FROM audit_events WHERE id = 7", "DELETE FROM audit_seals WHERE position = 7",
			"UPDATE audit_seals SET position = -position + 1 WHERE position > 7", "UPDATE audit_seals SET position = -position WHERE position < 0",
		}, []string{"position 7: event 8 is not what was sealed", "position 8: .*", "position 9: .*", "position 10: .*", "position 11: .*", "position 12 is missing", "position 12, which was saved, is not there"}},
		{"the end", []string{"DELETE FROM audit_events WHERE id IN (11, 12)"}, []string{"position 11: event 11 is missing", "position 12: event 12 is missing"}},
		{"the end with its links", []string{"DELETE FROM audit_events WHERE id IN (11, 12)", "DELETE FROM audit_seals WHERE position > 10"}, []string{"positions 11 to 12 are missing", "position 12, which was saved, is not there"}},
		{"the end and the head", []string{
			"DELETE FROM audit_events WHERE id IN (11, 12)", "DELETE FROM audit_seals WHERE position > 10",
			"UPDATE audit_chain SET position = 10, hash = (SELECT hash FROM audit_seals WHERE position = 10)",
		}, []string{"position 12, which was saved, is not there"}},
		{"everything", []string{"DELETE FROM audit_events", "DELETE FROM audit_seals"}, []string{
			"positions 1 to 12 are missing", "position 12, which was saved, is not there",
			"event 13 is missing; it was not sealed yet", "event 14 is missing; it was not sealed yet",
		}},
		{"two events for each other", []string{
			"UPDATE audit_seals SET event_id = CASE event_id WHEN 3 THEN 5 ELSE 3 END WHERE event_id IN (3, 5)",
		}, []string{"position 3: event 5 is not what was sealed", "position 5: event 3 is not what was sealed"}},
		{"what two events say", []string{
			"UPDATE audit_events SET id = -3 WHERE id = 3", "UPDATE audit_events SET id = 3 WHERE id = 5", "UPDATE audit_events SET id = 5 WHERE id = -3",
		}, []string{"position 3: event 3 is not what was sealed", "position 5: event 5 is not what was sealed"}},
		{"a hash", []string{"UPDATE audit_seals SET hash = (SELECT hash FROM audit_seals WHERE position = 1) WHERE position = 7"}, []string{"position 7: event 7 is not what was sealed"}},
		{"a hash that is none", []string{"UPDATE audit_seals SET hash = '' WHERE position = 7"}, []string{"position 7: event 7 is not what was sealed"}},
		{"every hash", []string{"UPDATE audit_seals SET hash = ''"}, []string{
			"position 1: .*", "position 2: .*", "position 3: .*", "position 4: .*", "position 5: .*", "position 6: .*", "position 7: .*",
			"position 8: .*", "position 9: .*", "position 10: .*", "position 11: .*", "position 12: event 12 is not what was sealed",
			"position 12: the hash is 0{64} now, and was " + hash + " when it was saved",
			"position 12: the hash is 0{64}, and " + hash + " in the stored head",
		}},
		{"the hash of the head", []string{"UPDATE audit_chain SET hash = ''"}, []string{"position 12: the hash is " + hash + ", and 0{64} in the stored head"}},
		{"no head", []string{"DELETE FROM audit_chain"}, []string{"position 12, which was saved, is not there", "position 1 is behind the end of the chain"}},
		{"the head", []string{"UPDATE audit_chain SET hash = (SELECT hash FROM audit_seals WHERE position = 1)"}, []string{"position 12: the hash is " + hash + ", and " + hash + " in the stored head"}},
		{"the version", []string{"UPDATE audit_seals SET version = 2 WHERE position = 7"}, []string{"position 7: version 2 of the encoding is unknown to this program"}},
		{"an event that waits", []string{"DELETE FROM audit_events WHERE id = 14"}, []string{"event 14 is missing; it was not sealed yet"}},
		{"what waits", []string{"DELETE FROM audit_unsealed WHERE event_id = 14"}, []string{"event 14 is neither sealed nor waiting for it"}},
	} {
		t.Run(tamper.name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, l *auditLog) {
				t.Helper()
				s := l.store()
				l.write(s, 12)
				if n := l.seal(s); n != 12 {
					t.Fatalf("sealed %d events, want 12", n)
				}
				saved, err := s.AuditHead(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				l.write(s, 2)
				for _, statement := range tamper.statements {
					l.exec(statement)
				}
				_, problems := l.verify(s, &saved)
				if len(problems) != len(tamper.want) || !slices.EqualFunc(problems, tamper.want, func(got, want string) bool {
					return regexp.MustCompile("^" + want + "$").MatchString(got)
				}) {
					t.Errorf("found\n%s\nwant\n%s", strings.Join(problems, "\n"), strings.Join(tamper.want, "\n"))
				}
			})
		})
	}
}

// A chain that is longer than what is read at a time, and grows while it is
// read.
func TestLongChain(t *testing.T) {
	onBoth(t, func(t *testing.T, l *auditLog) {
		t.Helper()
		s := l.store()
		event := baton.AuditEvent{Name: "n", CreatedAt: time.Now()}
		err := s.Tx(t.Context(), func(ctx context.Context, tx store.Tx) error {
			return tx.InsertAuditEvent(ctx, slices.Repeat([]baton.AuditEvent{event}, 2500)...)
		})
		if err != nil {
			t.Fatal(err)
		}
		for l.seal(s) > 0 {
		}
		l.exec("UPDATE audit_events SET message = 'x' WHERE id IN (1, 1000, 1001, 2000, 2500)")
		r, problems := l.verify(s, nil)
		if r.Sealed != 2500 || r.Head.Position != 2500 || len(problems) != 5 {
			t.Errorf("%d sealed, head %v, problems %v", r.Sealed, r.Head, problems)
		}
	})
}

// What was committed is sealed, whoever committed it and whatever became of
// them: nothing but the database knows of it.
func TestCrashLosesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, l *auditLog) {
		t.Helper()
		first := l.store()
		l.write(first, 3)
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
		s := l.store()
		if n := l.seal(s); n != 3 {
			t.Errorf("sealed %d events, want 3", n)
		}
		if r, problems := l.verify(s, nil); r.Sealed != 3 || r.Tail.Waiting != 0 || problems != nil {
			t.Errorf("%+v, %v", r, problems)
		}
	})
}

// Several programs write and seal at once; one of them ends in between.
func TestSealTogether(t *testing.T) {
	onBoth(t, func(t *testing.T, l *auditLog) {
		t.Helper()
		const writers, each = 4, 25
		log := slog.New(slog.DiscardHandler)
		leaving, stays := l.store(), l.store()
		ctx, stop := context.WithCancel(t.Context())
		var sealers, work sync.WaitGroup
		left, leave := context.WithCancel(ctx)
		sealers.Go(func() { audit.Seal(left, leaving, log) })
		sealers.Go(func() { audit.Seal(ctx, stays, log) })
		for i := range writers {
			work.Go(func() {
				for range each {
					l.write([]store.Store{leaving, stays}[i%2], 1)
				}
			})
		}
		work.Wait()
		leave()
		l.write(stays, 1)
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
			tail, err := stays.AuditTail(t.Context())
			if err != nil || time.Now().After(deadline) {
				t.Fatalf("not everything was sealed: %+v, %v", tail, err)
			}
			if tail.Waiting == 0 {
				break
			}
		}
		stop()
		sealers.Wait()
		if r, problems := l.verify(stays, nil); r.Sealed != writers*each+1 || problems != nil {
			t.Errorf("%+v, %v", r, problems)
		}
	})
}

// While one program is at it, no other seals; when it dies, another one does.
func TestOneSealsAtATime(t *testing.T) {
	t.Parallel()
	l := kinds[1].log(t)
	s := l.store()
	l.write(s, 1)
	tx, err := l.raw.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(t.Context(), "SELECT pg_advisory_xact_lock(hashtextextended('baton audit seals in ' || current_schema(), 0))"); err != nil {
		t.Fatal(err)
	}
	if n := l.seal(s); n != 0 {
		t.Errorf("sealed %d events beside another", n)
	}
	// A process that is killed leaves a connection that PostgreSQL ends.
	var pid int
	if err := tx.QueryRowContext(t.Context(), "SELECT pg_backend_pid()").Scan(&pid); err != nil {
		t.Fatal(err)
	}
	l.exec(fmt.Sprintf("SELECT pg_terminate_backend(%d, 10000)", pid))
	if n := l.seal(s); n != 1 {
		t.Errorf("sealed %d events after the other's end, want 1", n)
	}
}

// Somebody else can verify the log: the program in docs/audit.md, which shares
// nothing with this one, computes the same head, and notices a change.
func TestDocumentedProgram(t *testing.T) {
	t.Parallel()
	python := need.Program(t, "python3", need.Debian)
	page, err := os.ReadFile("../../docs/audit.md")
	if err != nil {
		t.Fatal(err)
	}
	_, program, _ := strings.Cut(string(page), "```python\n")
	program, _, _ = strings.Cut(program, "```")
	path := filepath.Join(t.TempDir(), "baton.db")
	l := newLog(t, "sqlite", "file:"+path, func() (store.Store, error) { return sqlite.Open(t.Context(), path, slog.New(slog.DiscardHandler)) })
	s := l.store()
	l.write(s, 3)
	err = s.Tx(t.Context(), func(ctx context.Context, tx store.Tx) error {
		return tx.InsertAuditEvent(ctx, baton.AuditEvent{Name: "bare", CreatedAt: time.Now()}, baton.AuditEvent{
			Name: "n", AuthorName: "Zoë", Source: baton.InProject(7), EntityPath: "g/p", TargetType: "T", TargetID: -1, TargetDetails: "d",
			Message: "<m>", CreatedAt: time.UnixMicro(1),
			Changes: []baton.AuditChange{{Attribute: "a", From: "", To: `"ß<`}, {Attribute: "b", From: "1", To: ""}},
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	l.seal(s)
	head, err := s.AuditHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	run := func() (string, error) {
		out, err := exec.CommandContext(t.Context(), python, "-c", program, path).CombinedOutput()
		return strings.TrimSpace(string(out)), err
	}
	if out, err := run(); err != nil || out != head.String() {
		t.Errorf("got %s, %v; want %s", out, err, head)
	}
	l.exec("UPDATE audit_events SET message = 'x' WHERE id = 2")
	if out, err := run(); err == nil || out != "position 2: event 2 is not what was sealed" {
		t.Errorf("after a change: got %s, %v", out, err)
	}
}
