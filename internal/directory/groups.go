package directory

import (
	"context"
	"fmt"
	"strings"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/audit"
	"baton.example/baton/internal/store"
)

// maxNesting is how many groups may stand one in another.
const maxNesting = 20

// A GroupChange is what to change of a group; nil leaves a thing as it is.
type GroupChange struct {
	Name                         *string
	Path                         *string
	Description                  *string
	Visibility                   *baton.Visibility
	SharedRunnersSetting         *baton.SharedRunnersSetting
	SubgroupCreationLevel        *baton.SubgroupCreationLevel
	RunnerRegistrationEnabled    *bool
	AllowRunnerRegistrationToken *bool

	RunnerTokenExpirationInterval         *Interval
	SubgroupRunnerTokenExpirationInterval *Interval
	ProjectRunnerTokenExpirationInterval  *Interval
	RunnerTokenOverlap                    *Interval
}

// A GroupList chooses groups among those that the actor may see.
type GroupList struct {
	Search string
	// Parent leaves the direct subgroups of a group; TopLevel those that are
	// in no group.
	Parent   Ref
	TopLevel bool
	// Owned leaves the groups that the actor is an Owner of.
	Owned bool
}

// Group returns the group.
// https://docs.gitlab.com/api/groups/#retrieve-a-group.
func (d *Directory) Group(ctx context.Context, a *access.Actor, ref Ref) (baton.Namespace, error) {
	return findGroup(ctx, d.store, a, ref)
}

// Groups returns a page of the groups that the actor may see, and how many
// there are in all.
// https://docs.gitlab.com/api/groups/#list-groups.
func (d *Directory) Groups(ctx context.Context, a *access.Actor, l GroupList, p store.Page) ([]baton.Namespace, int, error) {
	f := store.GroupFilter{Search: l.Search, TopLevel: l.TopLevel, VisibleTo: viewer(a)}
	if l.Owned {
		f.VisibleTo, f.Owned = viewerOf(a), true
	}
	if l.Parent != "" {
		parent, err := findGroup(ctx, d.store, a, l.Parent)
		if err != nil {
			return nil, 0, err
		}
		f.ParentID = parent.ID
	}
	groups, err := d.store.Groups(ctx, f, p)
	if err != nil {
		return nil, 0, fmt.Errorf("list groups: %w", err)
	}
	total, err := d.store.CountGroups(ctx, f)
	if err != nil {
		return nil, 0, fmt.Errorf("count groups: %w", err)
	}
	return groups, total, nil
}

// CreateGroup makes a group in a parent, or at the top level if parent is "",
// with the actor as its Owner.
// https://docs.gitlab.com/api/groups/#create-a-group.
func (d *Directory) CreateGroup(ctx context.Context, a *access.Actor, parent Ref, c GroupChange) (baton.Namespace, error) {
	var g baton.Namespace
	err := d.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
		in, err := parentFor(ctx, tx, a, parent)
		if err != nil {
			return err
		}
		g = baton.Namespace{
			Kind:                         baton.GroupNamespace,
			ParentID:                     in.ID,
			Visibility:                   baton.Private,
			SharedRunnersSetting:         baton.SharedRunnersEnabled,
			SubgroupCreationLevel:        baton.SubgroupsByMaintainer,
			RunnerRegistrationEnabled:    true,
			AllowRunnerRegistrationToken: true,
			CreatedAt:                    a.Now,
			UpdatedAt:                    a.Now,
		}
		if err := c.apply(ctx, tx, a, in, &g); err != nil {
			return err
		}
		id, err := tx.InsertNamespace(ctx, g)
		if err != nil {
			return pathConflict(err)
		}
		if g, err = tx.Namespace(ctx, id); err != nil {
			return err
		}
		changes := audit.Compare(groupAttributes, &baton.Namespace{}, &g)
		if err := tell(ctx, tx, aboutGroup(a.Author(), &g)(eventGroupCreated, "Group created", changes...)); err != nil {
			return err
		}
		if a.User.ID == 0 || a.User.Bot {
			return nil // who has the machine is nobody here, and a bot has its role from above
		}
		return tx.InsertMember(ctx, baton.Member{
			Source: baton.InGroup(id), UserID: a.User.ID, AccessLevel: baton.OwnerAccess,
			CreatedBy: a.User.ID, CreatedAt: a.Now,
		})
	})
	if err != nil {
		return baton.Namespace{}, fmt.Errorf("create group: %w", err)
	}
	return g, nil
}

