package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/pressly/goose/v3"

	"baton.example/baton"
)

// Migrate brings the schema up to date and refuses a database whose schema is
// newer than the program knows. A migration with a lower number than others that
// have run is run too: changes that are made side by side need not land in the
// order of their numbers, and between two of them somebody may have started.
func Migrate(ctx context.Context, dialect goose.Dialect, db *sql.DB, migrations fs.FS, log *slog.Logger, o ...goose.ProviderOption) error {
	o = append(o, goose.WithLogger(goose.NopLogger()), goose.WithAllowOutofOrder(true))
	provider, err := goose.NewProvider(dialect, db, migrations, o...)
	if err != nil {
		return fmt.Errorf("load migrations: %w", err)
	}
	// When two programs begin at once, the one that comes second may fail at
	// what the first one did: then it looks again.
	for attempt := 1; ; attempt++ {
		have, known, err := provider.GetVersions(ctx)
		if err != nil {
			return fmt.Errorf("read schema version: %w", err)
		}
		if have > known {
			return &baton.Error{Code: baton.CodeUnavailable, Message: fmt.Sprintf(
				"the database was written by a newer Baton (schema %d, this program knows %d): use that version or newer", have, known)}
		}
		pending, err := provider.HasPending(ctx)
		if err != nil {
			return fmt.Errorf("look for migrations: %w", err)
		}
		if !pending {
			return nil
		}
		done, err := provider.Up(ctx)
		if err == nil {
			if len(done) > 0 { // or another program was quicker
				log.InfoContext(ctx, "schema migrated", slog.Int64("from", have), slog.Int64("to", known))
			}
			return nil
		}
		if attempt == 3 {
			return fmt.Errorf("migrate schema: %w", err)
		}
	}
}
