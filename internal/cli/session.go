package cli

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"

	"baton.example/baton"
	"baton.example/baton/internal/client"
	"baton.example/baton/internal/telemetry"
)

// The variables that say which server is asked, and with which token. The
// token has no flag, since every user of the machine can read flags.
const (
	urlEnv       = "BATON_URL"
	tokenEnv     = "BATON_TOKEN"
	tokenFileEnv = "BATON_TOKEN_FILE" //nolint:gosec // the name of a variable
)

// defaultURL is where baton serve listens unless told otherwise.
const defaultURL = "http://127.0.0.1:8080"

// requestFlags say how a server is asked.
type requestFlags struct {
	Timeout time.Duration `group:"server" env:"BATON_TIMEOUT" default:"1m" placeholder:"TIME" help:"How long to wait for one answer."`
	Retries int           `group:"server" env:"BATON_RETRIES" default:"3" placeholder:"N" help:"How often to ask again when the server is busy or does not answer; never what could be done twice."`
}

// serverFlags say which server is asked, for every command that asks one.
type serverFlags struct {
	Server string `group:"server" placeholder:"NAME" complete:"server" help:"Server that baton login saved under the name; the current one unless given."`
	requestFlags
}

// A session is a server, the right to ask it, and the world of the command.
type session struct {
	*client.Client
	std Stdio
	now time.Time
	// saved is the name that the server is saved under, "" if the token came
	// from the environment.
	saved string
	// token is what a person calls the token, where that is not saved.
	token string
	// bar is the progress on the screen, nil for none.
	bar *progressbar.ProgressBar
}

// say writes a line of the answer, in the place of the progress.
func (s *session) say(format string, args ...any) error {
	if s.bar != nil {
		_ = s.bar.Clear() // a screen that cannot be cleared
	}
	_, err := fmt.Fprintln(s.std.Out, harmless(fmt.Sprintf(format, args...)))
	return err
}

// dial makes the client. It asks nothing yet.
func (f *requestFlags) dial(std Stdio, address string, token baton.Secret) (*client.Client, error) {
	target, err := client.ParseURL(address)
	if err != nil {
		return nil, usagef("%v", err)
	}
	return client.New(client.Options{
		URL: target, Token: token, Timeout: f.Timeout, Retries: f.Retries,
		UserAgent: fmt.Sprintf("baton/%s (%s/%s)", telemetry.Build().Version, runtime.GOOS, runtime.GOARCH),
		Waiting: func(w client.Wait) {
			if _, person := terminal(std.Err); person {
				std.note("%s; trying again in %s", cmp.Or(busy(w.Status), "no answer"), w.For.Round(100*time.Millisecond))
			}
		},
	}), nil
}

func busy(status int) string {
	if status == 0 {
		return ""
	}
	return fmt.Sprintf("the server answers %d", status)
}

// open finds the server and the token: those that --server names, or those of
// the environment, or those that were saved. A saved token goes to the address
// that it was saved with, and to no other.
func (f *serverFlags) open(std Stdio) (*session, error) {
	saved, err := loadServers(std)
	if err != nil {
		return nil, err
	}
	address := std.Getenv(urlEnv)
	token, err := secret(std.Getenv(tokenEnv), std.Getenv(tokenFileEnv))
	if err != nil {
		return nil, fmt.Errorf("access token: %w", err)
	}
	name := f.Server
	switch {
	case name != "":
		address, token = "", baton.Secret{}
	case token.IsZero() && address != "":
		if name = saved.nameOf(address); name == "" {
			return nil, hint(&signedOutError{}, "no token is saved for %s=%s: baton login %s, or set %s", urlEnv, address, address, tokenEnv)
		}
	default:
		name = saved.Current
	}
	if token.IsZero() {
		s, ok := saved.Servers[name]
		switch {
		case !ok && f.Server != "":
			return nil, usagef("there is no server %q; %s", name, saved.list())
		case !ok:
			return nil, hint(&signedOutError{}, "baton login URL, or set %s and %s", urlEnv, tokenEnv)
		}
		address, token = s.URL, baton.NewSecret(s.Token)
	} else {
		address = cmp.Or(address, saved.Servers[name].URL, defaultURL)
		name = ""
	}
	c, err := f.dial(std, address, token)
	if err != nil {
		return nil, err
	}
	given := tokenEnv
	if std.Getenv(tokenEnv) == "" {
		given = tokenFileEnv
	}
	return &session{Client: c, std: std, now: time.Now(), saved: name, token: given}, nil
}

// A signedOutError is a command that needs a token where there is none.
type signedOutError struct{}

// Error implements error.
func (*signedOutError) Error() string { return "you are not signed in" }

// nameOf returns the name of the server at an address, the current one first.
func (s *servers) nameOf(address string) string {
	wanted, err := client.ParseURL(address)
	if err != nil {
		return ""
	}
	for _, name := range append([]string{s.Current}, slices.Sorted(maps.Keys(s.Servers))...) {
		if s.Servers[name].URL == wanted.String() {
			return name
		}
	}
	return ""
}

// list tells which servers there are.
func (s *servers) list() string {
	if len(s.Servers) == 0 {
		return "none is saved yet: baton login URL"
	}
	return "there are " + strings.Join(slices.Sorted(maps.Keys(s.Servers)), ", ")
}

// ask asks the server and reads its answer; errors say what to do.
func (s *session) ask(ctx context.Context, r *client.Request) (*client.Answer, error) {
	answer, err := s.Ask(ctx, r)
	return answer, s.advise(err)
}

// get reads what is at a path into a value.
func (s *session) get(ctx context.Context, path string, into any) (*client.Answer, error) {
	answer, err := s.ask(ctx, client.Get(path, nil))
	if err != nil {
		return nil, err
	}
	return answer, answer.Decode(into)
}

// send asks the server to do something, with a JSON body unless it is nil.
func (s *session) send(ctx context.Context, method, path string, body any) (*client.Answer, error) {
	r := &client.Request{Method: method, Path: path, Query: url.Values{}}
	if body != nil {
		var err error
		if r, err = r.WithJSON(body); err != nil {
			return nil, err
		}
	}
	return s.ask(ctx, r)
}
