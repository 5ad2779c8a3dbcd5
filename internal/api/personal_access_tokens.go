package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/grape"
	"baton.example/baton/internal/store"
)

// accessTokenEntity is a personal access token.
type accessTokenEntity struct {
	ID          baton.TokenID `json:"id"`
	Name        string        `json:"name"`
	Revoked     bool          `json:"revoked"`
	CreatedAt   timestamp     `json:"created_at"`
	Description *string       `json:"description"`
	Scopes      []baton.Scope `json:"scopes"`
	UserID      baton.UserID  `json:"user_id"`
	LastUsedAt  timestamp     `json:"last_used_at"`
	LastUsedIPs []string      `json:"last_used_ips"`
	Active      bool          `json:"active"`
	ExpiresAt   *baton.Date   `json:"expires_at"`
}

// issuedTokenEntity is a personal access token with its text, which stands in
// the answers that make a token and nowhere else.
type issuedTokenEntity struct {
	accessTokenEntity

	Token string `json:"token"`
}

func newAccessTokenEntity(c *call, t *baton.AccessToken) accessTokenEntity {
	e := accessTokenEntity{
		ID: t.ID, Name: t.Name, Revoked: t.Revoked, CreatedAt: timestamp(t.CreatedAt),
		Description: orNull(t.Description), Scopes: t.Scopes, UserID: t.UserID,
		LastUsedAt: timestamp(t.LastUsedAt), LastUsedIPs: t.LastUsedIPs,
		Active: t.Active(c.now), ExpiresAt: orNull(t.ExpiresAt),
	}
	if e.LastUsedIPs == nil {
		e.LastUsedIPs = []string{}
	}
	return e
}

func newIssuedTokenEntity(c *call, t *access.IssuedToken) issuedTokenEntity {
	return issuedTokenEntity{newAccessTokenEntity(c, &t.AccessToken), t.Text.Reveal()}
}

// newAccessTokenParams say what a token is to be.
type newAccessTokenParams struct {
	Name        string        `param:"name" required:"true" doc:"At most 255 characters."`
	Description string        `param:"description" doc:"At most 255 characters."`
	Scopes      []baton.Scope `param:"scopes,csv" required:"true" values:"api,read_user,read_api,read_repository,write_repository,read_registry,write_registry,read_virtual_registry,write_virtual_registry,read_package_registry,write_package_registry,create_runner,manage_runner,ai_features,k8s_proxy,self_rotate,read_service_ping,sudo,admin_mode" doc:"What the token opens."`
	ExpiresAt   baton.Date    `param:"expires_at,date" doc:"The day on which the token ends."`
}

func (in *newAccessTokenParams) token() access.NewAccessToken {
	return access.NewAccessToken{
		Name: in.Name, Description: in.Description, Scopes: in.Scopes, ExpiresAt: in.ExpiresAt,
	}
}

// createAccessTokenForParams are what POST /users/:user_id/personal_access_tokens
// takes.
// https://docs.gitlab.com/api/user_tokens/#create-a-personal-access-token-for-a-user.
type createAccessTokenForParams struct {
	UserID baton.UserID `param:"user_id" required:"true" doc:"Whose token it is to be."`
	newAccessTokenParams
}

// createAccessTokenFor makes a personal access token for a user, for
// administrators.
func (s *Server) createAccessTokenFor(ctx context.Context, c *call, in createAccessTokenForParams) (issuedTokenEntity, error) {
	made, err := s.Tokens.CreateFor(ctx, c.actor, in.UserID, in.token())
	if err != nil {
		return issuedTokenEntity{}, unprocessable(err)
	}
	return newIssuedTokenEntity(c, &made), nil
}