// parentFor returns the group that the actor may make a group in; the zero
// namespace stands for the top level.
func parentFor(ctx context.Context, tx store.Tx, a *access.Actor, parent Ref) (baton.Namespace, error) {
	if parent == "" {
		if !a.Admin && (a.User.Bot || !a.User.CanCreateGroup) {
			return baton.Namespace{}, baton.Denied("")
		}
		return baton.Namespace{}, nil
	}
	in, err := groupFor(ctx, tx, a, parent, access.CreateSubgroup)
	if err != nil {
		return baton.Namespace{}, err
	}
	chain, err := tx.Ancestors(ctx, in.ID)
	if err != nil {
		return baton.Namespace{}, fmt.Errorf("find ancestors: %w", err)
	}
	if len(chain) >= maxNesting {
		return baton.Namespace{}, baton.Invalid([]baton.FieldError{
			{Field: "parent_id", Problem: "has too deep level of nesting"},
		})
	}
	return in, nil
}

// UpdateGroup changes a group.
// https://docs.gitlab.com/api/groups/#update-group-attributes.
func (d *Directory) UpdateGroup(ctx context.Context, a *access.Actor, ref Ref, c GroupChange) (baton.Namespace, error) {
	var g baton.Namespace
	err := d.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
		var err error
		if g, err = groupFor(ctx, tx, a, ref, access.Update); err != nil {
			return err
		}
		var in baton.Namespace
		if g.ParentID != 0 {
			if in, err = tx.Namespace(ctx, g.ParentID); err != nil {
				return fmt.Errorf("find parent: %w", err)
			}
		}
		was := g
		g.UpdatedAt = a.Now
		if err := c.apply(ctx, tx, a, in, &g); err != nil {
			return err
		}
		if err := tx.UpdateNamespace(ctx, g); err != nil {
			return pathConflict(err)
		}
		if g, err = tx.Namespace(ctx, g.ID); err != nil {
			return err
		}
		return tell(ctx, tx, audit.Updates(groupAttributes, &was, &g, aboutGroup(a.Author(), &g).changed)...)
	})
	if err != nil {
		return baton.Namespace{}, fmt.Errorf("update group: %w", err)
	}
	return g, nil
}

// DeleteGroup removes a group with all that is in it.
// https://docs.gitlab.com/api/groups/#delete-a-group.
func (d *Directory) DeleteGroup(ctx context.Context, a *access.Actor, ref Ref) error {
	err := d.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
		g, err := groupFor(ctx, tx, a, ref, access.Delete)
		if err != nil {
			return err
		}
		return deleteNamespace(ctx, tx, a, &g)
	})
	if err != nil {
		return fmt.Errorf("delete group: %w", err)
	}
	return nil
}

