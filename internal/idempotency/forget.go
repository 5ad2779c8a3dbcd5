package idempotency

import (
	"context"
	"fmt"
	"time"

	"baton.example/baton/internal/store"
)

// A Writer is what [Forget] needs of the database.
type Writer interface {
	Tx(ctx context.Context, fn func(ctx context.Context, tx store.Tx) error) error
}

// Forget deletes the stored answers whose life has ended.
func Forget(ctx context.Context, db Writer, now time.Time) error {
	err := db.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
		_, err := tx.DeleteAnswers(ctx, now)
		return err
	})
	if err != nil {
		return fmt.Errorf("forget stored answers: %w", err)
	}
	return nil
}
