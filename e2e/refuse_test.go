package e2e

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"baton.example/baton/internal/testkit/pgtest"
)

// TestRefusesToStart starts the program where it cannot work. Each time it has
// to end at once, with 1 and one line that says what to do.
func TestRefusesToStart(t *testing.T) {
	t.Parallel()
	newKey := func(t *testing.T) string {
		t.Helper()
		key := make([]byte, 32)
		rand.Read(key) // never fails
		return base64.StdEncoding.EncodeToString(key)
	}
	// used returns the data of an instance that ran.
	used := func(t *testing.T) string {
		t.Helper()
		p := start(t, setup{})
		p.stop()
		return p.setup.dir
	}
	tests := []struct {
		name string
		// prepare returns the variables to start with.
		prepare func(*testing.T) []string
		change  func(*testing.T, *exec.Cmd)
		// want are parts of the line.
		want []string
	}{
		{name: "taken port", want: []string{"is taken by another program", "--listen"}, prepare: func(t *testing.T) []string {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { l.Close() })
			return []string{"BATON_LISTEN=" + l.Addr().String()}
		}},
		{name: "no address", want: []string{"listen on nonsense", "--listen"}, prepare: func(*testing.T) []string {
			return []string{"BATON_LISTEN=nonsense"}
		}},
		{name: "directory below a file", want: []string{"data directory", "--data-dir"}, prepare: func(t *testing.T) []string {
			return []string{"BATON_DATA_DIR=" + filepath.Join(write(t, t.TempDir(), "file", ""), "data")}
		}},
		{
			name: "unwritable directory", want: []string{"is not writable", "change its owner", "--data-dir"},
			prepare: func(t *testing.T) []string {
				dir, err := os.MkdirTemp("", "baton-e2e-") //nolint:usetesting // t.TempDir is closed to other users
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { os.RemoveAll(dir) })
				if err := os.Chmod(dir, 0o555); err != nil {
					t.Fatal(err)
				}
				return []string{"BATON_DATA_DIR=" + dir}
			},
			change: asNobody,
		},
		{name: "no database file", want: []string{"not a SQLite database", "restore"}, prepare: func(t *testing.T) []string {
			dir := t.TempDir()
			write(t, dir, "baton.db", strings.Repeat("something else\n", 1000))
			return []string{"BATON_DATA_DIR=" + dir}
		}},
		{name: "newer schema", want: []string{"written by a newer Baton", "use that version or newer"}, prepare: func(t *testing.T) []string {
			dir := used(t)
			newer(t, setup{dir: dir})
			return []string{"BATON_DATA_DIR=" + dir}
		}},
		{name: "newer schema in PostgreSQL", want: []string{"written by a newer Baton", "use that version or newer"}, prepare: func(t *testing.T) []string {
			s := setup{dir: t.TempDir(), postgres: pgtest.URL(t)}
			start(t, s).stop()
			newer(t, s)
			return s.databaseEnv(t)
		}},
		{name: "nobody at the database's address", want: []string{"PostgreSQL", "connection refused", "BATON_DATABASE_URL"}, prepare: func(t *testing.T) []string {
			return (&setup{dir: t.TempDir(), postgres: "postgres://baton:hunter2@127.0.0.1:1/baton"}).databaseEnv(t)
		}},
		{name: "silence at the database's address", want: []string{"PostgreSQL", "BATON_DATABASE_URL"}, prepare: func(t *testing.T) []string {
			l, err := net.Listen("tcp", "127.0.0.1:0") // accepts and says nothing
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { l.Close() })
			return (&setup{dir: t.TempDir(), postgres: "postgres://baton:hunter2@" + l.Addr().String() + "/baton"}).databaseEnv(t)
		}},
		{name: "no such database", want: []string{"PostgreSQL", `database "no_such" does not exist`, "BATON_DATABASE_URL"}, prepare: func(t *testing.T) []string {
			u, err := url.Parse(pgtest.URL(t))
			if err != nil {
				t.Fatal(err)
			}
			u.Path = "/no_such"
			return (&setup{dir: t.TempDir(), postgres: u.String()}).databaseEnv(t)
		}},
		{name: "other database", want: []string{"BATON_DATABASE_URL must begin with postgres://"}, prepare: func(t *testing.T) []string {
			return (&setup{dir: t.TempDir(), postgres: "mysql://baton:hunter2@db/baton"}).databaseEnv(t)
		}},
		{name: "PostgreSQL without a key", want: []string{"BATON_SECRET_KEY_FILE", "openssl rand"}, prepare: func(t *testing.T) []string {
			return []string{"BATON_DATABASE_URL=" + pgtest.URL(t)}
		}},
		{name: "wrong key", want: []string{"is not the one this database was written with", "restore that file"}, prepare: func(t *testing.T) []string {
			dir := used(t)
			write(t, dir, "secret.key", newKey(t))
			return []string{"BATON_DATA_DIR=" + dir}
		}},
		{name: "lost key", want: []string{"secret.key is missing", "restore the file", "BATON_SECRET_KEY_FILE"}, prepare: func(t *testing.T) []string {
			dir := used(t)
			if err := os.Remove(filepath.Join(dir, "secret.key")); err != nil {
				t.Fatal(err)
			}
			return []string{"BATON_DATA_DIR=" + dir}
		}},
		{name: "named key that is not there", want: []string{"secret key file", "no such file"}, prepare: func(t *testing.T) []string {
			return []string{"BATON_SECRET_KEY_FILE=" + filepath.Join(t.TempDir(), "none")}
		}},
		{name: "key for everybody", want: []string{"can be read by every user of this machine", "chmod 600"}, prepare: func(t *testing.T) []string {
			path := write(t, t.TempDir(), "key", newKey(t))
			if err := os.Chmod(path, 0o644); err != nil {
				t.Fatal(err)
			}
			return []string{"BATON_SECRET_KEY_FILE=" + path}
		}},
		{name: "no key in the file", want: []string{"line 1", "is not a key", "32 bytes"}, prepare: func(t *testing.T) []string {
			return []string{"BATON_SECRET_KEY_FILE=" + write(t, t.TempDir(), "key", "hunter2")}
		}},
		{name: "no certificate in the file", want: []string{"TLS certificate"}, prepare: func(t *testing.T) []string {
			path := write(t, t.TempDir(), "pem", "hunter2")
			return []string{"BATON_TLS_CERT_FILE=" + path, "BATON_TLS_KEY_FILE=" + path}
		}},
		{name: "certificate without key", want: []string{"--tls-cert-file and --tls-key-file"}, prepare: func(*testing.T) []string {
			return []string{"BATON_TLS_CERT_FILE=cert.pem"}
		}},
		{name: "external URL", want: []string{"the external URL", "https://example.com/baton"}, prepare: func(*testing.T) []string {
			return []string{"BATON_EXTERNAL_URL=ci.example.com"}
		}},
		{name: "short root token", want: []string{"BATON_ROOT_TOKEN must be at least 20 characters"}, prepare: func(*testing.T) []string {
			return []string{"BATON_ROOT_TOKEN=hunter2"}
		}},
		{name: "short root password", want: []string{"BATON_ROOT_PASSWORD", "8 characters"}, prepare: func(*testing.T) []string {
			return []string{"BATON_ROOT_PASSWORD=hunter2"}
		}},
		{name: "missing token file", want: []string{"root token", "there is no file"}, prepare: func(t *testing.T) []string {
			return []string{"BATON_ROOT_TOKEN_FILE=" + filepath.Join(t.TempDir(), "none")}
		}},
		{name: "secret given twice", want: []string{"root token", "leave one out"}, prepare: func(t *testing.T) []string {
			return []string{
				"BATON_ROOT_TOKEN=glpat-given-by-the-operator",
				"BATON_ROOT_TOKEN_FILE=" + write(t, t.TempDir(), "token", "glpat-given-by-the-operator"),
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cmd := command(t, "serve")
			cmd.Env = append(cmd.Env, "BATON_LISTEN=127.0.0.1:0", "BATON_DATA_DIR="+t.TempDir(), "BATON_LOG_LEVEL=warn")
			cmd.Env = append(cmd.Env, tt.prepare(t)...)
			if tt.change != nil {
				tt.change(t, cmd)
			}
			r := runToEnd(t, cmd, 5*time.Second)
			if r.code != 1 || r.out != "" {
				t.Errorf("exit code %d, output %q", r.code, r.out)
			}
			if !strings.HasPrefix(r.log, "baton: ") || strings.Count(r.log, "\n") != 1 {
				t.Errorf("not one line:\n%s", r.log)
			}
			for _, part := range tt.want {
				if !strings.Contains(r.log, part) {
					t.Errorf("want %q in:\n%s", part, r.log)
				}
			}
			if strings.Contains(r.log, "hunter2") {
				t.Errorf("a secret is in:\n%s", r.log)
			}
		})
	}
}

// asNobody runs the command as a user without rights.
func asNobody(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	u, err := user.Lookup("nobody")
	if err != nil {
		t.Skip("root may write everywhere, and there is no user nobody")
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
	cmd.Dir = "/"
}

// newer makes the database one of a later version.
func newer(t *testing.T, s setup) {
	t.Helper()
	db := openData(t, s)
	defer func(db *sql.DB) { db.Close() }(db)
	if _, err := db.ExecContext(context.Background(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true)"); err != nil {
		t.Fatal(err)
	}
}