// apply changes g, which is in the parent, and returns what keeps it from being
// stored so. The parent of a group at the top level is the zero namespace.
func (c *GroupChange) apply(
	ctx context.Context, tx store.Tx, a *access.Actor, parent baton.Namespace, g *baton.Namespace,
) error {
	was := *g
	if err := mayOpenRegistration(a, g.RunnerRegistrationEnabled, c.RunnerRegistrationEnabled); err != nil {
		return err
	}
	set(&g.Name, c.Name)
	set(&g.Path, c.Path)
	set(&g.Description, c.Description)
	set(&g.Visibility, c.Visibility)
	set(&g.SharedRunnersSetting, c.SharedRunnersSetting)
	set(&g.SubgroupCreationLevel, c.SubgroupCreationLevel)
	set(&g.RunnerRegistrationEnabled, c.RunnerRegistrationEnabled)
	set(&g.AllowRunnerRegistrationToken, c.AllowRunnerRegistrationToken)

	var p problems
	p.name("name", g.Name, groupNameForm, groupNameHint)
	if g.Path != was.Path || was.ID == 0 {
		p.namespacePath("path", g.Path, g.ParentID == 0)
	}
	if !strings.EqualFold(g.Path, was.Path) {
		if err := p.pathIsFree(ctx, tx, "path", parent, g.Path); err != nil {
			return err
		}
	}
	p.atMost("description", g.Description, maxGroupDescription)
	if c.AllowRunnerRegistrationToken != nil && g.ParentID != 0 {
		// It would do nothing: the topmost group decides for all that is in it.
		p.add("allow_runner_registration_token", "is not allowed since the group is not top-level group.")
	}
	oneOf(&p, "visibility", g.Visibility, visibilityOrder...)
	oneOf(&p, "shared_runners_setting", g.SharedRunnersSetting, baton.SharedRunnersEnabled,
		baton.SharedRunnersDisabledAndOverridable, baton.SharedRunnersDisabledAndUnoverridable)
	oneOf(&p, "subgroup_creation_level", g.SubgroupCreationLevel, baton.SubgroupsByOwner, baton.SubgroupsByMaintainer)
	p.setInterval("runner_token_expiration_interval",
		&g.RunnerTokenExpirationInterval, c.RunnerTokenExpirationInterval, 1)
	p.setInterval("subgroup_runner_token_expiration_interval",
		&g.SubgroupRunnerTokenExpirationInterval, c.SubgroupRunnerTokenExpirationInterval, 1)
	p.setInterval("project_runner_token_expiration_interval",
		&g.ProjectRunnerTokenExpirationInterval, c.ProjectRunnerTokenExpirationInterval, 1)
	p.setOverlap("runner_token_overlap", &g.RunnerTokenOverlap, c.RunnerTokenOverlap)
	if g.Visibility != was.Visibility || was.ID == 0 {
		if err := p.groupVisibility(ctx, tx, parent, *g); err != nil {
			return err
		}
	}
	return baton.Invalid(p)
}

// groupVisibility adds a problem when the group would be more open than the
// one it is in, or less open than something in it: a private group must not
// hold what everybody sees.
func (p *problems) groupVisibility(ctx context.Context, tx store.Tx, parent, g baton.Namespace) error {
	if g.ParentID != 0 && moreVisible(g.Visibility, parent.Visibility) {
		p.add("visibility_level", fmt.Sprintf(
			"%s is not allowed since the parent group has a %s visibility.", g.Visibility, parent.Visibility))
	}
	if g.ID == 0 {
		return nil
	}
	projects, err := every(func(page store.Page) ([]baton.Project, error) {
		return tx.Projects(ctx, store.ProjectFilter{NamespaceID: g.ID}, page)
	})
	if err != nil {
		return fmt.Errorf("list projects: %w", err)
	}
	for _, in := range projects {
		if moreVisible(in.Visibility, g.Visibility) {
			p.add("visibility_level", fmt.Sprintf(
				"%s is not allowed since this group contains projects with higher visibility.", g.Visibility))
			break
		}
	}
	subgroups, err := every(func(page store.Page) ([]baton.Namespace, error) {
		return tx.Groups(ctx, store.GroupFilter{ParentID: g.ID}, page)
	})
	if err != nil {
		return fmt.Errorf("list subgroups: %w", err)
	}
	for _, in := range subgroups {
		if moreVisible(in.Visibility, g.Visibility) {
			p.add("visibility_level", fmt.Sprintf(
				"%s is not allowed since there are sub-groups with higher visibility.", g.Visibility))
			break
		}
	}
	return nil
}

// mayOpenRegistration denies opening the registration of runners to who is no
// administrator. Whoever may change a group or project may close it; were they
// also to open it, closing would hold nobody back.
func mayOpenRegistration(a *access.Actor, enabled bool, change *bool) error {
	if change != nil && *change && !enabled && !a.Admin {
		return baton.Denied("")
	}
	return nil
}

// pathConflict says of a path that storage found in use what GitLab says: that
// somebody took it since [problems.pathIsFree] looked.
func pathConflict(err error) error {
	if baton.CodeOf(err) == baton.CodeConflict {
		return baton.Invalid([]baton.FieldError{{Field: "path", Problem: taken}})
	}
	return err
}
