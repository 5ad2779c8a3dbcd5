package fleet

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/audit"
	"baton.example/baton/internal/store"
)

// A Rotated is a new token of a runner that was there before, with its one
// copy.
type Rotated struct {
	Token baton.Secret
	// ExpiresAt is the end of the token's life, zero for none.
	ExpiresAt time.Time
}

// allTokens retires every token that a runner has.
const allTokens = 0

// Rotate gives a runner a new token for somebody who may change it. All others
// end: whoever asks by the runner's id knows of none in particular.
// https://docs.gitlab.com/api/runners/#reset-runners-authentication-token-by-using-the-runner-id.
func (s *Service) Rotate(ctx context.Context, a *access.Actor, id baton.RunnerID) (Rotated, error) {
	var made Rotated
	err := s.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
		r, err := look(tx).updatable(ctx, a, id)
		if err != nil {
			return err
		}
		made, err = rotate(ctx, tx, a.Author(), &r, allTokens)
		return err
	})
	if err != nil {
		return Rotated{}, fmt.Errorf("rotate runner token: %w", err)
	}
	return made, nil
}

// RotateOwn gives a runner a new token in the place of the one that it holds.
// Others of its tokens, which other managers may have got in the same way, are
// left alone.
// https://docs.gitlab.com/api/runners/#reset-runners-authentication-token-by-using-the-current-token.
func (s *Service) RotateOwn(ctx context.Context, token baton.Secret, ip string) (Rotated, error) {
	var made Rotated
	err := s.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
		// Again, inside: of two who present the same token without an overlap
		// one comes too late.
		p, err := ProveIn(ctx, tx, token, s.now())
		if err != nil {
			return err
		}
		made, err = rotate(ctx, tx, p.author(ip, s.now()), &p.Runner, p.Token.Number)
		return err
	})
	if err != nil {
		return Rotated{}, fmt.Errorf("rotate runner token: %w", err)
	}
	return made, nil
}

// rotate makes a token and retires the one of that number, or all. It is
// [ErrRotationDeadline] when the runner's has passed.
func rotate(ctx context.Context, tx store.Tx, w audit.Author, r *baton.Runner, retired int) (Rotated, error) {
	if err := checkDeadline(r, w.At); err != nil {
		return Rotated{}, err
	}
	v := look(tx)
	settings, err := tx.Settings(ctx)
	if err != nil {
		return Rotated{}, err
	}
	lives, err := v.lives(ctx, &settings, r)
	if err != nil {
		return Rotated{}, err
	}
	overlap, err := v.overlap(ctx, &settings, r)
	if err != nil {
		return Rotated{}, err
	}
	tokens, err := tx.RunnerTokens(ctx, r.ID)
	if err != nil {
		return Rotated{}, err
	}
	newest := tokens[len(tokens)-1].Number
	made := Rotated{Token: baton.NewToken(r.TokenPrefix()), ExpiresAt: lives.end(w.At)}
	rotation := store.Rotation{
		Token:   baton.RunnerToken{RunnerID: r.ID, Number: newest + 1, CreatedAt: w.At, ExpiresAt: made.ExpiresAt},
		Digest:  made.Token.Digest(),
		Retired: retired,
	}
	if overlap > 0 {
		rotation.RetiredAt = later(w.At, overlap)
	}
	if err := tx.RotateRunnerToken(ctx, rotation); err != nil {
		return Rotated{}, err
	}
	from := "all"
	if retired != allTokens {
		from = strconv.Itoa(retired)
	}
	event, err := v.event(ctx, w, r, eventRotated, "Reset the authentication token of",
		baton.AuditChange{Attribute: "token", From: from, To: strconv.Itoa(newest + 1)})
	if err != nil {
		return Rotated{}, err
	}
	return made, tx.InsertAuditEvent(ctx, event)
}

// RemoveOwn deletes the runner that holds the token.
// https://docs.gitlab.com/api/runners/#delete-a-runner-by-authentication-token.
func (s *Service) RemoveOwn(ctx context.Context, token baton.Secret, ip string, cond Condition) error {
	err := s.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
		p, err := ProveIn(ctx, tx, token, s.now())
		if err != nil {
			return err
		}
		return remove(ctx, tx, p.author(ip, s.now()), &p.Runner, cond)
	})
	if err != nil {
		return fmt.Errorf("delete runner: %w", err)
	}
	return nil
}

// RemoveManager forgets a manager of the runner that holds the token. The
// runner stays.
// https://docs.gitlab.com/api/runners/#delete-a-runner-manager.
func (s *Service) RemoveManager(ctx context.Context, token baton.Secret, systemID, ip string, cond Condition) error {
	err := s.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
		p, err := ProveIn(ctx, tx, token, s.now())
		if err != nil {
			return err
		}
		m, err := tx.Manager(ctx, p.Runner.ID, systemID)
		if baton.IsNotFound(err) {
			return baton.NotFound("Runner manager not found") // GitLab says it twice
		}
		if err != nil {
			return err
		}
		if err := cond.check(m.ContactedAt); err != nil {
			return err
		}
		if err := tx.DeleteManager(ctx, m.ID); err != nil {
			return err
		}
		event, err := look(tx).event(ctx, p.author(ip, s.now()), &p.Runner, eventManagerDeleted, "Unregistered a manager of",
			baton.AuditChange{Attribute: "system_id", From: m.SystemID})
		if err != nil {
			return err
		}
		return tx.InsertAuditEvent(ctx, event)
	})
	if err != nil {
		return fmt.Errorf("delete runner manager: %w", err)
	}
	return nil
}

// author returns who holds the token as an author: nobody that has a name.
func (p *Proof) author(ip string, at time.Time) audit.Author {
	return audit.Author{Name: fmt.Sprintf("Authentication token %d of runner %d", p.Token.Number, p.Runner.ID), IP: ip, At: at}
}
