package api

import (
	"context"
	"errors"
	"strconv"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/directory"
)

// resourceTokens answers for the access tokens of groups, or of projects.
// https://docs.gitlab.com/api/group_access_tokens/,
// https://docs.gitlab.com/api/project_access_tokens/.
type resourceTokens struct {
	*Server

	place func(directory.Ref) directory.Place
}

// resourceTokenEntity is an access token of a group or project.
type resourceTokenEntity struct {
	accessTokenEntity

	AccessLevel  baton.AccessLevel `json:"access_level"`
	ResourceType string            `json:"resource_type"`
	ResourceID   int64             `json:"resource_id"`
}

// issuedResourceTokenEntity is such a token with its text.
type issuedResourceTokenEntity struct {
	resourceTokenEntity

	Token string `json:"token"`
}

func newResourceTokenEntity(c *call, t *directory.ResourceToken) resourceTokenEntity {
	e := resourceTokenEntity{
		accessTokenEntity: newAccessTokenEntity(c, &t.AccessToken), AccessLevel: t.AccessLevel,
		ResourceType: "group", ResourceID: int64(t.Of.Namespace),
	}
	if t.Of.Project != 0 {
		e.ResourceType, e.ResourceID = "project", int64(t.Of.Project)
	}
	return e
}

func newIssuedResourceTokenEntity(c *call, t *directory.IssuedResourceToken) issuedResourceTokenEntity {
	return issuedResourceTokenEntity{newResourceTokenEntity(c, &t.ResourceToken), t.Text.Reveal()}
}

// listResourceTokensParams are what the lists take.
type listResourceTokensParams struct {
	placeParams
	accessTokenFilter
	paging
}

// list lists the access tokens of a group, to its Owners, or of a project, to its Maintainers.
func (r resourceTokens) list(ctx context.Context, c *call, in listResourceTokensParams) (list[resourceTokenEntity], error) {
	tokens, total, err := r.Directory.ResourceTokens(ctx, c.actor, r.place(in.ID), in.filter(), in.rows())
	if err != nil {
		return list[resourceTokenEntity]{}, err
	}
	rows := each(tokens, func(t directory.ResourceToken) resourceTokenEntity { return newResourceTokenEntity(c, &t) })
	return list[resourceTokenEntity]{rows, total, in.paging}, nil
}

// resourceTokenParams are the parameters of routes about one token. Its id is a
// text in GitLab too, so that one that is no number is of no token.
type resourceTokenParams struct {
	placeParams
	TokenID string `param:"token_id" required:"true" doc:"The token's id."`
}

func (in *resourceTokenParams) token() baton.TokenID {
	id, err := strconv.ParseInt(in.TokenID, 10, 64)
	if err != nil {
		return 0 // nobody's
	}
	return baton.TokenID(id)
}

// get shows an access token of a group or project, but for its text.
func (r resourceTokens) get(ctx context.Context, c *call, in resourceTokenParams) (resourceTokenEntity, error) {
	t, err := r.Directory.ResourceToken(ctx, c.actor, r.place(in.ID), in.token())
	if err != nil {
		return resourceTokenEntity{}, err
	}
	return newResourceTokenEntity(c, &t), nil
}

// createResourceTokenParams are what makes a token of a group or project. Its
// scopes are those that a token of somebody who is no administrator may have,
// but for read_user.
type createResourceTokenParams struct {
	placeParams
	Name        string            `param:"name" required:"true" doc:"At most 255 characters; the name of the bot too."`
	Description string            `param:"description" doc:"At most 255 characters."`
	Scopes      []baton.Scope     `param:"scopes,csv" required:"true" values:"api,read_api,read_repository,write_repository,read_registry,write_registry,read_virtual_registry,write_virtual_registry,read_package_registry,write_package_registry,create_runner,manage_runner,ai_features,k8s_proxy,self_rotate" doc:"What the token opens."`
	ExpiresAt   baton.Date        `param:"expires_at,date" doc:"The day on which the token ends."`
	AccessLevel baton.AccessLevel `param:"access_level" default:"40" values:"10,15,20,25,30,40,50" doc:"The bot's role in the group or project, at most the caller's."`
}

// create makes an access token of a group or project, with a bot that is a member of it.
//
// What is done with the token is done by the bot, so that automation does not
// end with the account of a person.
func (r resourceTokens) create(ctx context.Context, c *call, in createResourceTokenParams) (issuedResourceTokenEntity, error) {
	made, err := r.Directory.CreateResourceToken(ctx, c.actor, r.place(in.ID), directory.NewResourceToken{
		NewAccessToken: access.NewAccessToken{
			Name: in.Name, Description: in.Description, Scopes: in.Scopes, ExpiresAt: in.ExpiresAt,
		},
		AccessLevel: in.AccessLevel, Host: r.ExternalURL.Hostname(),
	})
	if err != nil {
		return issuedResourceTokenEntity{}, sentences(err)
	}
	return newIssuedResourceTokenEntity(c, &made), nil
}

// rotateResourceTokenParams are what the rotation of a token by id takes.
type rotateResourceTokenParams struct {
	resourceTokenParams
	rotateParams
}

// rotate replaces an access token of a group or project by a new one and revokes it.
func (r resourceTokens) rotate(ctx context.Context, c *call, in rotateResourceTokenParams) (issuedResourceTokenEntity, error) {
	made, err := r.Directory.RotateResourceToken(ctx, c.actor, r.place(in.ID), in.token(), in.ExpiresAt)
	if e, ok := errors.AsType[*baton.Error](err); ok && e.Code == baton.CodeNotFound && e.Message == "" {
		err = errNotFound
	}
	if err != nil {
		return issuedResourceTokenEntity{}, sentences(err)
	}
	return newIssuedResourceTokenEntity(c, &made), nil
}

// rotateOwnResourceTokenParams are what the rotation of the own token takes.
type rotateOwnResourceTokenParams struct {
	placeParams
	rotateParams
}

// rotateSelf replaces the access token of a group or project that the request was made with.
func (r resourceTokens) rotateSelf(ctx context.Context, c *call, in rotateOwnResourceTokenParams) (issuedResourceTokenEntity, error) {
	if !c.actor.User.Bot {
		return issuedResourceTokenEntity{}, errNotAllowed
	}
	made, err := r.Directory.RotateOwnResourceToken(ctx, c.actor, r.place(in.ID), in.ExpiresAt)
	if err != nil {
		return issuedResourceTokenEntity{}, sentences(err)
	}
	return newIssuedResourceTokenEntity(c, &made), nil
}

// revoke revokes an access token of a group or project. Its bot is kept for a while.
func (r resourceTokens) revoke(ctx context.Context, c *call, in resourceTokenParams) (none, error) {
	return none{}, r.Directory.RevokeResourceToken(ctx, c.actor, r.place(in.ID), in.token())
}
