package api

import (
	"context"

	"baton.example/baton"
	"baton.example/baton/internal/directory"
	"baton.example/baton/internal/grape"
	"baton.example/baton/internal/store"
)

// A user is presented in four sizes: [shortUser] in other entities, and these,
// each of which holds the one before.
type (
	// userProfile is what everybody sees.
	userProfile struct {
		ID              baton.UserID    `json:"id"`
		Username        string          `json:"username"`
		Name            string          `json:"name"`
		State           baton.UserState `json:"state"`
		Locked          bool            `json:"locked"`
		AvatarURL       *string         `json:"avatar_url"`
		WebURL          string          `json:"web_url"`
		CreatedAt       timestamp       `json:"created_at"`
		Bio             string          `json:"bio"`
		Location        string          `json:"location"`
		PublicEmail     *string         `json:"public_email"`
		Linkedin        string          `json:"linkedin"`
		Twitter         string          `json:"twitter"`
		Discord         string          `json:"discord"`
		WebsiteURL      string          `json:"website_url"`
		Github          string          `json:"github"`
		JobTitle        string          `json:"job_title"`
		Pronouns        *string         `json:"pronouns"`
		Organization    string          `json:"organization"`
		Bot             bool            `json:"bot"`
		WorkInformation *string         `json:"work_information"`
		Followers       int             `json:"followers"`
		Following       int             `json:"following"`
		LocalTime       *string         `json:"local_time"`
	}
	// userAccount is what the user sees.
	userAccount struct {
		userProfile

		LastSignInAt      *string     `json:"last_sign_in_at"`
		ConfirmedAt       timestamp   `json:"confirmed_at"`
		LastActivityOn    *baton.Date `json:"last_activity_on"`
		Email             string      `json:"email"`
		ThemeID           *int        `json:"theme_id"`
		ColorSchemeID     int         `json:"color_scheme_id"`
		ProjectsLimit     int         `json:"projects_limit"`
		CurrentSignInAt   *string     `json:"current_sign_in_at"`
		Identities        []struct{}  `json:"identities"`
		CanCreateGroup    bool        `json:"can_create_group"`
		CanCreateProject  bool        `json:"can_create_project"`
		TwoFactorEnabled  bool        `json:"two_factor_enabled"`
		External          bool        `json:"external"`
		PrivateProfile    bool        `json:"private_profile"`
		CommitEmail       string      `json:"commit_email"`
		PreferredLanguage string      `json:"preferred_language"`
	}
	// userRecord is what administrators see.
	userRecord struct {
		userAccount

		IsAdmin         bool               `json:"is_admin"`
		Note            *string            `json:"note"`
		NamespaceID     *baton.NamespaceID `json:"namespace_id"`
		CreatedBy       *shortUser         `json:"created_by"`
		CurrentSignInIP *string            `json:"current_sign_in_ip"`
		LastSignInIP    *string            `json:"last_sign_in_ip"`
		SignInCount     int                `json:"sign_in_count"`
	}
)

func (s *Server) userProfile(u *baton.User) userProfile {
	return userProfile{
		ID: u.ID, Username: u.Username, Name: u.Name, State: u.State,
		WebURL: s.webURL(u.Username), CreatedAt: timestamp(u.CreatedAt), Bot: u.Bot,
	}
}

func (s *Server) userAccount(u *baton.User) userAccount {
	return userAccount{
		userProfile: s.userProfile(u), ConfirmedAt: timestamp(u.CreatedAt),
		LastActivityOn: orNull(u.LastActivityOn), Email: u.Email, ColorSchemeID: 1,
		ProjectsLimit: u.ProjectsLimit, Identities: []struct{}{},
		CanCreateGroup: u.CanCreateGroup, CanCreateProject: u.ProjectsLimit > 0,
		External: u.External, PrivateProfile: u.PrivateProfile,
		CommitEmail: u.Email, PreferredLanguage: "en",
	}
}

func (s *Server) userRecord(ctx context.Context, c *call, u *baton.User) (userRecord, error) {
	e := userRecord{userAccount: s.userAccount(u), IsAdmin: u.Admin, Note: orNull(u.Note)}
	n, err := s.Directory.PersonalNamespace(ctx, u.ID)
	if err != nil && !baton.IsNotFound(err) {
		return userRecord{}, err
	}
	e.NamespaceID = orNull(n.ID)
	if u.CreatedBy != 0 {
		creator, err := s.Directory.User(ctx, c.actor, u.CreatedBy)
		if err == nil {
			e.CreatedBy = s.shortUser(&creator)
		} else if !baton.IsNotFound(err) {
			return userRecord{}, err
		}
	}
	return e, nil
}

