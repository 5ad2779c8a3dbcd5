package api

import (
	"context"
	"strings"
	"unicode"

	"baton.example/baton"
	"baton.example/baton/internal/directory"
	"baton.example/baton/internal/fleet"
)

// runnerEntity is a runner in lists.
type runnerEntity struct {
	ID          baton.RunnerID   `json:"id"`
	Description *string          `json:"description"`
	IPAddress   *string          `json:"ip_address"` // Always null, in GitLab too.
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

func (s *Server) runnerEntity(c *call, r *baton.Runner, creator *baton.User, working bool) runnerEntity {
	e := runnerEntity{
		ID: r.ID, Description: orNull(r.Description),
		Active: !r.Paused, Paused: r.Paused,
		IsShared: r.Type == baton.InstanceRunner, RunnerType: r.Type,
		CreatedBy: s.shortUser(creator), CreatedAt: timestamp(r.CreatedAt),
		Status: r.Status(c.now), JobExecutionStatus: executionStatus(working),
	}
	if !r.ContactedAt.IsZero() {
		e.Online = new(r.Online(c.now))
	}
	return e
}

// executionStatus is GitLab's word for whether a runner or manager works on a
// job.
func executionStatus(working bool) string {
	if working {
		return "active"
	}
	return "idle"
}

// workers returns which of the runners, and of their managers, work on a job.
func (s *Server) workers(ctx context.Context, ids ...baton.RunnerID) (runners map[baton.RunnerID]bool, managers map[baton.ManagerID]bool, err error) {
	all, err := s.Store.Workers(ctx, ids)
	if err != nil {
		return nil, nil, err
	}
	runners, managers = make(map[baton.RunnerID]bool), make(map[baton.ManagerID]bool)
	for _, w := range all {
		runners[w.Runner], managers[w.Manager] = true, true
	}
	return runners, managers, nil
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
	// TokenOverlap is Baton's own, and there if it was set.
	TokenOverlap *int `json:"token_overlap,omitempty"`
}

// runnerProject and runnerGroup are what a runner is for.
type (
	runnerProject struct {
		basicProject

		Namespace namespaceEntity `json:"namespace"`
	}
	runnerGroup struct {
		ID     baton.NamespaceID `json:"id"`
		WebURL string            `json:"web_url"`
		Name   string            `json:"name"`
	}
)

// runnerDetails presents everything but the projects.
func (s *Server) runnerDetails(ctx context.Context, c *call, d *fleet.Details) (runnerDetails, error) {
	r := &d.Runner
	working, _, err := s.workers(ctx, r.ID)
	if err != nil {
		return runnerDetails{}, err
	}
	e := runnerDetails{
		runnerEntity: s.runnerEntity(c, r, d.Creator, working[r.ID]),
		TagList:      r.Tags, RunUntagged: r.RunUntagged, Locked: r.Locked,
		MaximumTimeout: orNull(r.MaximumTimeout), AccessLevel: r.AccessLevel,
		ContactedAt: timestamp(r.ContactedAt), Groups: []runnerGroup{}, TokenOverlap: r.TokenOverlap,
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
	if g := d.Group; g != nil {
		e.Groups = append(e.Groups, runnerGroup{ID: g.ID, WebURL: s.webURL("groups/" + g.FullPath), Name: g.Name})
	}
	return e, nil
}

// runnerProjects presents projects that the caller was found to see.
func (s *Server) runnerProjects(ctx context.Context, projects []baton.Project) ([]runnerProject, error) {
	placed, err := s.Directory.Place(ctx, projects)
	if err != nil {
		return nil, err
	}
	return each(placed, func(p directory.PlacedProject) runnerProject {
		return runnerProject{basicProject: s.basicProject(&p.Project), Namespace: s.namespaceEntity(p.In)}
	}), nil
}

// runnerParams are the parameters of routes about one runner.
type runnerParams struct {
	ID baton.RunnerID `param:"id" required:"true" doc:"The runner's id."`
}

// getRunnerParams are what GET /runners/:id takes.
// https://docs.gitlab.com/api/runners/#retrieve-runner-details.
type getRunnerParams struct {
	runnerParams
	IncludeProjects bool `param:"include_projects" default:"true" doc:"Whether to list the projects of a project runner."`
}

// getRunner shows a runner with all its attributes.
func (s *Server) getRunner(ctx context.Context, c *call, in getRunnerParams) (runnerDetails, error) {
	d, err := s.Fleet.Runner(ctx, c.actor, in.ID, in.IncludeProjects)
	if err != nil {
		return runnerDetails{}, err
	}
	e, err := s.runnerDetails(ctx, c, &d)
	if err != nil {
		return runnerDetails{}, err
	}
	if in.IncludeProjects {
		projects, err := s.runnerProjects(ctx, d.Projects)
		if err != nil {
			return runnerDetails{}, err
		}
		e.Projects = &projects
	}
	return e, nil
}

// present returns text, "" if it is blank as Rails understands it.
func present(text string) string {
	if strings.TrimFunc(text, unicode.IsSpace) == "" {
		return ""
	}
	return text
}
