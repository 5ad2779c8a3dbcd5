package runnerclient_test

import (
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"baton.example/baton/internal/testkit/pipe"
	"baton.example/baton/internal/testkit/runnerclient"
)

// An exchange is a request that the fake server got.
type exchange struct {
	at     time.Time
	method string
	path   string
	query  string
	header http.Header
	body   string
	length int64 // as it was announced, -1 if it was not
}

// field returns a field of a body of JSON as it stands there, "" if it is not.
func (e exchange) field(name string) string {
	var fields map[string]json.RawMessage
	if json.Unmarshal([]byte(e.body), &fields) != nil {
		return ""
	}
	return string(fields[name])
}

// A reply is what the fake server says.
type reply struct {
	status int
	body   string
	header map[string]string // besides, or instead of, application/json
}

// A fake is a server that answers as the test says and remembers what it was
// asked.
type fake struct {
	answer func(exchange) reply

	mu  sync.Mutex
	got []exchange
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	e := exchange{time.Now(), r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Clone(), string(body), r.ContentLength}
	f.mu.Lock()
	f.got = append(f.got, e)
	f.mu.Unlock()
	a := f.answer(e)
	if a.body != "" {
		w.Header().Set("Content-Type", "application/json")
	}
	for name, value := range a.header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.body)
}

// requests returns what was asked so far.
func (f *fake) requests() []exchange {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]exchange{}, f.got...)
}

// paths returns the method and path of what was asked.
func (f *fake) paths() []string {
	var all []string
	for _, e := range f.requests() {
		all = append(all, e.method+" "+e.path)
	}
	return all
}

// instance is where every fake is.
const instance = "http://gitlab.example"

// serve starts a fake and returns it with a client that reaches it.
func serve(t *testing.T, answer func(exchange) reply) (*fake, *runnerclient.Client) {
	t.Helper()
	f := &fake{answer: answer}
	network, stop := pipe.Serve(f)
	c := runnerclient.New(runnerclient.Options{Transport: runnerclient.NewTransport(network.DialContext)})
	t.Cleanup(func() {
		c.CloseIdleConnections()
		stop()
	})
	return f, c
}

// always answers everything alike.
func always(r reply) func(exchange) reply { return func(exchange) reply { return r } }

// inTurn answers with one after the other, the last again and again.
func inTurn(replies ...reply) func(exchange) reply {
	var mu sync.Mutex
	return func(exchange) reply {
		mu.Lock()
		defer mu.Unlock()
		r := replies[0]
		if len(replies) > 1 {
			replies = replies[1:]
		}
		return r
	}
}

// The usual answers.
var (
	verified = reply{status: http.StatusOK, body: `{"id":42,"token":"glrt-other","token_expires_at":null}`}
	noJob    = reply{status: http.StatusNoContent}
	refused  = reply{status: http.StatusForbidden, body: `{"message":"403 Forbidden"}`}
)

// entry is a config entry with the token.
func entry(token string) runnerclient.Runner {
	return runnerclient.Runner{URL: instance, ID: 42, Token: token}
}
