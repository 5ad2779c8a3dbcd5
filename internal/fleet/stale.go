package fleet

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/audit"
	"baton.example/baton/internal/store"
)

// A StalePreview is what a run would do.
type StalePreview struct {
	Policy baton.StaleRunnerPolicy
	// Runners is a page of those that would be paused or deleted, RunnerCount how
	// many there are in all; the same for managers, to which those of runners
	// that would be deleted do not belong.
	Runners      []baton.Runner
	RunnerCount  int
	Managers     []baton.Manager
	ManagerCount int
}

// PreviewStale returns what a run in the source would do now, and does nothing. A
// change is tried: as if the source's own policy had been changed so before.
func (s *Service) PreviewStale(
	ctx context.Context, a *access.Actor, of baton.Source, c StaleChange, page store.Page,
) (StalePreview, error) {
	if err := s.view.may(ctx, a, access.ReadRunners, of); err != nil {
		return StalePreview{}, err
	}
	p, err := s.view.stalePolicyWith(ctx, of, c)
	if err != nil {
		return StalePreview{}, err
	}
	preview := StalePreview{Policy: p}
	if p.RunnerAge != 0 {
		f := staleRunners(&p, of, a.Now)
		if preview.RunnerCount, err = s.store.CountRunners(ctx, f, maxCount); err != nil {
			return StalePreview{}, fmt.Errorf("count stale runners: %w", err)
		}
		if preview.Runners, err = s.store.Runners(ctx, f, page); err != nil {
			return StalePreview{}, fmt.Errorf("list stale runners: %w", err)
		}
	}
	if p.ManagerAge != 0 {
		f := staleManagers(&p, of, a.Now)
		if p.RunnerAge != 0 && p.RunnerAction == baton.DeleteStale {
			f.Besides = new(staleRunners(&p, of, a.Now))
		}
		if preview.ManagerCount, err = s.store.CountSilentManagers(ctx, f); err != nil {
			return StalePreview{}, fmt.Errorf("count stale managers: %w", err)
		}
		if preview.Managers, err = s.store.SilentManagers(ctx, f, page); err != nil {
			return StalePreview{}, fmt.Errorf("list stale managers: %w", err)
		}
	}
	return preview, nil
}

// stalePolicyWith returns the policy that would count after the change, or that
// counts if there is nothing to change.
func (v view) stalePolicyWith(ctx context.Context, of baton.Source, c StaleChange) (baton.StaleRunnerPolicy, error) {
	find := v.StalePolicy
	if c == (StaleChange{}) {
		find = v.NearestStalePolicy
	}
	p, err := find(ctx, of)
	if baton.IsNotFound(err) && c != (StaleChange{}) {
		p, err = newStalePolicy(of), nil
	}
	if err != nil {
		return baton.StaleRunnerPolicy{}, fmt.Errorf("find stale runner policy: %w", err)
	}
	return p, c.apply(&p)
}

// maxCount counts all that there are.
const maxCount = 1<<31 - 1

// staleRunners chooses the runners with which a run of the policy in the source
// has something to do.
func staleRunners(p *baton.StaleRunnerPolicy, of baton.Source, now time.Time) store.RunnerFilter {
	f := store.RunnerFilter{SilentSince: p.RunnersSilentSince(now), Governed: &of}
	switch p.RunnerAction {
	case baton.PauseStale:
		f.Paused = new(false)
	case baton.DeleteStale:
		// By hand, too, administrators alone delete what several projects use.
		f.Unshared = of != (baton.Source{})
	}
	return f
}

func staleManagers(p *baton.StaleRunnerPolicy, of baton.Source, now time.Time) store.SilentManagerFilter {
	return store.SilentManagerFilter{Since: p.ManagersSilentSince(now), Governed: &of}
}

