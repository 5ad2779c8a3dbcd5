// Package client asks a server that speaks GitLab's REST API: Baton, or a
// GitLab.
//
// # Answers
//
// They are handed on as the server wrote them, so that fields which only one
// of the servers has are not lost, nor their order. A status of 400 and above
// is an [*Error] in the server's words; no answer at all is an
// [*UnreachableError].
//
// # Asking again
//
// A request is repeated, after what Retry-After says or a growing pause, when
// the server is busy (429, 502, 503, 504) or the connection breaks, and when
// that cannot do anything twice:
//
//   - it only reads;
//   - it surely was not begun: there was no connection, or the answer is 429;
//   - it carries an Idempotency-Key and the server is a Baton, which answers
//     such a request once (docs/idempotency.md). A GitLab does not know the
//     header, and would make a second runner.
//
// # Where the token goes
//
// To the address that the client was made for, and nowhere else: not to where
// a redirect or a Link header points.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/hashicorp/go-retryablehttp"

	"baton.example/baton"
)

// Options say whom a client asks, and how.
type Options struct {
	// URL is the server's address as [ParseURL] returns it.
	URL *url.URL
	// Token is a personal, group or project access token, none for an
	// anonymous client.
	Token     baton.Secret
	UserAgent string
	// Timeout is how long one attempt may take, 0 for as long as it likes.
	Timeout time.Duration
	// Retries is how often a request is repeated at most.
	Retries int
	// Waiting is told before a request is repeated; nil for nobody.
	Waiting func(Wait)
}

// A Wait is the pause before a request is repeated.
type Wait struct {
	For time.Duration
	// Status is what the server answered, 0 if there was no answer.
	Status int
}

// Client asks one server with one token. It is safe for concurrent use.
type Client struct {
	options Options
	http    *retryablehttp.Client
	isBaton atomic.Pointer[bool]
}

// The pauses before a request is repeated: they double, unless the server says
// how long. Who is told to wait longer than maxWait is better told so.
const (
	firstWait = 500 * time.Millisecond
	maxWait   = time.Minute
)

// New makes a client. It asks nothing yet.
func New(o Options) *Client {
	c := &Client{options: o, http: retryablehttp.NewClient()}
	c.http.HTTPClient.Timeout = o.Timeout
	c.http.HTTPClient.CheckRedirect = checkRedirect
	c.http.Logger = nil
	c.http.RetryMax = o.Retries
	c.http.RetryWaitMin, c.http.RetryWaitMax = firstWait, maxWait
	c.http.CheckRetry = c.again
	c.http.Backoff = c.wait
	c.http.ErrorHandler = retryablehttp.PassthroughErrorHandler
	return c
}

// URL returns the server's address, without /api/v4.
func (c *Client) URL() string { return c.options.URL.String() }

// ParseURL reads the address of a server as people copy it: with a slash at the
// end or without, with /api/v4 or without.
func ParseURL(text string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(text))
	switch {
	case err == nil && u.User != nil:
		return nil, errors.New("the address of a server has no user and no password in it: the access token says who calls")
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return nil, fmt.Errorf("the address %q must look like https://gitlab.example.com", text)
	}
	path := strings.TrimSuffix(strings.TrimRight(u.EscapedPath(), "/"), "/api/v4")
	clean := &url.URL{Scheme: u.Scheme, Host: u.Host}
	return clean.Parse(clean.String() + path)
}

// A Request is what is asked.
type Request struct {
	Method string
	// Path is below /api/v4, begins with a slash and is escaped: see [Escape].
	Path  string
	Query url.Values
	// Header is sent besides what the client sends with every request.
	Header http.Header
	// Body is sent as ContentType, unless it is nil.
	Body        []byte
	ContentType string
	// Key is an Idempotency-Key for a request that a Baton answers once, "" for
	// none. As a mere header it has no say in whether a request is repeated.
	Key string
}

// Escape returns an id or a full path as one segment of a [Request.Path].
func Escape(id string) string { return url.PathEscape(id) }

// WithJSON returns the request with a body.
func (r Request) WithJSON(body any) (*Request, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("write the request: %w", err)
	}
	r.Body, r.ContentType = text, "application/json"
	return &r, nil
}

// Send asks, again if need be, and returns the answer, whose body the caller
// closes. An answer of 400 and above is an [*Error], no answer an
// [*UnreachableError].
func (c *Client) Send(ctx context.Context, r *Request) (*http.Response, error) {
	target := *c.options.URL
	path := strings.TrimSuffix(target.EscapedPath(), "/") + "/api/v4" + r.Path
	unescaped, err := url.PathUnescape(path)
	if err != nil {
		return nil, fmt.Errorf("the path %q: %w", r.Path, err)
	}
	target.Path, target.RawPath, target.RawQuery = unescaped, path, r.Query.Encode()

	var body any // nil, which a nil slice in it would not be
	if r.Body != nil {
		body = r.Body
	}
	req, err := retryablehttp.NewRequestWithContext(context.WithValue(ctx, asked{}, r), r.Method, target.String(), body)
	if err != nil {
		return nil, fmt.Errorf("write the request: %w", err)
	}
	maps.Copy(req.Header, r.Header)
	c.sign(req.Request, r)

	resp, err := c.http.Do(req)
	switch {
	case ctx.Err() != nil:
		if resp != nil {
			resp.Body.Close()
		}
		return nil, &UnreachableError{URL: c.URL(), Unsure: !r.reads(), Cause: ctx.Err()}
	case err != nil:
		return nil, &UnreachableError{URL: c.URL(), Unsure: !r.reads() && !unsent(err), Cause: plain(err)}
	case resp.StatusCode >= http.StatusBadRequest:
		defer resp.Body.Close()
		return nil, newError(r, resp)
	}
	return resp, nil
}

