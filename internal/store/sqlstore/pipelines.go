package sqlstore

import (
	"context"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

var pipelines = define("Pipeline", "pipelines p", func(p *baton.Pipeline) []column {
	return []column{
		{"p.id", &p.ID, generated},
		{"project_id", &p.ProjectID, fixed},
		{"iid", &p.IID, fixed},
		{"ref", &p.Ref, fixed},
		{"tag", &p.Tag, fixed},
		{"protected", &p.Protected, fixed},
		{"sha", &p.SHA, fixed},
		{"source", &p.Source, fixed},
		{"status", &p.Status, mutable},
		{"user_id", nullNumber(&p.UserID), fixed},
		{"created_at", at(&p.CreatedAt), fixed},
		{"updated_at", at(&p.UpdatedAt), mutable},
		{"started_at", at(&p.StartedAt), mutable},
		{"finished_at", at(&p.FinishedAt), mutable},
	}
})

func (r reader) Pipeline(ctx context.Context, id baton.PipelineID) (baton.Pipeline, error) {
	return pipelines.one(ctx, r, "WHERE p.id = $1", id)
}

func (r reader) Pipelines(ctx context.Context, f store.PipelineFilter, p store.Page) ([]baton.Pipeline, error) {
	w := pipelinesWhere(f)
	w.page(direction("p.id", f.Ascending), p)
	return pipelines.filtered(ctx, r, w)
}

func (r reader) CountPipelines(ctx context.Context, f store.PipelineFilter, most int) (int, error) {
	return pipelines.countTo(ctx, r, pipelinesWhere(f), most)
}

func pipelinesWhere(f store.PipelineFilter) *where {
	w := new(where)
	if f.Project != 0 {
		w.and("p.project_id = ?", f.Project)
	}
	if len(f.Statuses) > 0 {
		in(w, "p.status", f.Statuses)
	}
	if f.Ref != "" {
		w.and("p.ref = ?", f.Ref)
	}
	if f.SHA != "" {
		w.and("p.sha = ?", f.SHA)
	}
	if f.User != 0 {
		w.and("p.user_id = ?", f.User)
	}
	w.times("p.updated_at", f.UpdatedAfter, f.UpdatedBefore)
	return w
}

// direction is an ORDER BY that begins with the oldest or the newest.
func direction(column string, ascending bool) string {
	if ascending {
		return column
	}
	return column + " DESC"
}

func (w writer) InsertPipeline(ctx context.Context, p baton.Pipeline) (baton.Pipeline, error) {
	if _, err := w.Project(ctx, p.ProjectID); err != nil {
		return baton.Pipeline{}, err
	}
	_, err := w.value(ctx, "number Pipeline", &p.IID, `INSERT INTO pipeline_counts (project_id, pipelines) VALUES ($1, 1)
		ON CONFLICT (project_id) DO UPDATE SET pipelines = pipeline_counts.pipelines + 1 RETURNING pipelines`, p.ProjectID)
	if err != nil {
		return baton.Pipeline{}, err
	}
	id, err := pipelines.insert(ctx, w, &p)
	p.ID = baton.PipelineID(id)
	return p, err
}

func (w writer) UpdatePipeline(ctx context.Context, p baton.Pipeline) error {
	return pipelines.update(ctx, w, &p, int64(p.ID))
}

func (w writer) DeletePipeline(ctx context.Context, id baton.PipelineID) error {
	all, err := jobs.list(ctx, w.reader, "WHERE j.pipeline_id = $1 AND j.status IN ('pending', 'running', 'canceling') ORDER BY j.id", id)
	if err != nil {
		return err
	}
	for i := range all {
		if err := w.leave(ctx, &all[i]); err != nil {
			return err
		}
	}
	return w.touch(ctx, pipelines.thing, "delete Pipeline", "DELETE FROM pipelines WHERE id = $1", id)
}

var protectedRefs = define("Protected ref", "protected_refs r", func(r *baton.ProtectedRef) []column {
	return []column{
		{"r.id", &r.ID, generated},
		{"project_id", &r.ProjectID, fixed},
		{"tag", &r.Tag, fixed},
		{"name", &r.Name, fixed},
		{"push_level", &r.PushLevel, mutable},
		{"merge_level", &r.MergeLevel, mutable},
		{"created_at", at(&r.CreatedAt), fixed},
	}
})

func (r reader) ProtectedRefs(ctx context.Context, project baton.ProjectID) ([]baton.ProtectedRef, error) {
	return protectedRefs.list(ctx, r, "WHERE r.project_id = $1 ORDER BY r.id", project)
}

func (w writer) InsertProtectedRef(ctx context.Context, r baton.ProtectedRef) (baton.ProtectedRefID, error) {
	id, err := protectedRefs.insert(ctx, w, &r)
	return baton.ProtectedRefID(id), err
}

func (w writer) UpdateProtectedRef(ctx context.Context, r baton.ProtectedRef) error {
	return protectedRefs.update(ctx, w, &r, int64(r.ID))
}

func (w writer) DeleteProtectedRef(ctx context.Context, id baton.ProtectedRefID) error {
	return w.touch(ctx, protectedRefs.thing, "delete Protected ref", "DELETE FROM protected_refs WHERE id = $1", id)
}
