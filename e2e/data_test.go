package e2e

import (
	"database/sql"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

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