// sign adds what the client sends with every request.
func (c *Client) sign(req *http.Request, r *Request) {
	set := func(name, value string) {
		if req.Header.Get(name) == "" && value != "" {
			req.Header.Set(name, value)
		}
	}
	set("User-Agent", c.options.UserAgent)
	set("Accept", "application/json")
	set("Content-Type", r.ContentType)
	set("X-Request-Id", uuid.NewString()) // one for all attempts: servers that take it log them together
	if !c.options.Token.IsZero() {
		req.Header.Set("Private-Token", c.options.Token.Reveal())
	}
	if r.Key != "" {
		req.Header.Set("Idempotency-Key", r.Key)
	}
	if key := req.Header.Values("Idempotency-Key"); len(key) > 0 {
		// Spelled otherwise, net/http does not see it. It would take the header
		// for a promise of the server's, and repeat the request by itself when a
		// connection breaks: on a GitLab that makes a second runner.
		req.Header.Del("Idempotency-Key")
		req.Header["idempotency-key"] = key
	}
}

// reads reports whether the request changes nothing, however often it is sent.
func (r *Request) reads() bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

// asked is the key of the [Request] in the context of its attempts.
type asked struct{}

// again decides whether to repeat a request; see the package comment.
func (c *Client) again(ctx context.Context, resp *http.Response, err error) (bool, error) {
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	r, _ := ctx.Value(asked{}).(*Request)
	safe := r.reads()
	if err != nil {
		if lasting, _ := retryablehttp.DefaultRetryPolicy(ctx, nil, err); !lasting || refusedRedirect(err) || unknownHost(err) {
			return false, nil
		}
		safe = safe || unsent(err)
	} else {
		switch resp.StatusCode {
		case http.StatusTooManyRequests:
			safe = true
		case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		case http.StatusConflict:
			// The first attempt still runs, if it was one with a key.
			if r.Key == "" {
				return false, nil
			}
		default:
			return false, nil
		}
		if retryablehttp.DefaultBackoff(0, 0, 0, resp) > maxWait {
			return false, nil
		}
	}
	return safe || r.Key != "" && c.answersOnce(ctx), nil
}

// wait returns how long to wait before the next attempt, and tells so.
func (c *Client) wait(least, most time.Duration, attempt int, resp *http.Response) time.Duration {
	w := Wait{For: retryablehttp.DefaultBackoff(least, most, attempt, resp)}
	if resp != nil {
		w.Status = resp.StatusCode
	}
	if c.options.Waiting != nil {
		c.options.Waiting(w)
	}
	return w.For
}

// answersOnce reports whether the server is a Baton. It says so to everybody,
// whatever a token's scopes, at the beginning of its description.
func (c *Client) answersOnce(ctx context.Context) bool {
	if known := c.isBaton.Load(); known != nil {
		return *known
	}
	o := c.options
	o.Token = baton.Secret{}
	resp, err := New(o).Send(ctx, &Request{Method: http.MethodGet, Path: "/openapi.yaml", Header: http.Header{"Accept": {"*/*"}}})
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	begin := make([]byte, 256)
	n, err := io.ReadFull(resp.Body, begin)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false
	}
	is := bytes.Contains(begin[:n], []byte("\n  title: Baton\n"))
	c.isBaton.Store(&is)
	return is
}

// unsent reports whether nothing of a request can have reached the server.
func unsent(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

// unknownHost reports whether the server's name does not exist, which a moment
// does not change.
func unknownHost(err error) bool {
	dns, ok := errors.AsType[*net.DNSError](err)
	return ok && dns.IsNotFound
}

// maxHops is how many redirects are followed.
const maxHops = 5

// checkRedirect follows a redirect to another path of the same server alone:
// net/http would send the token along, and turn a POST into a GET.
func checkRedirect(req *http.Request, via []*http.Request) error {
	first := via[0]
	same := first.URL.Scheme == req.URL.Scheme && first.URL.Host == req.URL.Host
	toTLS := first.URL.Scheme == "http" && req.URL.Scheme == "https" && first.URL.Hostname() == req.URL.Hostname()
	switch {
	case !same && !toTLS, first.Method != req.Method:
		return &RedirectError{To: (&url.URL{Scheme: req.URL.Scheme, Host: req.URL.Host, Path: req.URL.Path}).String()}
	case len(via) > maxHops:
		return &RedirectError{To: "one address after another"}
	}
	return nil
}

func refusedRedirect(err error) bool {
	_, ok := errors.AsType[*RedirectError](err)
	return ok
}

// An Answer is all that a server said.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// maxAnswer is far more than any answer that is read at once; a page of
// runners takes 100 kB.
const maxAnswer = 64 << 20

// Ask asks and reads the answer to its end.
func (c *Client) Ask(ctx context.Context, r *Request) (*Answer, error) {
	resp, err := c.Send(ctx, r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, &UnreachableError{URL: c.URL(), Unsure: !r.reads(), Cause: plain(err)}
	}
	if len(body) > maxAnswer {
		return nil, fmt.Errorf("the answer to %s %s is longer than %d MiB", r.Method, r.Path, maxAnswer>>20)
	}
	return &Answer{resp.StatusCode, resp.Header, body}, nil
}

// Decode reads the answer's JSON.
func (a *Answer) Decode(into any) error {
	if err := json.Unmarshal(a.Body, into); err != nil {
		kind := a.Header.Get("Content-Type")
		if kind == "" {
			kind = "something"
		}
		return fmt.Errorf("the server answered with %s that is not what GitLab's API answers with: is its address right? (%w)", kind, err)
	}
	return nil
}
