// Package load asks an HTTP server as fast as it answers, for benchmarks.
package load

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A Load sends one request again and again over a number of connections, each
// waiting for its answer before it asks again. It reads and writes the
// connections itself: a full client would take more of the processors that it
// shares with the server than the server does.
type Load struct {
	// Addr is where the server listens.
	Addr string
	// Request is the bytes of one request, or of one of many if Next is set.
	Request string
	// Next, unless nil, returns the bytes of the n-th request.
	Next func(n int) string
	// Conns is how many connections ask at the same time.
	Conns int
	// Want is the status of every answer.
	Want int
}

// Get returns the bytes of a request with an access token.
func Get(path, token string) string {
	return fmt.Sprintf("GET %s HTTP/1.1\r\nHost: localhost\r\nPRIVATE-TOKEN: %s\r\n\r\n", path, token)
}

// Post returns the bytes of a request with an access token and a form.
func Post(path, token, form string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: localhost\r\nPRIVATE-TOKEN: %s\r\n"+
		"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", path, token, len(form), form)
}

// Run sends b.N requests and reports how many a second, how much processor
// time each took of server and client together, and how long the median and
// the slowest hundredth took.
func (l Load) Run(b *testing.B) {
	b.Helper()
	b.ResetTimer()
	began, busy := time.Now(), processorTime(b)
	took := l.Send(b, b.N)
	elapsed := time.Since(began)
	b.StopTimer()
	busy = processorTime(b) - busy
	if len(took) == 0 {
		return
	}
	slices.Sort(took)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(len(took))/elapsed.Seconds(), "req/s")
	b.ReportMetric(float64(busy.Microseconds())/float64(len(took)), "cpu-µs/req")
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}

// Send sends n requests and returns how long each took.
func (l Load) Send(tb testing.TB, n int) []time.Duration {
	tb.Helper()
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		took = make([]time.Duration, 0, n)
		left = make(chan int, n)
	)
	for i := range n {
		left <- i
	}
	close(left)
	for range l.Conns {
		var d net.Dialer
		conn, err := d.DialContext(tb.Context(), "tcp", l.Addr)
		if err != nil {
			tb.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		wg.Go(func() {
			own, err := l.ask(conn, left)
			if err != nil {
				tb.Error(err)
			}
			mu.Lock()
			took = append(took, own...)
			mu.Unlock()
		})
	}
	wg.Wait()
	return took
}

// processorTime returns how long the processors worked for this process.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		b.Fatal(err)
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}

// ask sends requests over one connection while there are any left.
func (l Load) ask(conn net.Conn, left <-chan int) ([]time.Duration, error) {
	var took []time.Duration
	in := bufio.NewReader(conn)
	for n := range left {
		request := l.Request
		if l.Next != nil {
			request = l.Next(n)
		}
		began := time.Now()
		if _, err := io.WriteString(conn, request); err != nil {
			return took, err
		}
		answer, err := http.ReadResponse(in, nil)
		if err != nil {
			return took, err
		}
		body, err := io.ReadAll(answer.Body)
		if err = errors.Join(err, answer.Body.Close()); err != nil {
			return took, err
		}
		if answer.StatusCode != l.Want {
			return took, fmt.Errorf("%s: %s", answer.Status, body)
		}
		took = append(took, time.Since(began))
	}
	return took, nil
}
