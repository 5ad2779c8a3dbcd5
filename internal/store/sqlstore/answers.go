package sqlstore

import (
	"context"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

var answers = define("Answer", "answers a", func(a *store.Answer) []column {
	return []column{
		{"user_id", &a.UserID, fixed},
		{"key", bytesOf(&a.Key), fixed},
		{"request", bytesOf(&a.Request), fixed},
		{"sealed", &a.Sealed, fixed},
		{"expires_at", at(&a.ExpiresAt), fixed},
	}
})

func (r reader) Answer(ctx context.Context, user baton.UserID, key baton.Digest) (store.Answer, error) {
	return answers.one(ctx, r, "WHERE a.user_id = $1 AND a.key = $2", user, key[:])
}

func (w writer) DeleteAnswers(ctx context.Context, t time.Time) (int, error) {
	return w.exec(ctx, "delete answers", "DELETE FROM answers WHERE expires_at <= $1", at(&t))
}
