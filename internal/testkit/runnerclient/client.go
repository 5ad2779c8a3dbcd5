package runnerclient

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// The limits on a request.
const (
	dialTimeout    = 30 * time.Second
	tlsTimeout     = 10 * time.Second
	headerTimeout  = 10 * time.Minute
	requestTimeout = time.Hour
	// connectionAge is after how long idle connections are not used again.
	connectionAge = 15 * time.Minute
)

// Options are what a [Client] is made with.
type Options struct {
	// Transport carries the requests, see [NewTransport]; nil is the real
	// network.
	Transport http.RoundTripper
	// Info is what the program says of itself, [ShellInfo] if it has no name.
	Info Info
	// Log is nil for none.
	Log *slog.Logger
}

// A Client makes single calls, as one process of the program does. It may be
// used by several goroutines at once.
type Client struct {
	http *http.Client
	info Info
	log  *slog.Logger

	mu       sync.Mutex
	queues   map[Credentials]string // the last X-GitLab-Last-Update
	recycled time.Time
}

// New returns a client that remembers nothing yet.
func New(o Options) *Client {
	if o.Transport == nil {
		o.Transport = NewTransport(nil)
	}
	if o.Info.Name == "" {
		o.Info = ShellInfo()
	}
	return &Client{
		http:   &http.Client{Transport: o.Transport, Timeout: requestTimeout},
		info:   o.Info,
		log:    cmp.Or(o.Log, slog.New(slog.DiscardHandler)),
		queues: map[Credentials]string{}, recycled: time.Now(),
	}
}

// NewTransport returns a transport with the program's time limits that connects
// with dial, nil for TCP.
func NewTransport(dial func(ctx context.Context, network, addr string) (net.Conn, error)) *http.Transport {
	if dial == nil {
		dial = (&net.Dialer{Timeout: dialTimeout}).DialContext
	}
	return &http.Transport{DialContext: dial, TLSHandshakeTimeout: tlsTimeout, ResponseHeaderTimeout: headerTimeout}
}

// CloseIdleConnections ends the connections that wait for a further request.
func (c *Client) CloseIdleConnections() { c.http.CloseIdleConnections() }

// Credentials are what a server is called with. What a client remembers of a
// server is kept for each of them: another token begins anew.
type Credentials struct {
	// URL is the address of the instance, as it was configured.
	URL   string
	Token string
}

// endpoint returns the address of a call. A "/ci" at the end of the configured
// address is from a time when CI was a program of its own.
func (c Credentials) endpoint(path string, query url.Values) string {
	base := strings.TrimRight(c.URL, "/")
	base = strings.TrimRight(strings.TrimSuffix(base, "/ci"), "/")
	address := base + "/api/v4/" + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	return address
}

// A StatusError is an answer with another status than the one that stands for
// success.
type StatusError struct {
	Status int
	// Message is what the body says, "" where it says nothing that is understood.
	Message string
}

// Error implements error.
func (e *StatusError) Error() string {
	text := fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status))
	if e.Message != "" {
		text += ": " + e.Message
	}
	return text
}

// Status returns the status that err tells of, 0 if it tells of none: nothing
// was answered, or it could not be understood.
func Status(err error) int {
	if e, ok := errors.AsType[*StatusError](err); ok {
		return e.Status
	}
	return 0
}

// An AnswerError says that an answer had the right status and could not be
// understood.
type AnswerError struct{ Cause error }

// Error implements error.
func (e *AnswerError) Error() string { return "the answer cannot be understood: " + e.Cause.Error() }

// Unwrap returns the cause.
func (e *AnswerError) Unwrap() error { return e.Cause }

// A request is one call, which may be sent several times.
type request struct {
	method  string
	address string
	header  http.Header
	// body returns the body, from its beginning every time; nil for none.
	body func() (io.ReadCloser, error)
	// length is that of the body, -1 if it is not known ahead.
	length int64
	// stay leaves redirects to the caller.
	stay bool
}

