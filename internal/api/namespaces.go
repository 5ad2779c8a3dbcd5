package api

import (
	"context"

	"baton.example/baton"
	"baton.example/baton/internal/directory"
)

// namespaceEntity is a group or personal namespace, as projects and lists of
// namespaces show it.
// https://docs.gitlab.com/api/namespaces/.
type namespaceEntity struct {
	ID        baton.NamespaceID   `json:"id"`
	Name      string              `json:"name"`
	Path      string              `json:"path"`
	Kind      baton.NamespaceKind `json:"kind"`
	FullPath  string              `json:"full_path"`
	ParentID  *baton.NamespaceID  `json:"parent_id"`
	AvatarURL *string             `json:"avatar_url"`
	WebURL    string              `json:"web_url"`
}

func (s *Server) namespaceEntity(n baton.Namespace) namespaceEntity {
	return namespaceEntity{
		ID: n.ID, Name: n.Name, Path: n.Path, Kind: n.Kind, FullPath: n.FullPath,
		ParentID: orNull(n.ParentID), WebURL: s.namespaceURL(&n),
	}
}

// namespaceURL returns the address of a namespace's page.
func (s *Server) namespaceURL(n *baton.Namespace) string {
	if n.Kind == baton.GroupNamespace {
		return s.webURL("groups/" + n.FullPath)
	}
	return s.webURL(n.FullPath)
}

// namespaceParams are the parameters of routes about one namespace.
type namespaceParams struct {
	ID directory.Ref `param:"id" required:"true" doc:"The namespace's id or path."`
}

// getNamespace shows a namespace: a group, or the personal namespace of a user.
func (s *Server) getNamespace(ctx context.Context, c *call, in namespaceParams) (namespaceEntity, error) {
	n, err := s.Directory.Namespace(ctx, c.actor, in.ID)
	if err != nil {
		return namespaceEntity{}, err
	}
	return s.namespaceEntity(n), nil
}

// listNamespacesParams are what GET /namespaces takes.
// https://docs.gitlab.com/api/namespaces/#list-all-namespaces.
type listNamespacesParams struct {
	Search string `param:"search" doc:"Only namespaces with this in the name or path."`
	paging
}

// listNamespaces lists the caller's personal namespace and the groups that the
// caller owns, to administrators all groups.
func (s *Server) listNamespaces(ctx context.Context, c *call, in listNamespacesParams) (list[namespaceEntity], error) {
	namespaces, total, err := s.Directory.Namespaces(ctx, c.actor, in.Search, in.rows())
	if err != nil {
		return list[namespaceEntity]{}, err
	}
	return list[namespaceEntity]{each(namespaces, s.namespaceEntity), total, in.paging}, nil
}
