package api

import (
	"context"

	"baton.example/baton"
	"baton.example/baton/internal/directory"
	"baton.example/baton/internal/grape"
)

// basicProject is what every entity of a project begins with. What Baton has
// no use for says what GitLab says of an empty project.
type basicProject struct {
	ID                baton.ProjectID `json:"id"`
	Description       *string         `json:"description"`
	Name              string          `json:"name"`
	NameWithNamespace string          `json:"name_with_namespace"`
	Path              string          `json:"path"`
	PathWithNamespace string          `json:"path_with_namespace"`
	CreatedAt         timestamp       `json:"created_at"`
	DefaultBranch     string          `json:"default_branch"`
	TagList           []string        `json:"tag_list"`
	Topics            []string        `json:"topics"`
	SSHURLToRepo      string          `json:"ssh_url_to_repo"`
	HTTPURLToRepo     string          `json:"http_url_to_repo"`
	WebURL            string          `json:"web_url"`
	ReadmeURL         *string         `json:"readme_url"`
	ForksCount        int             `json:"forks_count"`
	AvatarURL         *string         `json:"avatar_url"`
	StarCount         int             `json:"star_count"`
	LastActivityAt    timestamp       `json:"last_activity_at"`
}

func (s *Server) basicProject(p *baton.Project) basicProject {
	return basicProject{
		ID: p.ID, Description: orNull(p.Description),
		Name: p.Name, NameWithNamespace: p.FullName, Path: p.Path, PathWithNamespace: p.FullPath,
		CreatedAt: timestamp(p.CreatedAt), DefaultBranch: p.DefaultBranch,
		TagList: []string{}, Topics: []string{},
		SSHURLToRepo:  "git@" + s.ExternalURL.Hostname() + ":" + p.FullPath + ".git",
		HTTPURLToRepo: s.webURL(p.FullPath + ".git"), WebURL: s.webURL(p.FullPath),
		LastActivityAt: timestamp(p.LastActivityAt),
	}
}

// projectEntity is a project.
// https://docs.gitlab.com/api/projects/.
type projectEntity struct {
	basicProject

	Visibility baton.Visibility `json:"visibility"`
	Namespace  namespaceEntity  `json:"namespace"`
	CreatorID  *baton.UserID    `json:"creator_id"`
	EmptyRepo  bool             `json:"empty_repo"`
	Archived   bool             `json:"archived"`
	// IssuesEnabled never changes, nor do the five after it: Baton has none of
	// it. Automation that looks after projects compares them.
	IssuesEnabled        bool   `json:"issues_enabled"`
	MergeRequestsEnabled bool   `json:"merge_requests_enabled"`
	WikiEnabled          bool   `json:"wiki_enabled"`
	SnippetsEnabled      bool   `json:"snippets_enabled"`
	LFSEnabled           bool   `json:"lfs_enabled"`
	MergeMethod          string `json:"merge_method"`

	SharedRunnersOn     bool `json:"shared_runners_enabled"`
	GroupRunnersOn      bool `json:"group_runners_enabled"`
	RunnerTokenInterval *int `json:"runner_token_expiration_interval"`
	// RunnerRegistrationEnabled is kept to GitLab's pages.
	RunnerRegistrationEnabled bool   `json:"runner_registration_enabled"`
	CIConfigPath              string `json:"ci_config_path"`
	PublicJobs                bool   `json:"public_jobs"`
	BuildTimeout              int    `json:"build_timeout"`
}

func (s *Server) projectEntity(p directory.PlacedProject) projectEntity {
	return projectEntity{
		basicProject: s.basicProject(&p.Project), Visibility: p.Visibility,
		Namespace: s.namespaceEntity(p.In), CreatorID: orNull(p.CreatorID), EmptyRepo: true,
		IssuesEnabled: true, MergeRequestsEnabled: true, WikiEnabled: true, SnippetsEnabled: true, MergeMethod: "merge",
		SharedRunnersOn: p.SharedRunnersEnabled, GroupRunnersOn: p.GroupRunnersEnabled,
		RunnerTokenInterval:       orNull(p.RunnerTokenExpirationInterval),
		RunnerRegistrationEnabled: p.RunnerRegistrationEnabled,
		CIConfigPath:              p.CIConfigPath, PublicJobs: true, BuildTimeout: p.BuildTimeout,
	}
}

