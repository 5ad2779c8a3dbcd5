package pgtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"baton.example/baton/internal/testkit/need"
)

// Options say how the server of [Server] differs from the one that [URL]
// shares. The zero value is as good as the shared one: quick, safe against the
// death of the server but not of the machine, listening on a Unix socket.
type Options struct {
	// Durable keeps fsync and what goes with it on, as in production: for
	// benchmarks.
	Durable bool
	// TCP listens on a free port of 127.0.0.1 instead of on a Unix socket, as
	// a proxy in front of it wants.
	TCP bool
	// ICULocale, such as "en-US", sorts text by that locale. Otherwise text
	// sorts by its bytes.
	ICULocale string
	// Settings are further lines of postgresql.conf, without their quotes.
	Settings map[string]string
}

// An Instance is one running server. Its methods end the test on failure, so
// they are for the test's own goroutine.
type Instance struct {
	t    testing.TB // nil for the shared server, which nobody gets to hold
	dir  string     // holds data/, conf, log and the socket
	port int        // 0 means a Unix socket
	bin  string     // where the programs are
	cred *syscall.Credential

	keeper  *exec.Cmd // the server's parent process, nil while there is none
	pid     int       // the server's
	watcher *exec.Cmd
	// watched is the writing end of the watcher's pipe. It stays reachable
	// for as long as the server is wanted: the garbage collector closes files
	// that are not.
	watched *os.File
}

// Server starts a server that belongs to the test alone, and stops it when the
// test ends. It takes about a second.
func Server(t testing.TB, o Options) *Instance {
	t.Helper()
	needPrograms(t)
	in, err := launch(o)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	in.t = t
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("pgtest: the server's log:\n%s", in.log())
		}
		if err := in.remove(); err != nil {
			t.Errorf("pgtest: %v", err)
		}
	})
	return in
}

