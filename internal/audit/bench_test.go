package audit_test

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/audit"
	"baton.example/baton/internal/store"
	"baton.example/baton/internal/store/storetest"
)

// BenchmarkSeal seals events that are there already: an operation is one event.
func BenchmarkSeal(b *testing.B) {
	for _, kind := range kinds {
		b.Run(kind.name, func(b *testing.B) {
			l := kind.log(b)
			s := l.store()
			event := storetest.NewCreation(0).Audit(1)
			for left := b.N; left > 0; left -= 1000 {
				err := s.Tx(b.Context(), func(ctx context.Context, tx store.Tx) error {
					return tx.InsertAuditEvent(ctx, slices.Repeat([]baton.AuditEvent{event}, min(left, 1000))...)
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ResetTimer()
			for l.seal(s) > 0 {
			}
		})
	}
}

// BenchmarkCreateRunner creates runners from 64 goroutines, without and with
// somebody who seals their events. It reports how long the last of them waited.
func BenchmarkCreateRunner(b *testing.B) {
	for _, kind := range kinds {
		for _, seals := range []bool{false, true} {
			name := map[bool]string{false: "unsealed", true: "sealed"}[seals]
			b.Run(kind.name+"/"+name, func(b *testing.B) {
				s := kind.log(b).store()
				ctx, stop := context.WithCancel(b.Context())
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					if seals {
						audit.Seal(ctx, s, slog.New(slog.DiscardHandler))
					}
				}()
				storetest.Parallel(b, 64, func() error {
					_, err := s.CreateRunner(ctx, storetest.NewCreation(0))
					return err
				})
				b.StopTimer()
				begin := time.Now()
				for tail := (store.AuditTail{Waiting: 1}); seals && tail.Waiting > 0; {
					var err error
					if tail, err = s.AuditTail(ctx); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(time.Since(begin).Milliseconds()), "ms-until-sealed")
				stop()
				<-ended
			})
		}
	}
}
