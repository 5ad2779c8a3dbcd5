package sqlstore

import (
	"context"
	"errors"

	"baton.example/baton"
	"baton.example/baton/internal/store"
	"baton.example/baton/internal/store/batch"
)

// A Creation is one call of CreateRunner on its way through a batch.
type Creation struct {
	// Runner, Token, Event and Answer are the rows to insert, once Assign was
	// called. Answer is nil when there is none.
	Runner baton.Runner
	Token  baton.RunnerToken
	Digest baton.Digest
	Event  baton.AuditEvent
	Answer *store.Answer

	given store.RunnerCreation
}

// newRunners is the table of runners as a creation writes it: with the first
// token, which needs no row of its own.
var newRunners = define(runners.thing, "runners r", func(c *Creation) []column {
	return append(runners.fields(&c.Runner),
		column{"token_digest", bytesOf(&c.Digest), inserts},
		column{"token_created_at", at(&c.Token.CreatedAt), inserts},
		column{"token_expires_at", at(&c.Token.ExpiresAt), inserts})
})

// Assign gives the runner its id and makes what depends on it. It may be
// called again with another id.
func (c *Creation) Assign(id baton.RunnerID) error {
	c.Runner.ID, c.Token.RunnerID = id, id
	c.Event = c.given.Audit(id)
	if c.given.Answer == nil {
		return nil
	}
	answer, err := c.given.Answer(id)
	c.Answer = &answer
	return err
}

// CreateRunner implements [store.RunnerCreator].
func (s *Store) CreateRunner(ctx context.Context, given store.RunnerCreation) (baton.RunnerID, error) {
	c := &Creation{
		Runner: given.Runner,
		Token:  baton.RunnerToken{ExpiresAt: given.TokenExpiresAt, CreatedAt: given.Runner.CreatedAt},
		Digest: given.Token,
		given:  given,
	}
	switch err := s.runners.Do(ctx, c); {
	case errors.Is(err, batch.ErrClosed):
		return 0, Away(err)
	case err != nil:
		return 0, err
	}
	return c.Runner.ID, nil
}

// worthSplitting reports whether the members of a batch that failed may
// succeed one by one. They will not when the database is away, and each would
// wait for it.
func worthSplitting(err error) bool {
	return baton.CodeOf(err) != baton.CodeUnavailable && !errors.Is(err, context.DeadlineExceeded)
}

// InsertCreations inserts the rows of creations that have their ids.
func InsertCreations(ctx context.Context, q Querier, all []*Creation) error {
	for _, c := range all {
		if err := c.insert(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

func (c *Creation) insert(ctx context.Context, q Querier) error {
	r := &c.Runner
	if _, err := q.ExecContext(ctx, newRunners.insertText, newRunners.values(c, inserts)...); err != nil {
		return err
	}
	if _, err := q.ExecContext(ctx, auditEvents.insertText, auditEvents.values(&c.Event, inserts)...); err != nil {
		return err
	}
	for i, tag := range r.Tags {
		if _, err := q.ExecContext(ctx, "INSERT INTO runner_tags (runner_id, position, tag) VALUES ($1, $2, $3)", r.ID, i, tag); err != nil {
			return err
		}
	}
	if r.ProjectID != 0 {
		if _, err := q.ExecContext(ctx, "INSERT INTO runner_projects (runner_id, project_id, created_at) VALUES ($1, $2, $3)",
			r.ID, r.ProjectID, at(&r.CreatedAt)); err != nil {
			return err
		}
	}
	if c.Answer != nil {
		if _, err := q.ExecContext(ctx, answers.insertText, answers.values(c.Answer, inserts)...); err != nil {
			return err
		}
	}
	return nil
}