// projectDetails is a project by itself.
type projectDetails struct {
	projectEntity

	// RunnersToken is the project's registration token, for its Maintainers; null
	// where such tokens do not work.
	RunnersToken     **string          `json:"runners_token,omitempty"`
	SharedWithGroups []sharedWithGroup `json:"shared_with_groups"`
}

func (s *Server) projectDetails(ctx context.Context, c *call, p directory.PlacedProject) (projectDetails, error) {
	shares, err := s.Directory.Shares(ctx, c.actor, baton.InProject(p.ID))
	if err != nil {
		return projectDetails{}, err
	}
	token, err := s.runnersToken(ctx, c, baton.InProject(p.ID))
	if err != nil {
		return projectDetails{}, err
	}
	return projectDetails{
		projectEntity: s.projectEntity(p), RunnersToken: token, SharedWithGroups: each(shares, newSharedWithGroup),
	}, nil
}

// projectFilter are the parameters of every list of projects.
type projectFilter struct {
	Search     string `param:"search" doc:"Only projects with this in the name or path."`
	Owned      bool   `param:"owned" doc:"Only projects that the caller owns."`
	Membership bool   `param:"membership" doc:"Only projects that the caller is a member of."`
	paging
}

func (s *Server) projectList(ctx context.Context, c *call, l directory.ProjectList, f projectFilter) (list[projectEntity], error) {
	l.Search, l.Owned, l.Membership = f.Search, f.Owned, f.Membership
	projects, total, err := s.Directory.Projects(ctx, c.actor, l, f.rows())
	if err != nil {
		return list[projectEntity]{}, err
	}
	return list[projectEntity]{each(projects, s.projectEntity), total, f.paging}, nil
}

// listProjects lists the projects that the caller may see.
// https://docs.gitlab.com/api/projects/#list-all-projects.
func (s *Server) listProjects(ctx context.Context, c *call, in projectFilter) (list[projectEntity], error) {
	return s.projectList(ctx, c, directory.ProjectList{}, in)
}

// listGroupProjectsParams are what GET /groups/:id/projects takes.
// https://docs.gitlab.com/api/groups/#list-projects.
type listGroupProjectsParams struct {
	groupParams
	projectFilter
}

// listGroupProjects lists the projects in a group that the caller may see.
func (s *Server) listGroupProjects(ctx context.Context, c *call, in listGroupProjectsParams) (list[projectEntity], error) {
	return s.projectList(ctx, c, directory.ProjectList{Group: in.ID}, in.projectFilter)
}

// listUserProjectsParams are what GET /users/:user_id/projects takes.
// https://docs.gitlab.com/api/projects/#list-a-users-projects.
type listUserProjectsParams struct {
	UserID baton.UserID `param:"user_id" required:"true" doc:"The user's id."`
	projectFilter
}

// listUserProjects lists the projects in a user's personal namespace that the caller may see.
func (s *Server) listUserProjects(ctx context.Context, c *call, in listUserProjectsParams) (list[projectEntity], error) {
	return s.projectList(ctx, c, directory.ProjectList{User: in.UserID}, in.projectFilter)
}

// projectParams are the parameters of routes about one project.
type projectParams struct {
	ID directory.Ref `param:"id" required:"true" doc:"The project's id or path."`
}

// getProject shows a project.
// https://docs.gitlab.com/api/projects/#retrieve-a-project.
func (s *Server) getProject(ctx context.Context, c *call, in projectParams) (projectDetails, error) {
	p, err := s.Directory.Project(ctx, c.actor, in.ID)
	if err != nil {
		return projectDetails{}, err
	}
	return s.projectDetails(ctx, c, p)
}

