package sqlstore

import (
	"context"
	"database/sql"

	"baton.example/baton"
)

func (r reader) KeyProof(ctx context.Context, keyID string) ([]byte, error) {
	var proof []byte
	found, err := r.value(ctx, "read key proof", &proof, "SELECT proof FROM secret_keys WHERE key_id = $1", keyID)
	if err == nil && !found {
		err = baton.NotFound("Key")
	}
	return proof, err
}

func (r reader) KeyIDs(ctx context.Context) ([]string, error) {
	ids := []string{}
	err := r.each(ctx, "read key ids", func(rows *sql.Rows) error {
		var id string
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	}, "SELECT key_id FROM secret_keys ORDER BY key_id")
	return ids, err
}

func (w writer) InsertKeyProof(ctx context.Context, keyID string, proof []byte) error {
	_, err := w.exec(ctx, "insert key proof", "INSERT INTO secret_keys (key_id, proof) VALUES ($1, $2)", keyID, proof)
	return err
}
