package fleet

import (
	"context"
	"time"

	"baton.example/baton/internal/access"
	"baton.example/baton/internal/seal"
	"baton.example/baton/internal/store"
)

// A Store is what the fleet needs of storage.
type Store interface {
	reader
	store.RunnerCreator
	store.UseRecorder
	Tx(ctx context.Context, fn func(ctx context.Context, tx store.Tx) error) error
}

// A reader is what both a [Store] and a transaction can be asked.
type reader interface {
	store.SettingsReader
	store.NamespaceReader
	store.ProjectReader
	store.MemberReader
	store.UserReader
	store.RunnerReader
	store.PrincipalReader
	store.RegistrationTokenReader
	store.StalePolicyReader
}

// A Service manages the fleet.
type Service struct {
	store Store
	keys  *seal.Keyring
	view  view
	now   func() time.Time
}

// New returns a service on the store that seals registration tokens under the
// keys and tells time by now.
func New(s Store, keys *seal.Keyring, now func() time.Time) *Service {
	return &Service{store: s, keys: keys, view: look(s), now: now}
}

// A view answers questions from what it reads: what is committed, or what a
// transaction sees. A change asks inside its transaction, so that a right that
// was taken away meanwhile does not count.
type view struct {
	reader

	policy access.Policy
}

func look(r reader) view { return view{r, access.Policy{Members: r}} }
