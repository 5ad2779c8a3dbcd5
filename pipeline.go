package baton

import "time"

// A Pipeline is one run of a project's jobs.
type Pipeline struct {
	ID        PipelineID
	ProjectID ProjectID
	// IID counts the pipelines of the project, from 1.
	IID int
	// Ref is a branch, or a tag if Tag is set, without refs/heads/ or
	// refs/tags/.
	Ref string
	Tag bool
	// Protected tells whether the ref was protected when the pipeline was made.
	Protected bool
	// SHA is the commit, 40 hexadecimal digits; of a project without a
	// repository the SHA-1 of the configuration.
	SHA    string
	Source PipelineSource
	Status PipelineStatus
	// UserID is who started it, 0 when that user is gone.
	UserID UserID

	CreatedAt time.Time
	UpdatedAt time.Time
	// StartedAt is when the first job began, FinishedAt when the last one
	// ended; zero for not yet.
	StartedAt  time.Time
	FinishedAt time.Time
}

// A PipelineSource says what started a pipeline.
type PipelineSource string

// SourceAPI pipelines were started by POST /projects/:id/pipeline.
const SourceAPI PipelineSource = "api"

// A PipelineStatus is what follows from the statuses of a pipeline's jobs.
type PipelineStatus string

// The statuses of a pipeline. https://docs.gitlab.com/api/pipelines/.
const (
	PipelineCreated   PipelineStatus = "created"
	PipelinePending   PipelineStatus = "pending"
	PipelineRunning   PipelineStatus = "running"
	PipelineSuccess   PipelineStatus = "success"
	PipelineFailed    PipelineStatus = "failed"
	PipelineCanceling PipelineStatus = "canceling"
	PipelineCanceled  PipelineStatus = "canceled"
	PipelineSkipped   PipelineStatus = "skipped"
	PipelineManual    PipelineStatus = "manual"
)
