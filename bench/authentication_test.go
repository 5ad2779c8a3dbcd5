package bench

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/store/sqlite"
	"baton.example/baton/internal/store/sqlstore"
	"baton.example/baton/internal/testkit/load"
)

// BenchmarkAuthentication is a request that costs little but its token, drawn
// from all of the database's at random, with a thousand and with a million of
// them on SQLite; and, below HTTP, what a token leads to by itself.
func BenchmarkAuthentication(b *testing.B) {
	for _, tokens := range []int{1_000, 1_000_000} {
		dir := withTokens(b, tokens)
		b.Run(fmt.Sprintf("http/tokens=%d", tokens), func(b *testing.B) {
			p := start(b, dir)
			defer p.stop(b)
			load.Load{
				Addr: p.addr(), Conns: 1, Want: http.StatusOK,
				Next: func(int) string { return load.Get("/api/v4/version", benchToken(rand.IntN(tokens))) },
			}.Run(b)
		})
		b.Run(fmt.Sprintf("store/tokens=%d", tokens), func(b *testing.B) {
			db, err := sqlite.Open(b.Context(), filepath.Join(dir, "baton.db"), slog.New(slog.DiscardHandler))
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = db.Close() }()
			for b.Loop() {
				p, err := db.Principal(b.Context(), baton.DigestOf(benchToken(rand.IntN(tokens))))
				if err != nil || p.Token == nil {
					b.Fatal("no such token ", err)
				}
			}
		})
	}
}

func benchToken(n int) string { return fmt.Sprintf("glpat-%020d", n) }

// withTokens returns a data directory whose root has so many access tokens.
func withTokens(b *testing.B, n int) string {
	b.Helper()
	dir := b.TempDir()
	start(b, dir).stop(b)
	db, err := sqlite.OpenDatabase(b.Context(), filepath.Join(dir, "baton.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
	}()
	now := time.Now()
	for first := 0; first < n; first += 10_000 {
		err := db.Tx(b.Context(), func(ctx context.Context, q sqlstore.Querier) error {
			for i := first; i < min(first+10_000, n); i++ {
				digest := baton.DigestOf(benchToken(i))
				_, err := q.ExecContext(ctx, `INSERT INTO access_tokens
					(digest, user_id, name, description, scopes, revoked, last_used_at, last_used_ips, created_at)
					VALUES ($1, 1, 'bench', '', 'api', FALSE, $2, '127.0.0.1', $2)`, digest[:], now)
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return dir
}
