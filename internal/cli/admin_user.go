package cli

import (
	"cmp"
	"context"
	"fmt"
	"strconv"

	"baton.example/baton"
	"baton.example/baton/internal/directory"
	"baton.example/baton/internal/password"
	"baton.example/baton/internal/store"
)

type adminUserCmd struct {
	List       adminUserListCmd       `cmd:"" help:"Show all users."`
	Create     adminUserCreateCmd     `cmd:"" help:"Create a user."`
	Promote    adminUserPromoteCmd    `cmd:"" help:"Make a user an administrator."`
	Demote     adminUserDemoteCmd     `cmd:"" help:"Make an administrator an ordinary user."`
	Block      adminUserBlockCmd      `cmd:"" help:"Keep a user out."`
	Unblock    adminUserUnblockCmd    `cmd:"" help:"Let a blocked user in again."`
	Activate   adminUserActivateCmd   `cmd:"" help:"Let a deactivated user in again."`
	Deactivate adminUserDeactivateCmd `cmd:"" help:"Keep a user out who is not there any more."`
	Delete     adminUserDeleteCmd     `cmd:"" help:"Delete a user; runners that the user created live on."`
}

type adminUserListCmd struct{ databaseFlags }

// Help is the long help of the command.
func (adminUserListCmd) Help() string {
	return `
Examples:

  baton admin user list`
}

// Run prints the users.
func (c *adminUserListCmd) Run(ctx context.Context, std Stdio) error {
	return c.work(ctx, std, func(ctx context.Context, o *office) error {
		users, err := o.users(ctx)
		if err != nil {
			return err
		}
		rows := make([][]string, len(users))
		for i, u := range users {
			role := "user"
			switch {
			case u.Admin:
				role = "administrator"
			case u.Bot:
				role = "bot"
			}
			rows[i] = []string{strconv.FormatInt(int64(u.ID), 10), u.Username, u.Name, u.Email, string(u.State), role, cmp.Or(string(u.LastActivityOn), "never")}
		}
		return o.table("ID\tUSERNAME\tNAME\tEMAIL\tSTATE\tROLE\tLAST SEEN", rows)
	})
}

// everyRow reads a list page by page.
func everyRow[T any](page func(store.Page) ([]T, error)) ([]T, error) {
	const size = 500
	var all []T
	for {
		rows, err := page(store.Page{Limit: size, Offset: len(all)})
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
		if len(rows) < size {
			return all, nil
		}
	}
}

type adminUserCreateCmd struct {
	databaseFlags
	Username     string `arg:"" help:"Name to sign in with."`
	Email        string `required:"" placeholder:"ADDRESS" help:"Email address."`
	Name         string `placeholder:"TEXT" help:"Name to show; the username unless given."`
	Admin        bool   `help:"Make an administrator."`
	PasswordFile string `placeholder:"FILE" help:"File that holds the password; without it one is made and printed."`
}

// Help is the long help of the command.
func (adminUserCreateCmd) Help() string {
	return `
Without --password-file a password is made and printed, once. The user has no access token yet: make
one with baton admin token create.

Examples:

  baton admin user create carol --email carol@example.com --name "Carol Clark"
  baton admin user create dave --email dave@example.com --admin`
}

