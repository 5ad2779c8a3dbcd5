package directory

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/audit"
	"baton.example/baton/internal/fleet"
	"baton.example/baton/internal/store"
)

// A PlacedProject is a project with the namespace it is in.
type PlacedProject struct {
	baton.Project

	In baton.Namespace
}

// A ProjectChange is what to change of a project; nil leaves a thing as it is.
type ProjectChange struct {
	Name                          *string
	Path                          *string
	Description                   *string
	Visibility                    *baton.Visibility
	DefaultBranch                 *string
	CIConfigPath                  *string
	BuildTimeout                  *int
	SharedRunnersEnabled          *bool
	GroupRunnersEnabled           *bool
	RunnerRegistrationEnabled     *bool
	RunnerTokenExpirationInterval *Interval
}

// A ProjectList chooses projects among those that the actor may see.
type ProjectList struct {
	Search string
	// Group leaves the projects in a group, User those in the personal
	// namespace of a user; 0 is no user.
	Group Ref
	User  baton.UserID
	// Owned and Membership leave the projects that the actor is an Owner, or
	// any member, of.
	Owned      bool
	Membership bool
}

// Project returns the project.
// https://docs.gitlab.com/api/projects/#retrieve-a-project.
func (d *Directory) Project(ctx context.Context, a *access.Actor, ref Ref) (PlacedProject, error) {
	p, err := findProject(ctx, d.store, a, ref)
	if err != nil {
		return PlacedProject{}, err
	}
	return place(ctx, d.store, p)
}

// place adds the namespace.
func place(ctx context.Context, r reader, p baton.Project) (PlacedProject, error) {
	n, err := r.Namespace(ctx, p.NamespaceID)
	if err != nil {
		return PlacedProject{}, fmt.Errorf("find namespace of project: %w", err)
	}
	return PlacedProject{Project: p, In: n}, nil
}

// Projects returns a page of the projects that the actor may see, and how many
// there are in all.
// https://docs.gitlab.com/api/projects/#list-all-projects.
func (d *Directory) Projects(ctx context.Context, a *access.Actor, l ProjectList, p store.Page) ([]PlacedProject, int, error) {
	f := store.ProjectFilter{Search: l.Search, VisibleTo: viewer(a)}
	if l.Owned || l.Membership {
		f.VisibleTo, f.Owned, f.Membership = viewerOf(a), l.Owned, l.Membership
	}
	switch {
	case l.Group != "":
		g, err := findGroup(ctx, d.store, a, l.Group)
		if err != nil {
			return nil, 0, err
		}
		f.NamespaceID = g.ID
	case l.User != 0:
		n, err := d.store.PersonalNamespace(ctx, l.User)
		if baton.IsNotFound(err) {
			return nil, 0, baton.NotFound("User")
		}
		if err != nil {
			return nil, 0, err
		}
		f.NamespaceID = n.ID
	}
	projects, err := d.store.Projects(ctx, f, p)
	if err != nil {
		return nil, 0, fmt.Errorf("list projects: %w", err)
	}
	total, err := d.store.CountProjects(ctx, f)
	if err != nil {
		return nil, 0, fmt.Errorf("count projects: %w", err)
	}
	placed, err := d.Place(ctx, projects)
	return placed, total, err
}

// Place adds to projects, which the actor was shown, the namespaces they are
// in.
func (d *Directory) Place(ctx context.Context, projects []baton.Project) ([]PlacedProject, error) {
	placed := make([]PlacedProject, len(projects))
	for i := range projects {
		var err error
		if placed[i], err = place(ctx, d.store, projects[i]); err != nil {
			return nil, err
		}
	}
	return placed, nil
}

