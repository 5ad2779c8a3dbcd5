package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/grape"
	"baton.example/baton/internal/telemetry"
)

// A call is one request, as far as a row's function may know it.
type call struct {
	route *route
	// actor is the caller, nil on routes without access tokens.
	actor *access.Actor
	// ip is the address that the request came from.
	ip netip.Addr
	// params are the merged parameters, before they are bound.
	params grape.Params
	// header is the request's.
	header http.Header
	// path is the path as it was asked for, below the external URL.
	path string
	// reply is added to the headers of the answer.
	reply http.Header
	now   time.Time
}

// none is the Out of rows that answer without a body.
type none struct{}

// endpoint answers requests of one row, in GitLab's order of checks.
func (s *Server) endpoint(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		telemetry.SetRoute(r.Context(), rt.pattern)
		c := &call{
			route: &rt, ip: s.ClientIP(r), header: r.Header, path: r.URL.EscapedPath(),
			reply: w.Header(), now: s.Now(),
		}
		out, err := s.answer(r, c)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		s.write(w, r, c, out)
	})
}

// answer runs the checks and then the row's function.
func (s *Server) answer(r *http.Request, c *call) (any, error) {
	ctx := r.Context()
	var unreadable error
	c.params, unreadable = grape.Read(r, pathParams(r))

	if c.route.caller.scopes != nil {
		if err := s.authenticate(ctx, c, unreadable); err != nil {
			return nil, err
		}
	} else if unreadable != nil {
		return nil, unreadable
	}
	if c.route.guard != nil {
		if err := c.route.guard(ctx, c); err != nil {
			return nil, err
		}
	}
	return c.route.run(ctx, c)
}

// authenticate finds the caller and checks the scope.
func (s *Server) authenticate(ctx context.Context, c *call, unreadable error) error {
	token, both := presented(c)
	p, err := s.Store.Principal(ctx, token.Digest())
	if err != nil {
		return err
	}
	if err := s.limits.admit(c, p); err != nil {
		return err
	}
	if unreadable != nil {
		return unreadable
	}
	if both {
		return errTwoTokens
	}
	if token.IsZero() {
		if c.route.caller.optional {
			return nil
		}
		return &baton.Error{Code: baton.CodeUnauthenticated}
	}
	if c.actor, err = access.Judge(p, c.ip, c.now); err != nil {
		if c.route.rotates && errors.Is(err, access.TokenRevoked) {
			// Two hold this token, and nobody can tell who came by it
			// honestly: neither may keep what came of it.
			if err := s.Tokens.RevokeFamily(ctx, p.Token, p.User, c.ip.String(), c.now); err != nil {
				return err
			}
		}
		return err
	}
	telemetry.SetUser(ctx, int64(c.actor.User.ID))
	s.touch(ctx, c.actor)

	if name := c.sudo(); name != "" {
		c.actor, err = access.Sudo(ctx, s.Store, c.actor, name)
		return err
	}
	if !c.actor.Token.Has(c.route.caller.scopes...) {
		return scopeError(c.route.caller.named)
	}
	return nil
}

// presented returns the token that the request presents, and whether it holds
// two bearer tokens, which OAuth forbids.
//
// GitLab first looks for an OAuth token in the parameter access_token, the
// Authorization header and the parameter bearer_token; Baton issues none, so
// what counts is the order for personal access tokens: the parameter
// private_token, the PRIVATE-TOKEN header, and the OAuth value.
// https://docs.gitlab.com/api/rest/authentication/.
func presented(c *call) (token baton.Secret, both bool) {
	text := func(param string) string {
		value, _ := c.params[param].(string)
		return value
	}
	bearer := ""
	if scheme, value, ok := strings.Cut(c.header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "bearer") {
		bearer = strings.TrimSpace(value)
	}
	for _, candidate := range []string{
		text("private_token"), c.header.Get("Private-Token"),
		text("access_token"), bearer, text("bearer_token"),
	} {
		if candidate != "" {
			token = baton.NewSecret(candidate)
			break
		}
	}
	return token, bearer != "" && text("access_token") != ""
}

// credentials are the parameters that say who calls, and not what for.
var credentials = map[string]bool{
	"private_token": true, "access_token": true, "bearer_token": true, "job_token": true, "sudo": true,
}

// sudo returns the user that the caller wants to be, "" for himself.
func (c *call) sudo() string {
	switch name := c.params["sudo"].(type) {
	case string:
		if name != "" {
			return name
		}
	case json.Number:
		return name.String()
	}
	return c.header.Get("Sudo")
}

// touch records the use of the token, if the last record is old. A request
// does not fail because that does.
func (s *Server) touch(ctx context.Context, a *access.Actor) {
	use, due := a.Touched()
	if !due {
		return
	}
	if err := s.Store.TouchAccessToken(ctx, use); err != nil {
		s.Log.WarnContext(ctx, "the use of an access token was not recorded", "token_id", use.Token, "error", err)
	}
}
