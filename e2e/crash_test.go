package e2e

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	gitlab "gitlab.com/gitlab-org/api/client-go"

	"baton.example/baton/internal/testkit/need"
	"baton.example/baton/internal/testkit/pgtest"
)

// A load creates runners without pause, whatever happens to the server.
type load struct {
	t     *testing.T
	pause time.Duration
	stop  context.CancelFunc
	done  sync.WaitGroup
	// acknowledged counts the creates that were answered with 201, refused
	// those that were answered otherwise, broken those without an answer.
	acknowledged, refused, broken atomic.Int64

	mu sync.Mutex
	// tokens are those of the acknowledged runners. statuses are the others'
	// answers.
	tokens   map[int64]string
	statuses map[int]int
	// repeated are how many creates had a key and were repeated until they
	// were answered.
	repeated int
}

// newLoad starts callers that give up each create that fails, and as many that
// repeat it with a key until it succeeds. Each pauses after a success, for a
// test that takes its time: every runner is looked at in the end.
func newLoad(p *program, pause time.Duration) *load {
	const callers = 4
	ctx, stop := context.WithCancel(p.t.Context())
	l := &load{t: p.t, pause: pause, stop: stop, tokens: map[int64]string{}, statuses: map[int]int{}}
	for range callers {
		client := dial(p.t, p.url, p.root)
		l.done.Go(func() {
			for ctx.Err() == nil {
				l.create(client)
			}
		})
		l.done.Go(func() {
			for ctx.Err() == nil {
				l.createOnce(client)
			}
		})
	}
	p.t.Cleanup(l.end)
	return l
}

// end stops the callers and waits for their last requests.
func (l *load) end() {
	l.stop()
	l.done.Wait()
}

func (l *load) create(client *gitlab.Client) {
	runner, _, err := client.Users.CreateUserRunner(instanceRunner())
	l.count(runner, err)
}

// createOnce repeats one create for as long as it takes.
func (l *load) createOnce(client *gitlab.Client) {
	key := gitlab.WithHeader("Idempotency-Key", `"`+newUUID()+`"`)
	for deadline := time.Now().Add(patience); ; {
		o := instanceRunner()
		o.Description = new("once")
		runner, _, err := client.Users.CreateUserRunner(o, key)
		l.count(runner, err)
		if err == nil {
			l.mu.Lock()
			l.repeated++
			l.mu.Unlock()
			return
		}
		if time.Now().After(deadline) {
			l.t.Errorf("a create fails for %v: %v", patience, err)
			return
		}
	}
}

func (l *load) count(runner *gitlab.UserRunner, err error) {
	if err == nil {
		l.acknowledged.Add(1)
		l.mu.Lock()
		l.tokens[runner.ID] = runner.Token
		l.mu.Unlock()
		time.Sleep(l.pause)
		return
	}
	if e, ok := errors.AsType[*gitlab.ErrorResponse](err); ok {
		l.refused.Add(1)
		l.mu.Lock()
		l.statuses[e.Response.StatusCode]++
		l.mu.Unlock()
	} else {
		l.broken.Add(1)
	}
	time.Sleep(time.Millisecond) // nobody is helped by asking a dead server more often
}

// more waits for the count to grow by n.
func (l *load) more(what string, count *atomic.Int64, n int64) {
	l.t.Helper()
	goal := count.Load() + n
	eventually(l.t, what, func() bool { return count.Load() >= goal })
}

// check expects of the server that it knows every runner that was acknowledged,
// and of the load that it was refused with these statuses alone.
func (l *load) check(p *program, statuses ...int) {
	l.t.Helper()
	client := dial(l.t, p.url, p.root)
	ids := slices.Collect(maps.Keys(l.tokens))
	var verify sync.WaitGroup
	for part := range slices.Chunk(ids, 1+len(ids)/8) {
		verify.Go(func() {
			for _, id := range part {
				if err := verifies(client, l.tokens[id]); err != nil {
					l.t.Errorf("verify runner %d, which was acknowledged: %v", id, err)
				}
			}
		})
	}
	verify.Wait()
	for status, n := range l.statuses {
		if !slices.Contains(statuses, status) {
			l.t.Errorf("%d creates were answered with %d", n, status)
		}
	}
	// Creates with a key were repeated until they were acknowledged; what
	// failed without may have been done all the same.
	if once := value[int](p, "SELECT count(*) FROM runners WHERE description = 'once'"); once != l.repeated {
		l.t.Errorf("%d creates with a key made %d runners", l.repeated, once)
	}
	have := newWorld(p).runners()
	if extra, most := have-len(l.tokens), int(l.broken.Load()+l.refused.Load()); extra < 0 || extra > most {
		l.t.Errorf("there are %d runners, %d were acknowledged and %d creates failed", have, len(l.tokens), most)
	}
	l.t.Logf("%d acknowledged, %d of them with keys, %d refused %v, %d broken, %d runners",
		l.acknowledged.Load(), l.repeated, l.refused.Load(), l.statuses, l.broken.Load(), have)
}

