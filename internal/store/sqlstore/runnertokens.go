package sqlstore

import (
	"context"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

// The newest token of a runner is part of its row, so that a creation writes
// one row and a call of gitlab-runner reads one. Those that it replaced and
// that still work are in a table of their own.
var runnerTokens = define("Runner token", "runner_tokens k", func(t *baton.RunnerToken) []column {
	return []column{
		{"runner_id", &t.RunnerID, fixed},
		{"number", &t.Number, fixed},
		{"created_at", at(&t.CreatedAt), fixed},
		{"expires_at", at(&t.ExpiresAt), fixed},
	}
})

func (r reader) RunnerByToken(ctx context.Context, token baton.Digest) (baton.Runner, baton.RunnerToken, error) {
	runner, t, err := r.runnerByToken(ctx, "r.token_number, r.token_created_at, r.token_expires_at", "runners r", "r.token_digest", token)
	if baton.IsNotFound(err) {
		// A token leaves the row for the table and never comes back: it cannot
		// be missed between the two.
		return r.runnerByToken(ctx, "k.number, k.created_at, k.expires_at", "runner_tokens k JOIN runners r ON r.id = k.runner_id", "k.digest", token)
	}
	return runner, t, err
}

func (r reader) runnerByToken(ctx context.Context, columns, from, digest string, token baton.Digest) (baton.Runner, baton.RunnerToken, error) {
	var t baton.RunnerToken
	runner, err := runners.first(r.taggedRunners(ctx, []any{&t.Number, at(&t.CreatedAt), at(&t.ExpiresAt)},
		"SELECT "+runners.columns+", "+columns+", g.tag FROM "+from+joinTags+"WHERE "+digest+" = $1 ORDER BY g.position", token[:]))
	t.RunnerID = runner.ID
	return runner, t, err
}

// newestToken reads the token in a runner's row as one of the table.
const newestToken = "SELECT id, token_number, token_digest, token_created_at, token_expires_at FROM runners WHERE id = $1" //nolint:gosec // names of columns are no credentials

func (r reader) RunnerTokens(ctx context.Context, id baton.RunnerID) ([]baton.RunnerToken, error) {
	return runnerTokens.query(ctx, r, "SELECT "+runnerTokens.columns+` FROM (
			SELECT runner_id, number, digest, created_at, expires_at FROM runner_tokens WHERE runner_id = $1
			UNION ALL `+newestToken+`
		) k ORDER BY k.number`, id)
}

func (w writer) RotateRunnerToken(ctx context.Context, n store.Rotation) error {
	t := n.Token
	if _, err := w.exec(ctx, "move Runner token",
		"INSERT INTO runner_tokens (runner_id, number, digest, created_at, expires_at) "+newestToken, t.RunnerID); err != nil {
		return err
	}
	retire := "UPDATE runner_tokens SET expires_at = CASE WHEN expires_at < $3 THEN expires_at ELSE $3 END"
	args := []any{t.RunnerID, n.Retired, at(&n.RetiredAt)}
	if n.RetiredAt.IsZero() {
		retire, args = "DELETE FROM runner_tokens", args[:2]
	}
	if _, err := w.exec(ctx, "retire Runner token", retire+" WHERE runner_id = $1 AND ($2 = 0 OR number = $2)", args...); err != nil {
		return err
	}
	if _, err := w.exec(ctx, "forget Runner token",
		"DELETE FROM runner_tokens WHERE runner_id = $1 AND expires_at < $2", t.RunnerID, at(&t.CreatedAt)); err != nil {
		return err
	}
	return w.touch(ctx, runners.thing, "rotate Runner token", `UPDATE runners SET token_number = $1, token_digest = $2,
		token_created_at = $3, token_expires_at = $4, updated_at = $3 WHERE id = $5`,
		t.Number, bytesOf(&n.Digest), at(&t.CreatedAt), at(&t.ExpiresAt), t.RunnerID)
}