// URL returns the connection URL of the server's "postgres" database, as a
// superuser.
func (in *Instance) URL() string {
	u := url.URL{Scheme: "postgres", User: url.User("postgres"), Path: "/postgres"}
	q := url.Values{"sslmode": {"disable"}}
	if in.port != 0 {
		u.Host = in.Addr()
	} else {
		q.Set("host", in.dir)
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// Addr returns the host and port of a server started with [Options].TCP. They
// stay the same when it is started again.
func (in *Instance) Addr() string {
	if in.port == 0 {
		in.t.Fatal("pgtest: Addr of a server without Options.TCP")
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(in.port))
}

// Disconnect cuts every connection, as a failover or an administrator would.
// The server goes on and accepts new ones.
func (in *Instance) Disconnect() {
	in.t.Helper()
	execSQL(in.t, in.URL(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`)
}

// Stop shuts the server down in good order.
func (in *Instance) Stop() {
	in.t.Helper()
	if in.keeper == nil {
		in.t.Fatal("pgtest: Stop of a server that does not run")
	}
	if err := in.run("pg_ctl", "stop", "--silent", "--wait", "--mode=fast", "--pgdata="+in.data()); err != nil {
		in.t.Fatalf("pgtest: %v", err)
	}
	in.gone()
}

// Kill ends the server as kill -9 does. Its connections break within moments,
// not at once. What was committed is there when it starts again.
func (in *Instance) Kill() {
	in.t.Helper()
	if in.keeper == nil {
		in.t.Fatal("pgtest: Kill of a server that does not run")
	}
	if err := syscall.Kill(in.pid, syscall.SIGKILL); err != nil {
		in.t.Fatalf("pgtest: kill -9 %d: %v", in.pid, err)
	}
	in.gone()
}

// gone waits for the process to be gone.
func (in *Instance) gone() {
	_ = in.keeper.Wait() // passes on how the server ended, which was our doing
	in.keeper = nil
}

// Start starts the server again after [Instance.Stop] or [Instance.Kill], at
// the same URL and with the same data, and returns when it answers.
func (in *Instance) Start() {
	in.t.Helper()
	if in.keeper != nil {
		in.t.Fatal("pgtest: Start of a server that runs")
	}
	// After kill -9 the old server's children take a moment to notice, and
	// the new one refuses to start beside them.
	deadline := time.Now().Add(15 * time.Second)
	for {
		err := in.start()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			in.t.Fatalf("pgtest: %v", err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// Restart is [Instance.Stop] and [Instance.Start].
func (in *Instance) Restart() {
	in.t.Helper()
	in.Stop()
	in.Start()
}

// launch makes a cluster in a directory of its own and starts it.
//
// It starts no goroutine and waits on no clock of ours, so that the first call
// may come from inside a [testing/synctest] bubble; the programs do the
// waiting.
func launch(o Options) (*Instance, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "baton-pg-")
	if err != nil {
		return nil, err
	}
	in := &Instance{dir: dir, bin: bin}
	if err := in.create(o); err != nil {
		return nil, errors.Join(err, in.remove())
	}
	return in, nil
}

func (in *Instance) create(o Options) (err error) {
	if in.cred, err = unprivileged(); err != nil {
		return err
	}
	if in.cred != nil {
		if err := os.Chown(in.dir, int(in.cred.Uid), int(in.cred.Gid)); err != nil {
			return err
		}
	}
	if o.TCP {
		if in.port, err = freePort(); err != nil {
			return err
		}
	}
	if err := in.watch(); err != nil {
		return err
	}
	args := []string{
		"--pgdata=" + in.data(), "--username=postgres", "--auth=trust",
		"--encoding=UTF8", "--no-locale", "--no-sync", "--no-instructions",
	}
	if o.ICULocale != "" {
		args = append(args, "--locale-provider=icu", "--icu-locale="+o.ICULocale)
	}
	if err := in.run("initdb", args...); err != nil {
		return err
	}
	conf := filepath.Join(in.data(), "postgresql.auto.conf") // there already, and the server's
	if err := os.WriteFile(conf, []byte(in.conf(o)), 0o600); err != nil {
		return err
	}
	return in.start()
}

// conf returns the lines that make the server quick to test with.
func (in *Instance) conf(o Options) string {
	settings := map[string]string{
		"listen_addresses":        "",
		"unix_socket_directories": in.dir,
		"max_connections":         "200",
		"timezone":                "UTC",
		"log_timezone":            "UTC",
		// A test that forgets a row lock should say so, not hang.
		"deadlock_timeout": "200ms",
	}
	if in.port != 0 {
		settings["listen_addresses"] = "127.0.0.1"
		settings["port"] = strconv.Itoa(in.port)
	}
	if !o.Durable {
		// Not synchronous_commit: its commits would not outlive Kill.
		settings["fsync"] = "off"
		settings["full_page_writes"] = "off"
	}
	maps.Copy(settings, o.Settings)
	var b strings.Builder
	for k, v := range settings {
		fmt.Fprintf(&b, "%s = '%s'\n", k, strings.ReplaceAll(v, "'", "''"))
	}
	return b.String()
}

func (in *Instance) data() string { return filepath.Join(in.dir, "data") }

// start starts the server and returns when it answers.
//
// The server's parent is a shell, not this process, which would have to wait
// for it in a goroutine, and not init, which may be slow to bury the dead: a
// server does not start beside its own zombie.
func (in *Instance) start() error {
	const script = `
		"$1" -D "$2" >>log 2>&1 &
		server=$!
		ready() { read -r pid <"$2/postmaster.pid" && [ "$pid" = "$server" ] && grep -q ^ready "$2/postmaster.pid"; }
		until ready "$@" 2>/dev/null; do
			kill -0 "$server" 2>/dev/null || exit 1
			sleep 0.02
		done
		echo "$server"
		wait "$server"`
	cmd := in.command("/bin/sh", "-c", script, "pgtest-keep", filepath.Join(in.bin, "postgres"), in.data())
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	if _, err := fmt.Fscanln(out, &in.pid); err != nil {
		return fmt.Errorf("the server did not start: %w\n%s", errors.Join(err, cmd.Wait()), in.log())
	}
	in.keeper = cmd
	return nil
}

func (in *Instance) log() string {
	text, err := os.ReadFile(filepath.Join(in.dir, "log"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// run runs one of PostgreSQL's programs to its end.
func (in *Instance) run(program string, args ...string) error {
	// A file and not a pipe: the server inherits it, and waiting for a pipe's
	// end would be waiting for the server's.
	out, err := os.Create(filepath.Join(in.dir, program+".out"))
	if err != nil {
		return err
	}
	defer out.Close()
	cmd := in.command(filepath.Join(in.bin, program), args...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(out.Name())
		return fmt.Errorf("%s: %w\n%s", program, err, text)
	}
	return nil
}

// command prepares a program to run in the server's directory as a user whom
// PostgreSQL accepts, out of reach of the terminal's interrupts.
func (in *Instance) command(path string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(context.Background(), path, args...)
	cmd.Dir = in.dir
	// Not our whole environment: PGPORT, say, would move the server.
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: in.cred}
	return cmd
}

// watch starts the process that clears up when this one is gone.
func (in *Instance) watch() error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	const script = `
		read -r _ # until the pipe closes
		"$1" stop --silent --wait --mode=immediate --pgdata="$2/data"
		cd / && rm -rf "$2"`
	cmd := in.command("/bin/sh", "-c", script, "pgtest-watch", filepath.Join(in.bin, "pg_ctl"), in.dir)
	cmd.Stdin = r
	if err := cmd.Start(); err != nil {
		w.Close()
		return err
	}
	in.watcher, in.watched = cmd, w
	return nil
}

// remove ends the server at once and returns when its files are gone too.
func (in *Instance) remove() error {
	if in.watcher == nil {
		return os.RemoveAll(in.dir)
	}
	in.watched.Close()
	err := in.watcher.Wait()
	if in.keeper != nil {
		in.gone()
	}
	return err
}

// programs returns the directory of the server's programs.
var programs = sync.OnceValues(func() (string, error) {
	dirs := filepath.SplitList(os.Getenv("PATH"))
	// Debian keeps every major version apart, and none of them on PATH.
	debian, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	newest, highest := "", 0
	for _, dir := range debian {
		if v, err := strconv.Atoi(filepath.Base(filepath.Dir(dir))); err == nil && v > highest {
			newest, highest = dir, v
		}
	}
	for _, dir := range append(dirs, newest, "/usr/local/pgsql/bin") {
		if filepath.IsAbs(dir) && isProgram(dir, "postgres") && isProgram(dir, "initdb") && isProgram(dir, "pg_ctl") {
			return dir, nil
		}
	}
	return "", errors.New("no PostgreSQL server programs on PATH or in /usr/lib/postgresql (Debian: apt-get install postgresql)")
})

func isProgram(dir, name string) bool {
	info, err := os.Stat(filepath.Join(dir, name))
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

func needPrograms(t testing.TB) {
	t.Helper()
	if _, err := programs(); err != nil {
		need.Missing(t, need.Debian, err.Error())
	}
}

// unprivileged returns whom to run the server as: nil for ourselves, or, as
// PostgreSQL refuses to run as root, somebody else.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("PostgreSQL does not run as root, and there is no user postgres or nobody to run it as")
}

// freePort returns a port that was free a moment ago.
func freePort() (int, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