// projectAttributes are the attributes that are optional in every write.
type projectAttributes struct {
	Description          grape.Opt[string]           `param:"description" doc:"At most 2000 characters."`
	Visibility           grape.Opt[baton.Visibility] `param:"visibility" values:"private,internal,public" doc:"Who may see the project."`
	DefaultBranch        grape.Opt[string]           `param:"default_branch" doc:"The branch that counts."`
	CIConfigPath         grape.Opt[string]           `param:"ci_config_path" doc:"The configuration file, unless it is .gitlab-ci.yml."`
	BuildTimeout         grape.Opt[int]              `param:"build_timeout" doc:"The longest that a job may take, in seconds."`
	SharedRunnersEnabled grape.Opt[bool]             `param:"shared_runners_enabled" doc:"Whether instance runners serve the project."`
	GroupRunnersEnabled  grape.Opt[bool]             `param:"group_runners_enabled" doc:"Whether the runners of its groups serve the project."`

	RunnerRegistrationEnabled     grape.Opt[bool] `param:"runner_registration_enabled" doc:"Whether others than administrators may create runners in the project; only administrators can turn it on again."`
	RunnerTokenExpirationInterval grape.Opt[int]  `param:"runner_token_expiration_interval" doc:"Life in seconds of the tokens of the project's runners; null for no limit."`
}

func (in *projectAttributes) change() directory.ProjectChange {
	return directory.ProjectChange{
		Description:                   cleared(in.Description),
		Visibility:                    given(in.Visibility),
		DefaultBranch:                 given(in.DefaultBranch),
		CIConfigPath:                  cleared(in.CIConfigPath),
		BuildTimeout:                  given(in.BuildTimeout),
		SharedRunnersEnabled:          given(in.SharedRunnersEnabled),
		GroupRunnersEnabled:           given(in.GroupRunnersEnabled),
		RunnerRegistrationEnabled:     given(in.RunnerRegistrationEnabled),
		RunnerTokenExpirationInterval: interval(in.RunnerTokenExpirationInterval),
	}
}

// createProjectParams are what POST /projects takes.
// https://docs.gitlab.com/api/projects/#create-a-project.
type createProjectParams struct {
	Name        grape.Opt[string] `param:"name" doc:"The project's name."`
	Path        grape.Opt[string] `param:"path" doc:"The last part of the project's path; from the name unless given."`
	_           struct{}          `at_least_one:"name,path"`
	NamespaceID baton.NamespaceID `param:"namespace_id" doc:"Where it is to be; the caller's own namespace unless given."`
	projectAttributes
	// InitializeWithReadme is accepted: Baton keeps no repositories.
	InitializeWithReadme bool `param:"initialize_with_readme" doc:"Without effect."`
}

// createProject creates a project, in the caller's personal namespace unless another is named.
func (s *Server) createProject(ctx context.Context, c *call, in createProjectParams) (projectDetails, error) {
	change := in.change()
	change.Name, change.Path = given(in.Name), given(in.Path)
	p, err := s.Directory.CreateProject(ctx, c.actor, in.NamespaceID, change)
	if err != nil {
		return projectDetails{}, err
	}
	return s.projectDetails(ctx, c, p)
}

// updateProjectParams are what PUT /projects/:id takes.
// https://docs.gitlab.com/api/projects/#update-a-project.
type updateProjectParams struct {
	projectParams
	Name grape.Opt[string] `param:"name" doc:"The project's name."`
	Path grape.Opt[string] `param:"path" doc:"The last part of the project's path."`
	projectAttributes
}

// updateProject changes the attributes of a project that are given.
func (s *Server) updateProject(ctx context.Context, c *call, in updateProjectParams) (projectDetails, error) {
	change := in.change()
	change.Name, change.Path = cleared(in.Name), cleared(in.Path)
	p, err := s.Directory.UpdateProject(ctx, c.actor, in.ID, change)
	if err != nil {
		return projectDetails{}, err
	}
	return s.projectDetails(ctx, c, p)
}

// deleteProject deletes a project with its runners, at once.
// https://docs.gitlab.com/api/projects/#delete-a-project.
func (s *Server) deleteProject(ctx context.Context, c *call, in projectParams) (message, error) {
	return message{accepted}, s.Directory.DeleteProject(ctx, c.actor, in.ID)
}
