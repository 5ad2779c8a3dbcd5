package fleet

import (
	"context"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/store"
)

// A Store is what the fleet needs of storage.
type Store interface {
	store.NamespaceReader
	store.ProjectReader
	store.MemberReader
	store.UserReader
	store.PrincipalReader
	store.RunnerReader
	store.RunnerCreator
	Tx(ctx context.Context, fn func(ctx context.Context, tx store.Tx) error) error
}

// A Service manages the fleet.
type Service struct {
	store  Store
	policy access.Policy
	now    func() time.Time
}

// New returns a service on the store that tells time by now.
func New(s Store, now func() time.Time) *Service {
	return &Service{store: s, policy: access.Policy{Members: s}, now: now}
}

// source returns the group or project that a runner belongs to, zero for an
// instance runner.
func source(r *baton.Runner) baton.Source {
	return baton.Source{Namespace: r.GroupID, Project: r.ProjectID}
}
