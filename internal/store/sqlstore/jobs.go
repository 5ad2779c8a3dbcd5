package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

var jobs = define("Job", "jobs j JOIN tag_sets s ON s.id = j.tag_set_id", func(j *baton.Job) []column {
	return []column{
		{"j.id", &j.ID, generated},
		{"pipeline_id", &j.PipelineID, fixed},
		{"project_id", &j.ProjectID, fixed},
		{"name", &j.Name, fixed},
		{"stage", &j.Stage, fixed},
		{"stage_position", &j.StagePosition, fixed},
		{"status", &j.Status, mutable},
		{"s.tags", nameSet(&j.Tags), generated},
		{"protected", &j.Protected, fixed},
		{"starts", &j.Starts, fixed},
		{"needs", nameList(&j.Needs), fixed},
		{"allow_failure", &j.AllowFailure, mutable},
		{"retried", &j.Retried, fixed},
		{"user_id", nullNumber(&j.UserID), mutable},
		{"runner_id", nullNumber(&j.RunnerID), mutable},
		{"manager_id", nullNumber(&j.ManagerID), mutable},
		{"shared", &j.Shared, mutable},
		{"cancels_gracefully", &j.CancelsGracefully, mutable},
		{"timeout", nullNumber(&j.Timeout), mutable},
		{"timeout_source", nullText(&j.TimeoutSource), mutable},
		{"failure_reason", nullText(&j.FailureReason), mutable},
		{"exit_code", nullable(&j.ExitCode), mutable},
		{"created_at", at(&j.CreatedAt), fixed},
		{"queued_at", at(&j.QueuedAt), mutable},
		{"started_at", at(&j.StartedAt), mutable},
		{"finished_at", at(&j.FinishedAt), mutable},
		{"updated_at", at(&j.UpdatedAt), mutable},
		{"erased_at", at(&j.ErasedAt), mutable},
	}
})

func (r reader) Job(ctx context.Context, id baton.JobID) (baton.Job, error) {
	return jobs.one(ctx, r, "WHERE j.id = $1", id)
}

func (r reader) JobByToken(ctx context.Context, token baton.Digest) (baton.Job, error) {
	return jobs.one(ctx, r, "WHERE j.token_digest = $1", token[:])
}

func (r reader) Recipe(ctx context.Context, id baton.JobID) ([]byte, error) {
	var recipe []byte
	found, err := r.value(ctx, "read recipe", &recipe, "SELECT recipe FROM jobs WHERE id = $1", id)
	if err == nil && !found {
		err = baton.NotFound(jobs.thing)
	}
	return recipe, err
}

func (r reader) Jobs(ctx context.Context, f store.JobFilter, p store.Page) ([]baton.Job, error) {
	w := jobsWhere(f)
	w.page(direction("j.id", f.Ascending), p)
	return jobs.filtered(ctx, r, w)
}

func (r reader) CountJobs(ctx context.Context, f store.JobFilter, most int) (int, error) {
	return jobs.countTo(ctx, r, jobsWhere(f), most)
}

func jobsWhere(f store.JobFilter) *where {
	w := new(where)
	if f.Project != 0 {
		w.and("j.project_id = ?", f.Project)
	}
	if f.Pipeline != 0 {
		w.and("j.pipeline_id = ?", f.Pipeline)
	}
	if f.Runner != 0 {
		w.and("j.runner_id = ?", f.Runner)
	}
	if f.Manager != 0 {
		w.and("j.manager_id = ?", f.Manager)
	}
	if f.Name != "" {
		w.and("j.name = ?", f.Name)
	}
	if len(f.Statuses) > 0 {
		in(w, "j.status", f.Statuses)
	}
	if !f.Retried {
		w.and("NOT j.retried")
	}
	switch {
	case f.Beyond == 0:
	case f.Ascending:
		w.and("j.id > ?", f.Beyond)
	default:
		w.and("j.id < ?", f.Beyond)
	}
	if f.ReportedTo != nil {
		w.and("j.project_id IN ("+reach+" SELECT id FROM open_projects)", reachArgs(f.ReportedTo, baton.ReporterAccess)...)
	}
	return w
}

func (r reader) Attempts(ctx context.Context, id baton.PipelineID) ([]baton.Job, error) {
	return jobs.list(ctx, r, "WHERE j.pipeline_id = $1 AND NOT j.retried ORDER BY j.stage_position, j.id", id)
}

func (r reader) SilentJobs(ctx context.Context, since time.Time, most int) ([]baton.Job, error) {
	return jobs.list(ctx, r, "WHERE j.status IN ('running', 'canceling') AND j.updated_at < $1 ORDER BY j.updated_at, j.id LIMIT $2", at(&since), most)
}

