package sqlite

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/store"
	"baton.example/baton/internal/store/batch"
	"baton.example/baton/internal/store/sqlstore"
	"baton.example/baton/internal/store/storetest"
)

func openBench(b *testing.B) store.Store {
	b.Helper()
	s, err := Open(b.Context(), filepath.Join(b.TempDir(), "baton.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	return s
}

func BenchmarkCreateRunner(b *testing.B) { storetest.BenchCreateRunner(b, openBench) }

// BenchmarkInsertRunnerRow is the floor of BenchmarkCreateRunner: the row in
// runners alone, through the same batcher and writer.
func BenchmarkInsertRunnerRow(b *testing.B) {
	for _, n := range []int{1, 64} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			d, err := open(b.Context(), filepath.Join(b.TempDir(), "baton.db"), slog.New(slog.DiscardHandler))
			if err != nil {
				b.Fatal(err)
			}
			defer d.Close()
			now := time.Now()
			batcher := batch.New(batch.Options{}, func(error) batch.Verdict { return batch.Fail }, func(ctx context.Context, all []baton.Digest) error {
				return d.writer.do(ctx, func(ctx context.Context, q sqlstore.Querier) error {
					for _, digest := range all {
						if _, err := q.ExecContext(ctx, `INSERT INTO runners (type, description, maintenance_note, paused, locked,
							run_untagged, access_level, token_digest, token_created_at, asked_for_jobs, created_at, updated_at)
							VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $9, $9)`,
							"instance_type", "a runner of the benchmark", "", false, false, true, "not_protected", digest[:], now, false); err != nil {
							return err
						}
					}
					return nil
				})
			})
			defer batcher.Close()
			storetest.Parallel(b, n, func() error { return batcher.Do(context.Background(), storetest.NewCreation(0).Token) })
		})
	}
}
