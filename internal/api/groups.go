package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"baton.example/baton"
	"baton.example/baton/internal/directory"
	"baton.example/baton/internal/grape"
)

// groupEntity is a group in lists. What Baton has no use for says what GitLab
// says of a new group.
// https://docs.gitlab.com/api/groups/.
type groupEntity struct {
	ID                             baton.NamespaceID           `json:"id"`
	WebURL                         string                      `json:"web_url"`
	Name                           string                      `json:"name"`
	Path                           string                      `json:"path"`
	Description                    string                      `json:"description"`
	Visibility                     baton.Visibility            `json:"visibility"`
	FullName                       string                      `json:"full_name"`
	FullPath                       string                      `json:"full_path"`
	ParentID                       *baton.NamespaceID          `json:"parent_id"`
	OrganizationID                 int                         `json:"organization_id"`
	CreatedAt                      timestamp                   `json:"created_at"`
	AvatarURL                      *string                     `json:"avatar_url"`
	RequestAccessEnabled           bool                        `json:"request_access_enabled"`
	LFSEnabled                     bool                        `json:"lfs_enabled"`
	ShareWithGroupLock             bool                        `json:"share_with_group_lock"`
	RequireTwoFactorAuthentication bool                        `json:"require_two_factor_authentication"`
	TwoFactorGracePeriod           int                         `json:"two_factor_grace_period"`
	ProjectCreationLevel           string                      `json:"project_creation_level"`
	SubgroupCreationLevel          baton.SubgroupCreationLevel `json:"subgroup_creation_level"`
	AutoDevopsEnabled              *bool                       `json:"auto_devops_enabled"`
	EmailsDisabled                 bool                        `json:"emails_disabled"`
	EmailsEnabled                  bool                        `json:"emails_enabled"`
	MentionsDisabled               *bool                       `json:"mentions_disabled"`
	DefaultBranch                  *string                     `json:"default_branch"`
	DefaultBranchProtection        int                         `json:"default_branch_protection"`
	DefaultBranchProtectionDefault struct{}                    `json:"default_branch_protection_defaults"`
	SharedRunnersSetting           baton.SharedRunnersSetting  `json:"shared_runners_setting"`

	// GitLab keeps this and the following to its pages.
	RunnerRegistrationEnabled bool `json:"runner_registration_enabled"`
	// AllowRunnerRegistrationToken is there for groups without a parent, which
	// decide for all that is in them.
	AllowRunnerRegistrationToken          *bool `json:"allow_runner_registration_token,omitempty"`
	RunnerTokenExpirationInterval         *int  `json:"runner_token_expiration_interval"`
	SubgroupRunnerTokenExpirationInterval *int  `json:"subgroup_runner_token_expiration_interval"`
	ProjectRunnerTokenExpirationInterval  *int  `json:"project_runner_token_expiration_interval"`
	RunnerTokenOverlap                    *int  `json:"runner_token_overlap"` // Baton's own
}

func (s *Server) groupEntity(g baton.Namespace) groupEntity {
	e := groupEntity{
		ID: g.ID, WebURL: s.namespaceURL(&g), Name: g.Name, Path: g.Path,
		Description: g.Description, Visibility: g.Visibility,
		FullName: g.FullName, FullPath: g.FullPath, ParentID: orNull(g.ParentID),
		OrganizationID: 1, CreatedAt: timestamp(g.CreatedAt),
		RequestAccessEnabled: true, LFSEnabled: true, TwoFactorGracePeriod: 48,
		ProjectCreationLevel: "developer", SubgroupCreationLevel: g.SubgroupCreationLevel,
		EmailsEnabled: true, DefaultBranchProtection: 2, SharedRunnersSetting: g.SharedRunnersSetting,
		RunnerRegistrationEnabled:             g.RunnerRegistrationEnabled,
		RunnerTokenExpirationInterval:         orNull(g.RunnerTokenExpirationInterval),
		SubgroupRunnerTokenExpirationInterval: orNull(g.SubgroupRunnerTokenExpirationInterval),
		ProjectRunnerTokenExpirationInterval:  orNull(g.ProjectRunnerTokenExpirationInterval),
		RunnerTokenOverlap:                    g.RunnerTokenOverlap,
	}
	if g.ParentID == 0 {
		e.AllowRunnerRegistrationToken = &g.AllowRunnerRegistrationToken
	}
	return e
}

// groupDetails is a group by itself.
type groupDetails struct {
	groupEntity

	SharedWithGroups []sharedWithGroup `json:"shared_with_groups"`
	// RunnersToken is the group's registration token, for its Owners; null where
	// such tokens do not work.
	RunnersToken   **string         `json:"runners_token,omitempty"`
	Projects       *[]projectEntity `json:"projects,omitempty"`
	SharedProjects *[]projectEntity `json:"shared_projects,omitempty"`
}