// A StaleReport is what a run did.
type StaleReport struct {
	Policy baton.StaleRunnerPolicy
	// Runners were paused or deleted, as the policy says.
	Runners []baton.RunnerID
	// Managers were forgotten.
	Managers []baton.ManagerID
	Skipped  []StaleSkip
	// Stopped is "" for a run that came to its end.
	Stopped baton.StaleStop
}

// A StaleSkip is something that was found stale and was not when its turn came.
type StaleSkip struct {
	Runner baton.RunnerID
	// Manager is 0 where it was about the runner.
	Manager baton.ManagerID
	Reason  baton.StaleReason
}

// RunStale applies the policy that counts in the source to the runners and
// managers that [Service.PreviewStale] shows, and reports what it did.
//
// They are found first, and looked at again in the transactions that change
// them, a [staleBatch] in each: one that calls in between is left alone. What was
// done stays done when the run stops or fails; the report of a run that failed is
// lost, while its audit events are not.
func (s *Service) RunStale(ctx context.Context, a *access.Actor, of baton.Source) (StaleReport, error) {
	if err := s.view.may(ctx, a, access.ManageRunners, of); err != nil {
		return StaleReport{}, err
	}
	p, err := s.store.NearestStalePolicy(ctx, of)
	if err != nil {
		return StaleReport{}, fmt.Errorf("find stale runner policy: %w", err)
	}
	r := staleRun{
		Service: s, author: a.Author(), of: of, report: StaleReport{Policy: p},
		allowed: func(ctx context.Context, v view) error { return v.may(ctx, a, access.ManageRunners, of) },
	}
	err = r.do(ctx)
	return r.report, errors.Join(err, r.tell(ctx))
}

// RunAutomaticStale applies all automatic policies, each where it was set. Several
// processes may do so at once: each runner is changed by one of them.
func (s *Service) RunAutomaticStale(ctx context.Context) error {
	policies, err := s.store.AutomaticStalePolicies(ctx)
	if err != nil {
		return fmt.Errorf("list stale runner policies: %w", err)
	}
	var failed error
	for _, p := range policies {
		r := staleRun{
			Service: s, author: audit.Author{Name: "Stale runner policy of " + sourceName(p.Source), At: s.now()}, of: p.Source,
			report: StaleReport{Policy: p}, allowed: func(context.Context, view) error { return nil },
		}
		err := r.do(ctx)
		if len(r.report.Runners)+len(r.report.Managers) > 0 {
			err = errors.Join(err, r.tell(ctx))
		}
		if ctx.Err() != nil {
			return err
		}
		failed = errors.Join(failed, err)
	}
	return failed
}

const (
	// stalePage is how many runners a run finds at a time, and staleBatch how many
	// of these it changes in one transaction: few enough for others, who write in
	// between, not to notice.
	stalePage  = 2000
	staleBatch = 100
	// answerTime is what a run leaves of the time of its request.
	answerTime = 10 * time.Second
)

// A staleRun is a run of a policy in a source.
type staleRun struct {
	*Service

	author audit.Author
	of     baton.Source
	// allowed is an error once the run may not go on.
	allowed func(context.Context, view) error
	report  StaleReport
}

// do runs until everything is done, or something stops it.
func (r *staleRun) do(ctx context.Context) error {
	late := ctx
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		late, cancel = context.WithDeadline(ctx, deadline.Add(-answerTime))
		defer cancel()
	}
	err := r.runners(ctx, late)
	if err == nil {
		err = r.managers(ctx, late)
	}
	if stop, ok := errors.AsType[stopped](err); ok {
		r.report.Stopped = baton.StaleStop(stop)
		return nil
	}
	if err != nil {
		return fmt.Errorf("apply stale runner policy: %w", err)
	}
	return nil
}

// stopped ends a run.
type stopped baton.StaleStop

// Error implements error.
func (s stopped) Error() string { return "stopped: " + string(s) }

