package dispatch_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/dispatch"
	"baton.example/baton/internal/pipeline"
	"baton.example/baton/internal/seal"
	"baton.example/baton/internal/store"
	"baton.example/baton/internal/store/sqlite"
)

// A bench is a queue on a database, with a project and an instance runner.
type bench struct {
	*testing.T
	store     store.Store
	queue     *dispatch.Queue
	pipelines *pipeline.Service
	project   baton.ProjectID
	runner    baton.Runner
	admin     *access.Actor
}

// inBubble runs fn on a new bench, where time passes at once.
func inBubble(t *testing.T, fn func(*bench)) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "baton.db")
	keys, err := seal.Create(filepath.Join(dir, "secret.key"))
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		db, err := sqlite.Open(t.Context(), path, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		}()
		b := &bench{T: t, store: db, admin: &access.Actor{User: baton.User{Name: "root"}, Admin: true, Now: time.Now()}}
		b.queue = dispatch.NewQueue(db, keys, &url.URL{Scheme: "https", Host: "ci.example.com"}, time.Now)
		b.pipelines = pipeline.New(db, time.Now, b.queue.Wake)
		b.fill()
		fn(b)
	})
}

func (b *bench) fill() {
	b.Helper()
	at := time.Now()
	err := b.store.Tx(b.Context(), func(ctx context.Context, tx store.Tx) error {
		g, err := tx.InsertNamespace(ctx, baton.Namespace{
			Kind: baton.GroupNamespace, Name: "g", Path: "g", Visibility: baton.Private,
			SharedRunnersSetting: baton.SharedRunnersEnabled, SubgroupCreationLevel: baton.SubgroupsByMaintainer, CreatedAt: at, UpdatedAt: at,
		})
		if err != nil {
			return err
		}
		b.project, err = tx.InsertProject(ctx, baton.Project{
			NamespaceID: g, Name: "p", Path: "p", Visibility: baton.Private, DefaultBranch: "main", BuildTimeout: 3600,
			SharedRunnersEnabled: true, LastActivityAt: at, CreatedAt: at, UpdatedAt: at,
		})
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	id, err := b.store.CreateRunner(b.Context(), store.RunnerCreation{
		Runner: baton.Runner{
			Type: baton.InstanceRunner, RunUntagged: true, AccessLevel: baton.NotProtected, MaximumTimeout: 1200, CreatedAt: at, UpdatedAt: at,
		},
		Token: baton.DigestOf("runner"),
		Audit: func(id baton.RunnerID) baton.AuditEvent {
			return baton.AuditEvent{Name: "ci_runner_created", TargetType: "Ci::Runner", TargetID: int64(id), CreatedAt: at}
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	m := baton.Manager{RunnerID: id, SystemID: "s_1", TokenNumber: 1, TokenCreatedAt: at, ContactedAt: at}
	if err := b.store.TouchRunner(b.Context(), store.Contact{Manager: m, AskedForJobs: true}); err != nil {
		b.Fatal(err)
	}
	if b.runner, err = b.store.Runner(b.Context(), id); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) queueJob() {
	b.Helper()
	// No user: the actor of this bench is nobody that is stored.
	_, err := b.pipelines.Create(b.Context(), b.admin, b.project, pipeline.Request{Ref: "main", Content: "job: {script: x}"})
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) request(last string) dispatch.Request {
	return dispatch.Request{Token: baton.NewSecret("runner"), Runner: b.runner, SystemID: "s_1", LastUpdate: last}
}

func (b *bench) ask(last string) dispatch.Answer {
	b.Helper()
	a, err := b.queue.Ask(b.Context(), b.request(last))
	if err != nil {
		b.Fatal(err)
	}
	return a
}

func TestAskAnswersAtOnceTheFirstTime(t *testing.T) {
	inBubble(t, func(b *bench) {
		begin := time.Now()
		if a := b.ask(""); a.Job != nil || a.LastUpdate == "" {
			t.Errorf("an empty queue answers %q, %q; want no job and a value", a.Job, a.LastUpdate)
		}
		if a := b.ask("of another process"); a.Job != nil || a.LastUpdate == "" {
			t.Errorf("an unknown value is answered %q, %q; want no job and a value", a.Job, a.LastUpdate)
		}
		if held := time.Since(begin); held != 0 {
			t.Errorf("held for %v", held)
		}
	})
}

func TestAskHoldsWhoWasToldBefore(t *testing.T) {
	inBubble(t, func(b *bench) {
		value := b.ask("").LastUpdate
		begin := time.Now()
		if a := b.ask(value); a.Job != nil || a.LastUpdate != "" {
			t.Errorf("answer %q, %q; want neither job nor value, so that the runner keeps its own", a.Job, a.LastUpdate)
		}
		if held := time.Since(begin); held != 50*time.Second {
			t.Errorf("held for %v, want 50 s", held)
		}
	})
}

func TestAskIsAnsweredWithTheJobItself(t *testing.T) {
	inBubble(t, func(b *bench) {
		value := b.ask("").LastUpdate
		begin := time.Now()
		time.AfterFunc(7*time.Second, b.queueJob)
		a := b.ask(value)
		if a.Job == nil || a.LastUpdate != "" {
			t.Fatalf("answer %q, %q; want the job, and no value beside it", a.Job, a.LastUpdate)
		}
		if held := time.Since(begin); held != 7*time.Second {
			t.Errorf("held for %v, want 7 s", held)
		}
		var job struct {
			ID         baton.JobID
			RunnerInfo struct{ Timeout int } `json:"runner_info"`
		}
		if err := json.Unmarshal(a.Job, &job); err != nil || job.RunnerInfo.Timeout != 1200 {
			t.Errorf("error %v, timeout %d; want the runner's 1200", err, job.RunnerInfo.Timeout)
		}
		if j, err := b.store.Job(b.Context(), job.ID); err != nil || j.Status != baton.JobRunning || j.TimeoutSource != baton.TimeoutOfRunner {
			t.Errorf("job %+v, error %v; want it running with the runner's timeout", j, err)
		}
	})
}

// What another process queues is found although nobody tells.
func TestAskFindsWhatNobodyToldOf(t *testing.T) {
	inBubble(t, func(b *bench) {
		value := b.ask("").LastUpdate
		elsewhere := *b
		elsewhere.pipelines = pipeline.New(b.store, time.Now, func() {})
		time.AfterFunc(time.Second, elsewhere.queueJob)
		begin := time.Now()
		if a := b.ask(value); a.Job == nil || time.Since(begin) > 5*time.Second {
			t.Errorf("answer %q after %v, want a job within seconds", a.Job, time.Since(begin))
		}
	})
}

func TestAskGivesPausedRunnersNothing(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.queueJob()
		b.change(func(r *baton.Runner) { r.Paused = true })
		if a := b.ask(""); a.Job != nil || a.LastUpdate == "" {
			t.Errorf("a paused runner is answered %q, %q; want no job and a value", a.Job, a.LastUpdate)
		}
		b.change(func(r *baton.Runner) { r.Paused = false })
		if a := b.ask(""); a.Job == nil {
			t.Error("no job after the runner was resumed")
		}
	})
}

// A job that cannot be written for a runner fails, and the next one is given.
func TestAskDropsWhatCannotRun(t *testing.T) {
	inBubble(t, func(b *bench) {
		at := time.Now()
		err := b.store.Tx(b.Context(), func(ctx context.Context, tx store.Tx) error {
			p, err := tx.InsertPipeline(ctx, baton.Pipeline{ProjectID: b.project, Status: baton.PipelinePending, Source: baton.SourceAPI, CreatedAt: at, UpdatedAt: at})
			if err != nil {
				return err
			}
			j := baton.Job{PipelineID: p.ID, ProjectID: b.project, Name: "broken", Starts: baton.StartOnSuccess, CreatedAt: at, UpdatedAt: at}
			if j.ID, err = tx.InsertJob(ctx, j, []byte(`{"timeout":"soon"}`)); err != nil {
				return err
			}
			j.Status, j.QueuedAt = baton.JobPending, at
			return tx.MoveJob(ctx, baton.JobCreated, j)
		})
		if err != nil {
			t.Fatal(err)
		}
		b.queueJob()
		if a := b.ask(""); a.Job == nil {
			t.Error("no job, want the one behind the broken one")
		}
		broken, err := b.store.Job(b.Context(), 1)
		if err != nil || broken.Status != baton.JobFailed || broken.FailureReason != baton.FailedScheduler {
			t.Errorf("the broken job is %s (%s), error %v; want it failed, scheduler_failure", broken.Status, broken.FailureReason, err)
		}
	})
}

// change changes the runner that is stored, and b.runner with it.
func (b *bench) change(how func(*baton.Runner)) {
	b.Helper()
	how(&b.runner)
	b.runner.UpdatedAt = time.Now()
	if err := b.store.Tx(b.Context(), func(ctx context.Context, tx store.Tx) error { return tx.UpdateRunner(ctx, b.runner) }); err != nil {
		b.Fatal(err)
	}
}

// What a runner was when it began to be held does not count when a job comes.
func TestAskGivesNothingToWhoChangedWhileHeld(t *testing.T) {
	tests := map[string]func(context.Context, *bench, store.Tx) error{
		"paused": func(ctx context.Context, b *bench, tx store.Tx) error {
			return tx.PauseRunners(ctx, time.Now(), b.runner.ID)
		},
		"tags": func(ctx context.Context, b *bench, tx store.Tx) error {
			r := b.runner
			r.Tags, r.RunUntagged, r.UpdatedAt = []string{"linux"}, false, time.Now()
			return tx.UpdateRunner(ctx, r)
		},
		"forgotten manager": func(ctx context.Context, b *bench, tx store.Tx) error {
			m, err := tx.Manager(ctx, b.runner.ID, "s_1")
			if err != nil {
				return err
			}
			return tx.DeleteManager(ctx, m.ID)
		},
		"rotated": func(ctx context.Context, b *bench, tx store.Tx) error {
			return tx.RotateRunnerToken(ctx, store.Rotation{
				Token: baton.RunnerToken{RunnerID: b.runner.ID, Number: 2, CreatedAt: time.Now()}, Digest: baton.DigestOf("new"),
			})
		},
		"deleted": func(ctx context.Context, b *bench, tx store.Tx) error {
			return tx.DeleteRunner(ctx, b.runner.ID)
		},
	}
	for name, happens := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bench) {
				value := b.ask("").LastUpdate
				time.AfterFunc(time.Second, func() {
					if err := b.store.Tx(b.Context(), func(ctx context.Context, tx store.Tx) error { return happens(ctx, b, tx) }); err != nil {
						t.Error(err)
					}
					b.queueJob()
				})
				a, err := b.queue.Ask(b.Context(), b.request(value))
				if err != nil || a.Job != nil || a.LastUpdate != "" {
					t.Errorf("answer %q, %q, error %v; want neither job nor value, so that it asks again", a.Job, a.LastUpdate, err)
				}
				if j, err := b.store.Job(b.Context(), 1); err != nil || j.Status != baton.JobPending {
					t.Errorf("the job is %q, error %v; want it pending", j.Status, err)
				}
			})
		})
	}
}

