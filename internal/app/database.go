package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

	"baton.example/baton"
	"baton.example/baton/internal/seal"
	"baton.example/baton/internal/store"
	"baton.example/baton/internal/store/postgres"
	"baton.example/baton/internal/store/sqlite"
)

// The files in the data directory.
const (
	databaseFile = "baton.db"
	keyFile      = "secret.key"
	lockFile     = "baton.lock"
)

// A Database is a store with the keys that its secrets are sealed under.
type Database struct {
	store.Store

	Keys *seal.Keyring
}

// OpenStore opens the database that c names, brings its schema up to date and
// checks the secret key against it, which it makes for a new SQLite database.
// Every error says what to do.
func OpenStore(ctx context.Context, c *Config) (*Database, error) {
	db, err := openDatabase(ctx, c)
	if err != nil {
		return nil, err
	}
	keys, err := checkKey(ctx, c, db, true)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &Database{Store: db, Keys: keys}, nil
}

// OpenExisting is [OpenStore] for a database that Baton was started with: a
// command that is given the wrong directory must not make a new one there.
func OpenExisting(ctx context.Context, c *Config) (store.Store, error) {
	if c.DatabaseURL.IsZero() {
		if _, err := os.Stat(filepath.Join(c.DataDir, databaseFile)); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("there is no database in %s: start Baton there first (baton serve), or say where it is with --data-dir or BATON_DATA_DIR", c.DataDir)
		}
	}
	db, err := openDatabase(ctx, c)
	if err != nil {
		return nil, err
	}
	users, err := db.CountUsers(ctx, store.UserFilter{})
	if err == nil && users == 0 {
		err = errors.New("the database has no users yet, not even root: start Baton first (baton serve)")
	}
	if err == nil {
		_, err = checkKey(ctx, c, db, false)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

func openDatabase(ctx context.Context, c *Config) (store.Store, error) {
	if url := c.DatabaseURL.Reveal(); url != "" {
		return postgres.Open(ctx, url, c.Log)
	}
	if err := makeDataDir(c.DataDir); err != nil {
		return nil, err
	}
	return sqlite.Open(ctx, filepath.Join(c.DataDir, databaseFile), c.Log)
}

// makeDataDir makes the data directory and tries whether it can be written to.
func makeDataDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the data directory (choose another with --data-dir or BATON_DATA_DIR): %w", err)
	}
	probe, err := os.CreateTemp(dir, ".writable-*")
	if err != nil {
		return fmt.Errorf("the data directory %s is not writable (change its owner, or choose another with --data-dir or BATON_DATA_DIR): %w", dir, err)
	}
	if err := errors.Join(probe.Close(), os.Remove(probe.Name())); err != nil {
		return fmt.Errorf("try the data directory %s: %w", dir, err)
	}
	return nil
}

// lockDataDir keeps other servers out of the data directory until the lock is
// released, or the program ends, however it does. SQLite would let them in, to
// count throttles each for itself and to make a commit wait for the other's.
// Commands that only work on the database do not ask for the lock.
func lockDataDir(dir string) (*flock.Flock, error) {
	if err := makeDataDir(dir); err != nil {
		return nil, err
	}
	lock := flock.New(filepath.Join(dir, lockFile), flock.SetPermissions(0o600))
	locked, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock the data directory %s: %w", dir, err)
	}
	if !locked {
		return nil, fmt.Errorf("another Baton serves from the data directory %s: stop that, or choose another directory with --data-dir or BATON_DATA_DIR", dir)
	}
	return lock, nil
}

// checkKey loads the secret key, or makes it for a new SQLite database if it
// may, and proves that it is the one that the database was written with.
func checkKey(ctx context.Context, c *Config, db store.Store, mayMake bool) (*seal.Keyring, error) {
	path := c.SecretKeyFile
	if path == "" {
		path = filepath.Join(c.DataDir, keyFile)
	}
	keys, err := seal.Load(path)
	if errors.Is(err, fs.ErrNotExist) && c.SecretKeyFile == "" {
		known, idsErr := db.KeyIDs(ctx)
		if idsErr != nil {
			return nil, fmt.Errorf("look for secret keys: %w", idsErr)
		}
		if len(known) > 0 || !mayMake {
			return nil, fmt.Errorf("the secret key %s is missing, and the database has secrets that only it opens: "+
				"restore the file from a backup, or name it with BATON_SECRET_KEY_FILE", path)
		}
		keys, err = seal.Create(path)
	}
	if err != nil {
		return nil, err
	}
	check := func(ctx context.Context, tx store.Tx) error { return seal.Check(ctx, tx, keys) }
	if err = db.Tx(ctx, check); baton.CodeOf(err) == baton.CodeConflict {
		err = db.Tx(ctx, check) // another replica began at the same moment
	}
	return keys, err
}