// TestKilled ends the process in the middle of a load, as the kernel does when
// memory runs out, and starts it again.
func TestKilled(t *testing.T) {
	t.Parallel()
	onBothNew(t, func(t *testing.T, s setup) {
		p := start(t, s)
		l := newLoad(p, 0)
		for range 3 {
			l.more("runners are created", &l.acknowledged, 50)
			p.kill()
			l.more("the callers notice", &l.broken, 1)
			p = p.again()
		}
		l.more("runners are created again", &l.acknowledged, 50)
		l.end()
		l.check(p)
		p.stop()
		if s.postgres == "" {
			db := openData(t, s)
			defer db.Close()
			var sound string
			if err := db.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&sound); err != nil || sound != "ok" {
				t.Errorf("integrity_check: %s, %v", sound, err)
			}
			rows, err := db.QueryContext(t.Context(), "PRAGMA foreign_key_check")
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			if rows.Next() || rows.Err() != nil {
				t.Errorf("foreign_key_check found something, %v", rows.Err())
			}
		}
	})
}

// TestPostgresDies takes the database away under load, in every way, and gives
// it back.
func TestPostgresDies(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t, pgtest.Options{})
	p := start(t, setup{postgres: db.URL()})
	l := newLoad(p, 0)
	l.more("runners are created", &l.acknowledged, 50)

	for name, away := range map[string]func(){"killed": db.Kill, "stopped": db.Stop} {
		away()
		l.more("creates are refused while the database is "+name, &l.refused, 10)
		for path, want := range map[string]int{"/-/readiness": 503, "/-/health": 503, "/-/liveness": 200, "/": 200} {
			if status, body := p.get(path); status != want {
				t.Errorf("%s while the database is %s: %d %s, want %d", path, name, status, body, want)
			}
		}
		_, resp, err := dial(t, p.url, p.root).Users.CreateUserRunner(instanceRunner())
		if refusal(err) != "503 {message: 503 Service Unavailable}" || resp.Header.Get("Retry-After") == "" {
			t.Errorf("create while the database is %s: %v", name, err)
		}
		db.Start()
		l.more("runners are created again", &l.acknowledged, 50)
		if status, body := p.get("/-/readiness"); status != http.StatusOK {
			t.Errorf("readiness with the database back: %d %s", status, body)
		}
	}
	db.Disconnect()
	l.more("runners are created over new connections", &l.acknowledged, 50)
	l.end()
	l.check(p, http.StatusServiceUnavailable)
	if strings.Contains(p.log.String(), "panic") {
		t.Error("something panicked")
	}
}

// TestDiskFull takes the space away under load and gives it back.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	t.Run("no space", func(t *testing.T) {
		t.Parallel()
		dir := smallDisk(t)
		p := start(t, setup{dir: dir})
		l := newLoad(p, 0)
		l.more("runners are created", &l.acknowledged, 50)
		filler := fill(t, dir)
		l.more("creates are refused", &l.refused, 20)
		readable(t, p)
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		l.more("runners are created again", &l.acknowledged, 50)
		l.end()
		l.check(p, http.StatusServiceUnavailable)
		p.stop()
		l.check(p.again(), http.StatusServiceUnavailable)
	})
	t.Run("limit on file size", func(t *testing.T) {
		t.Parallel()
		prlimit := need.Program(t, "prlimit", need.Debian)
		p := start(t, setup{})
		limit := func(bytes string) {
			t.Helper()
			out, err := exec.Command(prlimit, "--pid", strconv.Itoa(p.cmd.Process.Pid), "--fsize="+bytes+":").CombinedOutput()
			if err != nil {
				t.Fatalf("prlimit: %v\n%s", err, out)
			}
		}
		l := newLoad(p, 0)
		l.more("runners are created", &l.acknowledged, 50)
		limit("65536")
		l.more("creates are refused", &l.refused, 20)
		readable(t, p)
		limit("unlimited")
		l.more("runners are created again", &l.acknowledged, 50)
		l.end()
		l.check(p, http.StatusServiceUnavailable)
		p.stop()
		l.check(p.again(), http.StatusServiceUnavailable)
	})
}

// readable expects that what needs no space still works, and that nobody
// sends more.
func readable(t *testing.T, p *program) {
	t.Helper()
	client := dial(t, p.url, p.root)
	must(client.Users.CurrentUser())(t)
	must(client.Runners.ListAllRunners(nil))(t)
}

// smallDisk returns a directory on a disk of a few megabytes.
func smallDisk(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can mount a small disk")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=24m,mode=0700"); err != nil {
		t.Skipf("mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
	return dir
}

// fill uses up a disk and returns the file that does.
func fill(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "filler")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, size := range []int64{1 << 20, 4096, 1} {
		for err = nil; err == nil; {
			_, err = io.CopyN(f, rand.Reader, size)
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(fmt.Errorf("fill the disk: %w", err))
		}
	}
	return path
}
