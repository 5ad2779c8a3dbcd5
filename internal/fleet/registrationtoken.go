package fleet

import (
	"context"
	"fmt"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/store"
)

// RegistrationToken returns the token with which machines register runners of
// the group or project, nothing where such tokens do not work, and CodeDenied
// for who may not manage its runners.
//
// A token is made when somebody first looks: until then there is none that
// could leak, and groups and projects need nothing to be made for them when
// they are created.
// https://docs.gitlab.com/api/groups/#retrieve-a-group.
func (s *Service) RegistrationToken(ctx context.Context, a *access.Actor, of baton.Source) (baton.Secret, error) {
	if err := s.view.may(ctx, a, access.ManageRunners, of); err != nil {
		return baton.Secret{}, err
	}
	at, err := s.view.registry(ctx, &a.Settings, of)
	if err != nil || !at.allowed {
		return baton.Secret{}, err
	}
	t, err := s.store.RegistrationToken(ctx, of)
	if baton.IsNotFound(err) {
		err = s.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
			var err error
			if t, err = tx.RegistrationToken(ctx, of); !baton.IsNotFound(err) {
				return err // somebody else looked at the same moment
			}
			t, _ = s.newRegistrationToken(a, of, 1)
			return tx.SetRegistrationToken(ctx, t)
		})
	}
	if err != nil {
		return baton.Secret{}, fmt.Errorf("find registration token: %w", err)
	}
	text, err := s.keys.Open(t.Sealed, sealedAs(&t))
	if err != nil {
		return baton.Secret{}, fmt.Errorf("read registration token of %s: %w", sourceName(of), err)
	}
	return baton.NewSecret(string(text)), nil
}

// ResetRegistrationToken replaces the registration token of a group, a project
// or, with the zero source, the instance. The old one ends at once; runners
// that were registered with it stay. Where such tokens do not work it is
// CodeDenied, for administrators too.
// https://docs.gitlab.com/api/runners/#reset-instances-runner-registration-token.
func (s *Service) ResetRegistrationToken(ctx context.Context, a *access.Actor, of baton.Source) (baton.Secret, error) {
	var made baton.Secret
	err := s.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
		v := look(tx)
		if err := v.may(ctx, a, access.ManageRunners, of); err != nil {
			return err
		}
		settings, err := tx.Settings(ctx)
		if err != nil {
			return err
		}
		at, err := v.registry(ctx, &settings, of)
		if err != nil {
			return err
		}
		if !at.allowed {
			return baton.Denied("")
		}
		was, err := tx.RegistrationToken(ctx, of)
		if err != nil && !baton.IsNotFound(err) {
			return err
		}
		var t store.RegistrationToken
		t, made = s.newRegistrationToken(a, of, was.Number+1)
		if err := tx.SetRegistrationToken(ctx, t); err != nil {
			return err
		}
		return tx.InsertAuditEvent(ctx, at.registrationReset(a.Author(), was.Number, t.Number))
	})
	if err != nil {
		return baton.Secret{}, fmt.Errorf("reset registration token: %w", err)
	}
	return made, nil
}

// newRegistrationToken makes a token of the source and what is to be stored of
// it.
func (s *Service) newRegistrationToken(a *access.Actor, of baton.Source, number int) (store.RegistrationToken, baton.Secret) {
	text := baton.NewToken(baton.RegistrationTokenPrefix)
	t := store.RegistrationToken{Source: of, Number: number, Digest: text.Digest(), CreatedAt: a.Now}
	t.Sealed = s.keys.Seal([]byte(text.Reveal()), sealedAs(&t))
	return t, text
}

// sealedAs is the context under which a token is sealed. It must stay as it is:
// what was sealed under another does not open.
func sealedAs(t *store.RegistrationToken) []byte {
	return fmt.Appendf(nil, "registration token %d of namespace %d, project %d", t.Number, t.Source.Namespace, t.Source.Project)
}
