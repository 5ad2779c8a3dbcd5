package e2e

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"
)

// data opens the database of a program beside it.
func (p *program) data() *sql.DB {
	p.t.Helper()
	return openData(p.t, p.setup)
}

func openData(t *testing.T, s setup) *sql.DB {
	t.Helper()
	driver, source := "pgx", s.postgres
	if s.postgres == "" {
		driver = "sqlite"
		source = "file:" + filepath.Join(s.dir, "baton.db") + "?_pragma=busy_timeout(10000)"
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// exec does to the data what no API does, such as letting time pass. Arguments
// are question marks.
func (p *program) exec(statement string, args ...any) {
	p.t.Helper()
	db := p.data()
	defer db.Close()
	if _, err := db.ExecContext(p.t.Context(), p.dialect(statement), args...); err != nil {
		p.t.Fatalf("%s: %v", statement, err)
	}
}

// value reads one value.
func value[T any](p *program, query string, args ...any) T {
	p.t.Helper()
	db := p.data()
	defer db.Close()
	var v T
	if err := db.QueryRowContext(p.t.Context(), p.dialect(query), args...).Scan(&v); err != nil {
		p.t.Fatalf("%s: %v", query, err)
	}
	return v
}

// dialect numbers the question marks for PostgreSQL.
func (p *program) dialect(statement string) string {
	if p.setup.postgres == "" {
		return statement
	}
	for n := 1; strings.Contains(statement, "?"); n++ {
		statement = strings.Replace(statement, "?", "$"+strconv.Itoa(n), 1)
	}
	return statement
}

// timestamp returns a time as the database has it.
func (p *program) timestamp(at time.Time) any {
	if p.setup.postgres == "" {
		return at.UnixMicro()
	}
	return at
}

func itoa(id int64) string { return strconv.FormatInt(id, 10) }

// tableNames returns the names of all tables.
func tableNames(t *testing.T, db *sql.DB, s setup) []string {
	t.Helper()
	query := "SELECT name FROM sqlite_master WHERE type = 'table'"
	if s.postgres != "" {
		query = "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
	}
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if err := rows.Err(); err != nil || len(names) < 5 {
		t.Fatalf("the tables are %v, %v", names, err)
	}
	return names
}

// stored returns every byte that an instance keeps: the files of its
// directory, and what is in its tables.
func stored(t *testing.T, s setup) map[string][]byte {
	t.Helper()
	found := map[string][]byte{}
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		found[path], err = os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it was in use a moment ago
		}
		return err
	})
	if err != nil || len(found) == 0 {
		t.Fatalf("%d files in %s, %v", len(found), s.dir, err)
	}
	if s.postgres == "" {
		return found
	}
	db := openData(t, s)
	defer db.Close()
	conn, err := pgx.Connect(t.Context(), s.postgres)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for _, table := range tableNames(t, db, s) {
		var out bytes.Buffer
		// In this format texts and bytes are as they are.
		if _, err := conn.PgConn().CopyTo(t.Context(), &out, "COPY "+table+" TO STDOUT (FORMAT binary)"); err != nil {
			t.Fatal(err)
		}
		found["table "+table] = out.Bytes()
	}
	return found
}

// noSecret fails the test if the end of one of the secrets is in the bytes, as
// it is or in hexadecimal digits.
func noSecret(t *testing.T, secrets map[string]string, where string, text []byte) {
	t.Helper()
	for name, secret := range secrets {
		end := []byte(secret[len(secret)-16:])
		if bytes.Contains(text, end) || bytes.Contains(text, []byte(hex.EncodeToString(end))) {
			t.Errorf("%s is in %s", name, where)
		}
	}
}

// anyHolds reports whether a text is in any of what [stored] returns.
func anyHolds(stored map[string][]byte, text string) bool {
	for _, b := range stored {
		if bytes.Contains(b, []byte(text)) {
			return true
		}
	}
	return false
}
