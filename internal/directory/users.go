package directory

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/audit"
	"baton.example/baton/internal/password"
	"baton.example/baton/internal/store"
)

// DefaultProjectsLimit is [baton.User.ProjectsLimit] where nothing else was
// said, as in GitLab.
const DefaultProjectsLimit = 100_000

// A UserChange is what to change of a user; nil leaves a thing as it is.
type UserChange struct {
	Username       *string
	Name           *string
	Email          *string
	Password       *baton.Secret
	Admin          *bool
	External       *bool
	PrivateProfile *bool
	CanCreateGroup *bool
	ProjectsLimit  *int
	Note           *string
}

// User returns the user. Everybody who is signed in may see everybody, but for
// the names of bots.
// https://docs.gitlab.com/api/users/#retrieve-a-user.
func (d *Directory) User(ctx context.Context, a *access.Actor, id baton.UserID) (baton.User, error) {
	u, err := findUser(ctx, d.store, id)
	if err != nil {
		return baton.User{}, err
	}
	return u, veil(ctx, d.store, a, &u)
}

func findUser(ctx context.Context, r reader, id baton.UserID) (baton.User, error) {
	u, err := r.User(ctx, id)
	if baton.IsNotFound(err) {
		return baton.User{}, baton.NotFound("User")
	}
	return u, err
}

// UserByName returns the user with the username.
func (d *Directory) UserByName(ctx context.Context, username string) (baton.User, error) {
	u, err := d.store.UserByName(ctx, username)
	if baton.IsNotFound(err) {
		return baton.User{}, baton.NotFound("User")
	}
	return u, err
}

// Users returns a page of the users that the filter chooses, and how many it
// chooses in all. Only administrators find somebody by email: others would
// learn whose it is.
// https://docs.gitlab.com/api/users/#list-all-users.
func (d *Directory) Users(
	ctx context.Context, a *access.Actor, f store.UserFilter, p store.Page,
) ([]baton.User, int, error) {
	if strings.Contains(f.Search, "@") && !a.Admin {
		return nil, 0, nil
	}
	users, err := d.store.Users(ctx, f, p)
	if err != nil {
		return nil, 0, fmt.Errorf("list users: %w", err)
	}
	for i := range users {
		if err := veil(ctx, d.store, a, &users[i]); err != nil {
			return nil, 0, err
		}
	}
	total, err := d.store.CountUsers(ctx, f)
	if err != nil {
		return nil, 0, fmt.Errorf("count users: %w", err)
	}
	return users, total, nil
}

// CreateUser makes a user with a personal namespace. The change is applied to
// GitLab's defaults; without a password the user cannot sign in until an
// administrator sets one.
// https://docs.gitlab.com/api/users/#create-a-user.
func (d *Directory) CreateUser(ctx context.Context, a *access.Actor, c UserChange) (baton.User, error) {
	if !a.Admin {
		return baton.User{}, baton.Denied("")
	}
	n := baton.User{
		State:          baton.UserActive,
		CanCreateGroup: true,
		ProjectsLimit:  DefaultProjectsLimit,
		CreatedBy:      a.User.ID,
		CreatedAt:      a.Now,
		UpdatedAt:      a.Now,
	}
	c.apply(&n)
	hash, err := d.hash(ctx, c.Password)
	if err != nil {
		return baton.User{}, err
	}
	var u baton.User
	err = d.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
		u = n // without the id of an attempt that failed
		if err := c.check(ctx, tx, baton.User{}, u); err != nil {
			return err
		}
		u.ID, err = insertUser(ctx, tx, a.Author(), u, hash)
		return err
	})
	if err != nil {
		return baton.User{}, fmt.Errorf("create user: %w", err)
	}
	return u, nil
}

// insertUser stores a new user with the hash of a password, "" for none, and
// makes the personal namespace.
func insertUser(ctx context.Context, tx store.Tx, w audit.Author, u baton.User, hash string) (baton.UserID, error) {
	id, err := tx.InsertUser(ctx, u)
	if err != nil {
		return 0, err
	}
	u.ID = id
	changes := audit.Compare(userAttributes, &baton.User{}, &u)
	if err := tell(ctx, tx, aboutUser(w, &u)(eventUserCreated, "User created", changes...)); err != nil {
		return 0, err
	}
	if hash != "" {
		if err := tx.SetPasswordHash(ctx, id, hash); err != nil {
			return 0, err
		}
	}
	_, err = tx.InsertNamespace(ctx, baton.Namespace{
		Kind: baton.UserNamespace, Name: u.Name, Path: u.Username, OwnerID: id,
		// Whose namespace it is says the user's page too.
		Visibility:                   baton.Public,
		SharedRunnersSetting:         baton.SharedRunnersEnabled,
		SubgroupCreationLevel:        baton.SubgroupsByMaintainer,
		RunnerRegistrationEnabled:    true,
		AllowRunnerRegistrationToken: true,
		CreatedAt:                    u.CreatedAt, UpdatedAt: u.UpdatedAt,
	})
	return id, err
}