// createOwnAccessToken makes a personal access token for the caller. Which scopes it may have
// depends on the caller, but a scope out of reach is refused like one that does
// not exist.
// https://docs.gitlab.com/api/user_tokens/#create-a-personal-access-token.
func (s *Server) createOwnAccessToken(ctx context.Context, c *call, in newAccessTokenParams) (issuedTokenEntity, error) {
	allowed := access.OwnScopes(c.actor)
	if slices.ContainsFunc(in.Scopes, func(s baton.Scope) bool { return !slices.Contains(allowed, s) }) {
		return issuedTokenEntity{}, &grape.ValidationError{Messages: []string{"scopes does not have a valid value"}}
	}
	made, err := s.Tokens.CreateOwn(ctx, c.actor, in.token())
	if err != nil {
		return issuedTokenEntity{}, unprocessable(err)
	}
	return newIssuedTokenEntity(c, &made), nil
}

// unprocessable answers broken rules with 422 and one sentence, as GitLab does
// where it makes tokens.
func unprocessable(err error) error {
	if e, ok := errors.AsType[*baton.Error](err); ok && e.Code == baton.CodeInvalid {
		return &failure{status: http.StatusUnprocessableEntity, body: message{e.Sentences()}}
	}
	return err
}

// accessTokenFilter are the filters of every list of access tokens.
type accessTokenFilter struct {
	Revoked        grape.Opt[bool] `param:"revoked" doc:"Only tokens that are revoked, or that are not."`
	State          string          `param:"state" values:"active,inactive" doc:"Only tokens that work, or that do not."`
	CreatedBefore  time.Time       `param:"created_before" doc:"Only tokens made before."`
	CreatedAfter   time.Time       `param:"created_after" doc:"Only tokens made after."`
	LastUsedBefore time.Time       `param:"last_used_before" doc:"Only tokens last used before."`
	LastUsedAfter  time.Time       `param:"last_used_after" doc:"Only tokens last used after."`
	ExpiresBefore  baton.Date      `param:"expires_before,date" doc:"Only tokens that end before."`
	ExpiresAfter   baton.Date      `param:"expires_after,date" doc:"Only tokens that end after."`
	Search         string          `param:"search" doc:"Only tokens with this in the name."`
	Sort           string          `param:"sort" doc:"The order, such as created_desc."`
}

// listAccessTokensParams are what GET /personal_access_tokens takes.
// https://docs.gitlab.com/api/personal_access_tokens/#list-all-personal-access-tokens.
type listAccessTokensParams struct {
	UserID grape.Opt[baton.UserID] `param:"user_id" doc:"Only the tokens of the user."`
	accessTokenFilter
	paging
}

// tokenOrders are GitLab's names of orders, by storage's.
var tokenOrders = map[string]string{
	"created_asc": "created_at_asc", "created_at_asc": "created_at_asc",
	"created_desc": "created_at_desc", "created_at_desc": "created_at_desc",
	"expires_asc": "expires_at_asc", "expires_at_asc": "expires_at_asc", "expires_at_asc_id_desc": "expires_at_asc",
	"expires_desc": "expires_at_desc", "expires_at_desc": "expires_at_desc",
	"last_used_asc": "last_used_at_asc", "last_used_at_asc": "last_used_at_asc",
	"last_used_desc": "last_used_at_desc", "last_used_at_desc": "last_used_at_desc",
	"name_asc": "name_asc", "name_desc": "name_desc", "id_asc": "id_asc", "id_desc": "id_desc",
}

func (in *accessTokenFilter) filter() store.AccessTokenFilter {
	f := store.AccessTokenFilter{
		Search: in.Search, Revoked: given(in.Revoked),
		CreatedAfter: in.CreatedAfter, CreatedBefore: in.CreatedBefore,
		LastUsedAfter: in.LastUsedAfter, LastUsedBefore: in.LastUsedBefore,
		ExpiresAfter: in.ExpiresAfter, ExpiresBefore: in.ExpiresBefore,
		Sort: tokenOrders[in.Sort],
	}
	if in.State != "" {
		f.Active = new(in.State == "active")
	}
	return f
}

