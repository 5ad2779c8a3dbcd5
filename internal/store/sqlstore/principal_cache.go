package sqlstore

import (
	"context"
	"fmt"
	"slices"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

// A principalCache keeps what access tokens led to, for databases that tell
// cheaply whether that may have changed: every request asks for its principal,
// and few change one.
type principalCache struct {
	db   Database
	kept *lru.Cache[baton.Digest, keptPrincipal]
}

// A keptPrincipal was read while the generation was the current one.
type keptPrincipal struct {
	store.Principal

	generation uint64
	read       time.Time
}

const (
	// maxPrincipals is how many tokens are expected to be busy at a time: what
	// automates a fleet comes with a few. The rest pays for its query.
	maxPrincipals = 64
	// maxPrincipalAge bounds what happens when a process is killed between its
	// commit and the change of the generation.
	maxPrincipalAge = time.Second
)

func newPrincipalCache(db Database) *principalCache {
	kept, err := lru.New[baton.Digest, keptPrincipal](maxPrincipals)
	if err != nil {
		panic(fmt.Sprintf("sqlstore: %v", err)) // the size is a constant
	}
	return &principalCache{db, kept}
}

// get returns the principal of a token, as read would.
func (c *principalCache) get(
	ctx context.Context, token baton.Digest, read func(context.Context, baton.Digest) (store.Principal, error),
) (store.Principal, error) {
	// The generation is taken before anything is read: a change meanwhile
	// makes what was read look old, never new.
	generation, tells := c.db.Generation()
	if !tells {
		return read(ctx, token)
	}
	now := time.Now()
	if k, ok := c.kept.Get(token); ok && k.generation == generation && now.Sub(k.read) < maxPrincipalAge {
		return clone(k.Principal), nil
	}
	p, err := read(ctx, token)
	if err == nil && p.Token != nil { // made-up tokens must not drive the others out
		c.kept.Add(token, keptPrincipal{clone(p), generation, now})
	}
	return p, err
}

// clone returns a principal that may be changed without changing p.
func clone(p store.Principal) store.Principal {
	token, user := *p.Token, *p.User
	token.Scopes = slices.Clone(token.Scopes)
	token.LastUsedIPs = slices.Clone(token.LastUsedIPs)
	p.Token, p.User = &token, &user
	p.Settings.ValidRunnerRegistrars = slices.Clone(p.Settings.ValidRunnerRegistrars)
	return p
}

// Principal implements [store.PrincipalReader].
func (s *Store) Principal(ctx context.Context, token baton.Digest) (store.Principal, error) {
	return s.principals.get(ctx, token, s.reader.Principal)
}
