// Package dispatch gives pending jobs to the runners that ask for work.
//
// The queue is in the database. What is kept here is who waits: a runner that
// asks again after it was told that there is nothing is held until a job is
// queued, and is given it then. Other processes queue jobs too, so the database
// is asked now and then as well.
package dispatch

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"sync"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/ciconfig"
	"baton.example/baton/internal/fleet"
	"baton.example/baton/internal/pipeline"
	"baton.example/baton/internal/seal"
	"baton.example/baton/internal/store"
	"baton.example/baton/internal/vault"
)

// A Store is what dispatching needs of storage.
type Store interface {
	Tx(ctx context.Context, fn func(ctx context.Context, tx store.Tx) error) error
	reader
}

// A reader is what both a [Store] and a transaction can be asked.
type reader interface {
	store.PrincipalReader
	store.JobReader
}

// A Queue hands jobs to runners.
type Queue struct {
	store Store
	keys  *seal.Keyring
	url   *url.URL
	now   func() time.Time
	// name tells this process from others, whose values mean nothing here.
	name string

	// turn holds the one who hands out a job: all who were woken for it want the
	// same one, and all but one of their transactions would be for nothing.
	turn chan struct{}
	// drained is closed once nobody is to be held any more.
	drained chan struct{}
	drain   sync.Once

	mu sync.Mutex
	// changes counts what might have work for somebody, and changed is closed
	// at the next.
	changes int
	changed chan struct{}
}

// NewQueue returns a queue on the store, for jobs that know the server by url and
// get variables that are sealed under the keys.
func NewQueue(s Store, keys *seal.Keyring, u *url.URL, now func() time.Time) *Queue {
	return &Queue{
		store: s, keys: keys, url: u, now: now, name: rand.Text(),
		turn: make(chan struct{}, 1), drained: make(chan struct{}), changed: make(chan struct{}),
	}
}

// Wake lets everybody who waits look at the queue.
func (q *Queue) Wake() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.changes++
	close(q.changed)
	q.changed = make(chan struct{})
}

// Drain answers everybody who is held, and holds nobody any more, so that a
// server that shuts down need not wait for them.
func (q *Queue) Drain() { q.drain.Do(func() { close(q.drained) }) }

// state returns the value that stands for what a runner was told, and a channel
// that is closed when it is no longer true. A runner that was changed may take
// other jobs.
func (q *Queue) state(r *baton.Runner) (value string, changed <-chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.name + "-" + strconv.Itoa(q.changes) + "-" + strconv.FormatInt(r.UpdatedAt.UnixMicro(), 36), q.changed
}

// How long a runner is held, and how often those who are look at the database
// for what other processes queued.
const (
	hold  = 50 * time.Second
	again = 2 * time.Second
)

// A Request is a runner that asks for work.
type Request struct {
	// Token is what the runner proved itself with, Runner what it was then.
	// Whoever is held may lose the one and change the other meanwhile: what
	// counts is what they are when a job is handed out.
	Token  baton.Secret
	Runner baton.Runner
	// SystemID names the runner's manager that asks.
	SystemID string
	// CancelsGracefully tells that the program ends a cancelled job itself.
	CancelsGracefully bool
	// LastUpdate is the value that the runner was given last, "" for none.
	LastUpdate string
}

// An Answer is what a runner is told.
type Answer struct {
	// Job is the job to run, as JSON, nil for none.
	Job []byte
	// LastUpdate is the value to send the next time, "" to send the old one.
	LastUpdate string
}

// Ask returns a job for the runner. Without one it answers at once a runner that
// asks for the first time, and holds one that was told before.
// https://docs.gitlab.com/ci/runners/long_polling/.
func (q *Queue) Ask(ctx context.Context, r Request) (Answer, error) {
	value, changed := q.state(&r.Runner)
	if r.Runner.Paused {
		return Answer{LastUpdate: value}, nil
	}
	held := r.LastUpdate == value
	if !held {
		job, err := q.take(ctx, &r)
		if err != nil || job != nil {
			return Answer{Job: job}, err
		}
		return Answer{LastUpdate: value}, nil
	}
	return q.wait(ctx, &r, changed)
}

// wait holds a runner until there is a job for it, or it is not any more what
// it was when it asked.
func (q *Queue) wait(ctx context.Context, r *Request, changed <-chan struct{}) (Answer, error) {
	end := time.NewTimer(holdFor(ctx))
	defer end.Stop()
	look := time.NewTicker(again)
	defer look.Stop()
	for {
		select {
		case <-changed:
			_, changed = q.state(&r.Runner)
		case <-look.C:
		case <-end.C:
			return Answer{}, nil
		case <-q.drained:
			return Answer{}, nil
		case <-ctx.Done():
			return Answer{}, ctx.Err()
		}
		now, err := q.asker(ctx, q.store, r)
		if err != nil {
			return Answer{}, err
		}
		if now == nil || !now.UpdatedAt.Equal(r.Runner.UpdatedAt) {
			return Answer{}, nil // it is told what it is now when it asks again
		}
		if job, err := q.take(ctx, r); err != nil || job != nil {
			return Answer{Job: job}, err
		}
	}
}

// asker returns the runner as it is, nil when its token has ended: a machine that
// has just replaced it is held with the old one, and did nothing wrong.
func (q *Queue) asker(ctx context.Context, in reader, r *Request) (*baton.Runner, error) {
	proof, err := fleet.ProveIn(ctx, in, r.Token, q.now())
	if baton.CodeOf(err) == baton.CodeDenied {
		return nil, nil
	}
	return &proof.Runner, err
}

// holdFor returns how long a request may be held: it has to be answered before
// its own time is over.
func holdFor(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return hold
	}
	return min(hold, time.Until(deadline)-again)
}

