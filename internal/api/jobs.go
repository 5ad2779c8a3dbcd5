package api

import (
	"context"
	"strconv"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/store"
)

// basicJob is what every entity of a job begins with.
type basicJob struct {
	ID             baton.JobID          `json:"id"`
	Status         baton.JobStatus      `json:"status"`
	Stage          string               `json:"stage"`
	Name           string               `json:"name"`
	Ref            string               `json:"ref"`
	Tag            bool                 `json:"tag"`
	Coverage       *float64             `json:"coverage"`
	AllowFailure   bool                 `json:"allow_failure"`
	CreatedAt      timestamp            `json:"created_at"`
	StartedAt      timestamp            `json:"started_at"`
	FinishedAt     timestamp            `json:"finished_at"`
	ErasedAt       timestamp            `json:"erased_at"`
	Duration       *float64             `json:"duration"`
	QueuedDuration *float64             `json:"queued_duration"`
	User           *shortUser           `json:"user"`
	Commit         *struct{}            `json:"commit"`
	Pipeline       jobPipeline          `json:"pipeline"`
	FailureReason  *baton.FailureReason `json:"failure_reason,omitempty"`
	WebURL         string               `json:"web_url"`
}

// jobEntity is a job of a project. https://docs.gitlab.com/api/jobs/.
type jobEntity struct {
	basicJob

	Artifacts []struct{} `json:"artifacts"`
	Runner    *jobRunner `json:"runner"`
	TagList   []string   `json:"tag_list"`
}

// runnerJob is a job of a runner.
// https://docs.gitlab.com/api/runners/#list-all-jobs-processed-by-a-runner.
type runnerJob struct {
	basicJob

	Project jobProject `json:"project"`
}

// jobProject is the project of a job.
type jobProject struct {
	ID                baton.ProjectID `json:"id"`
	Description       *string         `json:"description"`
	Name              string          `json:"name"`
	NameWithNamespace string          `json:"name_with_namespace"`
	Path              string          `json:"path"`
	PathWithNamespace string          `json:"path_with_namespace"`
	CreatedAt         timestamp       `json:"created_at"`
}

// jobPipeline is the pipeline of a job.
type jobPipeline struct {
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
}

// jobRunner is the runner of a job.
type jobRunner struct {
	ID          baton.RunnerID     `json:"id"`
	Description *string            `json:"description"`
	IPAddress   *string            `json:"ip_address"`
	Active      bool               `json:"active"`
	Paused      bool               `json:"paused"`
	IsShared    bool               `json:"is_shared"`
	RunnerType  baton.RunnerType   `json:"runner_type"`
	Name        *string            `json:"name"`
	Online      *bool              `json:"online"`
	Status      baton.RunnerStatus `json:"status"`
}

// fraction returns the seconds between two moments, null if one is yet to come.
func fraction(from, to time.Time) *float64 {
	if from.IsZero() || to.IsZero() {
		return nil
	}
	return new(to.Sub(from).Round(time.Millisecond).Seconds())
}

func (s *Server) basicJob(ctx context.Context, in *baton.Project, j *baton.Job) (basicJob, error) {
	p, err := s.Store.Pipeline(ctx, j.PipelineID)
	if err != nil {
		return basicJob{}, err
	}
	of := s.pipelineEntity(in, &p)
	e := basicJob{
		ID: j.ID, Status: j.Status, Stage: j.Stage, Name: j.Name, Ref: p.Ref, Tag: p.Tag, AllowFailure: j.AllowFailure,
		CreatedAt: timestamp(j.CreatedAt), StartedAt: timestamp(j.StartedAt), FinishedAt: timestamp(j.FinishedAt), ErasedAt: timestamp(j.ErasedAt),
		Duration: fraction(j.StartedAt, j.FinishedAt), QueuedDuration: fraction(j.QueuedAt, j.StartedAt),
		Pipeline: jobPipeline{
			ID: of.ID, IID: of.IID, ProjectID: of.ProjectID, SHA: of.SHA, Ref: of.Ref, Status: of.Status, Source: of.Source,
			CreatedAt: of.CreatedAt, UpdatedAt: of.UpdatedAt, WebURL: of.WebURL,
		},
		WebURL: s.webURL(in.FullPath + "/-/jobs/" + strconv.FormatInt(int64(j.ID), 10)),
	}
	if j.Status == baton.JobFailed {
		e.FailureReason = &j.FailureReason
	}
	e.User, err = s.userOf(ctx, j.UserID)
	return e, err
}

func (s *Server) jobEntity(ctx context.Context, c *call, in *baton.Project, j *baton.Job) (jobEntity, error) {
	basic, err := s.basicJob(ctx, in, j)
	if err != nil {
		return jobEntity{}, err
	}
	e := jobEntity{basicJob: basic, Artifacts: []struct{}{}, TagList: append([]string{}, j.Tags...)}
	if j.RunnerID == 0 {
		return e, nil
	}
	r, err := s.Store.Runner(ctx, j.RunnerID)
	if baton.IsNotFound(err) {
		return e, nil
	}
	if err != nil {
		return jobEntity{}, err
	}
	with := s.runnerEntity(c, &r, nil, j.Status.WithRunner())
	e.Runner = &jobRunner{
		ID: with.ID, Description: with.Description, Active: with.Active, Paused: with.Paused, IsShared: with.IsShared,
		RunnerType: with.RunnerType, Online: with.Online, Status: with.Status,
	}
	return e, nil
}