// CreateProject makes a project in a namespace, or in the actor's own if that
// is 0. A missing path follows from the name, a missing name from the path.
// https://docs.gitlab.com/api/projects/#create-a-project.
func (d *Directory) CreateProject(
	ctx context.Context, a *access.Actor, in baton.NamespaceID, c ProjectChange,
) (PlacedProject, error) {
	var placed PlacedProject
	err := d.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
		n, err := namespaceFor(ctx, tx, a, in)
		if err != nil {
			return err
		}
		p := baton.Project{
			NamespaceID:               n.ID,
			Visibility:                baton.Private,
			CreatorID:                 a.User.ID,
			DefaultBranch:             "main",
			BuildTimeout:              baton.DefaultBuildTimeout,
			SharedRunnersEnabled:      n.SharedRunnersSetting == baton.SharedRunnersEnabled,
			GroupRunnersEnabled:       true,
			RunnerRegistrationEnabled: true,
			LastActivityAt:            a.Now,
			CreatedAt:                 a.Now,
			UpdatedAt:                 a.Now,
		}
		if err := c.named().apply(ctx, tx, a, n, &p); err != nil {
			return err
		}
		id, err := tx.InsertProject(ctx, p)
		if err != nil {
			return pathConflict(err)
		}
		if _, err := tx.InsertProtectedRef(ctx, baton.DefaultProtection(id, &p)); err != nil {
			return err
		}
		if n.Kind == baton.UserNamespace {
			// The owner of the namespace is an Owner without it; the membership
			// is for lists of members, where GitLab shows it.
			err := tx.InsertMember(ctx, baton.Member{
				Source: baton.InProject(id), UserID: n.OwnerID, AccessLevel: baton.OwnerAccess,
				CreatedBy: a.User.ID, CreatedAt: a.Now,
			})
			if err != nil {
				return err
			}
		}
		if p, err = tx.Project(ctx, id); err != nil {
			return err
		}
		placed = PlacedProject{Project: p, In: n}
		changes := audit.Compare(projectAttributes, &baton.Project{}, &p)
		return tell(ctx, tx, aboutProject(a.Author(), &p)(eventProjectCreated, "Project created", changes...))
	})
	if err != nil {
		return PlacedProject{}, fmt.Errorf("create project: %w", err)
	}
	return placed, nil
}

// namespaceFor returns the namespace that the actor may make a project in. One
// that is missing and one that is not the actor's to use look the same, as in
// GitLab.
func namespaceFor(ctx context.Context, tx store.Tx, a *access.Actor, id baton.NamespaceID) (baton.Namespace, error) {
	if id == 0 {
		n, err := tx.PersonalNamespace(ctx, a.User.ID)
		if baton.IsNotFound(err) {
			return baton.Namespace{}, invalidNamespace()
		}
		if err != nil {
			return baton.Namespace{}, err
		}
		id = n.ID
	}
	n, err := tx.Namespace(ctx, id)
	if baton.IsNotFound(err) {
		return baton.Namespace{}, invalidNamespace()
	}
	if err != nil {
		return baton.Namespace{}, err
	}
	if n.Kind == baton.UserNamespace {
		return n, personalFor(ctx, tx, a, n)
	}
	can, err := access.Policy{Members: tx}.CanGroup(ctx, a, access.CreateProject, &n)
	if err == nil && !can {
		err = invalidNamespace()
	}
	return n, err
}

// personalFor returns an error unless the actor may make a project in the
// personal namespace.
func personalFor(ctx context.Context, tx store.Tx, a *access.Actor, n baton.Namespace) error {
	if a.Admin {
		return nil
	}
	if !a.Is(n.OwnerID) {
		return invalidNamespace()
	}
	count, err := tx.CountProjects(ctx, store.ProjectFilter{NamespaceID: n.ID})
	if err != nil {
		return fmt.Errorf("count personal projects: %w", err)
	}
	if limit := a.User.ProjectsLimit; count >= limit {
		return baton.Denied(fmt.Sprintf(
			"Your project limit is %d projects! Please contact your administrator to increase it", limit))
	}
	return nil
}

func invalidNamespace() error {
	return baton.Invalid([]baton.FieldError{{Field: "namespace", Problem: "is not valid"}})
}

// UpdateProject changes a project.
// https://docs.gitlab.com/api/projects/#update-a-project.
func (d *Directory) UpdateProject(ctx context.Context, a *access.Actor, ref Ref, c ProjectChange) (PlacedProject, error) {
	var placed PlacedProject
	err := d.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
		p, err := projectFor(ctx, tx, a, ref, access.Update)
		if err != nil {
			return err
		}
		if placed, err = place(ctx, tx, p); err != nil {
			return err
		}
		was := p
		p.UpdatedAt = a.Now
		if err := c.apply(ctx, tx, a, placed.In, &p); err != nil {
			return err
		}
		if err := tx.UpdateProject(ctx, p); err != nil {
			return pathConflict(err)
		}
		if placed.Project, err = tx.Project(ctx, p.ID); err != nil {
			return err
		}
		return tell(ctx, tx, audit.Updates(projectAttributes, &was, &placed.Project, aboutProject(a.Author(), &placed.Project).changed)...)
	})
	if err != nil {
		return PlacedProject{}, fmt.Errorf("update project: %w", err)
	}
	return placed, nil
}

