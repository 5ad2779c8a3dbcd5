package sqlstore

import (
	"context"
	"database/sql"
	"slices"

	"baton.example/baton"
)

// The queue is kept in lanes, so that finding the next job of a runner costs
// the same whatever waits: the runner looks at the heads of the lanes that it
// may take from, never at the jobs behind them. A lane is there while it holds
// jobs; the last one of a project stays.

// tagSet returns the id of a set of tags, which is stored if it is new.
func (w writer) tagSet(ctx context.Context, tags []string) (int64, error) {
	set := nameSet(&tags)
	const find = "SELECT id FROM tag_sets WHERE tags = $1"
	var id int64
	found, err := w.value(ctx, "find tags", &id, find, set)
	if err != nil || found {
		return id, err
	}
	if _, err := w.exec(ctx, "store tags", "INSERT INTO tag_sets (tags) VALUES ($1) ON CONFLICT (tags) DO NOTHING", set); err != nil {
		return 0, err
	}
	_, err = w.value(ctx, "find tags", &id, find, set)
	return id, err
}

// enqueue puts a pending job at the end of its lane, or, when it has been
// there before, where its id belongs.
func (w writer) enqueue(ctx context.Context, j *baton.Job) error {
	var lane int64
	_, err := w.value(ctx, "open lane", &lane, `INSERT INTO lanes (project_id, tag_set_id, protected, shared, grouped, busy, head)
		SELECT p.id, j.tag_set_id, j.protected, p.shared_runners_enabled, p.group_runners_enabled,
			coalesce((SELECT busy FROM lanes WHERE project_id = p.id LIMIT 1), 0), j.id
		FROM jobs j JOIN projects p ON p.id = j.project_id WHERE j.id = $1
		ON CONFLICT (project_id, tag_set_id, protected) DO UPDATE SET
			head = CASE WHEN lanes.head < excluded.head THEN lanes.head ELSE excluded.head END
		RETURNING id`, j.ID)
	if err != nil {
		return err
	}
	_, err = w.exec(ctx, "queue Job", "INSERT INTO queue (lane_id, job_id) VALUES ($1, $2)", lane, j.ID)
	return err
}

// dequeue takes a job out of its lane. The next one, if there is one, is the
// head.
func (w writer) dequeue(ctx context.Context, id baton.JobID) error {
	var lane int64
	found, err := w.value(ctx, "take Job from queue", &lane, "DELETE FROM queue WHERE job_id = $1 RETURNING lane_id", id)
	if err != nil || !found {
		return err
	}
	if _, err = w.exec(ctx, "move lane on", "UPDATE lanes SET head = (SELECT min(job_id) FROM queue WHERE lane_id = $1) WHERE id = $1", lane); err != nil {
		return err
	}
	// All lanes of a project say how busy it is, so one of them has to stay. Any
	// other is in the way of [writer.busier] for as long as the project lives.
	_, err = w.exec(ctx, "close lane", `DELETE FROM lanes WHERE id = $1 AND head IS NULL
		AND EXISTS (SELECT 1 FROM lanes l WHERE l.project_id = lanes.project_id AND l.id <> lanes.id)`, lane)
	return err
}

// busier counts the jobs of a project on instance runners, in all its lanes.
func (w writer) busier(ctx context.Context, project baton.ProjectID, by int) error {
	_, err := w.exec(ctx, "count busy Jobs", "UPDATE lanes SET busy = busy + $1 WHERE project_id = $2", by, project)
	return err
}

// letIn notes in the lanes of a project which runners it lets in.
func (w writer) letIn(ctx context.Context, p *baton.Project) error {
	_, err := w.exec(ctx, "update lanes", "UPDATE lanes SET shared = $1, grouped = $2 WHERE project_id = $3 AND (shared <> $1 OR grouped <> $2)",
		p.SharedRunnersEnabled, p.GroupRunnersEnabled, p.ID)
	return err
}

// A lane is an open lane, as far as choosing among lanes goes.
type lane struct {
	busy int
	head baton.JobID
}

