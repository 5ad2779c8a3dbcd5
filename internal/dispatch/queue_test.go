package dispatch_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/url"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/dispatch"
	"baton.example/baton/internal/pipeline"
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
	path := filepath.Join(t.TempDir(), "baton.db")
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
		b.queue = dispatch.NewQueue(db, &url.URL{Scheme: "https", Host: "ci.example.com"}, time.Now)
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

func (b *bench) ask(last string) dispatch.Answer {
	b.Helper()
	a, err := b.queue.Ask(b.Context(), dispatch.Request{Runner: b.runner, LastUpdate: last})
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
		b.runner.Paused = true
		if a := b.ask(""); a.Job != nil || a.LastUpdate == "" {
			t.Errorf("a paused runner is answered %q, %q; want no job and a value", a.Job, a.LastUpdate)
		}
		b.runner.Paused = false
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
