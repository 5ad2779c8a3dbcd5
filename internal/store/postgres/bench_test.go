package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"baton.example/baton/internal/store"
	"baton.example/baton/internal/store/batch"
	"baton.example/baton/internal/store/storetest"
	"baton.example/baton/internal/testkit/pgtest"
)

func openBench(b *testing.B) store.Store {
	b.Helper()
	s, err := Open(b.Context(), pgtest.Server(b, pgtest.Options{Durable: true}).URL(), slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	return s
}

func BenchmarkCreateRunner(b *testing.B) { storetest.BenchCreateRunner(b, openBench) }

// BenchmarkInsertRunnerRow is the floor of BenchmarkCreateRunner: the row in
// runners alone, through the same batcher.
func BenchmarkInsertRunnerRow(b *testing.B) {
	for _, n := range []int{1, 64} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			db, err := open(b.Context(), pgtest.Server(b, pgtest.Options{Durable: true}).URL(), slog.New(slog.DiscardHandler))
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close()
			now := time.Now()
			batcher := batch.New(batch.Options{}, func(error) batch.Verdict { return batch.Fail }, func(ctx context.Context, all [][]byte) error {
				_, err := db.ExecContext(ctx, `INSERT INTO runners (type, description, maintenance_note, paused, locked,
					run_untagged, access_level, token_digest, token_created_at, asked_for_jobs, created_at, updated_at)
					SELECT 'instance_type', 'a runner of the benchmark', '', false, false, true, 'not_protected', digest, $2, false, $2, $2
					FROM unnest($1::bytea[]) AS n (digest)`, all, now)
				return err
			})
			defer batcher.Close()
			storetest.Parallel(b, n, func() error {
				digest := storetest.NewCreation(0).Token
				return batcher.Do(context.Background(), digest[:])
			})
		})
	}
}