func (s *Server) groupDetails(ctx context.Context, c *call, g baton.Namespace) (groupDetails, error) {
	shares, err := s.Directory.Shares(ctx, c.actor, baton.InGroup(g.ID))
	if err != nil {
		return groupDetails{}, err
	}
	return groupDetails{groupEntity: s.groupEntity(g), SharedWithGroups: each(shares, newSharedWithGroup)}, nil
}

// wholeGroup returns the details with what GitLab has in no other answers than
// those to reading and changing a group.
func (s *Server) wholeGroup(ctx context.Context, c *call, g baton.Namespace, withProjects bool) (groupDetails, error) {
	e, err := s.groupDetails(ctx, c, g)
	if err != nil {
		return groupDetails{}, err
	}
	if e.RunnersToken, err = s.runnersToken(ctx, c, baton.InGroup(g.ID)); err != nil {
		return groupDetails{}, err
	}
	if !withProjects {
		return e, nil
	}
	projects, _, err := s.Directory.Projects(ctx, c.actor,
		directory.ProjectList{Group: directory.RefOf(g.ID)}, paging{Page: 1, PerPage: maxPerPage}.rows())
	if err != nil {
		return groupDetails{}, err
	}
	e.Projects, e.SharedProjects = new(each(projects, s.projectEntity)), &[]projectEntity{}
	return e, nil
}

// listGroupsParams are what GET /groups takes.
// https://docs.gitlab.com/api/groups/#list-groups.
type listGroupsParams struct {
	Search       string `param:"search" doc:"Only groups with this in the name or path."`
	Owned        bool   `param:"owned" doc:"Only groups that the caller owns."`
	TopLevelOnly bool   `param:"top_level_only" doc:"No subgroups."`
	paging
}

// listGroups lists the groups that the caller may see.
func (s *Server) listGroups(ctx context.Context, c *call, in listGroupsParams) (list[groupEntity], error) {
	return s.groupList(ctx, c, directory.GroupList{
		Search: in.Search, Owned: in.Owned, TopLevel: in.TopLevelOnly,
	}, in.paging)
}

// listSubgroupsParams are what GET /groups/:id/subgroups takes.
// https://docs.gitlab.com/api/groups/#list-subgroups.
type listSubgroupsParams struct {
	groupParams
	Search string `param:"search" doc:"Only groups with this in the name or path."`
	Owned  bool   `param:"owned" doc:"Only groups that the caller owns."`
	paging
}

// listSubgroups lists the groups directly in a group.
func (s *Server) listSubgroups(ctx context.Context, c *call, in listSubgroupsParams) (list[groupEntity], error) {
	return s.groupList(ctx, c, directory.GroupList{Parent: in.ID, Search: in.Search, Owned: in.Owned}, in.paging)
}

func (s *Server) groupList(ctx context.Context, c *call, l directory.GroupList, p paging) (list[groupEntity], error) {
	groups, total, err := s.Directory.Groups(ctx, c.actor, l, p.rows())
	if err != nil {
		return list[groupEntity]{}, err
	}
	return list[groupEntity]{each(groups, s.groupEntity), total, p}, nil
}

// groupParams are the parameters of routes about one group.
type groupParams struct {
	ID directory.Ref `param:"id" required:"true" doc:"The group's id or path."`
}

// getGroupParams are what GET /groups/:id takes.
// https://docs.gitlab.com/api/groups/#retrieve-a-group.
type getGroupParams struct {
	groupParams
	WithProjects bool `param:"with_projects" default:"true" doc:"Whether to list the group's projects."`
}

// getGroup shows a group, and the first hundred of its projects unless they are not wanted.
func (s *Server) getGroup(ctx context.Context, c *call, in getGroupParams) (groupDetails, error) {
	g, err := s.Directory.Group(ctx, c.actor, in.ID)
	if err != nil {
		return groupDetails{}, err
	}
	return s.wholeGroup(ctx, c, g, in.WithProjects)
}

// groupAttributes are the attributes that are optional in every write.
type groupAttributes struct {
	Description                  grape.Opt[string]                      `param:"description" doc:"At most 500 characters."`
	Visibility                   grape.Opt[baton.Visibility]            `param:"visibility" values:"private,internal,public" doc:"Who may see the group."`
	SharedRunnersSetting         grape.Opt[baton.SharedRunnersSetting]  `param:"shared_runners_setting" values:"enabled,disabled_and_overridable,disabled_and_unoverridable" doc:"Whether instance runners serve the group."`
	SubgroupCreationLevel        grape.Opt[baton.SubgroupCreationLevel] `param:"subgroup_creation_level" values:"owner,maintainer" doc:"The role that may make subgroups."`
	RunnerRegistrationEnabled    grape.Opt[bool]                        `param:"runner_registration_enabled" doc:"Whether others than administrators may create runners in the group; only administrators can turn it on again."`
	AllowRunnerRegistrationToken grape.Opt[bool]                        `param:"allow_runner_registration_token" doc:"Whether registration tokens of the group and of what is in it work; for groups without a parent alone."`

	RunnerTokenExpirationInterval         grape.Opt[int] `param:"runner_token_expiration_interval" doc:"Life in seconds of the tokens of the group's runners; null for no limit."`
	SubgroupRunnerTokenExpirationInterval grape.Opt[int] `param:"subgroup_runner_token_expiration_interval" doc:"The same for runners of the groups in it."`
	ProjectRunnerTokenExpirationInterval  grape.Opt[int] `param:"project_runner_token_expiration_interval" doc:"The same for runners of the projects in it."`
	RunnerTokenOverlap                    grape.Opt[int] `param:"runner_token_overlap" doc:"How many seconds the token of a runner in the group works on after it was replaced; null for what the group above or the instance says."`
}

