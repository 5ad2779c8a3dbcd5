package pgtest_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib"

	"baton.example/baton/internal/testkit/pgtest"
)

// childVar, when set, makes the test binary the child of
// TestServerEndsWithTheBinary.
const childVar = "PGTEST_CHILD"

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func query[T any](t *testing.T, conn *pgx.Conn, sql string, args ...any) T {
	t.Helper()
	var v T
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

func TestURLIsASchemaOfItsOwn(t *testing.T) {
	t.Parallel()
	var first string
	t.Run("first", func(t *testing.T) {
		conn := connect(t, pgtest.URL(t))
		first = query[string](t, conn, "SELECT current_schema()")
		query[int](t, conn, "WITH x AS (SELECT 1) SELECT count(*)::int FROM x")
		if _, err := conn.Exec(t.Context(), "CREATE TABLE jobs (id bigint PRIMARY KEY)"); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("second", func(t *testing.T) {
		conn := connect(t, pgtest.URL(t))
		if second := query[string](t, conn, "SELECT current_schema()"); second == first {
			t.Errorf("both tests got the schema %s", first)
		}
		if query[bool](t, conn, "SELECT to_regclass('jobs') IS NOT NULL") {
			t.Error("the first test's table is visible")
		}
		if query[bool](t, conn, "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)", first) {
			t.Error("the first test's schema was not dropped")
		}
	})
}

func TestURLWorksWithDatabaseSQL(t *testing.T) {
	t.Parallel()
	db, err := sql.Open("pgx", pgtest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "CREATE TABLE jobs (id bigint PRIMARY KEY)"); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM jobs").Scan(&n); err != nil || n != 0 {
		t.Errorf("count = %d, %v", n, err)
	}
}

// A store test that fakes the clock opens its database in the bubble.
func TestURLInsideSynctest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := connect(t, pgtest.URL(t))
		begin := time.Now()
		time.Sleep(time.Hour)
		query[string](t, conn, "SELECT current_schema()")
		if d := time.Since(begin); d != time.Hour {
			t.Errorf("the hour took %v", d)
		}
	})
}

func TestDatabaseIsOneOfItsOwn(t *testing.T) {
	t.Parallel()
	a, b := connect(t, pgtest.Database(t)), connect(t, pgtest.Database(t))
	for _, conn := range []*pgx.Conn{a, b} {
		if !query[bool](t, conn, "SELECT pg_try_advisory_lock(1)") {
			t.Error("the other database's lock is in the way")
		}
	}
}

func TestServerKillAndStart(t *testing.T) {
	t.Parallel()
	s := pgtest.Server(t, pgtest.Options{TCP: true})
	conn := connect(t, s.URL())
	if _, err := conn.Exec(t.Context(), "CREATE TABLE jobs AS SELECT 7 AS id"); err != nil {
		t.Fatal(err)
	}
	addr := s.Addr()

	s.Kill()
	if c, err := pgx.Connect(t.Context(), s.URL()); err == nil {
		c.Close(t.Context())
		t.Error("a killed server answered")
	}
	s.Start()
	if got := query[int](t, connect(t, s.URL()), "SELECT id FROM jobs"); got != 7 {
		t.Errorf("after a crash: id = %d, want 7", got)
	}
	s.Restart()
	if got := query[int](t, connect(t, s.URL()), "SELECT id FROM jobs"); got != 7 {
		t.Errorf("after a restart: id = %d, want 7", got)
	}
	if s.Addr() != addr {
		t.Errorf("the address moved from %s to %s", addr, s.Addr())
	}
}

func TestServerDisconnect(t *testing.T) {
	t.Parallel()
	s := pgtest.Server(t, pgtest.Options{
		Durable: true, ICULocale: "en-US", Settings: map[string]string{"work_mem": "7MB"},
	})
	conn := connect(t, s.URL())
	for name, want := range map[string]string{"fsync": "on", "full_page_writes": "on", "work_mem": "7MB"} {
		if got := query[string](t, conn, "SELECT current_setting($1)", name); got != want {
			t.Errorf("%s = %s, want %s", name, got, want)
		}
	}
	if !query[bool](t, conn, "SELECT 'a' < 'B'") {
		t.Error("text sorts by its bytes in spite of ICULocale")
	}
	s.Disconnect()
	if err := conn.Ping(t.Context()); err == nil {
		t.Error("the connection outlived Disconnect")
	}
	query[int](t, connect(t, s.URL()), "SELECT 1")
}

// TestServerEndsWithTheBinary starts this test binary once more, kills it as
// soon as its server is up, and expects the watcher to clear up.
func TestServerEndsWithTheBinary(t *testing.T) {
	if os.Getenv(childVar) != "" {
		fmt.Println("url", pgtest.URL(t))
		select {}
	}
	pgtest.URL(t) // skips if there is no PostgreSQL
	t.Parallel()

	//nolint:usetesting // t.TempDir is closed to the server's user, and long for a socket
	tmp, err := os.MkdirTemp("", "pgtest-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(tmp) })
	if err := os.Chmod(tmp, 0o777); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestServerEndsWithTheBinary$")
	cmd.Env = append(os.Environ(), childVar+"=1", pgtest.URLVar+"=", "TMPDIR="+tmp)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var word, raw string
	if _, err := fmt.Fscan(out, &word, &raw); err != nil || word != "url" {
		t.Fatalf("the child said %q %q, %v", word, raw, err)
	}
	u, err := url.Parse(raw)
	if err != nil || !strings.HasPrefix(u.Query().Get("host"), tmp) {
		t.Fatalf("the child's server is at %s, %v; want it in %s", raw, err, tmp)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("the child ended well before it was killed")
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		left, err := filepath.Glob(filepath.Join(tmp, "baton-pg-*"))
		if err != nil {
			t.Fatal(err)
		}
		if len(left) == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is still there", left)
		}
	}
	if _, err := pgx.Connect(t.Context(), raw); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("connecting to the server of a dead binary: %v", err)
	}
}

func BenchmarkURL(b *testing.B) {
	for b.Loop() {
		pgtest.URL(b)
	}
}
