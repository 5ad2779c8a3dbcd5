package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
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
	out    io.Writer
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
		store: db, people: directory.New(db, password.NewHasher()), tokens: access.NewTokens(db), out: std.Out,
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
	w := tabwriter.NewWriter(o.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, heading)
	for _, row := range rows {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	return w.Flush()
}

// userArg is the user that a command is about.
type userArg struct {
	Username string `arg:"" help:"Username, as in baton admin user list."`
}

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
		fmt.Fprintf(o.out, "Created user %s with id %d.\n", u.Username, u.ID)
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
	_, err := fmt.Fprintf(o.out, "Password: %s\n", text.Reveal())
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
		_, err = fmt.Fprintf(o.out, "%s %s.\n", done, u.Username)
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

type adminTokenCmd struct {
	List   adminTokenListCmd   `cmd:"" help:"Show a user's tokens, or everybody's."`
	Create adminTokenCreateCmd `cmd:"" help:"Create a token for a user and print it, once."`
	Revoke adminTokenRevokeCmd `cmd:"" help:"Revoke a token by its id."`
}

type adminTokenListCmd struct {
	databaseFlags
	Username string `arg:"" optional:"" help:"Whose tokens; everybody's unless given."`
}

// Help is the long help of the command.
func (adminTokenListCmd) Help() string {
	return `
Only names and dates are shown: nobody can read a token again.

Examples:

  baton admin token list
  baton admin token list alice`
}

// Run prints the tokens, which are names and dates: their texts are not stored.
func (c *adminTokenListCmd) Run(ctx context.Context, std Stdio) error {
	return c.work(ctx, std, func(ctx context.Context, o *office) error {
		var filter store.AccessTokenFilter
		if c.Username != "" {
			u, err := o.user(ctx, c.Username)
			if err != nil {
				return err
			}
			filter.UserID = u.ID
		}
		tokens, err := everyRow(func(p store.Page) ([]baton.AccessToken, error) { return o.store.AccessTokens(ctx, filter, p) })
		if err != nil {
			return err
		}
		users, err := o.users(ctx)
		if err != nil {
			return err
		}
		names := make(map[baton.UserID]string, len(users))
		for _, u := range users {
			names[u.ID] = u.Username
		}
		rows := make([][]string, len(tokens))
		for i, t := range tokens {
			state := "active"
			switch {
			case t.Revoked:
				state = "revoked"
			case !t.Active(o.actor.Now):
				state = "expired"
			}
			rows[i] = []string{
				strconv.FormatInt(int64(t.ID), 10), names[t.UserID], t.Name,
				state, cmp.Or(string(t.ExpiresAt), "never"), when(t.LastUsedAt), joined(t.Scopes),
			}
		}
		return o.table("ID\tUSERNAME\tNAME\tSTATE\tEXPIRES\tLAST USED\tSCOPES", rows)
	})
}

// when writes a time for people, "never" for none.
func when(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format("2006-01-02 15:04Z")
}

type adminTokenCreateCmd struct {
	databaseFlags
	userArg
	Name    string        `default:"baton admin" placeholder:"TEXT" help:"What the token is for."`
	Scope   []baton.Scope `default:"api" placeholder:"SCOPE" help:"What the token opens: api is everything that the user may do, create_runner and manage_runner are runners alone, read_api looks and changes nothing. GitLab's other scopes are known too."`
	Expires baton.Date    `placeholder:"YYYY-MM-DD" help:"First day on which it does not work; in 365 days unless given."`
}

// Validate implements kong's check of a command line.
func (c *adminTokenCreateCmd) Validate() error {
	for _, s := range c.Scope {
		if !slices.Contains(baton.Scopes(), s) {
			return fmt.Errorf("--scope: there is no scope %q; there are %s", s, listed(baton.Scopes()))
		}
	}
	if c.Expires.Reached(time.Now()) {
		return fmt.Errorf("--expires: a token that ends on %s does not work any more", c.Expires)
	}
	return nil
}

// listed writes scopes for people.
func listed(scopes []baton.Scope) string {
	words := make([]string, len(scopes))
	for i, s := range scopes {
		words[i] = string(s)
	}
	return strings.Join(words, ", ")
}

// joined writes scopes as a flag takes them, but for every scope that there is.
func joined(scopes []baton.Scope) string {
	if len(scopes) == len(baton.Scopes()) {
		return "all"
	}
	names := make([]string, len(scopes))
	for i, s := range scopes {
		names[i] = string(s)
	}
	return strings.Join(names, ",")
}

// Help is the long help of the command.
func (adminTokenCreateCmd) Help() string {
	return `
The token stands alone on standard output, so that a script can keep it. It is not stored: who loses
it makes another.

Examples:

  baton admin token create root
  baton admin token create alice --name terraform --scope create_runner,manage_runner
  TOKEN=$(baton admin token create alice --scope create_runner --expires 2027-06-30)`
}

// Run makes the token and prints it alone, so that a script can keep it.
func (c *adminTokenCreateCmd) Run(ctx context.Context, std Stdio) error {
	return c.work(ctx, std, func(ctx context.Context, o *office) error {
		u, err := o.user(ctx, c.Username)
		if err != nil {
			return err
		}
		made, err := o.tokens.CreateFor(ctx, o.actor, u.ID, access.NewAccessToken{Name: c.Name, Scopes: c.Scope, ExpiresAt: c.Expires})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(o.out, made.Text.Reveal())
		return err
	})
}

type adminTokenRevokeCmd struct {
	databaseFlags
	ID baton.TokenID `arg:"" help:"Id of the token, as in baton admin token list."`
}

// Help is the long help of the command.
func (adminTokenRevokeCmd) Help() string {
	return `
The token does not work from the next request on.

Examples:

  baton admin token revoke 1`
}

// Run revokes the token.
func (c *adminTokenRevokeCmd) Run(ctx context.Context, std Stdio) error {
	return c.work(ctx, std, func(ctx context.Context, o *office) error {
		if err := o.tokens.Revoke(ctx, o.actor, c.ID); err != nil {
			if baton.IsNotFound(err) {
				return fmt.Errorf("there is no token %d (baton admin token list shows them)", c.ID)
			}
			return err
		}
		_, err := fmt.Fprintf(o.out, "Revoked token %d.\n", c.ID)
		return err
	})
}

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
		fmt.Fprintf(o.out, "Set a new password for %s.\n", u.Username)
		return o.showPassword(secret, made)
	})
}