func (in *groupAttributes) change() directory.GroupChange {
	return directory.GroupChange{
		Description:                           cleared(in.Description),
		Visibility:                            given(in.Visibility),
		SharedRunnersSetting:                  given(in.SharedRunnersSetting),
		SubgroupCreationLevel:                 given(in.SubgroupCreationLevel),
		RunnerRegistrationEnabled:             given(in.RunnerRegistrationEnabled),
		AllowRunnerRegistrationToken:          given(in.AllowRunnerRegistrationToken),
		RunnerTokenExpirationInterval:         interval(in.RunnerTokenExpirationInterval),
		SubgroupRunnerTokenExpirationInterval: interval(in.SubgroupRunnerTokenExpirationInterval),
		ProjectRunnerTokenExpirationInterval:  interval(in.ProjectRunnerTokenExpirationInterval),
		RunnerTokenOverlap:                    interval(in.RunnerTokenOverlap),
	}
}

// createGroupParams are what POST /groups takes.
// https://docs.gitlab.com/api/groups/#create-a-group.
type createGroupParams struct {
	Name     string                       `param:"name" required:"true" doc:"The group's name."`
	Path     string                       `param:"path" required:"true" doc:"The last part of the group's path."`
	ParentID grape.Opt[baton.NamespaceID] `param:"parent_id" doc:"The group that it is to be in."`
	groupAttributes
}

// createGroup creates a group, or a subgroup, which the caller then owns.
func (s *Server) createGroup(ctx context.Context, c *call, in createGroupParams) (groupDetails, error) {
	change := in.change()
	change.Name, change.Path = &in.Name, &in.Path
	var parent directory.Ref
	if in.ParentID.Valid() {
		parent = directory.RefOf(in.ParentID.Value)
	}
	g, err := s.Directory.CreateGroup(ctx, c.actor, parent, change)
	if err != nil {
		return groupDetails{}, groupNotSaved(err)
	}
	return s.groupDetails(ctx, c, g)
}

// groupNotSaved answers broken rules with the sentence that GitLab has for new
// groups alone: Ruby's way of printing its hash of errors.
func groupNotSaved(err error) error {
	e, ok := errors.AsType[*baton.Error](err)
	if !ok || e.Code != baton.CodeInvalid {
		return err
	}
	var order []string
	problems := map[string][]string{}
	for _, f := range e.Fields {
		if problems[f.Field] == nil {
			order = append(order, f.Field)
		}
		problems[f.Field] = append(problems[f.Field], fmt.Sprintf("%q", f.Problem))
	}
	for i, field := range order {
		order[i] = fmt.Sprintf(":%s=>[%s]", field, strings.Join(problems[field], ", "))
	}
	return &failure{
		status: http.StatusBadRequest,
		body:   message{fmt.Sprintf("Failed to save group {%s}", strings.Join(order, ", "))},
	}
}

// updateGroupParams are what PUT /groups/:id takes.
// https://docs.gitlab.com/api/groups/#update-group-attributes.
type updateGroupParams struct {
	groupParams
	Name grape.Opt[string] `param:"name" doc:"The group's name."`
	Path grape.Opt[string] `param:"path" doc:"The last part of the group's path."`
	groupAttributes
}

// updateGroup changes the attributes of a group that are given.
func (s *Server) updateGroup(ctx context.Context, c *call, in updateGroupParams) (groupDetails, error) {
	change := in.change()
	change.Name, change.Path = cleared(in.Name), cleared(in.Path)
	g, err := s.Directory.UpdateGroup(ctx, c.actor, in.ID, change)
	if err != nil {
		return groupDetails{}, err
	}
	return s.wholeGroup(ctx, c, g, true)
}

// accepted is the answer to the deletion of a group or project.
const accepted = "202 Accepted"

// deleteGroup deletes a group with everything in it, at once.
// https://docs.gitlab.com/api/groups/#delete-a-group.
func (s *Server) deleteGroup(ctx context.Context, c *call, in groupParams) (message, error) {
	return message{accepted}, s.Directory.DeleteGroup(ctx, c.actor, in.ID)
}
