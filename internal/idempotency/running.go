package idempotency

import (
	"sync"

	"baton.example/baton"
)

// Running are the keys whose first request still runs in this process. The
// zero value is none; it is safe for concurrent use.
type Running struct {
	mu   sync.Mutex
	keys map[baton.Digest]struct{}
}

// Begin marks the key as running until end is called, which may happen more
// than once. It is a conflict while it runs already.
func (r *Running) Begin(k *Key) (end func(), err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.keys[k.digest]; ok {
		return nil, baton.Conflict("A request with this Idempotency-Key is still running: repeat it when that one has ended")
	}
	if r.keys == nil {
		r.keys = make(map[baton.Digest]struct{})
	}
	r.keys[k.digest] = struct{}{}
	return sync.OnceFunc(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.keys, k.digest)
	}), nil
}
