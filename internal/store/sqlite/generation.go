package sqlite

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
)

// A generation is a number that is another one after every change of users,
// access tokens or settings, by whichever process. It stands in a small file
// beside the database, because to ask the database costs more than most of
// the queries whose answers it lets us keep, and because SQLite's own
// data_version changes with every commit.
//
// A writer draws a new number after its commit and before it tells its caller:
// whoever was told of a change sees it from then on, in every process. The
// number is random, so that two processes cannot write the same one.
type generation struct {
	file *os.File
	log  *slog.Logger
	// stuck tells that the last change failed, so that the number says nothing.
	stuck atomic.Bool
}

func openGeneration(database string, log *slog.Logger) (*generation, error) {
	file, err := os.OpenFile(database+"-generation", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	g := &generation{file: file, log: log}
	if _, ok := g.current(); !ok {
		// From here on no change needs space on the disk.
		if err := g.draw(); err != nil {
			return nil, errors.Join(err, g.close())
		}
	}
	return g, nil
}

// current returns the number, and false when it cannot be read or relied on.
func (g *generation) current() (uint64, bool) {
	if g.stuck.Load() {
		return 0, false
	}
	var number [8]byte
	if _, err := g.file.ReadAt(number[:], 0); err != nil {
		return 0, false
	}
	return binary.NativeEndian.Uint64(number[:]), true
}

// change draws a new number. If that fails nobody here relies on the number
// until another change succeeds; what other processes keep is old in a moment.
func (g *generation) change() {
	err := g.draw()
	if g.stuck.Swap(err != nil) != (err != nil) {
		if err != nil {
			g.log.Error("a change cannot be told to other processes, nothing is cached", "error", err)
		} else {
			g.log.Info("changes can be told to other processes again")
		}
	}
}

func (g *generation) draw() error {
	var number [8]byte
	_, _ = rand.Read(number[:]) // never fails
	_, err := g.file.WriteAt(number[:], 0)
	return err
}

func (g *generation) close() error { return g.file.Close() }

// A noting Querier notes in its call when a statement changes users, access
// tokens or settings. It looks at the statements themselves, so that nobody
// who writes one has to think of it.
type noting struct {
	*statements

	call *call
}

func (n noting) note(text string) {
	if n.call.changes || strings.HasPrefix(text, "SELECT") {
		return
	}
	// A table that is named like one of these costs a draw and nothing else.
	n.call.changes = strings.Contains(text, "users") || strings.Contains(text, "access_tokens") || strings.Contains(text, "settings")
}

// ExecContext implements [sqlstore.Querier].
func (n noting) ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error) {
	n.note(text)
	return n.statements.ExecContext(ctx, text, args...)
}

// QueryContext implements [sqlstore.Querier].
func (n noting) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	n.note(text)
	return n.statements.QueryContext(ctx, text, args...)
}
