package api

import (
	"context"
	"strconv"
	"strings"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/pipeline"
	"baton.example/baton/internal/store"
)

// pipelineEntity is a pipeline in lists.
// https://docs.gitlab.com/api/pipelines/.
type pipelineEntity struct {
	ID        baton.PipelineID     `json:"id"`
	IID       int                  `json:"iid"`
	ProjectID baton.ProjectID      `json:"project_id"`
	SHA       string               `json:"sha"`
	Ref       string               `json:"ref"`
	Status    baton.PipelineStatus `json:"status"`
	Source    baton.PipelineSource `json:"source"`
	CreatedAt timestamp            `json:"created_at"`
	UpdatedAt timestamp            `json:"updated_at"`
	WebURL    string               `json:"web_url"`
	Name      *string              `json:"name"`
}

func (s *Server) pipelineEntity(in *baton.Project, p *baton.Pipeline) pipelineEntity {
	return pipelineEntity{
		ID: p.ID, IID: p.IID, ProjectID: p.ProjectID, SHA: p.SHA, Ref: p.Ref, Status: p.Status, Source: p.Source,
		CreatedAt: timestamp(p.CreatedAt), UpdatedAt: timestamp(p.UpdatedAt),
		WebURL: s.webURL(in.FullPath + "/-/pipelines/" + strconv.FormatInt(int64(p.ID), 10)),
	}
}

// pipelineDetails is a pipeline by itself.
type pipelineDetails struct {
	pipelineEntity

	BeforeSHA      string         `json:"before_sha"`
	Tag            bool           `json:"tag"`
	YAMLErrors     *string        `json:"yaml_errors"`
	User           *shortUser     `json:"user"`
	StartedAt      timestamp      `json:"started_at"`
	FinishedAt     timestamp      `json:"finished_at"`
	CommittedAt    timestamp      `json:"committed_at"`
	Duration       *int           `json:"duration"`
	QueuedDuration *int           `json:"queued_duration"`
	Coverage       *string        `json:"coverage"`
	DetailedStatus detailedStatus `json:"detailed_status"`
}

// detailedStatus is a status as GitLab's pages show it.
type detailedStatus struct {
	Icon         string  `json:"icon"`
	Text         string  `json:"text"`
	Label        string  `json:"label"`
	Group        string  `json:"group"`
	Tooltip      string  `json:"tooltip"`
	HasDetails   bool    `json:"has_details"`
	DetailsPath  string  `json:"details_path"`
	Illustration *string `json:"illustration"`
	Favicon      string  `json:"favicon"`
}

func (s *Server) pipelineDetails(ctx context.Context, in *baton.Project, p *baton.Pipeline) (pipelineDetails, error) {
	d := pipelineDetails{
		pipelineEntity: s.pipelineEntity(in, p), BeforeSHA: zeroSHA, Tag: p.Tag,
		StartedAt: timestamp(p.StartedAt), FinishedAt: timestamp(p.FinishedAt),
		Duration: between(p.StartedAt, p.FinishedAt), QueuedDuration: between(p.CreatedAt, p.StartedAt),
		DetailedStatus: detailedStatus{
			Icon: "status_" + string(p.Status), Text: statusWord(string(p.Status)), Label: string(p.Status), Group: string(p.Status),
			Tooltip: string(p.Status), HasDetails: true, DetailsPath: "/" + in.FullPath + "/-/pipelines/" + strconv.FormatInt(int64(p.ID), 10),
			Favicon: "/assets/ci_favicons/favicon_status_" + string(p.Status) + ".png",
		},
	}
	user, err := s.userOf(ctx, p.UserID)
	d.User = user
	return d, err
}

// zeroSHA stands for no commit.
const zeroSHA = "0000000000000000000000000000000000000000"

// statusWord is the word that GitLab's pages have for a status.
func statusWord(status string) string {
	if status == "success" {
		return "Passed"
	}
	return strings.ToUpper(status[:1]) + status[1:]
}

// between returns the seconds between two moments, null if one is yet to come.
func between(from, to time.Time) *int {
	if from.IsZero() || to.IsZero() {
		return nil
	}
	return new(int(to.Sub(from).Seconds()))
}

// userOf returns the user who began something, null when the user is gone.
func (s *Server) userOf(ctx context.Context, id baton.UserID) (*shortUser, error) {
	if id == 0 {
		return nil, nil
	}
	u, err := s.Store.User(ctx, id)
	if baton.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return s.shortUser(&u), nil
}

// createPipelineParams are what POST /projects/:id/pipeline takes.
// https://docs.gitlab.com/api/pipelines/#create-a-new-pipeline.
type createPipelineParams struct {
	projectParams
	Ref     string `param:"ref" required:"true" doc:"Branch or tag to run the pipeline for."`
	Content string `param:"content" doc:"The configuration, as in .gitlab-ci.yml. Baton's own."`
}

// createPipeline runs the jobs of a configuration.
func (s *Server) createPipeline(ctx context.Context, c *call, in createPipelineParams) (pipelineDetails, error) {
	p, err := s.Directory.Project(ctx, c.actor, in.ID)
	if err != nil {
		return pipelineDetails{}, err
	}
	made, err := s.Pipelines.Create(ctx, c.actor, p.ID, pipeline.Request{Ref: in.Ref, Content: in.Content})
	if err != nil {
		return pipelineDetails{}, err
	}
	return s.pipelineDetails(ctx, &p.Project, &made)
}

