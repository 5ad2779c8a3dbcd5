package api

import (
	"context"
	"strings"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

// managerEntity is one of the machines that work under a runner's token.
type managerEntity struct {
	ID                 baton.ManagerID    `json:"id"`
	SystemID           string             `json:"system_id"`
	Version            *string            `json:"version"`
	Revision           *string            `json:"revision"`
	Platform           *string            `json:"platform"`
	Architecture       *string            `json:"architecture"`
	CreatedAt          timestamp          `json:"created_at"`
	ContactedAt        timestamp          `json:"contacted_at"`
	IPAddress          *string            `json:"ip_address"`
	Status             baton.RunnerStatus `json:"status"`
	JobExecutionStatus string             `json:"job_execution_status"`
	Token              *usedToken         `json:"token,omitempty"`
}

func newManagerEntity(c *call, m *baton.Manager, working bool) managerEntity {
	return managerEntity{
		ID: m.ID, SystemID: m.SystemID,
		Version: orNull(m.Version), Revision: orNull(m.Revision),
		Platform: orNull(m.Platform), Architecture: orNull(m.Architecture),
		CreatedAt: timestamp(m.CreatedAt), ContactedAt: timestamp(m.ContactedAt),
		IPAddress: orNull(m.IP), Status: m.Status(c.now), JobExecutionStatus: executionStatus(working),
	}
}

// usedToken is the token that a manager called with last.
type usedToken struct {
	ID        int       `json:"id"`
	CreatedAt timestamp `json:"created_at"`
}

// listRunnerManagersParams are what GET /runners/:id/managers takes.
type listRunnerManagersParams struct {
	runnerParams
	WithToken bool `param:"with_token" doc:"Whether to tell which of the runner's tokens each manager used last, by its number and creation time."`
}

// listRunnerManagers lists all managers of a runner: GitLab has no pages of
// them.
// https://docs.gitlab.com/api/runners/#list-all-runners-managers.
func (s *Server) listRunnerManagers(ctx context.Context, c *call, in listRunnerManagersParams) ([]managerEntity, error) {
	managers, err := s.Fleet.Managers(ctx, c.actor, in.ID)
	if err != nil {
		return nil, err
	}
	_, working, err := s.workers(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return each(managers, func(m baton.Manager) managerEntity {
		e := newManagerEntity(c, &m, working[m.ID])
		if in.WithToken && m.TokenNumber != 0 {
			e.Token = &usedToken{m.TokenNumber, timestamp(m.TokenCreatedAt)}
		}
		return e
	}), nil
}

// listRunnerProjectsParams are what GET /runners/:id/projects takes.
type listRunnerProjectsParams struct {
	runnerParams
	paging
}

// listRunnerProjects lists the projects that a runner is assigned to, as far as
// the caller may see them.
// https://docs.gitlab.com/api/runners/#list-all-projects-associated-with-a-runner.
func (s *Server) listRunnerProjects(ctx context.Context, c *call, in listRunnerProjectsParams) (list[runnerProject], error) {
	projects, total, err := s.Fleet.Projects(ctx, c.actor, in.ID, in.rows())
	if err != nil {
		return list[runnerProject]{}, err
	}
	rows, err := s.runnerProjects(ctx, projects)
	return list[runnerProject]{rows, total, in.paging}, err
}

// listRunnerJobsParams are what GET /runners/:id/jobs takes.
// https://docs.gitlab.com/api/runners/#list-all-jobs-processed-by-a-runner.
type listRunnerJobsParams struct {
	runnerParams
	SystemID   string `param:"system_id" doc:"Only jobs that the manager ran."`
	Status     string `param:"status" values:"created,waiting_for_resource,preparing,waiting_for_callback,pending,running,success,failed,canceling,canceled,skipped,manual,scheduled" doc:"Only jobs of the status."`
	OrderBy    string `param:"order_by" values:"id" doc:"What to order by."`
	Sort       string `param:"sort" values:"asc,desc" default:"desc" doc:"The direction of order_by."`
	Cursor     string `param:"cursor" doc:"Where a page of a keyset begins."`
	Pagination string `param:"pagination" doc:"keyset, for pages that begin at a cursor."`
	paging
}

// listRunnerJobs lists the jobs of a runner, as far as they are of projects in
// which the caller is a Reporter or more, to whoever may see them.
func (s *Server) listRunnerJobs(ctx context.Context, c *call, in listRunnerJobsParams) (any, error) {
	if err := s.Fleet.MayReadJobs(ctx, c.actor, in.ID); err != nil {
		return nil, err
	}
	// Only with order_by the direction counts: without it the oldest is first.
	f := store.JobFilter{Runner: in.ID, Retried: true, Ascending: in.OrderBy == "" || in.Sort == "asc"}
	if in.Status != "" {
		f.Statuses = []baton.JobStatus{baton.JobStatus(in.Status)}
	}
	if !c.actor.Admin {
		f.ReportedTo = &store.Viewer{UserID: c.actor.User.ID, External: c.actor.User.External, Today: c.actor.Today()}
	}
	jobs := list[runnerJob]{page: in.paging}
	if in.SystemID != "" {
		manager, err := s.Store.Manager(ctx, in.ID, in.SystemID)
		if baton.IsNotFound(err) {
			return uncounted[runnerJob]{jobs}, nil
		}
		if err != nil {
			return nil, err
		}
		f.Manager = manager.ID
	}
	rows := in.withNext()
	if in.Pagination == "keyset" {
		beyond, err := readCursor(in.Cursor)
		if err != nil {
			return nil, err
		}
		f.Beyond, rows.Offset = baton.JobID(beyond), 0
	}
	found, err := s.Store.Jobs(ctx, f, rows)
	if err != nil {
		return nil, err
	}
	for i := range found {
		row, err := s.runnerJob(ctx, &found[i])
		if err != nil {
			return nil, err
		}
		jobs.rows = append(jobs.rows, row)
	}
	if in.Pagination == "keyset" {
		return keyset[runnerJob]{jobs.rows, in.size(), func(j runnerJob) int64 { return int64(j.ID) }}, nil
	}
	if jobs.total, err = s.Store.CountJobs(ctx, f, countedRows+1); err != nil {
		return nil, err
	}
	if in.SystemID != "" {
		return uncounted[runnerJob]{jobs}, nil
	}
	return jobs, nil
}

// uncounted is a list whose length is not told.
type uncounted[T any] struct{ list[T] }

// paginate sets the headers of a list but for those that tell its length.
func (l uncounted[T]) paginate(s *Server, c *call) any {
	rows := l.list.paginate(s, c)
	c.reply.Del("X-Total")
	c.reply.Del("X-Total-Pages")
	links := c.reply.Get("Link") // the one to the last page ends them
	c.reply.Set("Link", links[:strings.LastIndex(links, ", <")])
	return rows
}