// runners pauses or deletes the stale runners.
func (r *staleRun) runners(ctx, late context.Context) error {
	if r.report.Policy.RunnerAge == 0 {
		return nil
	}
	f := staleRunners(&r.report.Policy, r.of, r.author.At)
	find := func() ([]baton.Runner, error) {
		found, err := r.store.Runners(ctx, f, store.Page{Limit: stalePage})
		if len(found) > 0 {
			f.After = found[len(found)-1].ID
		}
		return found, err
	}
	return inBatches(late, find, func(some []baton.Runner) error { return r.changeRunners(ctx, some) })
}

// managers forgets the stale managers.
func (r *staleRun) managers(ctx, late context.Context) error {
	if r.report.Policy.ManagerAge == 0 {
		return nil
	}
	f := staleManagers(&r.report.Policy, r.of, r.author.At)
	find := func() ([]baton.Manager, error) {
		found, err := r.store.SilentManagers(ctx, f, store.Page{Limit: stalePage})
		if len(found) > 0 {
			f.After = found[len(found)-1].ID
		}
		return found, err
	}
	return inBatches(late, find, func(some []baton.Manager) error { return r.forget(ctx, some) })
}

// inBatches does something with all that is found, page by page, until late ends.
func inBatches[T any](late context.Context, find func() ([]T, error), do func([]T) error) error {
	for {
		found, err := find()
		if err != nil {
			return err
		}
		for some := range slices.Chunk(found, staleBatch) {
			if late.Err() != nil {
				return stopped(baton.StopTime)
			}
			if err := do(some); err != nil {
				return err
			}
		}
		if len(found) < stalePage {
			return nil
		}
	}
}

// A staleTurn is the transaction of a batch.
type staleTurn struct {
	view

	policy  *baton.StaleRunnerPolicy
	nearest map[baton.Source]bool
	places  map[baton.Source]place
}

// turn begins a batch: the run must still be allowed, and its policy still count.
func (r *staleRun) turn(ctx context.Context, tx store.Tx) (*staleTurn, error) {
	t := &staleTurn{
		view: look(tx), policy: &r.report.Policy, nearest: map[baton.Source]bool{}, places: map[baton.Source]place{},
	}
	if err := r.allowed(ctx, t.view); err != nil {
		return nil, err
	}
	counts, err := t.governs(ctx, r.of)
	if err == nil && !counts {
		err = stopped(baton.StopPolicy)
	}
	return t, err
}

// governs reports whether the policy of the run, as it was at its beginning,
// counts in the source.
func (t *staleTurn) governs(ctx context.Context, of baton.Source) (bool, error) {
	counts, known := t.nearest[of]
	if known {
		return counts, nil
	}
	p, err := t.NearestStalePolicy(ctx, of)
	if err != nil && !baton.IsNotFound(err) {
		return false, fmt.Errorf("find stale runner policy: %w", err)
	}
	t.nearest[of] = err == nil && p == *t.policy
	return t.nearest[of], nil
}

// event returns the audit event of something done to a runner. Many of a batch
// have the same place.
func (t *staleTurn) event(
	ctx context.Context, w audit.Author, r *baton.Runner, name, verb string, changes ...baton.AuditChange,
) (baton.AuditEvent, error) {
	at, known := t.places[ownerOf(r)]
	if !known {
		var err error
		if at, err = t.place(ctx, r); err != nil {
			return baton.AuditEvent{}, err
		}
		t.places[ownerOf(r)] = at
	}
	return at.event(w, r, name, verb, changes...), nil
}

// current returns the runners as they are, by their ids.
func (t *staleTurn) current(ctx context.Context, ids []baton.RunnerID) (map[baton.RunnerID]*baton.Runner, error) {
	rows, err := t.Runners(ctx, store.RunnerFilter{IDs: ids}, store.Page{Limit: len(ids)})
	if err != nil {
		return nil, fmt.Errorf("find runners: %w", err)
	}
	byID := make(map[baton.RunnerID]*baton.Runner, len(rows))
	for i := range rows {
		byID[rows[i].ID] = &rows[i]
	}
	return byID, nil
}

