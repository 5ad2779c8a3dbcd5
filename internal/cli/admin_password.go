package cli

import (
	"context"
	"fmt"

	"baton.example/baton/internal/directory"
)

type adminPasswordCmd struct {
	Reset adminPasswordResetCmd `cmd:"" help:"Set a new password."`
}

type adminPasswordResetCmd struct {
	databaseFlags
	userArg
	PasswordFile string `placeholder:"FILE" help:"File that holds the password; without it one is made and printed."`
}

// Help is the long help of the command.
func (adminPasswordResetCmd) Help() string {
	return `
Without --password-file a password is made and printed, once.

Examples:

  baton admin password reset root`
}

// Run sets the password.
func (c *adminPasswordResetCmd) Run(ctx context.Context, std Stdio) error {
	return c.work(ctx, std, func(ctx context.Context, o *office) error {
		u, err := o.user(ctx, c.Username)
		if err != nil {
			return err
		}
		secret, made, err := newPassword(c.PasswordFile)
		if err != nil {
			return err
		}
		if _, err := o.people.UpdateUser(ctx, o.actor, u.ID, directory.UserChange{Password: &secret}); err != nil {
			return err
		}
		fmt.Fprintf(o.std.Out, "Set a new password for %s.\n", u.Username)
		return o.showPassword(secret, made)
	})
}