func (s *Server) runnerJob(ctx context.Context, j *baton.Job) (runnerJob, error) {
	p, err := s.Store.Project(ctx, j.ProjectID)
	if err != nil {
		return runnerJob{}, err
	}
	basic, err := s.basicJob(ctx, &p, j)
	return runnerJob{basicJob: basic, Project: jobProject{
		ID: p.ID, Description: orNull(p.Description), Name: p.Name, NameWithNamespace: p.FullName,
		Path: p.Path, PathWithNamespace: p.FullPath, CreatedAt: timestamp(p.CreatedAt),
	}}, err
}

// jobFilter are the parameters of every list of jobs.
type jobFilter struct {
	Scope []string `param:"scope" values:"created,waiting_for_resource,preparing,waiting_for_callback,pending,running,success,failed,canceling,canceled,skipped,manual,scheduled" doc:"Only jobs of these statuses."`
	paging
}

func (s *Server) jobList(ctx context.Context, c *call, in *baton.Project, f store.JobFilter, p jobFilter) (list[jobEntity], error) {
	for _, word := range p.Scope {
		f.Statuses = append(f.Statuses, baton.JobStatus(word))
	}
	f.Project = in.ID
	jobs, total, err := s.Pipelines.Jobs(ctx, c.actor, f, p.withNext(), countedRows+1)
	if err != nil {
		return list[jobEntity]{}, err
	}
	rows := make([]jobEntity, len(jobs))
	for i := range jobs {
		if rows[i], err = s.jobEntity(ctx, c, in, &jobs[i]); err != nil {
			return list[jobEntity]{}, err
		}
	}
	return list[jobEntity]{rows, total, p.paging}, nil
}

// listJobsParams are what GET /projects/:id/jobs takes.
// https://docs.gitlab.com/api/jobs/#list-all-jobs-for-a-project.
type listJobsParams struct {
	projectParams
	jobFilter
}

// listJobs lists the jobs of a project.
func (s *Server) listJobs(ctx context.Context, c *call, in listJobsParams) (list[jobEntity], error) {
	p, err := s.Directory.Project(ctx, c.actor, in.ID)
	if err != nil {
		return list[jobEntity]{}, err
	}
	return s.jobList(ctx, c, &p.Project, store.JobFilter{Retried: true}, in.jobFilter)
}

// listPipelineJobsParams are what GET /projects/:id/pipelines/:pipeline_id/jobs
// takes. https://docs.gitlab.com/api/jobs/#list-all-jobs-for-a-pipeline.
type listPipelineJobsParams struct {
	pipelineParams
	IncludeRetried bool `param:"include_retried" doc:"Jobs that have a newer attempt too."`
	jobFilter
}

// listPipelineJobs lists the jobs of a pipeline.
func (s *Server) listPipelineJobs(ctx context.Context, c *call, in listPipelineJobsParams) (list[jobEntity], error) {
	p, err := s.Directory.Project(ctx, c.actor, in.ID)
	if err != nil {
		return list[jobEntity]{}, err
	}
	return s.jobList(ctx, c, &p.Project, store.JobFilter{Pipeline: in.PipelineID, Retried: in.IncludeRetried}, in.jobFilter)
}

// jobParams name a job of a project.
type jobParams struct {
	projectParams
	JobID baton.JobID `param:"job_id" required:"true" doc:"The job's id."`
}

// getJob shows a job. https://docs.gitlab.com/api/jobs/#retrieve-a-job.
func (s *Server) getJob(ctx context.Context, c *call, in jobParams) (jobEntity, error) {
	return s.withJob(ctx, c, in, s.Pipelines.Job)
}

// cancelJob cancels a job. https://docs.gitlab.com/api/jobs/#cancel-a-job.
func (s *Server) cancelJob(ctx context.Context, c *call, in jobParams) (jobEntity, error) {
	return s.withJob(ctx, c, in, s.Pipelines.CancelJob)
}

// retryJob tries a job again, as a new job.
// https://docs.gitlab.com/api/jobs/#retry-a-job.
func (s *Server) retryJob(ctx context.Context, c *call, in jobParams) (jobEntity, error) {
	return s.withJob(ctx, c, in, s.Pipelines.RetryJob)
}

// playJob lets a manual job begin.
// https://docs.gitlab.com/api/jobs/#run-a-job.
func (s *Server) playJob(ctx context.Context, c *call, in jobParams) (jobEntity, error) {
	return s.withJob(ctx, c, in, s.Pipelines.PlayJob)
}

// withJob answers with the job that do returns.
func (s *Server) withJob(
	ctx context.Context, c *call, in jobParams, do func(context.Context, *access.Actor, baton.ProjectID, baton.JobID) (baton.Job, error),
) (jobEntity, error) {
	p, err := s.Directory.Project(ctx, c.actor, in.ID)
	if err != nil {
		return jobEntity{}, err
	}
	j, err := do(ctx, c.actor, p.ID, in.JobID)
	if err != nil {
		return jobEntity{}, err
	}
	return s.jobEntity(ctx, c, &p.Project, &j)
}