// getCurrentUser tells callers who they are.
// https://docs.gitlab.com/api/users/#retrieve-the-current-user.
func (s *Server) getCurrentUser(ctx context.Context, c *call, _ struct{}) (any, error) {
	if c.actor.User.Admin {
		return s.userRecord(ctx, c, &c.actor.User)
	}
	return s.userAccount(&c.actor.User), nil
}

// listUsersParams are what GET /users takes.
// https://docs.gitlab.com/api/users/#list-all-users.
type listUsersParams struct {
	Username string `param:"username" doc:"Only the user of this name."`
	Search   string `param:"search" doc:"Only users whose name, username or email this is part of."`
	Active   bool   `param:"active" doc:"Only users who may act."`
	Blocked  bool   `param:"blocked" doc:"Only blocked users."`
	Humans   bool   `param:"humans" doc:"No bots."`
	NoBots   bool   `param:"without_project_bots" doc:"No bots of groups and projects, which are all that there are."`
	Admins   bool   `param:"admins" doc:"Only administrators, for an administrator."`
	paging
}

func (in *listUsersParams) filter(admin bool) store.UserFilter {
	f := store.UserFilter{Username: in.Username, Search: in.Search, Humans: in.Humans || in.NoBots, Admins: in.Admins && admin}
	if in.Active {
		f.States = append(f.States, baton.UserActive)
	}
	if in.Blocked {
		f.States = append(f.States, baton.UserBlocked)
	}
	return f
}

// listUsers lists users, to administrators with all there is to know of each.
func (s *Server) listUsers(ctx context.Context, c *call, in listUsersParams) (list[any], error) {
	users, total, err := s.Directory.Users(ctx, c.actor, in.filter(c.actor.Admin), in.rows())
	if err != nil {
		return list[any]{}, err
	}
	rows := make([]any, len(users))
	for i := range users {
		if rows[i] = s.shortUser(&users[i]); !c.actor.Admin {
			continue
		}
		if rows[i], err = s.userRecord(ctx, c, &users[i]); err != nil {
			return list[any]{}, err
		}
	}
	return list[any]{rows, total, in.paging}, nil
}

// userParams are the parameters of routes about one user.
type userParams struct {
	ID baton.UserID `param:"id" required:"true" doc:"The user's id."`
}

// getUser shows a user, to administrators all of it.
// https://docs.gitlab.com/api/users/#retrieve-a-user.
func (s *Server) getUser(ctx context.Context, c *call, in userParams) (any, error) {
	u, err := s.Directory.User(ctx, c.actor, in.ID)
	if err != nil {
		return nil, err
	}
	if c.actor.Admin {
		return s.userRecord(ctx, c, &u)
	}
	return s.userProfile(&u), nil
}

// userAttributes are the attributes that are optional in every write.
type userAttributes struct {
	Admin          grape.Opt[bool]   `param:"admin" doc:"Whether the user is an administrator."`
	External       grape.Opt[bool]   `param:"external" doc:"Whether the user sees only what was shared."`
	PrivateProfile grape.Opt[bool]   `param:"private_profile" doc:"Whether the profile is private."`
	CanCreateGroup grape.Opt[bool]   `param:"can_create_group" doc:"Whether the user may make top-level groups."`
	ProjectsLimit  grape.Opt[int]    `param:"projects_limit" doc:"How many personal projects the user may have."`
	Note           grape.Opt[string] `param:"note" doc:"A note for administrators."`
	// SkipConfirmation and SkipReconfirmation are accepted: Baton sends no
	// mail, so that every address counts as confirmed.
	SkipConfirmation   bool `param:"skip_confirmation" doc:"Without effect."`
	SkipReconfirmation bool `param:"skip_reconfirmation" doc:"Without effect."`
}

func (in *userAttributes) change() directory.UserChange {
	return directory.UserChange{
		Admin:          given(in.Admin),
		External:       given(in.External),
		PrivateProfile: given(in.PrivateProfile),
		CanCreateGroup: given(in.CanCreateGroup),
		ProjectsLimit:  given(in.ProjectsLimit),
		Note:           cleared(in.Note),
	}
}

