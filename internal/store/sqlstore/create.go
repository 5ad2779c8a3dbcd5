package sqlstore

import (
	"context"
	"errors"
	"time"

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
	s.wake()
	return c.Runner.ID, nil
}

// judge says what the error of a batch means for its members. They will not
// succeed one by one when the database is away, and each would wait for it.
func judge(err error) batch.Verdict {
	if _, ok := errors.AsType[*busy](err); ok {
		return batch.Again
	}
	if baton.CodeOf(err) == baton.CodeUnavailable {
		return batch.Fail
	}
	return batch.Split
}

// InsertCreations inserts the rows of creations that have their ids. It is for
// SQLite, where many rows in one statement are cheaper than many statements.
func InsertCreations(ctx context.Context, q Querier, all []*Creation) error {
	var (
		events = make([]*baton.AuditEvent, len(all))
		tags   []*tagOfRunner
		owners []*projectOfRunner
		keyed  []*store.Answer
	)
	for i, c := range all {
		r := &c.Runner
		events[i] = &c.Event
		for position, tag := range r.Tags {
			tags = append(tags, &tagOfRunner{r.ID, position, tag})
		}
		if r.ProjectID != 0 {
			owners = append(owners, &projectOfRunner{r.ID, r.ProjectID, r.CreatedAt})
		}
		if c.Answer != nil {
			keyed = append(keyed, c.Answer)
		}
	}
	for _, insert := range []func() error{
		func() error { return newRunners.insertQuick(ctx, q, all) },
		func() error { return auditEvents.insertQuick(ctx, q, events) },
		func() error { return runnerTags.insertQuick(ctx, q, tags) },
		func() error { return runnerProjects.insertQuick(ctx, q, owners) },
		func() error { return answers.insertQuick(ctx, q, keyed) },
	} {
		if err := insert(); err != nil {
			return err
		}
	}
	return nil
}

// A tagOfRunner is a row of runner_tags.
type tagOfRunner struct {
	runner   baton.RunnerID
	position int
	tag      string
}

var runnerTags = define("Tag", "runner_tags g", func(t *tagOfRunner) []column {
	return []column{{"runner_id", &t.runner, fixed}, {"position", &t.position, fixed}, {"tag", &t.tag, fixed}}
})

// A projectOfRunner is a row of runner_projects.
type projectOfRunner struct {
	runner    baton.RunnerID
	project   baton.ProjectID
	createdAt time.Time
}

var runnerProjects = define("Runner project", "runner_projects a", func(p *projectOfRunner) []column {
	return []column{{"runner_id", &p.runner, fixed}, {"project_id", &p.project, fixed}, {"created_at", at(&p.createdAt), fixed}}
})
