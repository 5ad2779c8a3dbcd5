package sqlite

import (
	"context"
	"database/sql"
	"sync"

	"baton.example/baton/internal/store/sqlstore"
)

// Statements prepares what it runs and keeps it: parsing a statement costs
// SQLite more than most statements do.
type statements struct {
	prepare func(context.Context, string) (*sql.Stmt, error)
	direct  sqlstore.Querier
	mu      sync.RWMutex
	kept    map[string]*sql.Stmt
}

// maxStatements bounds what is kept. Only lists, whose text depends on their
// filters, come in more shapes; they are parsed each time then.
const maxStatements = 256

func newStatements(prepare func(context.Context, string) (*sql.Stmt, error), direct sqlstore.Querier) *statements {
	return &statements{prepare: prepare, direct: direct, kept: make(map[string]*sql.Stmt)}
}

// get returns the prepared statement, nil when it is not to be kept.
func (s *statements) get(ctx context.Context, text string) (*sql.Stmt, error) {
	s.mu.RLock()
	stmt, n := s.kept[text], len(s.kept)
	s.mu.RUnlock()
	if stmt != nil || n >= maxStatements {
		return stmt, nil
	}
	// Preparing under the lock would make every reader wait; two that prepare
	// the same are rare, and the second one yields.
	stmt, err := s.prepare(ctx, text)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if first := s.kept[text]; first != nil {
		_ = stmt.Close() //nolint:sqlclosecheck // the other one is kept
		return first, nil
	}
	s.kept[text] = stmt
	return stmt, nil
}

// ExecContext implements [sqlstore.Querier].
func (s *statements) ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error) {
	stmt, err := s.get(ctx, text) //nolint:sqlclosecheck // it is kept
	if err != nil {
		return nil, err
	}
	if stmt == nil {
		return s.direct.ExecContext(ctx, text, args...)
	}
	return stmt.ExecContext(ctx, args...)
}

// QueryContext implements [sqlstore.Querier].
func (s *statements) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	stmt, err := s.get(ctx, text) //nolint:sqlclosecheck // it is kept
	if err != nil {
		return nil, err
	}
	if stmt == nil {
		return s.direct.QueryContext(ctx, text, args...)
	}
	return stmt.QueryContext(ctx, args...)
}

func (s *statements) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for text, stmt := range s.kept {
		_ = stmt.Close() // the connections close next
		delete(s.kept, text)
	}
}
