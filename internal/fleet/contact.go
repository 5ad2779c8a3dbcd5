package fleet

import (
	"context"
	"fmt"
	"time"
	"unicode/utf8"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

// A Proof is a runner's token that was checked.
type Proof struct {
	Runner baton.Runner
	Token  baton.RunnerToken
}

// Prove finds the runner that the token belongs to. A token that is unknown or
// expired is CodeDenied without a reason: gitlab-runner takes 403, and nothing
// else, for "this runner is gone".
func (s *Service) Prove(ctx context.Context, token baton.Secret) (Proof, error) {
	return ProveIn(ctx, s.store, token, s.now())
}

// ProveIn is [Service.Prove] by what a transaction sees: a token may end, and
// its runner change, between the first look at it and what it was shown for.
func ProveIn(ctx context.Context, in store.PrincipalReader, token baton.Secret, now time.Time) (Proof, error) {
	r, t, err := in.RunnerByToken(ctx, token.Digest())
	if baton.IsNotFound(err) || err == nil && !t.Active(now) {
		return Proof{}, baton.Denied("")
	}
	if err != nil {
		return Proof{}, fmt.Errorf("find runner by token: %w", err)
	}
	return Proof{Runner: r, Token: t}, nil
}

// freshFor is how long a recorded contact is recent enough: a manager that
// says nothing new is written down at most this often. Idle managers ask for
// jobs every few seconds, and statuses are told in hours.
const freshFor = 10 * time.Second

// Contact records that a manager of the proven runner called. A system id that
// is too long for storage is CodeInvalid.
func (s *Service) Contact(ctx context.Context, p Proof, m baton.Manager, asksForJobs bool) error {
	if utf8.RuneCountInString(m.SystemID) > baton.MaxSystemID {
		return baton.Invalid([]baton.FieldError{{Field: "system_xid", Problem: "is too long (maximum is 64 characters)"}})
	}
	m.RunnerID, m.ContactedAt = p.Runner.ID, s.now()
	m.TokenNumber, m.TokenCreatedAt = p.Token.Number, p.Token.CreatedAt
	for _, reported := range []*string{&m.Version, &m.Revision, &m.Platform, &m.Architecture, &m.Executor} {
		*reported = firstRunes(*reported, maxReported)
	}
	known, err := s.store.Manager(ctx, m.RunnerID, m.SystemID)
	switch {
	case baton.IsNotFound(err):
	case err != nil:
		return fmt.Errorf("find manager: %w", err)
	case (p.Runner.AskedForJobs || !asksForJobs) && fresh(p.Runner, known, m):
		return nil
	}
	if err := s.store.TouchRunner(ctx, store.Contact{Manager: m, AskedForJobs: asksForJobs}); err != nil {
		return fmt.Errorf("record contact: %w", err)
	}
	return nil
}

// Alive records that the manager that works on a job called. Who is gone from
// the fleet meanwhile may end its job all the same.
func (s *Service) Alive(ctx context.Context, runner baton.RunnerID, manager baton.ManagerID, ip string) error {
	managers, err := s.store.Managers(ctx, runner)
	if err != nil {
		return fmt.Errorf("find managers: %w", err)
	}
	for _, m := range managers {
		if m.ID != manager {
			continue
		}
		at := s.now()
		if m.IP == ip && m.ContactedAt.After(at.Add(-freshFor)) {
			return nil
		}
		m.IP, m.ContactedAt = ip, at
		if err := s.store.TouchRunner(ctx, store.Contact{Manager: m}); err != nil && !baton.IsNotFound(err) {
			return fmt.Errorf("record contact: %w", err)
		}
	}
	return nil
}

// maxReported is how much is kept of what a manager says of itself, in
// characters. More is cut, not refused: a program that is unknown here must be
// able to work all the same.
const maxReported = 255

// firstRunes returns at most n characters of text.
func firstRunes(text string, n int) string {
	for i := range text {
		if n == 0 {
			return text[:i]
		}
		n--
	}
	return text
}

// fresh reports whether the call of a manager tells nothing that is not known.
func fresh(r baton.Runner, known, m baton.Manager) bool {
	since := m.ContactedAt.Add(-freshFor)
	same := func(was, is string) bool { return is == "" || is == was }
	return known.TokenNumber == m.TokenNumber && r.ContactedAt.After(since) && known.ContactedAt.After(since) &&
		same(known.Version, m.Version) && same(known.Revision, m.Revision) &&
		same(known.Platform, m.Platform) && same(known.Architecture, m.Architecture) &&
		same(known.Executor, m.Executor) && same(known.IP, m.IP)
}
