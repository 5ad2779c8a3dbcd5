package sqlstore

import (
	"context"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

var registrationTokens = define("Registration token", "registration_tokens k", func(t *store.RegistrationToken) []column {
	return []column{
		{"namespace_id", nullNumber(&t.Source.Namespace), fixed},
		{"project_id", nullNumber(&t.Source.Project), fixed},
		{"number", &t.Number, fixed},
		{"digest", bytesOf(&t.Digest), fixed},
		{"sealed", &t.Sealed, fixed},
		{"created_at", at(&t.CreatedAt), fixed},
	}
})

func (r reader) RegistrationToken(ctx context.Context, of baton.Source) (store.RegistrationToken, error) {
	return registrationTokens.one(ctx, r, ofSource, of.Namespace, of.Project)
}

func (r reader) RegistrationTokenByDigest(ctx context.Context, token baton.Digest) (store.RegistrationToken, error) {
	return registrationTokens.one(ctx, r, "WHERE k.digest = $1", token[:])
}

// setRegistrationToken counts on the one index that covers every kind of
// source, the instance's included.
var setRegistrationToken = registrationTokens.insertText + ` ON CONFLICT (coalesce(namespace_id, 0), coalesce(project_id, 0)) DO UPDATE SET
	number = excluded.number, digest = excluded.digest, sealed = excluded.sealed, created_at = excluded.created_at`

func (w writer) SetRegistrationToken(ctx context.Context, t store.RegistrationToken) error {
	_, err := w.exec(ctx, "set Registration token", setRegistrationToken, registrationTokens.values(&t, inserts)...)
	return err
}
