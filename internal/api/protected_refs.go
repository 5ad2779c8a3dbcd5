package api

import (
	"context"
	"errors"
	"net/http"

	"baton.example/baton"
	"baton.example/baton/internal/directory"
	"baton.example/baton/internal/grape"
)

// refAccess is who may do something with protected branches or tags. Baton
// knows roles alone.
type refAccess struct {
	ID          baton.ProtectedRefID `json:"id"`
	AccessLevel baton.AccessLevel    `json:"access_level"`
	Description string               `json:"access_level_description"`
	UserID      *baton.UserID        `json:"user_id"`
	GroupID     *baton.NamespaceID   `json:"group_id"`
}

// refAccesses returns the one level as GitLab's list of them.
func refAccesses(r *baton.ProtectedRef, level baton.AccessLevel) []refAccess {
	words := map[baton.AccessLevel]string{
		baton.NoAccess: "No one", baton.DeveloperAccess: "Developers + Maintainers",
		baton.MaintainerAccess: "Maintainers", baton.AdminAccess: "Instance admins",
	}
	return []refAccess{{ID: r.ID, AccessLevel: level, Description: words[level]}}
}

// protectedBranch is a protected branch, or those that a wildcard names.
// https://docs.gitlab.com/api/protected_branches/.
type protectedBranch struct {
	ID                        baton.ProtectedRefID `json:"id"`
	Name                      string               `json:"name"`
	PushAccessLevels          []refAccess          `json:"push_access_levels"`
	MergeAccessLevels         []refAccess          `json:"merge_access_levels"`
	AllowForcePush            bool                 `json:"allow_force_push"`
	UnprotectAccessLevels     []refAccess          `json:"unprotect_access_levels"`
	CodeOwnerApprovalRequired bool                 `json:"code_owner_approval_required"`
	Inherited                 bool                 `json:"inherited"`
}

func newProtectedBranch(r baton.ProtectedRef) protectedBranch {
	return protectedBranch{
		ID: r.ID, Name: r.Name, PushAccessLevels: refAccesses(&r, r.PushLevel), MergeAccessLevels: refAccesses(&r, r.MergeLevel),
		UnprotectAccessLevels: []refAccess{},
	}
}

// protectedTag is a protected tag, or those that a wildcard names.
// https://docs.gitlab.com/api/protected_tags/.
type protectedTag struct {
	Name               string      `json:"name"`
	CreateAccessLevels []refAccess `json:"create_access_levels"`
}

func newProtectedTag(r baton.ProtectedRef) protectedTag {
	return protectedTag{Name: r.Name, CreateAccessLevels: refAccesses(&r, r.PushLevel)}
}

// refAccessParams is one of those who may do something.
type refAccessParams struct {
	AccessLevel grape.Opt[baton.AccessLevel] `param:"access_level" values:"0,30,40,60" doc:"A role: 30 for Developers and above, 40 for Maintainers, 60 for administrators, 0 for nobody."`
	UserID      grape.Opt[baton.UserID]      `param:"user_id" doc:"Not there: Baton knows roles alone."`
	GroupID     grape.Opt[baton.NamespaceID] `param:"group_id" doc:"Not there: Baton knows roles alone."`
	DeployKeyID grape.Opt[int]               `param:"deploy_key_id" doc:"Not there: Baton knows roles alone."`
	ID          int                          `param:"id" doc:"What is meant, if it is to go."`
	Destroy     bool                         `param:"_destroy" doc:"Whether it is to go."`
}

// errRolesAlone refuses what would give somebody less, or more, than was asked
// for.
var errRolesAlone = &baton.Error{Code: baton.CodeInvalid, Message: "user_id, group_id and deploy_key_id are not supported: name an access_level"}

// levelOf returns the role that is left when all of them may, nil when none is
// named. Each role may what the ones below it may, so that it is the lowest one.
func levelOf(all []refAccessParams, level *baton.AccessLevel) (*baton.AccessLevel, error) {
	for _, one := range all {
		switch {
		case one.UserID.Valid() || one.GroupID.Valid() || one.DeployKeyID.Valid():
			return nil, errRolesAlone
		case one.Destroy:
			if level == nil {
				level = new(baton.NoAccess)
			}
		case !one.AccessLevel.Valid():
		case level == nil || *level == baton.NoAccess || one.AccessLevel.Value != baton.NoAccess && one.AccessLevel.Value < *level:
			level = &one.AccessLevel.Value
		}
	}
	return level, nil
}