// changeRunners pauses or deletes the runners of a batch that are stale still.
func (r *staleRun) changeRunners(ctx context.Context, some []baton.Runner) error {
	var done []baton.RunnerID
	var skipped []StaleSkip
	err := r.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
		done, skipped = nil, nil
		t, err := r.turn(ctx, tx)
		if err != nil {
			return err
		}
		ids := make([]baton.RunnerID, len(some))
		for i := range some {
			ids[i] = some[i].ID
		}
		now, err := t.current(ctx, ids)
		if err != nil {
			return err
		}
		var events []baton.AuditEvent
		for i := range some {
			is := now[some[i].ID]
			reason, err := t.keeps(ctx, r, &some[i], is)
			if err != nil {
				return err
			}
			if reason != "" {
				skipped = append(skipped, StaleSkip{Runner: some[i].ID, Reason: reason})
				continue
			}
			event, err := t.changed(ctx, r.author, is)
			if err != nil {
				return err
			}
			events = append(events, event)
			done = append(done, is.ID)
		}
		if t.policy.RunnerAction == baton.DeleteStale {
			err = tx.DeleteRunner(ctx, done...)
		} else {
			err = tx.PauseRunners(ctx, r.author.At, done...)
		}
		if err != nil {
			return err
		}
		return tx.InsertAuditEvent(ctx, events...)
	})
	if err != nil {
		return err
	}
	r.report.Runners = append(r.report.Runners, done...)
	r.report.Skipped = append(r.report.Skipped, skipped...)
	return nil
}

// changed returns the event of a runner that is paused or deleted.
func (t *staleTurn) changed(ctx context.Context, w audit.Author, r *baton.Runner) (baton.AuditEvent, error) {
	if t.policy.RunnerAction == baton.DeleteStale {
		return t.event(ctx, w, r, eventDeleted, "Unregistered stale")
	}
	return t.event(ctx, w, r, eventUpdated, "Paused stale", baton.AuditChange{Attribute: "paused", From: "false", To: "true"})
}

// keeps returns why a runner that was found stale is to be left alone as it is
// now, nil where it is gone; "" for no reason.
//
// A runner with a running job is never stale: its manager calls all the time to
// tell of it. Once jobs are given out, a job whose runner is silent for as long
// as any age is one that nobody works on, and whoever ends such jobs comes first.
func (t *staleTurn) keeps(ctx context.Context, r *staleRun, was, is *baton.Runner) (baton.StaleReason, error) {
	f := staleRunners(t.policy, r.of, r.author.At)
	switch {
	case is == nil:
		return baton.SkipGone, nil
	case is.SeenAt().After(f.SilentSince):
		return baton.SkipContacted, nil
	case f.Paused != nil && is.Paused != *f.Paused, ownerOf(is) != ownerOf(was):
		return baton.SkipChanged, nil
	}
	if f.Unshared && is.Type == baton.ProjectRunner {
		n, err := t.CountProjects(ctx, store.ProjectFilter{RunnerID: is.ID})
		if err != nil {
			return "", fmt.Errorf("count projects of runner: %w", err)
		}
		if n > 1 {
			return baton.SkipChanged, nil
		}
	}
	counts, err := t.governs(ctx, ownerOf(is))
	if err == nil && !counts {
		return baton.SkipChanged, nil
	}
	return "", err
}

