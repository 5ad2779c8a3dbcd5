package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/app"
	"baton.example/baton/internal/directory"
	"baton.example/baton/internal/password"
	"baton.example/baton/internal/store"
)

// adminCmd works on the database itself, for who has the machine but no token.
// A server that runs sees what it does at once, since it asks the database on
// every request.
type adminCmd struct {
	User     adminUserCmd     `cmd:"" help:"List, create, change and delete users."`
	Token    adminTokenCmd    `cmd:"" help:"List, create and revoke personal access tokens."`
	Password adminPasswordCmd `cmd:"" help:"Give a user a new password."`
}

// Help is the long help of the command.
func (adminCmd) Help() string {
	return `
These commands open the database of --data-dir, or of $BATON_DATABASE_URL, by themselves: use them on
the machine that has the data, with the server running or not. A running server acts on what they do
with its next request.

Examples:

  baton admin token create root
  baton admin password reset root
  baton admin user create alice --email alice@example.com --name "Alice Adams"
  baton admin user block alice`
}

// An office is an open database with the means to work on it.
type office struct {
	store  store.Store
	people *directory.Directory
	tokens *access.Tokens
	actor  *access.Actor
	std    Stdio
}

// work opens the database, lets do work on it, and closes it.
func (f *databaseFlags) work(ctx context.Context, std Stdio, do func(context.Context, *office) error) (err error) {
	config, err := f.config()
	if err != nil {
		return err
	}
	// What is no server says only what is wrong.
	if config.Log, err = (&logFlags{LogFormat: "text", LogLevel: "warn"}).logger(std); err != nil {
		return err
	}
	if err := config.Validate(); err != nil {
		return err
	}
	db, err := app.OpenExisting(ctx, &config)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := db.Close(); err == nil {
			err = closeErr
		}
	}()
	settings, err := db.Settings(ctx)
	if err != nil {
		return err
	}
	return do(ctx, &office{
		store: db, people: directory.New(db, password.NewHasher()), tokens: access.NewTokens(db), std: std,
		actor: &access.Actor{User: baton.User{Name: "baton admin"}, Admin: true, Settings: settings, Now: time.Now()},
	})
}

// user finds the user that an argument names.
func (o *office) user(ctx context.Context, name string) (baton.User, error) {
	u, err := o.store.UserByName(ctx, name)
	if baton.IsNotFound(err) {
		return baton.User{}, fmt.Errorf("there is no user %q (baton admin user list shows who there is)", name)
	}
	return u, err
}

// users returns all users.
func (o *office) users(ctx context.Context) ([]baton.User, error) {
	return everyRow(func(p store.Page) ([]baton.User, error) { return o.store.Users(ctx, store.UserFilter{}, p) })
}

// table prints rows under a heading.
func (o *office) table(heading string, rows [][]string) error {
	cells := make([][]cell, len(rows))
	for i, row := range rows {
		cells[i] = texts(row...)
	}
	return o.std.table(strings.Split(heading, "\t"), cells)
}

// userArg is the user that a command is about.
type userArg struct {
	Username string `arg:"" help:"Username, as in baton admin user list."`
}
