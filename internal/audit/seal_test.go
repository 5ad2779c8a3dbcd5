package audit_test

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/audit"
	"baton.example/baton/internal/store"
	"baton.example/baton/internal/store/sqlite"
)

// A bubble is an audit log in a bubble of time, which somebody seals.
type bubble struct {
	*auditLog

	here, elsewhere store.Store
	log             bytes.Buffer
}

// inBubble runs a test on a log that is sealed by way of one store, and written
// by way of two, as by two processes.
func inBubble(t *testing.T, test func(*bubble)) {
	t.Helper()
	path := t.TempDir() + "/baton.db"
	synctest.Test(t, func(t *testing.T) {
		b := &bubble{auditLog: newLog(t, "sqlite", "file:"+path, func() (store.Store, error) {
			return sqlite.Open(t.Context(), path, slog.New(slog.DiscardHandler))
		})}
		b.here, b.elsewhere = b.store(), b.store()
		ctx, stop := context.WithCancel(t.Context())
		var sealer sync.WaitGroup
		sealer.Go(func() { audit.Seal(ctx, b.here, slog.New(slog.NewTextHandler(&b.log, nil))) })
		test(b)
		stop()
		sealer.Wait()
	})
}

// within lets time pass and expects as many events to wait then.
func (b *bubble) within(d time.Duration, want int) {
	b.Helper()
	time.Sleep(d)
	synctest.Wait()
	n, _, err := b.here.AuditWaiting(b.Context())
	if err != nil || n != want {
		b.Errorf("after %s %d events wait to be sealed (%v), want %d", d, n, err, want)
	}
}

// An event is sealed within a second, whichever process wrote it, and however
// many were written at once.
func TestSealedWithinASecond(t *testing.T) {
	t.Parallel()
	inBubble(t, func(b *bubble) {
		for range 5 {
			b.write(b.here, 1)
			b.within(time.Second, 0)
			b.write(b.elsewhere, 1)
			b.within(time.Second, 0)
			time.Sleep(130 * time.Millisecond) // at any time between two looks
		}
		if err := b.elsewhere.Tx(b.Context(), func(ctx context.Context, tx store.Tx) error {
			return tx.InsertAuditEvent(ctx, slices.Repeat([]baton.AuditEvent{{Name: "ci_runner_unregistered", CreatedAt: time.Now()}}, 1700)...)
		}); err != nil {
			b.Fatal(err)
		}
		b.within(time.Second, 0)
		if r, problems := b.verify(b.here, nil); r.Sealed != 1710 || problems != nil {
			b.Errorf("%+v, %v", r, problems)
		}
	})
}

// What could not be sealed waits, and is sealed within a second after it can be
// again. The log has a line for each of the two, however long it took.
func TestSealingIsTriedAgain(t *testing.T) {
	t.Parallel()
	inBubble(t, func(b *bubble) {
		b.exec("ALTER TABLE audit_seals RENAME TO audit_seals_broken")
		b.write(b.here, 3)
		b.within(time.Hour, 3)
		b.exec("ALTER TABLE audit_seals_broken RENAME TO audit_seals")
		b.within(time.Second, 0)
		if log := b.log.String(); strings.Count(log, "\n") != 2 || !strings.Contains(log, "cannot be sealed") || !strings.Contains(log, "are sealed again") {
			b.Errorf("the log is %q, want a line when it began and one when it ended", log)
		}
	})
}