// forget forgets the managers of a batch that are stale still. One event for a
// runner tells of all its managers.
func (r *staleRun) forget(ctx context.Context, some []baton.Manager) error {
	var done []baton.ManagerID
	var skipped []StaleSkip
	err := r.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
		done, skipped = nil, nil
		t, err := r.turn(ctx, tx)
		if err != nil {
			return err
		}
		ids := make([]baton.ManagerID, len(some))
		of := map[baton.RunnerID][]baton.AuditChange{}
		for i := range some {
			ids[i] = some[i].ID
			of[some[i].RunnerID] = nil
		}
		rows, err := tx.SilentManagers(ctx, store.SilentManagerFilter{IDs: ids}, store.Page{Limit: len(ids)})
		if err != nil {
			return err
		}
		now := make(map[baton.ManagerID]*baton.Manager, len(rows))
		for i := range rows {
			now[rows[i].ID] = &rows[i]
		}
		runners, err := t.current(ctx, slices.Sorted(maps.Keys(of)))
		if err != nil {
			return err
		}
		for _, m := range some {
			reason, err := t.keepsManager(ctx, r.author.At, runners[m.RunnerID], now[m.ID])
			if err != nil {
				return err
			}
			if reason != "" {
				skipped = append(skipped, StaleSkip{Runner: m.RunnerID, Manager: m.ID, Reason: reason})
				continue
			}
			of[m.RunnerID] = append(of[m.RunnerID], baton.AuditChange{Attribute: "system_id", From: m.SystemID})
			done = append(done, m.ID)
		}
		if err := tx.DeleteManager(ctx, done...); err != nil {
			return err
		}
		return t.tellForgotten(ctx, tx, r.author, runners, of)
	})
	if err != nil {
		return err
	}
	r.report.Managers = append(r.report.Managers, done...)
	r.report.Skipped = append(r.report.Skipped, skipped...)
	return nil
}

// keepsManager returns why a manager of the runner, as they are now, is to be left
// alone; either is nil where it is gone. "" is for no reason.
func (t *staleTurn) keepsManager(ctx context.Context, at time.Time, r *baton.Runner, m *baton.Manager) (baton.StaleReason, error) {
	switch {
	case r == nil || m == nil:
		return baton.SkipGone, nil
	case m.ContactedAt.After(t.policy.ManagersSilentSince(at)):
		return baton.SkipContacted, nil
	}
	counts, err := t.governs(ctx, ownerOf(r))
	if err == nil && !counts {
		return baton.SkipChanged, nil
	}
	return "", err
}

// tellForgotten writes what was forgotten of each runner.
func (t *staleTurn) tellForgotten(
	ctx context.Context, tx store.Tx, w audit.Author, runners map[baton.RunnerID]*baton.Runner, of map[baton.RunnerID][]baton.AuditChange,
) error {
	var events []baton.AuditEvent
	for _, id := range slices.Sorted(maps.Keys(of)) {
		if of[id] == nil {
			continue
		}
		event, err := t.event(ctx, w, runners[id], eventManagerDeleted, "Unregistered stale managers of", of[id]...)
		if err != nil {
			return err
		}
		events = append(events, event)
	}
	return tx.InsertAuditEvent(ctx, events...)
}

// tell writes down the run itself. It does so for one that was cut off, too.
func (r *staleRun) tell(ctx context.Context) error {
	count := func(attribute string, n int) baton.AuditChange {
		return baton.AuditChange{Attribute: attribute, To: strconv.Itoa(n)}
	}
	changed := "runners_paused"
	if r.report.Policy.RunnerAction == baton.DeleteStale {
		changed = "runners_deleted"
	}
	changes := []baton.AuditChange{
		{Attribute: "policy_of", To: sourceName(r.report.Policy.Source)},
		count(changed, len(r.report.Runners)),
		count("managers_forgotten", len(r.report.Managers)),
		count("skipped", len(r.report.Skipped)),
	}
	if r.report.Stopped != "" {
		changes = append(changes, baton.AuditChange{Attribute: "stopped", To: string(r.report.Stopped)})
	}
	err := r.store.Tx(context.WithoutCancel(ctx), func(ctx context.Context, tx store.Tx) error {
		return look(tx).tellStale(ctx, tx, r.author, r.of, eventStaleApplied, "Applied", changes...)
	})
	if err != nil {
		return fmt.Errorf("tell of a run of a stale runner policy: %w", err)
	}
	return nil
}
