package storetest_test

import (
	"context"
	"database/sql"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"baton.example/baton/internal/store"
	"baton.example/baton/internal/store/postgres"
	"baton.example/baton/internal/store/sqlite"
	"baton.example/baton/internal/testkit/pgtest"
)

// kinds are the types that both databases know under different names.
var kinds = map[string]string{
	"bigint": "INTEGER", "text": "TEXT", "boolean": "BOOLEAN", "bytea": "BLOB", "timestamp with time zone": "TIMESTAMP",
}

// TestSchemasAreTheSame compares tables, columns and indexes as the migrations
// leave them.
func TestSchemasAreTheSame(t *testing.T) {
	path := filepath.Join(t.TempDir(), "baton.db")
	url := pgtest.URL(t)
	log := slog.New(slog.DiscardHandler)
	closed(t)(sqlite.Open(t.Context(), path, log))
	closed(t)(postgres.Open(t.Context(), url, log))

	lite := read(t, "sqlite", "file:"+path, `
		SELECT t.name, c.name, c.type, c."notnull" OR c.pk > 0
		FROM pragma_table_list t JOIN pragma_table_info(t.name) c
		WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name <> 'goose_db_version'`)
	post := read(t, "pgx", url, `
		SELECT table_name, column_name, data_type, is_nullable = 'NO' FROM information_schema.columns
		WHERE table_schema = current_schema() AND table_name <> 'goose_db_version'`)
	for column, kind := range post {
		name, null, _ := strings.Cut(kind, ",")
		post[column] = kinds[name] + "," + null
	}
	if diff := cmp.Diff(lite, post); diff != "" {
		t.Errorf("columns: -SQLite +PostgreSQL:\n%s", diff)
	}

	// The indexes that have names of ours; those of constraints do not.
	lite = read(t, "sqlite", "file:"+path, `SELECT tbl_name, name, '', sql LIKE '%UNIQUE%' FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL`)
	post = read(t, "pgx", url, `
		SELECT tablename, indexname, '', indexdef LIKE '%UNIQUE%' FROM pg_indexes
		WHERE schemaname = current_schema() AND indexname NOT LIKE '%\_pkey' AND indexname NOT LIKE '%\_key'`)
	if diff := cmp.Diff(lite, post); diff != "" {
		t.Errorf("indexes: -SQLite +PostgreSQL:\n%s", diff)
	}
}

func closed(t *testing.T) func(store.Store, error) {
	t.Helper()
	return func(s store.Store, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// read maps the first two columns, joined, to the others.
func read(t *testing.T, driver, source, query string) map[string]string {
	t.Helper()
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.QueryContext(context.Background(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	all := map[string]string{}
	for rows.Next() {
		var table, name, kind string
		var strict bool
		if err := rows.Scan(&table, &name, &kind, &strict); err != nil {
			t.Fatal(err)
		}
		all[table+"."+name] = kind + ","
		if strict {
			all[table+"."+name] += "NOT NULL"
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatalf("%s has nothing", driver)
	}
	return all
}