// UpdateUser changes a user. A new username moves the personal namespace.
// https://docs.gitlab.com/api/users/#modify-a-user.
func (d *Directory) UpdateUser(ctx context.Context, a *access.Actor, id baton.UserID, c UserChange) (baton.User, error) {
	if !a.Admin {
		return baton.User{}, baton.Denied("")
	}
	hash, err := d.hash(ctx, c.Password)
	if err != nil {
		return baton.User{}, err
	}
	var u baton.User
	err = d.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
		if u, err = findUser(ctx, tx, id); err != nil {
			return err
		}
		if err := c.forBots(&u); err != nil {
			return err
		}
		was := u
		c.apply(&u)
		u.UpdatedAt = a.Now
		if err := c.check(ctx, tx, was, u); err != nil {
			return err
		}
		if !u.Admin {
			if err := notLastAdmin(ctx, tx, a, was); err != nil {
				return err
			}
		}
		if err := tx.UpdateUser(ctx, u); err != nil {
			return err
		}
		if c.Password != nil {
			if err := tx.SetPasswordHash(ctx, id, hash); err != nil {
				return err
			}
			if err := tell(ctx, tx, aboutUser(a.Author(), &u)(eventUserPassword, "Changed password")); err != nil {
				return err
			}
		}
		if err := tell(ctx, tx, audit.Updates(userAttributes, &was, &u, aboutUser(a.Author(), &u).changed)...); err != nil {
			return err
		}
		return renamePersonalNamespace(ctx, tx, u)
	})
	if err != nil {
		return baton.User{}, fmt.Errorf("update user: %w", err)
	}
	return u, nil
}

// renamePersonalNamespace keeps the namespace in step with its owner. A bot has
// none.
func renamePersonalNamespace(ctx context.Context, tx store.Tx, u baton.User) error {
	if u.Bot {
		return nil
	}
	n, err := tx.PersonalNamespace(ctx, u.ID)
	if err != nil {
		return fmt.Errorf("find personal namespace: %w", err)
	}
	if n.Path == u.Username && n.Name == u.Name {
		return nil
	}
	n.Path, n.Name, n.UpdatedAt = u.Username, u.Name, u.UpdatedAt
	return tx.UpdateNamespace(ctx, n)
}

// hash returns what is stored of a password, "" for none. It runs before the
// transaction because it takes a while on purpose; a password against the
// rules is left to [UserChange.check].
func (d *Directory) hash(ctx context.Context, plain *baton.Secret) (string, error) {
	if plain == nil {
		return "", nil
	}
	hash, err := d.hasher.Hash(ctx, plain.Reveal())
	if baton.CodeOf(err) == baton.CodeInvalid {
		return "", nil
	}
	return hash, err
}

func (c *UserChange) apply(u *baton.User) {
	set(&u.Username, c.Username)
	set(&u.Name, c.Name)
	set(&u.Email, c.Email)
	set(&u.Admin, c.Admin)
	set(&u.PrivateProfile, c.PrivateProfile)
	set(&u.Note, c.Note)
	if c.External != nil && *c.External && !u.External {
		// Who becomes external loses these, unless the same change gives them.
		u.CanCreateGroup, u.ProjectsLimit = false, 0
	}
	set(&u.External, c.External)
	set(&u.CanCreateGroup, c.CanCreateGroup)
	set(&u.ProjectsLimit, c.ProjectsLimit)
}

var emailForm = regexp.MustCompile(`^[^@\s]+@[^@\s]+$`)

// check returns what keeps u, which is was with the change applied, from being
// stored. A taken email, then a taken username, goes before all other rules.
func (c *UserChange) check(ctx context.Context, tx store.Tx, was, u baton.User) error {
	others := []struct {
		find  func(context.Context, string) (baton.User, error)
		value string
		words string
	}{
		{tx.UserByEmail, u.Email, "Email " + taken},
		{tx.UserByName, u.Username, "Username " + taken},
	}
	for _, o := range others {
		if o.value == "" {
			continue
		}
		other, err := o.find(ctx, o.value)
		if err == nil && other.ID != u.ID {
			return baton.Conflict(o.words)
		}
		if err != nil && !baton.IsNotFound(err) {
			return err
		}
	}

	var p problems
	p.present("email", u.Email)
	p.atMost("email", u.Email, maxEmail)
	if u.Email != "" && !emailForm.MatchString(u.Email) {
		p.add("email", "is invalid")
	}
	if c.Password != nil {
		if e, ok := errors.AsType[*baton.Error](password.Validate(c.Password.Reveal())); ok {
			p = append(p, e.Fields...)
		}
	}
	p.present("name", u.Name)
	p.atMost("name", u.Name, maxName)
	if u.ProjectsLimit < 0 {
		p.add("projects_limit", "must be greater than or equal to 0")
	}
	p.namespacePath("username", u.Username, true)
	if !strings.EqualFold(u.Username, was.Username) {
		if err := p.pathIsFree(ctx, tx, "username", baton.Namespace{}, u.Username); err != nil {
			return err
		}
	}
	return baton.Invalid(p)
}