func (r reader) NextJob(ctx context.Context, runner baton.Runner) (baton.Job, error) {
	sets, err := r.openSets(ctx, &runner)
	if err != nil {
		return baton.Job{}, err
	}
	if len(sets) == 0 {
		return baton.Job{}, baton.NotFound(jobs.thing)
	}
	best, err := r.heads(ctx, &runner, sets)
	if err != nil {
		return baton.Job{}, err
	}
	if best.head == 0 {
		return baton.Job{}, baton.NotFound(jobs.thing)
	}
	return r.Job(ctx, best.head)
}

// openSets returns the sets of tags that jobs are queued with and that the
// runner serves. The query skips from one set to the next in the index.
func (r reader) openSets(ctx context.Context, runner *baton.Runner) ([]int64, error) {
	var sets []int64
	err := r.each(ctx, "read queued tags", func(rows *sql.Rows) error {
		var id int64
		var tags []string
		if err := rows.Scan(&id, nameSet(&tags)); err != nil {
			return err
		}
		if runner.Serves(tags) {
			sets = append(sets, id)
		}
		return nil
	}, `WITH RECURSIVE open (id) AS (
			SELECT min(tag_set_id) FROM lanes WHERE head IS NOT NULL
			UNION ALL
			SELECT (SELECT min(tag_set_id) FROM lanes WHERE head IS NOT NULL AND tag_set_id > open.id) FROM open WHERE open.id IS NOT NULL
		)
		SELECT s.id, s.tags FROM open JOIN tag_sets s ON s.id = open.id`)
	return sets, err
}

// setsAtOnce is how many sets of tags one query asks for. Whoever may run jobs
// thinks up as many as there are subsets of a runner's tags, and the databases
// have a limit on the arguments of a statement.
const setsAtOnce = 1024

// heads returns the lane to take a job from, or one without a head.
func (r reader) heads(ctx context.Context, runner *baton.Runner, sets []int64) (lane, error) {
	protections := []bool{true}
	if runner.AccessLevel != baton.RefProtected {
		protections = append(protections, false)
	}
	var best lane
	choose := func(rows *sql.Rows) error {
		var l lane
		if err := rows.Scan(&l.busy, &l.head); err != nil {
			return err
		}
		if best.head == 0 || l.busy < best.busy || l.busy == best.busy && l.head < best.head {
			best = l
		}
		return nil
	}
	for some := range slices.Chunk(sets, setsAtOnce) {
		for _, protected := range protections {
			w := firstLane(runner, some, protected)
			if err := r.each(ctx, "read lanes", choose, w.text.String(), w.args...); err != nil {
				return lane{}, err
			}
		}
	}
	return best, nil
}

// firstLane asks for the lane to take a job from among those with the sets of
// tags and the protection.
func firstLane(runner *baton.Runner, sets []int64, protected bool) *where {
	w := new(where)
	switch runner.Type {
	case baton.InstanceRunner:
		// One look into the index for each set: the first is the best.
		w.write(`SELECT busy, head FROM lanes WHERE id IN (SELECT (
				SELECT l.id FROM lanes l WHERE l.tag_set_id = s.id AND l.protected = ? AND l.shared AND l.head IS NOT NULL
				ORDER BY l.busy, l.head LIMIT 1
			) FROM tag_sets s WHERE s.id IN `, protected)
		w.write(placesFor(sets)+") ORDER BY busy, head LIMIT 1", padded(sets)...)
		return w
	case baton.GroupRunner:
		w.write(`WITH RECURSIVE below (id) AS (
				SELECT id FROM namespaces WHERE id = ?
				UNION ALL
				SELECT n.id FROM below JOIN namespaces n ON n.parent_id = below.id
			)
			SELECT 0, l.head FROM below JOIN projects p ON p.namespace_id = below.id JOIN lanes l ON l.project_id = p.id
			WHERE l.head IS NOT NULL AND l.grouped`, runner.GroupID)
	case baton.ProjectRunner:
		w.write(`SELECT 0, l.head FROM runner_projects a JOIN lanes l ON l.project_id = a.project_id
			WHERE l.head IS NOT NULL AND a.runner_id = ?`, runner.ID)
	}
	w.and("l.protected = ?", protected)
	w.and("l.tag_set_id IN "+placesFor(sets), padded(sets)...)
	w.write(" ORDER BY l.head LIMIT 1")
	return w
}
