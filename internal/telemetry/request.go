package telemetry

import (
	"context"
	"sync/atomic"
)

// A Request is what the log and the metrics tell of one HTTP request. The
// server makes it; handlers add what only they know.
type Request struct {
	// ID names the request in logs and in the answer.
	ID    string
	route atomic.Pointer[string]
	user  atomic.Int64
}

// Route returns the pattern that the request matched, "" for none.
func (r *Request) Route() string {
	if pattern := r.route.Load(); pattern != nil {
		return *pattern
	}
	return ""
}

// User returns the id of the user who makes the request, 0 for nobody.
func (r *Request) User() int64 { return r.user.Load() }

type requestKey struct{}

// WithRequest returns a context that carries a new Request with the id.
func WithRequest(ctx context.Context, id string) (context.Context, *Request) {
	r := &Request{ID: id}
	return context.WithValue(ctx, requestKey{}, r), r
}

// RequestOf returns the request that ctx carries, nil for none.
func RequestOf(ctx context.Context) *Request {
	r, _ := ctx.Value(requestKey{}).(*Request)
	return r
}

// SetRoute tells which pattern the request of ctx matched.
func SetRoute(ctx context.Context, pattern string) {
	if r := RequestOf(ctx); r != nil {
		r.route.Store(&pattern)
	}
}

// SetUser tells which user makes the request of ctx.
func SetUser(ctx context.Context, id int64) {
	if r := RequestOf(ctx); r != nil {
		r.user.Store(id)
	}
}
