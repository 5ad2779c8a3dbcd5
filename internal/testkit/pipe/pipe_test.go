package pipe_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"baton.example/baton/internal/testkit/pipe"
)

// An hour on the network is nothing to the test.
func TestServe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ended := false
		network, stop := pipe.Serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/held" {
				<-r.Context().Done()
				time.Sleep(time.Second)
				ended = true
				return
			}
			time.Sleep(time.Hour)
			_, _ = io.WriteString(w, r.Host)
		}))
		client := &http.Client{Transport: &http.Transport{DialContext: network.DialContext}}
		began := time.Now()
		if got := get(t, client, "http://anywhere/"); got != "anywhere" || time.Since(began) != time.Hour {
			t.Errorf("%q after %v", got, time.Since(began))
		}
		go get(t, client, "http://anywhere/held")
		synctest.Wait()
		stop()
		if !ended {
			t.Error("a handler still runs")
		}
		if _, err := network.DialContext(t.Context(), "tcp", "anywhere:80"); !errors.Is(err, net.ErrClosed) {
			t.Errorf("dialed what is closed: %v", err)
		}
		client.CloseIdleConnections()
	})
}

// get returns the body of an answer, "" if there is none.
func get(t *testing.T, client *http.Client, url string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Error(err)
		return ""
	}
	answer, err := client.Do(r)
	if err != nil {
		return ""
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(answer.Body)
	return string(body)
}

func TestNobodyListens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := pipe.New().DialContext(ctx, "tcp", "anywhere:80"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("dialed nobody: %v", err)
		}
	})
}
