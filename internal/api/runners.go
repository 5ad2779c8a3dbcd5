package api

import (
	"context"
	"strings"
	"unicode"

	"baton.example/baton"
	"baton.example/baton/internal/fleet"
	"baton.example/baton/internal/grape"
	"baton.example/baton/internal/store"
)

// runnerEntity is a runner in lists.
type runnerEntity struct {
	ID          baton.RunnerID   `json:"id"`
	Description *string          `json:"description"`
	IPAddress   *string          `json:"ip_address"` // always null, in GitLab too
	Active      bool             `json:"active"`
	Paused      bool             `json:"paused"`
	IsShared    bool             `json:"is_shared"`
	RunnerType  baton.RunnerType `json:"runner_type"`
	Name        *string          `json:"name"`
	Online      *bool            `json:"online"`
	// CreatedBy is not there when the creator is gone.
	CreatedBy          *shortUser         `json:"created_by,omitempty"`
	CreatedAt          timestamp          `json:"created_at"`
	Status             baton.RunnerStatus `json:"status"`
	JobExecutionStatus string             `json:"job_execution_status"`
}

func (s *Server) runnerEntity(c *call, r *baton.Runner, creator *baton.User) runnerEntity {
	e := runnerEntity{
		ID: r.ID, Description: orNull(r.Description),
		Active: !r.Paused, Paused: r.Paused,
		IsShared: r.Type == baton.InstanceRunner, RunnerType: r.Type,
		CreatedBy: s.shortUser(creator), CreatedAt: timestamp(r.CreatedAt),
		Status: r.Status(c.now), JobExecutionStatus: "idle",
	}
	if !r.ContactedAt.IsZero() {
		e.Online = new(r.Online(c.now))
	}
	return e
}

// runnerDetails is a runner by itself.
type runnerDetails struct {
	runnerEntity
	TagList         []string           `json:"tag_list"`
	RunUntagged     bool               `json:"run_untagged"`
	Locked          bool               `json:"locked"`
	MaximumTimeout  *int               `json:"maximum_timeout"`
	AccessLevel     baton.RunnerAccess `json:"access_level"`
	Version         *string            `json:"version"`
	Revision        *string            `json:"revision"`
	Platform        *string            `json:"platform"`
	Architecture    *string            `json:"architecture"`
	ContactedAt     timestamp          `json:"contacted_at"`
	MaintenanceNote *string            `json:"maintenance_note"`
	Projects        *[]runnerProject   `json:"projects,omitempty"`
	Groups          []runnerGroup      `json:"groups"`
}

// runnerProject and runnerGroup are what a runner is for.
type (
	runnerProject struct {
		ID                baton.ProjectID `json:"id"`
		Description       *string         `json:"description"`
		Name              string          `json:"name"`
		NameWithNamespace string          `json:"name_with_namespace"`
		Path              string          `json:"path"`
		PathWithNamespace string          `json:"path_with_namespace"`
		CreatedAt         timestamp       `json:"created_at"`
		DefaultBranch     string          `json:"default_branch"`
		WebURL            string          `json:"web_url"`
	}
	runnerGroup struct {
		ID     baton.NamespaceID `json:"id"`
		WebURL string            `json:"web_url"`
		Name   string            `json:"name"`
	}
)

func (s *Server) runnerDetails(c *call, d *fleet.Details, withProjects bool) runnerDetails {
	r := &d.Runner
	e := runnerDetails{
		runnerEntity: s.runnerEntity(c, r, d.Creator),
		TagList:      r.Tags, RunUntagged: r.RunUntagged, Locked: r.Locked,
		MaximumTimeout: orNull(r.MaximumTimeout), AccessLevel: r.AccessLevel,
		ContactedAt: timestamp(r.ContactedAt), Groups: []runnerGroup{},
	}
	if e.TagList == nil {
		e.TagList = []string{}
	}
	if m := d.Latest; m != nil {
		e.Version, e.Revision = orNull(m.Version), orNull(m.Revision)
		e.Platform, e.Architecture = orNull(m.Platform), orNull(m.Architecture)
	}
	if d.MayUpdate {
		e.MaintenanceNote = orNull(r.MaintenanceNote)
	}
	if withProjects {
		e.Projects = new(each(d.Projects, s.runnerProject))
	}
	if g := d.Group; g != nil {
		e.Groups = append(e.Groups, runnerGroup{ID: g.ID, WebURL: s.webURL("groups/" + g.FullPath), Name: g.Name})
	}
	return e
}

func (s *Server) runnerProject(p baton.Project) runnerProject {
	return runnerProject{
		ID: p.ID, Description: orNull(p.Description),
		Name: p.Name, NameWithNamespace: p.FullName, Path: p.Path, PathWithNamespace: p.FullPath,
		CreatedAt: timestamp(p.CreatedAt), DefaultBranch: p.DefaultBranch, WebURL: s.webURL(p.FullPath),
	}
}

// listAllRunnersParams are what GET /runners/all takes.
// https://docs.gitlab.com/api/runners/#list-all-runners.
type listAllRunnersParams struct {
	Type    baton.RunnerType `param:"type" values:"instance_type,group_type,project_type" doc:"Only runners of the type."`
	Paused  grape.Opt[bool]  `param:"paused" doc:"Only runners that are paused, or that are not."`
	TagList []string         `param:"tag_list,csv" doc:"Only runners that have all the tags."`
	paging
}

func (s *Server) listAllRunners(ctx context.Context, c *call, in listAllRunnersParams) (list[runnerEntity], error) {
	filter := store.RunnerFilter{Tags: in.TagList}
	if in.Type != "" {
		filter.Types = []baton.RunnerType{in.Type}
	}
	if in.Paused.Given() {
		filter.Paused = &in.Paused.Value // blank counts as false
	}
	runners, total, err := s.Fleet.All(ctx, c.actor, filter, in.rows())
	if err != nil {
		return list[runnerEntity]{}, err
	}
	creators, err := s.Fleet.Creators(ctx, runners)
	if err != nil {
		return list[runnerEntity]{}, err
	}
	rows := each(runners, func(r baton.Runner) runnerEntity { return s.runnerEntity(c, &r, creators[r.CreatorID]) })
	return list[runnerEntity]{rows, total, in.paging}, nil
}

// getRunnerParams are what GET /runners/:id takes.
// https://docs.gitlab.com/api/runners/#retrieve-runner-details.
type getRunnerParams struct {
	ID              baton.RunnerID `param:"id" required:"true" doc:"The runner's id."`
	IncludeProjects bool           `param:"include_projects" default:"true" doc:"Whether to list the projects of a project runner."`
}

func (s *Server) getRunner(ctx context.Context, c *call, in getRunnerParams) (runnerDetails, error) {
	d, err := s.Fleet.Runner(ctx, c.actor, in.ID)
	if err != nil {
		return runnerDetails{}, err
	}
	return s.runnerDetails(c, &d, in.IncludeProjects), nil
}

// present returns text, "" if it is blank as Rails understands it.
func present(text string) string {
	if strings.TrimFunc(text, unicode.IsSpace) == "" {
		return ""
	}
	return text
}
