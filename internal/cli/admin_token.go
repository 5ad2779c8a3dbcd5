package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/store"
)

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
		_, err = fmt.Fprintln(o.std.Out, made.Text.Reveal())
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
		_, err := fmt.Fprintf(o.std.Out, "Revoked token %d.\n", c.ID)
		return err
	})
}