// send sends a request, again if the status says so, and returns the last
// answer, and whether any before it, or it, had such a status.
func (c *Client) send(ctx context.Context, r request) (answer *http.Response, troubled bool, err error) {
	c.recycle()
	client := c.http
	if r.stay {
		client = &http.Client{
			Transport: c.http.Transport, Timeout: requestTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	r.header.Set("User-Agent", userAgent)
	r.header.Set("X-Request-Id", requestID())
	for attempt := 1; ; attempt++ {
		req, err := http.NewRequestWithContext(ctx, r.method, r.address, http.NoBody)
		if err != nil {
			return nil, troubled, err
		}
		req.Header = r.header
		if r.body != nil {
			if req.Body, err = r.body(); err != nil {
				return nil, troubled, fmt.Errorf("open the body: %w", err)
			}
			req.GetBody, req.ContentLength = r.body, r.length
		}
		answer, err := client.Do(req)
		if err != nil {
			return nil, troubled, err
		}
		c.log.DebugContext(ctx, "answer", "method", r.method, "path", req.URL.Path, "status", answer.StatusCode, "correlation_id", answer.Header.Get("X-Request-Id"))
		if !retriable(answer.StatusCode) {
			return answer, troubled, nil
		}
		troubled = true
		if attempt == maxAttempts {
			return answer, troubled, nil
		}
		discard(answer)
		if err := sleep(ctx, pause(answer.Header, attempt, time.Now())); err != nil {
			return nil, troubled, err
		}
	}
}

// recycle ends idle connections now and then, so that a server behind a name
// that leads elsewhere by now is not asked for ever.
func (c *Client) recycle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.recycled) >= connectionAge {
		c.http.CloseIdleConnections()
		c.recycled = time.Now()
	}
}

// discard reads an answer to its end, so that its connection can be used again.
func discard(answer *http.Response) {
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
}

func requestID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	return hex.EncodeToString(id[:])
}

// A jsonCall is a call with a body of JSON.
type jsonCall struct {
	method, path string
	header       http.Header // nil for none
	in           any
	// out takes the body of the answer, nil if that does not matter.
	out any
	// want is the status that stands for success.
	want int
}

// A result is what is known of an answer besides its body.
type result struct {
	header   http.Header
	troubled bool
}

// doJSON makes a call and remembers what the answer says of the queue. Another
// status than the wanted one is a [StatusError].
func (c *Client) doJSON(ctx context.Context, to Credentials, call jsonCall) (result, error) {
	body, err := json.Marshal(call.in)
	if err != nil {
		return result{}, fmt.Errorf("write the request: %w", err)
	}
	header := call.header
	if header == nil {
		header = http.Header{}
	}
	header.Set("Content-Type", "application/json")
	if call.out != nil {
		header.Set("Accept", "application/json")
	}
	answer, troubled, err := c.send(ctx, request{
		method: call.method, address: to.endpoint(call.path, nil), header: header, length: int64(len(body)),
		body: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil },
	})
	if err != nil {
		return result{troubled: troubled}, err
	}
	defer discard(answer)
	c.remember(to, answer.Header.Get("X-GitLab-Last-Update"))
	res := result{answer.Header, troubled}
	if answer.StatusCode != call.want {
		return res, newStatusError(answer)
	}
	if call.out == nil {
		return res, nil
	}
	// Exactly this type: "text/json" and "application/problem+json" are others.
	if kind, _, err := mime.ParseMediaType(answer.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return res, &AnswerError{fmt.Errorf("its content type is %q", answer.Header.Get("Content-Type"))}
	}
	if err := json.NewDecoder(answer.Body).Decode(call.out); err != nil {
		return res, &AnswerError{err}
	}
	return res, nil
}

func newStatusError(answer *http.Response) *StatusError {
	e := &StatusError{Status: answer.StatusCode}
	var body struct {
		Message json.RawMessage `json:"message"`
	}
	if json.NewDecoder(answer.Body).Decode(&body) != nil {
		return e // anything is tolerated
	}
	var fields map[string][]string
	switch {
	case json.Unmarshal(body.Message, &e.Message) == nil:
	case json.Unmarshal(body.Message, &fields) == nil:
		e.Message = fmt.Sprint(fields)
	}
	return e
}

func (c *Client) remember(to Credentials, lastUpdate string) {
	if lastUpdate == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queues[to] = lastUpdate
}

// LastUpdate returns what was last heard of the queue with these credentials,
// "" if nothing was.
func (c *Client) LastUpdate(of Credentials) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.queues[of]
}