// listAccessTokens lists the caller's personal access tokens, or everybody's for an administrator.
func (s *Server) listAccessTokens(ctx context.Context, c *call, in listAccessTokensParams) (list[accessTokenEntity], error) {
	f := in.filter()
	f.UserID = in.UserID.Value
	if c.actor.Admin && in.UserID.Given() && f.UserID == 0 {
		return list[accessTokenEntity]{}, errNotFound // blank is no user, but for others as good as nothing
	}
	tokens, total, err := s.Tokens.List(ctx, c.actor, f, in.rows())
	if baton.IsNotFound(err) {
		err = errNotFound
	}
	if err != nil {
		return list[accessTokenEntity]{}, err
	}
	rows := each(tokens, func(t baton.AccessToken) accessTokenEntity { return newAccessTokenEntity(c, &t) })
	return list[accessTokenEntity]{rows, total, in.paging}, nil
}

// accessTokenParams are the parameters of routes about one token.
type accessTokenParams struct {
	ID baton.TokenID `param:"id" required:"true" doc:"The token's id."`
}

// getAccessToken shows a personal access token, but for its text.
// https://docs.gitlab.com/api/personal_access_tokens/#retrieve-a-personal-access-token.
func (s *Server) getAccessToken(ctx context.Context, c *call, in accessTokenParams) (accessTokenEntity, error) {
	t, err := s.Tokens.Token(ctx, c.actor, in.ID)
	if err != nil {
		return accessTokenEntity{}, err
	}
	return newAccessTokenEntity(c, &t), nil
}

// getSelf shows the token of the request.
// https://docs.gitlab.com/api/personal_access_tokens/#self-inform.
func (s *Server) getSelf(_ context.Context, c *call, _ struct{}) (accessTokenEntity, error) {
	return newAccessTokenEntity(c, c.actor.Token), nil
}

// rotateParams are what the rotation of a token takes.
// https://docs.gitlab.com/api/personal_access_tokens/#rotate-a-personal-access-token.
type rotateParams struct {
	ExpiresAt baton.Date `param:"expires_at,date" doc:"The day on which the new token ends; a week from now unless said otherwise."`
}

// rotateSelf replaces the token of the request by a new one and revokes it.
// https://docs.gitlab.com/api/personal_access_tokens/#self-rotate.
func (s *Server) rotateSelf(ctx context.Context, c *call, in rotateParams) (issuedTokenEntity, error) {
	return s.rotate(ctx, c, c.actor.Token.ID, in)
}

// rotateAccessTokenParams are what POST /personal_access_tokens/:id/rotate takes.
type rotateAccessTokenParams struct {
	accessTokenParams
	rotateParams
}

// rotateAccessToken replaces a personal access token by a new one and revokes it.
// https://docs.gitlab.com/api/personal_access_tokens/#rotate-a-personal-access-token.
func (s *Server) rotateAccessToken(ctx context.Context, c *call, in rotateAccessTokenParams) (issuedTokenEntity, error) {
	return s.rotate(ctx, c, in.ID, in.rotateParams)
}

func (s *Server) rotate(ctx context.Context, c *call, id baton.TokenID, in rotateParams) (issuedTokenEntity, error) {
	made, err := s.Tokens.Rotate(ctx, c.actor, id, in.ExpiresAt)
	if err != nil {
		return issuedTokenEntity{}, sentences(err)
	}
	return newIssuedTokenEntity(c, &made), nil
}

// revokeSelf revokes the token of the request.
// https://docs.gitlab.com/api/personal_access_tokens/#self-revoke.
func (s *Server) revokeSelf(ctx context.Context, c *call, _ struct{}) (none, error) {
	return none{}, s.Tokens.Revoke(ctx, c.actor, c.actor.Token.ID)
}

// revokeAccessToken revokes a personal access token.
// https://docs.gitlab.com/api/personal_access_tokens/#revoke-a-personal-access-token.
func (s *Server) revokeAccessToken(ctx context.Context, c *call, in accessTokenParams) (none, error) {
	return none{}, s.Tokens.Revoke(ctx, c.actor, in.ID)
}
