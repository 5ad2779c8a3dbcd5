package directory

import (
	"context"
	"fmt"
	"strings"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/store"
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

// Namespaces returns a page of the namespaces that the actor may make projects
// in, more or less: the own personal one and the groups that the actor owns,
// to administrators all groups; and how many there are in all.
// https://docs.gitlab.com/api/namespaces/#list-all-namespaces.
func (d *Directory) Namespaces(
	ctx context.Context, a *access.Actor, search string, p store.Page,
) ([]baton.Namespace, int, error) {
	own, err := d.store.PersonalNamespace(ctx, a.User.ID)
	if err != nil && !baton.IsNotFound(err) {
		return nil, 0, fmt.Errorf("find personal namespace: %w", err)
	}
	ahead := 0 // the personal one goes before the groups
	if err == nil && strings.Contains(strings.ToLower(own.Name+"\n"+own.Path), strings.ToLower(search)) {
		ahead = 1
	}
	rows := store.Page{Limit: p.Limit, Offset: max(0, p.Offset-ahead)}
	all, total, err := d.Groups(ctx, a, GroupList{Search: search, Owned: !a.Admin}, rows)
	if err != nil {
		return nil, 0, err
	}
	if ahead == 1 && p.Offset == 0 {
		all = append([]baton.Namespace{own}, all...)
		all = all[:min(len(all), p.Limit)]
	}
	return all, total + ahead, nil
}