func TestDrainAnswersWhoIsHeld(t *testing.T) {
	inBubble(t, func(b *bench) {
		value := b.ask("").LastUpdate
		time.AfterFunc(time.Second, b.queue.Drain)
		for range 2 { // who is held, and who comes later
			begin := time.Now()
			if a := b.ask(value); a.Job != nil || a.LastUpdate != "" || time.Since(begin) > time.Second {
				t.Errorf("answer %q, %q after %v; want neither job nor value, at once", a.Job, a.LastUpdate, time.Since(begin))
			}
		}
	})
}

// A request that took long to arrive is held for less, so that it is answered.
func TestAskEndsBeforeItsRequest(t *testing.T) {
	inBubble(t, func(b *bench) {
		value := b.ask("").LastUpdate
		ctx, cancel := context.WithTimeout(b.Context(), 20*time.Second)
		defer cancel()
		if a, err := b.queue.Ask(ctx, b.request(value)); err != nil || a.Job != nil {
			t.Errorf("answer %q, error %v; want no job and no error", a.Job, err)
		}
	})
}

// A counter counts the transactions of a store.
type counter struct {
	store.Store
	transactions atomic.Int32
}

// Tx implements [dispatch.Store].
func (c *counter) Tx(ctx context.Context, fn func(context.Context, store.Tx) error) error {
	c.transactions.Add(1)
	return c.Store.Tx(ctx, fn)
}

