package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"baton.example/baton/internal/client"
)

type tokenCmd struct {
	Create tokenCreateCmd `cmd:"" help:"Create an access token and print it, once."`
	List   tokenListCmd   `cmd:"" help:"Show access tokens."`
	Show   tokenShowCmd   `cmd:"" help:"Show an access token."`
	Rotate tokenRotateCmd `cmd:"" help:"Replace an access token and print the new one, once."`
	Revoke tokenRevokeCmd `cmd:"" help:"End an access token."`
}

// holderFlags say whose tokens a command is about.
type holderFlags struct {
	placeFlags
	User string `xor:"place" placeholder:"USER" help:"User, by username or id; for administrators."`
}

// userID returns the number of the user that is named.
func (f *holderFlags) userID(ctx context.Context, s *session) (int64, error) {
	if id, err := strconv.ParseInt(f.User, 10, 64); err == nil {
		return id, nil
	}
	answer, err := s.ask(ctx, client.Get("/users", map[string]string{"username": f.User}))
	if err != nil {
		return 0, err
	}
	var found []struct{ ID int64 }
	if err := answer.Decode(&found); err != nil {
		return 0, err
	}
	if len(found) == 0 {
		return 0, &missingError{fmt.Sprintf("there is no user %q", f.User)}
	}
	return found[0].ID, nil
}

// A missingError is that nothing has the name that was given.
type missingError struct{ message string }

// Error implements error.
func (e *missingError) Error() string { return e.message }

// accessToken is what is shown of a token.
type accessToken struct {
	ID          int64
	Name        string
	Token       string
	Scopes      []string
	Revoked     bool
	Active      bool
	UserID      int64     `json:"user_id"`
	AccessLevel int       `json:"access_level"`
	CreatedAt   time.Time `json:"created_at"`
	LastUsedAt  time.Time `json:"last_used_at"`
	ExpiresAt   string    `json:"expires_at"`
}

func (t *accessToken) state() cell {
	state := "active"
	switch {
	case t.Revoked:
		state = "revoked"
	case !t.Active:
		state = "expired"
	}
	return cell{state, statusColour(state)}
}

func (t *accessToken) ends() string { return cmp.Or(t.ExpiresAt, "never") }

// The levels of group and project access tokens,
// https://docs.gitlab.com/api/access_requests/#valid-access-levels.
var accessLevels = map[string]int{"guest": 10, "planner": 15, "reporter": 20, "developer": 30, "maintainer": 40, "owner": 50}

// level writes a level for people.
func level(n int) string {
	for word, number := range accessLevels {
		if number == n {
			return word
		}
	}
	return strconv.Itoa(n)
}

type tokenCreateCmd struct {
	serverFlags
	newTokenFlags
	holderFlags
	Name        string   `required:"" placeholder:"TEXT" help:"What the token is for."`
	Scope       []string `required:"" placeholder:"SCOPE" help:"What it opens; several with commas. api is everything that its user may do, create_runner and manage_runner are runners alone, read_api looks and changes nothing."`
	Description string   `placeholder:"TEXT" help:"More about what it is for."`
	ExpiresAt   string   `placeholder:"YYYY-MM-DD" help:"First day on which it does not work; what the server says unless given."`
	AccessLevel string   `enum:"guest,planner,reporter,developer,maintainer,owner" default:"maintainer" placeholder:"LEVEL" help:"Role of a token of a --group or --project: guest, planner, reporter, developer, maintainer or owner."`
}

// Help is the long help of the command.
func (tokenCreateCmd) Help() string {
	return `
Without --user, --group or --project the token is yours. A GitLab gives only few scopes to such a one,
and a Baton those for runners besides, to who has api.

Examples:

  baton token create --name pipeline --scope create_runner,manage_runner
  baton token create --name ci --scope read_api --user alice --expires-at 2027-06-30 --token-file alice.token
  TOKEN=$(baton token create --name deploy --scope create_runner --quiet)`
}

// Validate implements kong's check of a command line.
func (c *tokenCreateCmd) Validate() error {
	return errors.Join(day("--expires-at", c.ExpiresAt), c.newTokenFlags.Validate())
}

// day checks a date.
func day(flag, date string) error {
	if _, err := time.Parse(time.DateOnly, date); date != "" && err != nil {
		return fmt.Errorf("%s: %q is not a day: write it as 2027-06-30", flag, date)
	}
	return nil
}