// branchRules are what a protected branch can have besides levels, and what of
// it there cannot be without a repository.
type branchRules struct {
	AllowedToPush             []refAccessParams `param:"allowed_to_push" doc:"Who may push, and run pipelines: the lowest role that is named."`
	AllowedToMerge            []refAccessParams `param:"allowed_to_merge" doc:"Who may merge, and run pipelines: the lowest role that is named."`
	AllowForcePush            bool              `param:"allow_force_push" values:"false" doc:"There is no repository to push to."`
	CodeOwnerApprovalRequired bool              `param:"code_owner_approval_required" values:"false" doc:"There are no code owners."`
	UnprotectAccessLevel      int               `param:"unprotect_access_level" values:"40" doc:"Maintainers may unprotect."`
}

func (in *branchRules) change(push, merge grape.Opt[baton.AccessLevel]) (c directory.ProtectedRefChange, err error) {
	if c.PushLevel, err = levelOf(in.AllowedToPush, given(push)); err != nil {
		return c, err
	}
	c.MergeLevel, err = levelOf(in.AllowedToMerge, given(merge))
	return c, err
}

// protectedRefFilter are the parameters of the lists.
type protectedRefFilter struct {
	projectParams
	paging
}

// protectedRefs returns a page of what protects the refs.
func protectedRefs[Entity any](
	ctx context.Context, s *Server, c *call, of directory.Refs, search string, p paging, present func(baton.ProtectedRef) Entity,
) (list[Entity], error) {
	all, err := s.Directory.ProtectedRefs(ctx, c.actor, of, search)
	if err != nil {
		return list[Entity]{}, err
	}
	return list[Entity]{each(part(all, p), present), len(all), p}, nil
}

// part returns the rows of a whole list that are on the page.
func part[T any](all []T, p paging) []T {
	rows := p.rows()
	from := min(rows.Offset, len(all))
	return all[from:min(from+rows.Limit, len(all))]
}

// listProtectedBranchesParams are what GET /projects/:id/protected_branches
// takes. https://docs.gitlab.com/api/protected_branches/#list-protected-branches.
type listProtectedBranchesParams struct {
	protectedRefFilter
	Search string `param:"search" doc:"A part of the name."`
}

// listProtectedBranches lists the protected branches of a project.
func (s *Server) listProtectedBranches(ctx context.Context, c *call, in listProtectedBranchesParams) (list[protectedBranch], error) {
	return protectedRefs(ctx, s, c, directory.Refs{Project: in.ID}, in.Search, in.paging, newProtectedBranch)
}

// protectedRefParams name protected branches or tags.
type protectedRefParams struct {
	projectParams
	Name string `param:"name" required:"true" doc:"The name, or the wildcard as it was given."`
}

// getProtectedBranch shows a protected branch, or a wildcard.
// https://docs.gitlab.com/api/protected_branches/#get-a-single-protected-branch-or-wildcard-protected-branch.
func (s *Server) getProtectedBranch(ctx context.Context, c *call, in protectedRefParams) (protectedBranch, error) {
	r, err := s.Directory.ProtectedRef(ctx, c.actor, directory.Refs{Project: in.ID}, in.Name)
	return newProtectedBranch(r), err
}

// protectBranchParams are what POST /projects/:id/protected_branches takes.
// https://docs.gitlab.com/api/protected_branches/#protect-repository-branches.
type protectBranchParams struct {
	protectedRefParams
	PushAccessLevel  grape.Opt[baton.AccessLevel] `param:"push_access_level" values:"0,30,40,60" doc:"The role that may push; 40 unless given."`
	MergeAccessLevel grape.Opt[baton.AccessLevel] `param:"merge_access_level" values:"0,30,40,60" doc:"The role that may merge; 40 unless given."`
	branchRules
}

// protectBranch protects a branch, or all that a wildcard names.
//
// Pipelines for it are run by those alone who may push or merge, and its jobs
// may go to runners for protected refs.
func (s *Server) protectBranch(ctx context.Context, c *call, in protectBranchParams) (protectedBranch, error) {
	change, err := in.change(in.PushAccessLevel, in.MergeAccessLevel)
	if err != nil {
		return protectedBranch{}, err
	}
	r, err := s.Directory.Protect(ctx, c.actor, directory.Refs{Project: in.ID}, in.Name, change)
	if baton.CodeOf(err) == baton.CodeConflict {
		err = baton.Conflict("Protected branch '" + in.Name + "' already exists")
	}
	return newProtectedBranch(r), refused(err)
}