// Of many who are woken for a job one tries to take it; the others see that it
// is gone.
func TestAskTakesTurns(t *testing.T) {
	inBubble(t, func(b *bench) {
		counted := &counter{Store: b.store}
		b.queue = dispatch.NewQueue(counted, nil, &url.URL{}, time.Now)
		b.pipelines = pipeline.New(b.store, time.Now, b.queue.Wake)
		value := b.ask("").LastUpdate
		time.AfterFunc(time.Second, b.queueJob)
		var jobs atomic.Int32
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if a, err := b.queue.Ask(b.Context(), b.request(value)); err != nil {
					t.Error(err)
				} else if a.Job != nil {
					jobs.Add(1)
				}
			})
		}
		all.Wait()
		if jobs.Load() != 1 || counted.transactions.Load() != 1 {
			t.Errorf("%d jobs were handed out in %d transactions, want 1 in 1", jobs.Load(), counted.transactions.Load())
		}
	})
}

// A job on behalf of somebody who may not act any more does not run.
func TestAskDropsJobsOfTheBlocked(t *testing.T) {
	inBubble(t, func(b *bench) {
		at := time.Now()
		user := baton.User{Username: "u", Name: "U", Email: "u@example.com", State: baton.UserActive, CreatedAt: at, UpdatedAt: at}
		tx := func(fn func(ctx context.Context, tx store.Tx) error) {
			if err := b.store.Tx(b.Context(), fn); err != nil {
				t.Fatal(err)
			}
		}
		tx(func(ctx context.Context, tx store.Tx) (err error) {
			user.ID, err = tx.InsertUser(ctx, user)
			return err
		})
		b.admin.User = user
		b.queueJob()
		tx(func(ctx context.Context, tx store.Tx) error {
			user.State = baton.UserBlocked
			return tx.UpdateUser(ctx, user)
		})
		if a := b.ask(""); a.Job != nil {
			t.Errorf("the job of a blocked user is given: %s", a.Job)
		}
		if j, err := b.store.Job(b.Context(), 1); err != nil || j.Status != baton.JobFailed || j.FailureReason != baton.FailedUserBlocked {
			t.Errorf("the job is %s (%s), error %v; want it failed, user_blocked", j.Status, j.FailureReason, err)
		}
	})
}
