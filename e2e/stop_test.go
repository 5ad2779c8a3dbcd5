package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	gitlab "gitlab.com/gitlab-org/api/client-go"
)

// TestDrain sends a signal while a request is half sent: it is answered, no
// other is taken, and the program exits with 0.
func TestDrain(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			p := start(t, setup{})
			idle := open(t, p.addr())
			idle.request("GET /-/liveness HTTP/1.1\r\nHost: x\r\n\r\n", http.StatusOK)

			const body = `{"runner_type":"instance_type"}`
			slow := open(t, p.addr())
			slow.send(fmt.Sprintf("POST /api/v4/user/runners HTTP/1.1\r\nHost: x\r\nPrivate-Token: %s\r\n"+
				"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", p.root, len(body), body[:10]))
			// The server has begun with the request when it counts it.
			p.waitFor("the request runs", func() bool {
				_, text := p.get("/-/metrics")
				return strings.Contains(text, "baton_http_requests_in_flight 2\n")
			})

			p.signal(signal)
			p.waitFor("nobody listens any more", func() bool {
				conn, err := net.Dial("tcp", p.addr())
				if err == nil {
					conn.Close()
				}
				return err != nil
			})
			select {
			case <-p.ended:
				t.Fatal("the program ended before the request")
			case <-time.After(200 * time.Millisecond): // nothing else could be waited for
			}
			slow.send(body[10:])
			slow.answer(http.StatusCreated)
			if code := p.wait(patience); code != 0 {
				t.Errorf("exit code %d", code)
			}
			again := p.again()
			if n := newWorld(again).runners(); n != 1 {
				t.Errorf("there are %d runners, want the one of the slow request", n)
			}
			began := time.Now()
			again.stop()
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("with nothing to wait for it took %v to stop", took)
			}
		})
	}
}

// TestStopWithRunnersHeld stops a server whose runners wait for jobs, as all of
// them do nearly all the time.
func TestStopWithRunnersHeld(t *testing.T) {
	t.Parallel()
	p := start(t, setup{})
	made, _, err := newWorld(p).root.Users.CreateUserRunner(&gitlab.CreateUserRunnerOptions{RunnerType: new("instance_type")})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(last string) string {
		body := fmt.Sprintf(`{"token":%q,"last_update":%q}`, made.Token, last)
		return fmt.Sprintf("POST /api/v4/jobs/request HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	}
	runner := open(t, p.addr())
	header, _ := runner.request(ask(""), http.StatusNoContent)
	told := header.Get("X-Gitlab-Last-Update")
	if told == "" {
		t.Fatal("the answer has no X-GitLab-Last-Update")
	}
	runner.send(ask(told))
	p.waitFor("the request is held", func() bool {
		_, text := p.get("/-/metrics")
		return strings.Contains(text, "baton_http_requests_in_flight 2\n")
	})
	began := time.Now()
	p.signal(syscall.SIGTERM)
	header, _ = runner.answer(http.StatusNoContent)
	if last := header.Get("X-Gitlab-Last-Update"); last != "" {
		t.Errorf("X-GitLab-Last-Update %q; want none, so that the runner keeps its own", last)
	}
	if code := p.wait(patience); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v to stop", took)
	}
}

// TestSecondSignal does not wait for a request that never ends.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	p := start(t, setup{})
	slow := open(t, p.addr())
	slow.send("POST /api/v4/user/runners HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{")
	p.waitFor("the request runs", func() bool {
		_, text := p.get("/-/metrics")
		return strings.Contains(text, "baton_http_requests_in_flight 2\n")
	})
	p.signal(syscall.SIGINT)
	p.waitFor("the program says that it waits", func() bool {
		return strings.Contains(p.log.String(), "shutting down")
	})
	eventually(t, "the second signal ends the program", func() bool {
		_ = p.cmd.Process.Signal(syscall.SIGINT) // the first of these may come too early
		select {
		case <-p.ended:
			return true
		default:
			return false
		}
	})
	if code := p.cmd.ProcessState.ExitCode(); code == 0 {
		t.Error("exit code 0 although a request was cut short")
	}
}

// A line is a connection on which a test writes HTTP by hand.
type line struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func open(t *testing.T, addr string) *line {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return &line{t: t, conn: conn, in: bufio.NewReader(conn)}
}

func (l *line) send(text string) {
	l.t.Helper()
	if _, err := io.WriteString(l.conn, text); err != nil {
		l.t.Fatal(err)
	}
}

// answer reads an answer and expects the status.
func (l *line) answer(status int) (header http.Header, body string) {
	l.t.Helper()
	resp, err := http.ReadResponse(l.in, nil)
	if err != nil {
		l.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		l.t.Fatal(err)
	}
	if resp.StatusCode != status {
		l.t.Errorf("status %d %s, want %d", resp.StatusCode, text, status)
	}
	return resp.Header, string(text)
}

func (l *line) request(text string, status int) (header http.Header, body string) {
	l.t.Helper()
	l.send(text)
	return l.answer(status)
}