// listPipelinesParams are what GET /projects/:id/pipelines takes.
// https://docs.gitlab.com/api/pipelines/#list-project-pipelines.
type listPipelinesParams struct {
	projectParams
	Scope         string    `param:"scope" values:"running,pending,finished" doc:"Only pipelines that run, wait, or are over."`
	Status        string    `param:"status" values:"created,waiting_for_resource,preparing,pending,running,success,failed,canceling,canceled,skipped,manual,scheduled" doc:"Only pipelines of the status."`
	Ref           string    `param:"ref" doc:"Only pipelines for the ref."`
	SHA           string    `param:"sha" doc:"Only pipelines of the commit."`
	Username      string    `param:"username" doc:"Only pipelines that the user began."`
	UpdatedAfter  time.Time `param:"updated_after" doc:"Only pipelines that changed since."`
	UpdatedBefore time.Time `param:"updated_before" doc:"Only pipelines that changed before."`
	OrderBy       string    `param:"order_by" values:"id" default:"id" doc:"What to order by."`
	Sort          string    `param:"sort" values:"asc,desc" default:"desc" doc:"The direction."`
	paging
}

// statuses returns what scope and status leave.
func (in *listPipelinesParams) statuses() []baton.PipelineStatus {
	var wanted []baton.PipelineStatus
	switch in.Scope {
	case "running":
		wanted = []baton.PipelineStatus{baton.PipelineRunning}
	case "pending":
		wanted = []baton.PipelineStatus{baton.PipelinePending}
	case "finished":
		wanted = []baton.PipelineStatus{baton.PipelineSuccess, baton.PipelineFailed, baton.PipelineCanceled}
	}
	if in.Status != "" {
		wanted = append(wanted, baton.PipelineStatus(in.Status))
	}
	return wanted
}

// listPipelines lists the pipelines of a project.
func (s *Server) listPipelines(ctx context.Context, c *call, in listPipelinesParams) (list[pipelineEntity], error) {
	p, err := s.Directory.Project(ctx, c.actor, in.ID)
	if err != nil {
		return list[pipelineEntity]{}, err
	}
	f := store.PipelineFilter{
		Project: p.ID, Statuses: in.statuses(), Ref: in.Ref, SHA: in.SHA,
		UpdatedAfter: in.UpdatedAfter, UpdatedBefore: in.UpdatedBefore, Ascending: in.Sort == "asc",
	}
	if in.Username != "" {
		u, err := s.Store.UserByName(ctx, in.Username)
		if baton.IsNotFound(err) {
			return list[pipelineEntity]{page: in.paging}, nil
		}
		if err != nil {
			return list[pipelineEntity]{}, err
		}
		f.User = u.ID
	}
	all, total, err := s.Pipelines.Pipelines(ctx, c.actor, f, in.withNext(), countedRows+1)
	if err != nil {
		return list[pipelineEntity]{}, err
	}
	rows := make([]pipelineEntity, len(all))
	for i := range all {
		rows[i] = s.pipelineEntity(&p.Project, &all[i])
	}
	return list[pipelineEntity]{rows, total, in.paging}, nil
}

// pipelineParams name a pipeline of a project.
type pipelineParams struct {
	projectParams
	PipelineID baton.PipelineID `param:"pipeline_id" required:"true" doc:"The pipeline's id."`
}

// getPipeline shows a pipeline.
// https://docs.gitlab.com/api/pipelines/#retrieve-a-single-pipeline.
func (s *Server) getPipeline(ctx context.Context, c *call, in pipelineParams) (pipelineDetails, error) {
	p, err := s.Directory.Project(ctx, c.actor, in.ID)
	if err != nil {
		return pipelineDetails{}, err
	}
	found, err := s.Pipelines.Pipeline(ctx, c.actor, p.ID, in.PipelineID)
	if err != nil {
		return pipelineDetails{}, err
	}
	return s.pipelineDetails(ctx, &p.Project, &found)
}

// cancelPipeline cancels the jobs of a pipeline.
// https://docs.gitlab.com/api/pipelines/#cancel-all-jobs-for-a-pipeline.
func (s *Server) cancelPipeline(ctx context.Context, c *call, in pipelineParams) (pipelineDetails, error) {
	p, err := s.Directory.Project(ctx, c.actor, in.ID)
	if err != nil {
		return pipelineDetails{}, err
	}
	changed, err := s.Pipelines.CancelPipeline(ctx, c.actor, p.ID, in.PipelineID)
	if err != nil {
		return pipelineDetails{}, err
	}
	return s.pipelineDetails(ctx, &p.Project, &changed)
}

// retryPipeline tries the jobs of a pipeline again that failed or were
// cancelled.
// https://docs.gitlab.com/api/pipelines/#retry-jobs-in-a-pipeline.
func (s *Server) retryPipeline(ctx context.Context, c *call, in pipelineParams) (pipelineDetails, error) {
	p, err := s.Directory.Project(ctx, c.actor, in.ID)
	if err != nil {
		return pipelineDetails{}, err
	}
	changed, err := s.Pipelines.RetryPipeline(ctx, c.actor, p.ID, in.PipelineID)
	if err != nil {
		return pipelineDetails{}, err
	}
	return s.pipelineDetails(ctx, &p.Project, &changed)
}

// deletePipeline removes a pipeline with its jobs.
// https://docs.gitlab.com/api/pipelines/#delete-a-pipeline.
func (s *Server) deletePipeline(ctx context.Context, c *call, in pipelineParams) (none, error) {
	p, err := s.Directory.Project(ctx, c.actor, in.ID)
	if err != nil {
		return none{}, err
	}
	return none{}, s.Pipelines.DeletePipeline(ctx, c.actor, p.ID, in.PipelineID)
}
