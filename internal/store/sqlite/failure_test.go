package sqlite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"baton.example/baton"
	"baton.example/baton/internal/store/batch"
	"baton.example/baton/internal/store/sqlstore"
)

func openDatabase(t *testing.T) *database {
	t.Helper()
	d, err := open(t.Context(), filepath.Join(t.TempDir(), "baton.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func put(key string, size int) func(context.Context, sqlstore.Querier) error {
	return func(ctx context.Context, q sqlstore.Querier) error {
		_, err := q.ExecContext(ctx, "INSERT INTO secret_keys (key_id, proof) VALUES ($1, zeroblob($2))", key, size)
		return err
	}
}

// TestFullDiskFailsTheWholeBatch fills the database inside a batch, which
// SQLite then rolls back by itself.
func TestFullDiskFailsTheWholeBatch(t *testing.T) {
	d := openDatabase(t)
	defer d.Close()
	err := d.Tx(t.Context(), func(ctx context.Context, q sqlstore.Querier) error {
		_, err := q.ExecContext(ctx, "PRAGMA max_page_count = 200")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var items []*batch.Item[*call]
	var group sync.WaitGroup
	over := make(chan bool)
	for i, size := range []int{10, 10 << 20, 10} {
		c := newCall()
		items = append(items, &batch.Item[*call]{Value: c})
		group.Go(func() {
			select {
			case <-c.turn:
				_ = c.run(t.Context(), noting{d.writer.q, c}, put(fmt.Sprint(i), size)) // the batch tells
			case <-over: // it comes after the one that failed
			}
		})
	}
	err = translate(d.writer.transact(items))
	if baton.CodeOf(err) != baton.CodeUnavailable || !strings.Contains(err.Error(), "full") {
		t.Errorf("code %d, %v; want that the disk is full", baton.CodeOf(err), err)
	}
	close(over)
	group.Wait()
	if err := d.Tx(t.Context(), put("next", 10)); err != nil {
		t.Errorf("after the failure: %v", err)
	}
}

// TestChangeThatCannotBeTold breaks the file beside the database: what was
// committed is answered, and nothing is kept any more.
func TestChangeThatCannotBeTold(t *testing.T) {
	d := openDatabase(t)
	if _, ok := d.Generation(); !ok {
		t.Fatal("there is no generation")
	}
	if err := d.generation.file.Close(); err != nil {
		t.Fatal(err)
	}
	err := d.Tx(t.Context(), func(ctx context.Context, q sqlstore.Querier) error {
		_, err := q.ExecContext(ctx, "INSERT INTO settings (id, document) VALUES (1, '{}')")
		return err
	})
	if err != nil {
		t.Errorf("a commit failed after it was done: %v", err)
	}
	if !d.generation.stuck.Load() {
		t.Error("the generation is still relied on")
	}
	if err := d.Close(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("error %v of closing, want the file's", err)
	}
}