// Run makes the user and prints the password if it made that too.
func (c *adminUserCreateCmd) Run(ctx context.Context, std Stdio) error {
	return c.work(ctx, std, func(ctx context.Context, o *office) error {
		secret, made, err := newPassword(c.PasswordFile)
		if err != nil {
			return err
		}
		if c.Name == "" {
			c.Name = c.Username
		}
		u, err := o.people.CreateUser(ctx, o.actor, directory.UserChange{
			Username: &c.Username, Name: &c.Name, Email: &c.Email, Password: &secret, Admin: &c.Admin,
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(o.std.Out, "Created user %s with id %d.\n", u.Username, u.ID)
		return o.showPassword(secret, made)
	})
}

// newPassword reads the password in the file, or makes one if there is none.
func newPassword(file string) (text baton.Secret, made bool, err error) {
	if file == "" {
		return password.Generate(), true, nil
	}
	if text, err = secret("", file); err != nil {
		return text, false, fmt.Errorf("password: %w", err)
	}
	return text, false, nil
}

// showPassword prints a password that was made, the one time that it can be.
func (o *office) showPassword(text baton.Secret, made bool) error {
	if !made {
		return nil
	}
	_, err := fmt.Fprintf(o.std.Out, "Password: %s\n", text.Reveal())
	return err
}

// changeUser runs a change of a user's state or role.
func (f *databaseFlags) changeUser(ctx context.Context, std Stdio, username, done string, change func(context.Context, *office, baton.UserID) error) error {
	return f.work(ctx, std, func(ctx context.Context, o *office) error {
		u, err := o.user(ctx, username)
		if err != nil {
			return err
		}
		if err := change(ctx, o, u.ID); err != nil {
			return err
		}
		_, err = fmt.Fprintf(o.std.Out, "%s %s.\n", done, u.Username)
		return err
	})
}

// setAdmin gives or takes the administrator role.
func (f *databaseFlags) setAdmin(ctx context.Context, std Stdio, username, done string, admin bool) error {
	return f.changeUser(ctx, std, username, done, func(ctx context.Context, o *office, id baton.UserID) error {
		_, err := o.people.UpdateUser(ctx, o.actor, id, directory.UserChange{Admin: &admin})
		return err
	})
}

type (
	adminUserPromoteCmd struct {
		databaseFlags
		userArg
	}
	adminUserDemoteCmd struct {
		databaseFlags
		userArg
	}
	adminUserBlockCmd struct {
		databaseFlags
		userArg
	}
	adminUserUnblockCmd struct {
		databaseFlags
		userArg
	}
	adminUserActivateCmd struct {
		databaseFlags
		userArg
	}
	adminUserDeactivateCmd struct {
		databaseFlags
		userArg
	}
	adminUserDeleteCmd struct {
		databaseFlags
		userArg
		Hard bool `help:"Delete the groups that nobody else owns as well."`
	}
)

// Help is the long help of the command.
func (adminUserPromoteCmd) Help() string {
	return `
Administrators may do everything, everywhere; no group and no project needs to have them as a member.

Examples:

  baton admin user promote alice`
}

// Run makes an administrator.
func (c *adminUserPromoteCmd) Run(ctx context.Context, std Stdio) error {
	return c.setAdmin(ctx, std, c.Username, "Made an administrator of", true)
}

// Help is the long help of the command.
func (adminUserDemoteCmd) Help() string {
	return `
The user keeps the roles in groups and projects.

Examples:

  baton admin user demote alice`
}

// Run makes an ordinary user.
func (c *adminUserDemoteCmd) Run(ctx context.Context, std Stdio) error {
	return c.setAdmin(ctx, std, c.Username, "Made an ordinary user of", false)
}

// Help is the long help of the command.
func (adminUserBlockCmd) Help() string {
	return `
None of the user's access tokens works until the user is unblocked. Runners that the user created
go on working.

Examples:

  baton admin user block alice`
}

// Run blocks the user.
func (c *adminUserBlockCmd) Run(ctx context.Context, std Stdio) error {
	return c.changeUser(ctx, std, c.Username, "Blocked", func(ctx context.Context, o *office, id baton.UserID) error {
		return o.people.BlockUser(ctx, o.actor, id)
	})
}

// Help is the long help of the command.
func (adminUserUnblockCmd) Help() string {
	return `
The user's access tokens work again, but for those that expired or were revoked meanwhile.

Examples:

  baton admin user unblock alice`
}

// Run unblocks the user.
func (c *adminUserUnblockCmd) Run(ctx context.Context, std Stdio) error {
	return c.changeUser(ctx, std, c.Username, "Unblocked", func(ctx context.Context, o *office, id baton.UserID) error {
		return o.people.UnblockUser(ctx, o.actor, id)
	})
}

// Help is the long help of the command.
func (adminUserActivateCmd) Help() string {
	return `
The user's access tokens work again, but for those that expired or were revoked meanwhile.

Examples:

  baton admin user activate alice`
}

// Run activates the user.
func (c *adminUserActivateCmd) Run(ctx context.Context, std Stdio) error {
	return c.changeUser(ctx, std, c.Username, "Activated", func(ctx context.Context, o *office, id baton.UserID) error {
		return o.people.ActivateUser(ctx, o.actor, id)
	})
}

// Help is the long help of the command.
func (adminUserDeactivateCmd) Help() string {
	return `
The same as a block, for somebody who did nothing wrong: none of the user's access tokens works until
the user is activated.

Examples:

  baton admin user deactivate alice`
}

// Run deactivates the user.
func (c *adminUserDeactivateCmd) Run(ctx context.Context, std Stdio) error {
	return c.changeUser(ctx, std, c.Username, "Deactivated", func(ctx context.Context, o *office, id baton.UserID) error {
		return o.people.DeactivateUser(ctx, o.actor, id)
	})
}

// Help is the long help of the command.
func (adminUserDeleteCmd) Help() string {
	return `
Access tokens and memberships of the user go too, and the projects in the user's own namespace.
Runners that the user created stay, with nobody as their creator.

Examples:

  baton admin user delete bob
  baton admin user delete carol --hard`
}

// Run deletes the user.
func (c *adminUserDeleteCmd) Run(ctx context.Context, std Stdio) error {
	return c.changeUser(ctx, std, c.Username, "Deleted", func(ctx context.Context, o *office, id baton.UserID) error {
		return o.people.DeleteUser(ctx, o.actor, id, c.Hard)
	})
}