func (r reader) QueuedJobs(ctx context.Context, since time.Time, most int) ([]baton.Job, error) {
	return jobs.list(ctx, r, "JOIN queue q ON q.job_id = j.id WHERE j.queued_at <= $1 ORDER BY j.id LIMIT $2", at(&since), most)
}

func (r reader) Workers(ctx context.Context, runners []baton.RunnerID) ([]store.Worker, error) {
	all := []store.Worker{}
	if len(runners) == 0 {
		return all, nil
	}
	w := new(where)
	w.write("SELECT DISTINCT runner_id, manager_id FROM jobs WHERE status IN ('running', 'canceling')")
	in(w, "runner_id", runners)
	w.write(" ORDER BY runner_id, manager_id")
	err := r.each(ctx, "read workers", func(rows *sql.Rows) error {
		var worker store.Worker
		if err := rows.Scan(&worker.Runner, nullNumber(&worker.Manager)); err != nil {
			return err
		}
		all = append(all, worker)
		return nil
	}, w.text.String(), w.args...)
	return all, err
}

func (w writer) InsertJob(ctx context.Context, j baton.Job, recipe []byte) (baton.JobID, error) {
	set, err := w.tagSet(ctx, j.Tags)
	if err != nil {
		return 0, err
	}
	j.Status = baton.JobCreated
	id, err := jobInsert.insert(ctx, w, &newJob{Job: j, tagSet: set, recipe: recipe})
	return baton.JobID(id), err
}

// A newJob is a job with what is written with it and never read along.
type newJob struct {
	baton.Job

	tagSet int64
	recipe []byte
}

var jobInsert = define(jobs.thing, "jobs j", func(n *newJob) []column {
	columns := slices.DeleteFunc(jobs.fields(&n.Job), func(c column) bool { return c.use == generated })
	return append(columns, column{"tag_set_id", &n.tagSet, fixed}, column{"recipe", &n.recipe, fixed})
})

func (w writer) MoveJob(ctx context.Context, from baton.JobStatus, j baton.Job) error {
	return w.move(ctx, from, &j, "")
}

func (w writer) HandOut(ctx context.Context, j baton.Job, token baton.Digest) error {
	return w.move(ctx, baton.JobPending, &j, ", token_digest = ?", token[:])
}

// move stores the job if it is still in state from, and lets the queue follow.
// More is set besides, with its arguments.
func (w writer) move(ctx context.Context, from baton.JobStatus, j *baton.Job, more string, args ...any) error {
	if !from.May(j.Status) {
		return fmt.Errorf("job %d cannot go from %s to %s", j.ID, from, j.Status)
	}
	statement := new(where)
	text, _, _ := strings.Cut(jobs.updateText, " WHERE ")
	statement.text.WriteString(text)
	statement.args = jobs.values(j, updates)
	statement.write(more, args...)
	statement.write(" WHERE id = ? AND status = ?", j.ID, from)
	n, err := w.exec(ctx, "move Job", statement.text.String(), statement.args...)
	if err == nil && n == 0 {
		err = &baton.Error{Code: baton.CodeStale, Message: "the job changed meanwhile"}
	}
	if err != nil {
		return err
	}
	was := *j
	was.Status = from
	if err := w.leave(ctx, &was); err != nil {
		return err
	}
	return w.enter(ctx, j)
}

// enter does what a new state asks for besides the job's row.
func (w writer) enter(ctx context.Context, j *baton.Job) error {
	switch {
	case j.Status == baton.JobPending:
		return w.enqueue(ctx, j)
	case j.Status.WithRunner() && j.Shared:
		return w.busier(ctx, j.ProjectID, 1)
	}
	return nil
}

// leave takes back what [writer.enter] did.
func (w writer) leave(ctx context.Context, j *baton.Job) error {
	switch {
	case j.Status == baton.JobPending:
		return w.dequeue(ctx, j.ID)
	case j.Status.WithRunner() && j.Shared:
		return w.busier(ctx, j.ProjectID, -1)
	}
	return nil
}

func (w writer) TouchJob(ctx context.Context, id baton.JobID, moment time.Time) error {
	return w.touch(ctx, jobs.thing, "touch Job", "UPDATE jobs SET updated_at = $1 WHERE id = $2", at(&moment), id)
}

func (w writer) SupersedeJob(ctx context.Context, id baton.JobID) error {
	return w.touch(ctx, jobs.thing, "supersede Job", "UPDATE jobs SET retried = $1 WHERE id = $2", true, id)
}