// updateProtectedBranchParams are what PATCH takes.
// https://docs.gitlab.com/api/protected_branches/#update-a-protected-branch.
type updateProtectedBranchParams struct {
	protectedRefParams
	branchRules
}

// updateProtectedBranch changes who may push to a protected branch, and merge into it.
func (s *Server) updateProtectedBranch(ctx context.Context, c *call, in updateProtectedBranchParams) (protectedBranch, error) {
	change, err := in.change(grape.Opt[baton.AccessLevel]{}, grape.Opt[baton.AccessLevel]{})
	if err != nil {
		return protectedBranch{}, err
	}
	r, err := s.Directory.UpdateProtectedRef(ctx, c.actor, directory.Refs{Project: in.ID}, in.Name, change)
	return newProtectedBranch(r), err
}

// unprotectBranch ends the protection of a branch, or of a wildcard.
// https://docs.gitlab.com/api/protected_branches/#unprotect-repository-branches.
func (s *Server) unprotectBranch(ctx context.Context, c *call, in protectedRefParams) (none, error) {
	return none{}, s.Directory.Unprotect(ctx, c.actor, directory.Refs{Project: in.ID}, in.Name)
}

// listProtectedTags lists the protected tags of a project.
// https://docs.gitlab.com/api/protected_tags/#list-protected-tags.
func (s *Server) listProtectedTags(ctx context.Context, c *call, in protectedRefFilter) (list[protectedTag], error) {
	return protectedRefs(ctx, s, c, directory.Refs{Project: in.ID, Tags: true}, "", in.paging, newProtectedTag)
}

// getProtectedTag shows a protected tag, or a wildcard.
// https://docs.gitlab.com/api/protected_tags/#get-a-protected-tag-or-wildcard-protected-tag.
func (s *Server) getProtectedTag(ctx context.Context, c *call, in protectedRefParams) (protectedTag, error) {
	r, err := s.Directory.ProtectedRef(ctx, c.actor, directory.Refs{Project: in.ID, Tags: true}, in.Name)
	return newProtectedTag(r), err
}

// protectTagParams are what POST /projects/:id/protected_tags takes.
// https://docs.gitlab.com/api/protected_tags/#add-protection-to-repository-tags.
type protectTagParams struct {
	protectedRefParams
	CreateAccessLevel grape.Opt[baton.AccessLevel] `param:"create_access_level" values:"0,30,40,60" doc:"The role that may create the tag; 40 unless given."`
	AllowedToCreate   []refAccessParams            `param:"allowed_to_create" doc:"Who may create the tag, and run pipelines: the lowest role that is named."`
}

// protectTag protects a tag, or all that a wildcard names.
//
// Pipelines for it are run by those alone who may create it, and its jobs may go
// to runners for protected refs.
func (s *Server) protectTag(ctx context.Context, c *call, in protectTagParams) (protectedTag, error) {
	level, err := levelOf(in.AllowedToCreate, given(in.CreateAccessLevel))
	if err != nil {
		return protectedTag{}, err
	}
	change := directory.ProtectedRefChange{PushLevel: level, MergeLevel: new(baton.NoAccess)}
	r, err := s.Directory.Protect(ctx, c.actor, directory.Refs{Project: in.ID, Tags: true}, in.Name, change)
	if baton.CodeOf(err) == baton.CodeConflict {
		err = baton.Invalid([]baton.FieldError{{Field: "name", Problem: "has already been taken"}})
	}
	return newProtectedTag(r), refused(err)
}

// unprotectTag ends the protection of a tag, or of a wildcard.
// https://docs.gitlab.com/api/protected_tags/#unprotect-repository-tags.
func (s *Server) unprotectTag(ctx context.Context, c *call, in protectedRefParams) (none, error) {
	return none{}, s.Directory.Unprotect(ctx, c.actor, directory.Refs{Project: in.ID, Tags: true}, in.Name)
}

// refused returns err with its broken rules as a list of sentences and 422,
// as GitLab answers here.
func refused(err error) error {
	e, ok := errors.AsType[*baton.Error](err)
	if !ok || e.Code != baton.CodeInvalid || len(e.Fields) == 0 {
		return err
	}
	return &failure{
		status: http.StatusUnprocessableEntity,
		body:   message{each(e.Fields, func(f baton.FieldError) string { return f.Sentence() })},
	}
}
