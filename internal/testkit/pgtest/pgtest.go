// Package pgtest gives tests a real PostgreSQL server.
//
// Most tests want [URL]: a schema of their own in a server that the test
// binary shares, which costs some ten milliseconds.
//
//	db, err := sql.Open("pgx", pgtest.URL(t))
//
// PostgreSQL scopes advisory locks and LISTEN/NOTIFY channels to a database,
// not to a schema: a test that must have those to itself asks for [Database].
// A test that stops, kills or tunes its server asks for [Server].
//
// # Where the server comes from
//
// If the environment variable BATON_TEST_POSTGRES_URL names a server, [URL] and [Database] use that one. Otherwise the first
// call in a test binary starts one from the programs that the machine has, on
// PATH or where Debian puts them; if there are none, package need decides
// whether the test is skipped or fails.
//
// # When it ends
//
// Nobody has to stop a server, and no TestMain is needed. A watcher process
// holds the reading end of a pipe whose writing end only the test binary has.
// When the binary ends, however it ends, the pipe closes, and the watcher stops
// the server and removes its files.
package pgtest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
)

// URLVar is the environment variable that names a server to use instead of
// starting one. It is the URL of a superuser.
const URLVar = "BATON_TEST_POSTGRES_URL"

// URL returns the connection URL of a new, empty schema, which is the whole
// search_path of every connection opened with it. The schema is dropped when
// the test ends; it is an error if connections still hold it then.
func URL(t testing.TB) string {
	t.Helper()
	admin := shared(t)
	name := unique(t)
	execSQL(t, admin, "CREATE SCHEMA "+name)
	t.Cleanup(func() { execSQL(t, admin, "DROP SCHEMA "+name+" CASCADE") })
	return with(t, admin, func(u *url.URL) {
		q := u.Query()
		q.Set("search_path", name)
		u.RawQuery = q.Encode()
	})
}

// Database returns the connection URL of a new, empty database, which is
// dropped, along with what is still connected to it, when the test ends. It
// costs several times as much as [URL].
func Database(t testing.TB) string {
	t.Helper()
	admin := shared(t)
	name := unique(t)
	execSQL(t, admin, "CREATE DATABASE "+name)
	t.Cleanup(func() { execSQL(t, admin, "DROP DATABASE "+name+" WITH (FORCE)") })
	return with(t, admin, func(u *url.URL) { u.Path = "/" + name })
}

// sharedServer starts the server that the tests of this binary share.
var sharedServer = sync.OnceValues(func() (*Instance, error) {
	return launch(Options{})
})

func shared(t testing.TB) string {
	t.Helper()
	if u := os.Getenv(URLVar); u != "" {
		return u
	}
	needPrograms(t)
	in, err := sharedServer()
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	return in.URL()
}

// execSQL runs one statement on a connection of its own. No pool is kept
// between calls: its goroutines would outlive the [testing/synctest] bubble
// that a test may call from.
func execSQL(t testing.TB, url, statement string) {
	t.Helper()
	ctx := context.Background() // t.Context is over by the time of a cleanup
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	defer conn.Close(ctx)
	// The server does the timing, as a bubble's clock would not.
	if _, err := conn.Exec(ctx, "SET lock_timeout = '20s'"); err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	if _, err := conn.Exec(ctx, statement); err != nil {
		t.Fatalf("pgtest: %s: %v (was every connection closed?)", statement, err)
	}
}

// unique returns an identifier that needs no quoting and shows whose it is.
func unique(t testing.TB) string {
	t.Helper()
	name := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			return r
		default:
			return '_'
		}
	}, strings.ToLower(t.Name()))
	random := make([]byte, 6)
	rand.Read(random) // never fails
	return name[:min(len(name), 40)] + "_" + hex.EncodeToString(random)
}

func with(t testing.TB, raw string, change func(*url.URL)) string {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	change(u)
	return u.String()
}
