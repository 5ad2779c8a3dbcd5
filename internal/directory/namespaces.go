package directory

import (
	"context"
	"fmt"

	"baton.example/baton"
	"baton.example/baton/internal/access"
)

// Namespace returns a group or a personal namespace. Personal ones are shown
// to their owner and to administrators.
// https://docs.gitlab.com/api/namespaces/#get-details-on-a-namespace.
func (d *Directory) Namespace(ctx context.Context, a *access.Actor, ref Ref) (baton.Namespace, error) {
	g, err := findGroup(ctx, d.store, a, ref)
	if !baton.IsNotFound(err) {
		return g, err
	}
	var n baton.Namespace
	if id, ok := ref.id(); ok {
		n, err = d.store.Namespace(ctx, baton.NamespaceID(id))
	} else {
		n, err = d.store.NamespaceByPath(ctx, string(ref))
	}
	if baton.IsNotFound(err) || err == nil && (n.Kind != baton.UserNamespace || !a.Admin && !a.Is(n.OwnerID)) {
		return baton.Namespace{}, baton.NotFound("Namespace")
	}
	if err != nil {
		return baton.Namespace{}, fmt.Errorf("find namespace: %w", err)
	}
	return n, nil
}

// PersonalNamespace returns the namespace of a user.
func (d *Directory) PersonalNamespace(ctx context.Context, user baton.UserID) (baton.Namespace, error) {
	return d.store.PersonalNamespace(ctx, user)
}
