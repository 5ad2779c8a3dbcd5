package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/client"
)

type loginCmd struct {
	requestFlags
	URL        string `arg:"" optional:"" help:"Address of the server: a Baton or a GitLab. Unless given it is $BATON_URL, that of the saved server --name, or a Baton on this machine."`
	Name       string `placeholder:"NAME" help:"Name to save the server under; its host unless given."`
	TokenStdin bool   `xor:"token" help:"Read the access token from standard input."`
	TokenFile  string `xor:"token" placeholder:"FILE" help:"Read the access token from a file."`
}

// Help is the long help of the command.
func (loginCmd) Help() string {
	return `
The access token is asked for and not shown while it is typed, unless it comes from standard input, a
file or $BATON_TOKEN. It is tried before it is saved, in a file that only you can read. What you sign
in to becomes the server that other commands ask; --server NAME asks another one that is saved.

Where $BATON_URL and $BATON_TOKEN are set, commands use them, and there is no need to sign in.

Examples:

  baton login --token-file token.txt
  baton login http://127.0.0.1:8080 --name local --token-stdin <token.txt`
}

// Run tries the token and saves it with the address.
func (c *loginCmd) Run(ctx context.Context, std Stdio) error {
	saved, err := loadServers(std)
	if err != nil {
		return err
	}
	address := cmp.Or(c.URL, std.Getenv(urlEnv), saved.Servers[c.Name].URL, defaultURL)
	target, err := client.ParseURL(address)
	if err != nil {
		return usagef("%v", err)
	}
	token, err := c.token(std, target)
	if err != nil {
		return err
	}
	asking, err := c.dial(std, address, token)
	if err != nil {
		return err
	}
	s := &session{Client: asking, std: std, now: time.Now(), token: "the token"}
	who, err := s.identify(ctx)
	if err != nil {
		return err
	}
	if target.Scheme == "http" && !loopback(target.Hostname()) {
		std.note("Note: %s is not encrypted: everybody between here and there can read the token.", s.URL())
	}
	name := cmp.Or(c.Name, target.Host)
	saved.Servers[name], saved.Current = server{URL: s.URL(), Token: token.Reveal()}, name
	if err := saved.save(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(std.Out, "Signed in to %s%s.\n", s.URL(), harmless(who))
	return err
}

// token returns the access token from wherever it is given.
func (c *loginCmd) token(std Stdio, target *url.URL) (token baton.Secret, err error) {
	switch given := std.Getenv(tokenEnv); {
	case c.TokenStdin:
		const longest = 4 << 10
		text, err := io.ReadAll(io.LimitReader(std.In, longest))
		if err != nil {
			return token, fmt.Errorf("read the access token: %w", err)
		}
		token = baton.NewSecret(strings.TrimSpace(string(text)))
	case c.TokenFile != "" || given != "":
		if c.TokenFile != "" {
			given = ""
		}
		if token, err = secret(given, c.TokenFile); err != nil {
			return token, fmt.Errorf("access token: %w", err)
		}
	default:
		if token, err = std.askSecret("Access token for " + target.String() + ": "); err != nil {
			return token, err
		}
	}
	switch {
	case token.IsZero():
		return token, usagef("the access token is empty")
	case strings.ContainsFunc(token.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }):
		return token, usagef("the access token has characters that no token has: is it the whole file, or two lines?")
	}
	return token, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// identify returns who the token belongs to and what it opens, as far as the
// server tells; older GitLabs have no /personal_access_tokens/self, and tokens
// with few scopes may not ask who they are.
func (s *session) identify(ctx context.Context) (string, error) {
	var user struct{ Username, Name string }
	var token struct {
		Name      string
		Scopes    []string
		ExpiresAt string `json:"expires_at"`
	}
	_, userErr := s.get(ctx, "/user", &user)
	_, tokenErr := s.get(ctx, "/personal_access_tokens/self", &token)
	for _, err := range []error{userErr, tokenErr} {
		if err != nil && !tolerable(err) {
			return "", err
		}
	}
	if missing(userErr) && tokenErr != nil {
		return "", fmt.Errorf("%s does not answer as a GitLab does: is its address right?", s.URL())
	}
	var who strings.Builder
	if userErr == nil {
		fmt.Fprintf(&who, " as %s (@%s)", user.Name, user.Username)
	}
	if tokenErr == nil {
		fmt.Fprintf(&who, ", with the token %q for %s, which ends %s", token.Name, shortened(token.Scopes), cmp.Or(token.ExpiresAt, "never"))
	}
	return who.String(), nil
}

// shortened lists scopes for people: an administrator's token has them all.
func shortened(scopes []string) string {
	const most = 4
	if len(scopes) <= most {
		return strings.Join(scopes, ", ")
	}
	return fmt.Sprintf("%s and %d other scopes", strings.Join(scopes[:most], ", "), len(scopes)-most)
}

// tolerable reports whether a token may work although the server refused to
// tell about it.
func tolerable(err error) bool {
	answer, ok := errors.AsType[*client.Error](err)
	return ok && (answer.Status == http.StatusForbidden && len(answer.Scopes) > 0 || missing(err))
}

func missing(err error) bool {
	answer, ok := errors.AsType[*client.Error](err)
	return ok && answer.Status == http.StatusNotFound
}

type logoutCmd struct {
	Server string `arg:"" optional:"" complete:"server" help:"Saved server to forget; the current one unless given."`
}

// Help is the long help of the command.
func (logoutCmd) Help() string {
	return `
The token is forgotten here and goes on working: baton token revoke self, before, ends it.

Examples:

  baton logout
  baton logout local`
}

// Run forgets a server and its token.
func (c *logoutCmd) Run(std Stdio) error {
	saved, err := loadServers(std)
	if err != nil {
		return err
	}
	name := cmp.Or(c.Server, saved.Current)
	if _, ok := saved.Servers[name]; !ok {
		if c.Server == "" {
			return errors.New("no server is saved")
		}
		return usagef("there is no server %q; %s", name, saved.list())
	}
	delete(saved.Servers, name)
	if saved.Current == name {
		saved.Current = ""
	}
	if err := saved.save(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(std.Out, "Signed out of %s.\n", name)
	return err
}

type savedServerCmd struct {
	List savedServerListCmd `cmd:"" help:"Show the servers that are saved."`
	Use  savedServerUseCmd  `cmd:"" help:"Choose which one commands ask."`
}

type savedServerListCmd struct{}

// Help is the long help of the command.
func (savedServerListCmd) Help() string {
	return `
The one with a star is asked unless --server, or $BATON_URL and $BATON_TOKEN, say otherwise.

Examples:

  baton server list`
}

// Run prints the servers without their tokens.
func (savedServerListCmd) Run(std Stdio) error {
	saved, err := loadServers(std)
	if err != nil {
		return err
	}
	var rows [][]cell
	for _, name := range slices.Sorted(maps.Keys(saved.Servers)) {
		mark := ""
		if name == saved.Current {
			mark = "*"
		}
		rows = append(rows, texts(mark, name, saved.Servers[name].URL))
	}
	return std.table([]string{"", "NAME", "URL"}, rows)
}

type savedServerUseCmd struct {
	Name string `arg:"" complete:"server" help:"Name of a saved server."`
}

// Help is the long help of the command.
func (savedServerUseCmd) Help() string {
	return `
Examples:

  baton server use local`
}

// Run makes a saved server the current one.
func (c *savedServerUseCmd) Run(std Stdio) error {
	saved, err := loadServers(std)
	if err != nil {
		return err
	}
	if _, ok := saved.Servers[c.Name]; !ok {
		return usagef("there is no server %q; %s", c.Name, saved.list())
	}
	saved.Current = c.Name
	if err := saved.save(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(std.Out, "Commands ask %s, %s, from now on.\n", c.Name, saved.Servers[c.Name].URL)
	return err
}
