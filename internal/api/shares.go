package api

import (
	"context"

	"baton.example/baton"
	"baton.example/baton/internal/directory"
)

// sharedWithGroup is a share, as the group or project that was shared shows it.
type sharedWithGroup struct {
	GroupID          baton.NamespaceID `json:"group_id"`
	GroupName        string            `json:"group_name"`
	GroupFullPath    string            `json:"group_full_path"`
	GroupAccessLevel baton.AccessLevel `json:"group_access_level"`
	ExpiresAt        *baton.Date       `json:"expires_at"`
}

func newSharedWithGroup(s directory.NamedShare) sharedWithGroup {
	return sharedWithGroup{
		GroupID: s.With.ID, GroupName: s.With.Name, GroupFullPath: s.With.FullPath,
		GroupAccessLevel: s.AccessLevel, ExpiresAt: orNull(s.ExpiresAt),
	}
}

// shareParams are what the routes take that share something with a group.
type shareParams struct {
	ID          directory.Ref     `param:"id" required:"true" doc:"What is shared, by id or path."`
	GroupID     baton.NamespaceID `param:"group_id" required:"true" doc:"The group that is let in."`
	GroupAccess baton.AccessLevel `param:"group_access" required:"true" values:"10,15,20,25,30,40,50" doc:"The most that a member of it can do."`
	ExpiresAt   baton.Date        `param:"expires_at,date" doc:"The day on which the share ends."`
}

// shareGroup shares a group with another, whose members it lets in.
// https://docs.gitlab.com/api/groups/#invite-groups.
func (s *Server) shareGroup(ctx context.Context, c *call, in shareParams) (groupDetails, error) {
	g, err := s.Directory.ShareGroup(ctx, c.actor, in.ID, directory.RefOf(in.GroupID), in.GroupAccess, in.ExpiresAt)
	if err != nil {
		return groupDetails{}, err
	}
	return s.groupDetails(ctx, c, g)
}

// projectShare is what the share of a project is answered with.
type projectShare struct {
	ProjectID   baton.ProjectID   `json:"project_id"`
	GroupID     baton.NamespaceID `json:"group_id"`
	GroupAccess baton.AccessLevel `json:"group_access"`
	ExpiresAt   *baton.Date       `json:"expires_at"`
}

// shareProject shares a project with a group, whose members it lets in.
// https://docs.gitlab.com/api/projects/#share-a-project-with-a-group.
func (s *Server) shareProject(ctx context.Context, c *call, in shareParams) (projectShare, error) {
	share, err := s.Directory.ShareProject(
		ctx, c.actor, in.ID, directory.RefOf(in.GroupID), in.GroupAccess, in.ExpiresAt)
	if err != nil {
		return projectShare{}, err
	}
	return projectShare{
		ProjectID: share.Source.Project, GroupID: share.WithGroup,
		GroupAccess: share.AccessLevel, ExpiresAt: orNull(share.ExpiresAt),
	}, nil
}

// unshareParams are what the routes take that end a share.
type unshareParams struct {
	ID      directory.Ref     `param:"id" required:"true" doc:"What is shared, by id or path."`
	GroupID baton.NamespaceID `param:"group_id" required:"true" doc:"The group that was let in."`
}

// unshareGroup ends the share of a group with another.
func (s *Server) unshareGroup(ctx context.Context, c *call, in unshareParams) (none, error) {
	return none{}, s.Directory.Unshare(ctx, c.actor, directory.Place{Group: in.ID}, in.GroupID)
}

// unshareProject ends the share of a project with a group.
func (s *Server) unshareProject(ctx context.Context, c *call, in unshareParams) (none, error) {
	return none{}, s.Directory.Unshare(ctx, c.actor, directory.Place{Project: in.ID}, in.GroupID)
}