// maxDrops is how many jobs that cannot run are dropped for one who asks. The
// others are for who asks next.
const maxDrops = 45

// take hands the next job to the runner, or returns nil.
func (q *Queue) take(ctx context.Context, r *Request) ([]byte, error) {
	// Most look at an empty queue, which needs no transaction.
	if found, err := q.waits(ctx, r); err != nil || !found {
		return nil, err
	}
	select {
	case q.turn <- struct{}{}:
		defer func() { <-q.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	for range maxDrops {
		if found, err := q.waits(ctx, r); err != nil || !found {
			return nil, err
		}
		job, dropped, err := q.next(ctx, r)
		if err != nil {
			return nil, fmt.Errorf("hand out a job: %w", err)
		}
		if !dropped {
			return job, nil
		}
		q.Wake() // what the dropped job held back may run now
	}
	return nil, nil
}

// waits reports whether there is a job for the runner.
func (q *Queue) waits(ctx context.Context, r *Request) (bool, error) {
	switch _, err := q.store.NextJob(ctx, r.Runner); {
	case baton.IsNotFound(err):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("look for a job: %w", err)
	default:
		return true, nil
	}
}

// next hands out or drops one job.
func (q *Queue) next(ctx context.Context, r *Request) (job []byte, dropped bool, err error) {
	err = q.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
		job, dropped = nil, false
		now, err := q.asker(ctx, tx, r)
		if err != nil || now == nil || now.Paused {
			return err
		}
		manager, err := tx.Manager(ctx, now.ID, r.SystemID)
		if baton.IsNotFound(err) {
			return nil // it was removed meanwhile, and is there again when it asks again
		}
		if err != nil {
			return err
		}
		next, err := tx.NextJob(ctx, *now)
		if baton.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		changed := *r
		changed.Runner = *now
		next.ManagerID = manager.ID
		job, err = q.handOut(ctx, tx, &changed, &next)
		dropped = err == nil && job == nil
		return err
	})
	return job, dropped, err
}

// An unfit job cannot be given to a runner, and fails for this reason.
type unfit baton.FailureReason

// Error implements error.
func (u unfit) Error() string { return "the job cannot be given to a runner: " + string(u) }

// handOut gives the job to the runner and returns it as JSON. A job that cannot
// be given ends as failed, and the answer is nil. All of it commits together:
// a runner that is not answered never had the job.
func (q *Queue) handOut(ctx context.Context, tx store.Tx, r *Request, j *baton.Job) ([]byte, error) {
	at := q.now()
	given := *j
	a, err := q.assemble(ctx, tx, r, &given, at)
	if reason, ok := errors.AsType[unfit](err); ok {
		return nil, pipeline.Drop(ctx, tx, j, baton.FailureReason(reason), at)
	}
	if err != nil {
		return nil, err
	}
	text, err := a.payload()
	if err != nil {
		return nil, err
	}
	return text, tx.HandOut(ctx, given, a.token.Digest())
}

// assemble gathers what the payload is made from, and fills in the job what it
// is given.
func (q *Queue) assemble(ctx context.Context, tx store.Tx, r *Request, j *baton.Job, at time.Time) (*assembly, error) {
	a := &assembly{job: j, recipe: new(ciconfig.Job), runner: &r.Runner, token: baton.NewToken(baton.JobTokenPrefix), url: q.url}
	text, err := tx.Recipe(ctx, j.ID)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, a.recipe); err != nil {
		return nil, fmt.Errorf("%w: %w", unfit(baton.FailedScheduler), err)
	}
	p, err := tx.Pipeline(ctx, j.PipelineID)
	if err != nil {
		return nil, err
	}
	project, err := tx.Project(ctx, j.ProjectID)
	if err != nil {
		return nil, err
	}
	a.pipeline, a.project = &p, &project
	if a.above, err = tx.Ancestors(ctx, project.NamespaceID); err != nil {
		return nil, err
	}
	if a.secrets, err = vault.ForJob(ctx, tx, q.keys, j, a.above); err != nil {
		return nil, err
	}
	if j.UserID != 0 {
		u, err := tx.User(ctx, j.UserID)
		if err != nil {
			return nil, err
		}
		if u.State == baton.UserBlocked {
			return nil, unfit(baton.FailedUserBlocked)
		}
		a.user = &u
	}
	if a.size, err = tx.CountJobs(ctx, store.JobFilter{Statuses: []baton.JobStatus{baton.JobPending}, Project: j.ProjectID}, countedJobs); err != nil {
		return nil, err
	}
	j.Timeout, j.TimeoutSource = timeout(a.recipe, &project, &r.Runner)
	j.Status, j.StartedAt, j.UpdatedAt = baton.JobRunning, at, at
	j.RunnerID, j.Shared = r.Runner.ID, r.Runner.Type == baton.InstanceRunner
	j.CancelsGracefully = r.CancelsGracefully
	return a, nil
}

// countedJobs is how far the queue's size is counted, which the runner writes
// into its metrics.
const countedJobs = 100

// timeout returns how long a job may take on a runner: as long as it says
// itself, or else its project, but no longer than the runner allows.
// https://docs.gitlab.com/ci/runners/configure_runners/#set-the-maximum-job-timeout.
func timeout(recipe *ciconfig.Job, p *baton.Project, r *baton.Runner) (seconds int, source baton.TimeoutSource) {
	seconds, source = p.BuildTimeout, baton.TimeoutOfProject
	if recipe.Timeout > 0 {
		seconds, source = int(recipe.Timeout.Seconds()), baton.TimeoutOfJob
	}
	if r.MaximumTimeout > 0 && r.MaximumTimeout < seconds {
		seconds, source = r.MaximumTimeout, baton.TimeoutOfRunner
	}
	return seconds, source
}