// createUserParams are what POST /users takes. With reset_password or
// force_random_password instead of a password nobody knows one: the user has
// none.
// https://docs.gitlab.com/api/users/#create-a-user.
type createUserParams struct {
	Email               string            `param:"email" required:"true" doc:"Where the user gets mail."`
	Password            grape.Opt[string] `param:"password" doc:"8 to 128 characters."`
	ResetPassword       bool              `param:"reset_password" doc:"Whether the user starts without a password."`
	ForceRandomPassword bool              `param:"force_random_password" doc:"The same as reset_password."`
	_                   struct{}          `at_least_one:"password,reset_password,force_random_password"`
	Name                string            `param:"name" required:"true" doc:"The user's name."`
	Username            string            `param:"username" required:"true" doc:"The user's path and name in mentions."`
	userAttributes
}

// createUser creates a user, for administrators.
func (s *Server) createUser(ctx context.Context, c *call, in createUserParams) (userRecord, error) {
	change := in.change()
	change.Email, change.Name, change.Username = &in.Email, &in.Name, &in.Username
	if !in.ResetPassword && !in.ForceRandomPassword {
		change.Password = new(baton.NewSecret(in.Password.Value))
	}
	u, err := s.Directory.CreateUser(ctx, c.actor, change)
	if err != nil {
		return userRecord{}, err
	}
	return s.userRecord(ctx, c, &u)
}

// updateUserParams are what PUT /users/:id takes.
// https://docs.gitlab.com/api/users/#modify-a-user.
type updateUserParams struct {
	userParams
	Email    grape.Opt[string] `param:"email" doc:"Where the user gets mail."`
	Password grape.Opt[string] `param:"password" doc:"8 to 128 characters."`
	Name     grape.Opt[string] `param:"name" doc:"The user's name."`
	Username grape.Opt[string] `param:"username" doc:"The user's path and name in mentions."`
	userAttributes
}

// updateUser changes the attributes of a user that are given, for administrators.
func (s *Server) updateUser(ctx context.Context, c *call, in updateUserParams) (userRecord, error) {
	change := in.change()
	change.Email, change.Name, change.Username = cleared(in.Email), cleared(in.Name), cleared(in.Username)
	if in.Password.Valid() {
		change.Password = new(baton.NewSecret(in.Password.Value))
	}
	u, err := s.Directory.UpdateUser(ctx, c.actor, in.ID, change)
	if err != nil {
		return userRecord{}, err
	}
	return s.userRecord(ctx, c, &u)
}

// deleteUserParams are what DELETE /users/:id takes.
// https://docs.gitlab.com/api/users/#delete-a-user.
type deleteUserParams struct {
	userParams
	HardDelete bool `param:"hard_delete" doc:"Whether groups go too that nobody else owns."`
}

// deleteUser deletes a user with the personal namespace, for administrators.
func (s *Server) deleteUser(ctx context.Context, c *call, in deleteUserParams) (none, error) {
	return none{}, s.Directory.DeleteUser(ctx, c.actor, in.ID, in.HardDelete)
}

// blockUser blocks a user, who cannot act by any token until unblocked.
// https://docs.gitlab.com/api/user_moderation/#block-access-to-a-user.
func (s *Server) blockUser(ctx context.Context, c *call, in userParams) (bool, error) {
	return true, s.Directory.BlockUser(ctx, c.actor, in.ID)
}

// unblockUser lets a blocked user act again.
// https://docs.gitlab.com/api/user_moderation/#unblock-access-to-a-user.
func (s *Server) unblockUser(ctx context.Context, c *call, in userParams) (bool, error) {
	return true, s.Directory.UnblockUser(ctx, c.actor, in.ID)
}

// deactivateUser deactivates a user, who cannot act by any token until activated.
// https://docs.gitlab.com/api/user_moderation/#deactivate-a-user.
func (s *Server) deactivateUser(ctx context.Context, c *call, in userParams) (bool, error) {
	return true, s.Directory.DeactivateUser(ctx, c.actor, in.ID)
}

// activateUser lets a deactivated user act again.
// https://docs.gitlab.com/api/user_moderation/#reactivate-a-user.
func (s *Server) activateUser(ctx context.Context, c *call, in userParams) (bool, error) {
	return true, s.Directory.ActivateUser(ctx, c.actor, in.ID)
}