// Run makes the token and prints it.
func (c *tokenCreateCmd) Run(ctx context.Context, std Stdio) error {
	s, err := c.open(std)
	if err != nil {
		return err
	}
	wanted := map[string]any{"name": c.Name, "scopes": c.Scope}
	for name, value := range map[string]string{"description": c.Description, "expires_at": c.ExpiresAt} {
		if value != "" {
			wanted[name] = value
		}
	}
	path := "/user/personal_access_tokens"
	switch {
	case c.path() != "":
		path = c.path() + "/access_tokens"
		wanted["access_level"] = accessLevels[c.AccessLevel]
	case c.User != "":
		id, err := c.userID(ctx, s)
		if err != nil {
			return err
		}
		path = fmt.Sprintf("/users/%d/personal_access_tokens", id)
	}
	create := func() (made, error) {
		m, err := s.makeToken(ctx, path, wanted)
		if refused, ok := errors.AsType[*client.Error](err); ok && refused.Status == http.StatusBadRequest && c.User+c.path() == "" {
			err = hint(err, "a token that you make for yourself can have few scopes; an administrator gives others with --user")
		}
		return m, err
	}
	return c.keep(std, create, c.tokenText("Created"), createAgain)
}

// createAgain is how to get another access token.
func createAgain(m made) string {
	return fmt.Sprintf("baton token revoke %d ends it; make another with baton token create", m.id)
}

// makeToken asks for a new token.
func (s *session) makeToken(ctx context.Context, path string, wanted map[string]any) (made, error) {
	answer, err := s.send(ctx, http.MethodPost, path, wanted)
	if err != nil {
		return made{}, err
	}
	var t accessToken
	if err := answer.Decode(&t); err != nil {
		return made{}, err
	}
	return made{id: t.ID, token: t.Token, ends: t.ends(), answer: answer.Body}, nil
}

// tokenText returns the text for a person who has a new token.
func (f *newTokenFlags) tokenText(done string) func(made, string) string {
	return func(m made, token string) string {
		if f.TokenFile != "" {
			return fmt.Sprintf("%s token %d, which ends %s, and wrote it to %s.\n", done, m.id, m.ends, harmless(f.TokenFile))
		}
		return fmt.Sprintf("%s token %d, which ends %s and is shown this once:\n\n  %s\n\n", done, m.id, m.ends, harmless(token))
	}
}

type tokenListCmd struct {
	serverFlags
	listFlags
	holderFlags
	State  *string `enum:"active,inactive" placeholder:"STATE" help:"Only tokens that work, active, or that do not, inactive."`
	Search string  `placeholder:"TEXT" help:"Only tokens with this in their names."`
}

// Help is the long help of the command.
func (tokenListCmd) Help() string {
	return `
Only what is known of them is shown: nobody can read a token again. Without --user, --group or
--project these are your own, and everybody's for an administrator.

Examples:

  baton token list
  baton token list --state active --search pipeline
  baton token list --user alice --output json`
}

// Run prints the tokens.
func (c *tokenListCmd) Run(ctx context.Context, std Stdio) error {
	s, err := c.open(std)
	if err != nil {
		return err
	}
	params := map[string]string{"search": c.Search}
	if c.State != nil {
		params["state"] = *c.State
	}
	if c.User != "" {
		id, err := c.userID(ctx, s)
		if err != nil {
			return err
		}
		params["user_id"] = strconv.FormatInt(id, 10)
	}
	columns := []column[accessToken]{
		{"ID", func(t *accessToken) cell { return number(t.ID) }},
		{"NAME", func(t *accessToken) cell { return text(t.Name) }},
		{"STATE", (*accessToken).state},
		{"EXPIRES", func(t *accessToken) cell { return text(t.ends()) }},
		{"LAST USED", func(t *accessToken) cell { return text(s.since(t.LastUsedAt)) }},
		{"USER ID", func(t *accessToken) cell { return number(t.UserID) }},
	}
	if c.path() != "" {
		columns = append(columns, column[accessToken]{"LEVEL", func(t *accessToken) cell { return text(level(t.AccessLevel)) }})
	}
	columns = append(columns, column[accessToken]{"SCOPES", func(t *accessToken) cell { return text(shortened(t.Scopes)) }})
	return list(ctx, s, &c.listFlags, client.Get(tokensPath(&c.placeFlags), params), func(t *accessToken) int64 { return t.ID }, columns)
}

// tokensPath returns the path of personal access tokens, or of those of a
// group or project.
func tokensPath(f *placeFlags) string {
	if f.path() == "" {
		return "/personal_access_tokens"
	}
	return f.path() + "/access_tokens"
}

// tokenRef is a token that a command is about.
type tokenRef struct {
	placeFlags
	ID tokenID `arg:"" help:"Id of the token, as in baton token list; self is the one that the command is run with."`
}

// path returns the path of the token and of what is below it.
func (r *tokenRef) path(below string) string {
	return tokensPath(&r.placeFlags) + "/" + string(r.ID) + below
}

// Validate implements kong's check of a command line.
func (r *tokenRef) Validate() error {
	if r.ID == selfToken && r.placeFlags.path() != "" {
		return errors.New("self needs no --group and no --project")
	}
	return nil
}