// DeleteProject removes a project.
// https://docs.gitlab.com/api/projects/#delete-a-project.
func (d *Directory) DeleteProject(ctx context.Context, a *access.Actor, ref Ref) error {
	err := d.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
		p, err := projectFor(ctx, tx, a, ref, access.Delete)
		if err != nil {
			return err
		}
		if err := fleet.TellLosses(ctx, tx, a.Author(), baton.InProject(p.ID)); err != nil {
			return err
		}
		if err := tellBots(ctx, tx, a.Author(), baton.InProject(p.ID)); err != nil {
			return err
		}
		if err := tx.DeleteProject(ctx, p.ID); err != nil {
			return err
		}
		return tell(ctx, tx, aboutProject(a.Author(), &p)(eventProjectDeleted, "Project destroyed"))
	})
	if err != nil {
		return fmt.Errorf("delete project: %w", err)
	}
	return nil
}

// named returns the change with name and path, if either is there.
func (c ProjectChange) named() *ProjectChange {
	switch {
	case c.Name == nil && c.Path != nil:
		c.Name = c.Path
	case c.Path == nil && c.Name != nil:
		c.Path = new(pathOf(*c.Name))
	}
	return &c
}

// apply changes p, which is in the namespace, and returns what keeps it from
// being stored so.
func (c *ProjectChange) apply(
	ctx context.Context, tx store.Tx, a *access.Actor, in baton.Namespace, p *baton.Project,
) error {
	was := *p
	if err := mayOpenRegistration(a, p.RunnerRegistrationEnabled, c.RunnerRegistrationEnabled); err != nil {
		return err
	}
	set(&p.Name, c.Name)
	set(&p.Path, c.Path)
	set(&p.Description, c.Description)
	set(&p.Visibility, c.Visibility)
	set(&p.DefaultBranch, c.DefaultBranch)
	set(&p.CIConfigPath, c.CIConfigPath)
	set(&p.BuildTimeout, c.BuildTimeout)
	set(&p.SharedRunnersEnabled, c.SharedRunnersEnabled)
	set(&p.GroupRunnersEnabled, c.GroupRunnersEnabled)
	set(&p.RunnerRegistrationEnabled, c.RunnerRegistrationEnabled)

	var bad problems
	if p.Name != was.Name {
		if err := bad.nameIsFree(ctx, tx, *p); err != nil {
			return err
		}
	}
	if !strings.EqualFold(p.Path, was.Path) {
		if err := bad.pathIsFree(ctx, tx, "path", in, p.Path); err != nil {
			return err
		}
	}
	bad.name("name", p.Name, projectNameForm, projectNameHint)
	bad.projectPath("path", p.Path)
	bad.atMost("description", p.Description, maxProjectDescription)
	oneOf(&bad, "visibility", p.Visibility, visibilityOrder...)
	if in.Kind == baton.GroupNamespace && p.Visibility != was.Visibility && moreVisible(p.Visibility, in.Visibility) {
		bad.add("visibility_level", fmt.Sprintf("%s is not allowed in a %s group.", p.Visibility, in.Visibility))
	}
	bad.atMost("ci_config_path", p.CIConfigPath, maxPath)
	const leastTimeout, mostTimeout = 600, 30 * 24 * 3600
	if p.BuildTimeout < leastTimeout || p.BuildTimeout > mostTimeout {
		bad.add("build_timeout", "needs to be between 10 minutes and 1 month")
	}
	if c.SharedRunnersEnabled != nil && p.SharedRunnersEnabled &&
		in.SharedRunnersSetting == baton.SharedRunnersDisabledAndUnoverridable {
		bad.add("shared_runners_enabled", "cannot be enabled because parent group does not allow it")
	}
	bad.setInterval("runner_token_expiration_interval",
		&p.RunnerTokenExpirationInterval, c.RunnerTokenExpirationInterval, 1)
	return baton.Invalid(bad)
}

// nameIsFree adds the problems of a name that another project of the namespace
// has. There are two, since GitLab checks it in two tables.
func (p *problems) nameIsFree(ctx context.Context, tx store.Tx, n baton.Project) error {
	if n.Name == "" {
		return nil
	}
	alike, err := every(func(page store.Page) ([]baton.Project, error) {
		return tx.Projects(ctx, store.ProjectFilter{NamespaceID: n.NamespaceID, Search: n.Name}, page)
	})
	if err != nil {
		return fmt.Errorf("look for the name: %w", err)
	}
	if slices.ContainsFunc(alike, func(other baton.Project) bool { return other.Name == n.Name && other.ID != n.ID }) {
		p.add("project_namespace.name", taken)
		p.add("name", taken)
	}
	return nil
}