// A tokenID is a number, or self.
type tokenID string

// selfToken is the token that a command is run with.
const selfToken tokenID = "self"

// UnmarshalText implements [encoding.TextUnmarshaler].
func (id *tokenID) UnmarshalText(text []byte) error {
	if _, err := strconv.ParseInt(string(text), 10, 64); err != nil && string(text) != string(selfToken) {
		return fmt.Errorf("%q is neither an id nor self", text)
	}
	*id = tokenID(text)
	return nil
}

type tokenShowCmd struct {
	serverFlags
	outputFlags
	tokenRef
}

// Help is the long help of the command.
func (tokenShowCmd) Help() string {
	return `
Examples:

  baton token show self
  baton token show 1 --output json`
}

// Run prints what is known of the token.
func (c *tokenShowCmd) Run(ctx context.Context, std Stdio) error {
	s, err := c.open(std)
	if err != nil {
		return err
	}
	var t accessToken
	answer, err := s.get(ctx, c.path(""), &t)
	if err != nil {
		return err
	}
	if c.json() {
		return writeJSON(std.Out, answer.Body)
	}
	return std.facts(
		fact{"Token", number(t.ID)},
		fact{"Name", text(t.Name)},
		fact{"State", t.state()},
		fact{"Scopes", text(strings.Join(t.Scopes, ", "))},
		fact{"Expires", text(t.ends())},
		fact{"Last used", text(s.since(t.LastUsedAt))},
		fact{"Created", text(s.since(t.CreatedAt))},
		fact{"User id", number(t.UserID)},
	)
}

type tokenRotateCmd struct {
	serverFlags
	newTokenFlags
	tokenRef
	ExpiresAt string `placeholder:"YYYY-MM-DD" help:"First day on which the new token does not work; a week from now unless given."`
}

// Help is the long help of the command.
func (tokenRotateCmd) Help() string {
	return `
The old token ends at once. If it is the one that baton login saved, the new one takes its place
there.

Examples:

  baton token rotate 2 --expires-at 2027-06-30
  baton token rotate self --expires-at 2027-06-30`
}

// Validate implements kong's check of a command line.
func (c *tokenRotateCmd) Validate() error {
	return errors.Join(day("--expires-at", c.ExpiresAt), c.newTokenFlags.Validate(), c.tokenRef.Validate())
}

// Run replaces the token.
func (c *tokenRotateCmd) Run(ctx context.Context, std Stdio) error {
	s, err := c.open(std)
	if err != nil {
		return err
	}
	wanted := map[string]any{}
	if c.ExpiresAt != "" {
		wanted["expires_at"] = c.ExpiresAt
	}
	own := s.saved != "" && c.ownToken(ctx, s)
	var saveErr error
	create := func() (made, error) {
		m, err := s.makeToken(ctx, c.path("/rotate"), wanted)
		if err == nil && own {
			saveErr = s.replaceToken(m.token)
		}
		return m, err
	}
	text := c.tokenText("Rotated, and made")
	if own {
		printed := text
		text = func(m made, token string) string {
			if saveErr != nil {
				return printed(m, token) // or it is lost
			}
			return fmt.Sprintf("Rotated, and saved token %d for %s, which ends %s.\n", m.id, s.saved, m.ends)
		}
	}
	return errors.Join(c.keep(std, create, text, createAgain), saveErr)
}

// ownToken reports whether the token is the one that the command is run with.
func (c *tokenRotateCmd) ownToken(ctx context.Context, s *session) bool {
	if c.ID == selfToken {
		return true
	}
	var self accessToken
	_, err := s.get(ctx, tokensPath(&placeFlags{})+"/self", &self) // who may rotate may ask this
	return err == nil && string(c.ID) == strconv.FormatInt(self.ID, 10)
}

// replaceToken saves another token for the server.
func (s *session) replaceToken(token string) error {
	saved, err := loadServers(s.std)
	if err != nil {
		return err
	}
	changed := saved.Servers[s.saved]
	changed.Token = token
	saved.Servers[s.saved] = changed
	return saved.save()
}

type tokenRevokeCmd struct {
	serverFlags
	tokenRef
}

// Help is the long help of the command.
func (tokenRevokeCmd) Help() string {
	return `
The token does not work from the next request on.

Examples:

  baton token revoke 3`
}

// Run ends the token.
func (c *tokenRevokeCmd) Run(ctx context.Context, std Stdio) error {
	s, err := c.open(std)
	if err != nil {
		return err
	}
	if _, err := s.send(ctx, http.MethodDelete, c.path(""), nil); err != nil {
		return err
	}
	_, err = fmt.Fprintf(std.Out, "Revoked token %s.\n", c.ID)
	return err
}
