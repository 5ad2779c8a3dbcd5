package access

import (
	"context"
	"fmt"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

// An Ability is one thing to do with a group or project.
type Ability int

// The abilities. What each needs stands in [rules].
const (
	// Read is to see that it exists, and its page.
	Read Ability = iota
	// Update is to change its settings.
	Update
	// Delete is to remove it with all that it holds.
	Delete
	// ReadMembers is to see who is a member. Who sees a group only as the way
	// down to something in it does not.
	ReadMembers
	// ManageMembers is to give and take memberships and shares.
	ManageMembers
	// CreateSubgroup is to make a group in a group.
	CreateSubgroup
	// CreateProject is to make a project in a group.
	CreateProject
	// CreateRunner is to make a runner of the group or project; restricted
	// registration comes on top of it (package fleet).
	CreateRunner
	// ReadRunners is to see the runners that serve it.
	ReadRunners
	// ManageRunners is to change and remove its own runners, and to see and
	// replace its registration token.
	ManageRunners
	// ReadOwnAuditEvents is to see what one did oneself in its audit log.
	ReadOwnAuditEvents
	// ReadAuditEvents is to see all of its audit log.
	ReadAuditEvents
	// ReadAccessTokens is to see its access tokens, and to revoke them.
	ReadAccessTokens
	// ManageAccessTokens is to make and rotate them. No bot may: what somebody
	// took from it would never end.
	ManageAccessTokens
	// ReadPipelines is to see pipelines, jobs and their logs.
	ReadPipelines
	// RunPipelines is to start, cancel, retry and play them; protected refs
	// come on top of it (package pipeline).
	RunPipelines
	// DeletePipelines is to remove pipelines.
	DeletePipelines
	// ReadProtectedBranches is to see which branches are protected.
	ReadProtectedBranches
	// ManageProtectedRefs is to protect branches and tags, and to see which tags
	// are protected.
	ManageProtectedRefs
	// ManageVariables is to see and change its CI/CD variables.
	ManageVariables
)

// A rule is the least role that an ability needs in a group and in a project.
// Administrators may do everything.
type rule struct{ group, project baton.AccessLevel }

// never is above every role: administrators only.
const never baton.AccessLevel = 1 << 10

// rules is who may do what. Read and ReadMembers are here for members;
// visibility opens them further, and two settings move the levels of CreateSubgroup and
// CreateRunner (see [Policy.Can]).
var rules = map[Ability]rule{
	Read:           {baton.MinimalAccess, baton.GuestAccess},
	Update:         {baton.OwnerAccess, baton.MaintainerAccess},
	Delete:         {baton.OwnerAccess, baton.OwnerAccess},
	ReadMembers:    {baton.GuestAccess, baton.GuestAccess},
	ManageMembers:  {baton.OwnerAccess, baton.MaintainerAccess},
	CreateSubgroup: {baton.OwnerAccess, never},
	CreateProject:  {baton.DeveloperAccess, never},
	CreateRunner:   {baton.OwnerAccess, baton.OwnerAccess},
	ReadRunners:    {baton.MaintainerAccess, baton.MaintainerAccess},
	ManageRunners:  {baton.OwnerAccess, baton.MaintainerAccess},

	ReadOwnAuditEvents: {baton.DeveloperAccess, baton.DeveloperAccess},
	ReadAuditEvents:    {baton.OwnerAccess, baton.MaintainerAccess},
	ReadAccessTokens:   {baton.OwnerAccess, baton.MaintainerAccess},
	ManageAccessTokens: {baton.OwnerAccess, baton.MaintainerAccess},
	ReadPipelines:      {never, baton.ReporterAccess},
	RunPipelines:       {never, baton.DeveloperAccess},
	DeletePipelines:    {never, baton.OwnerAccess},

	ReadProtectedBranches: {never, baton.ReporterAccess},
	ManageProtectedRefs:   {never, baton.MaintainerAccess},
	ManageVariables:       {baton.OwnerAccess, baton.MaintainerAccess},
}

// A Policy answers questions of permission from what the store knows.
type Policy struct {
	Members store.MemberReader
}

// CanGroup reports whether the actor has the ability in the group. An actor of
// nil is nobody in particular and sees what is public.
func (p Policy) CanGroup(ctx context.Context, a *Actor, do Ability, g *baton.Namespace) (bool, error) {
	if a != nil && a.Admin || do.opens(a, g.Visibility) {
		return true, nil
	}
	if a == nil || do == ManageAccessTokens && a.User.Bot {
		return false, nil
	}
	if do == Read {
		// A member of anything below sees the way down to it.
		sees, err := p.Members.SeesGroup(ctx, a.User.ID, g.ID, a.Today())
		if err != nil {
			return false, fmt.Errorf("look for memberships: %w", err)
		}
		return sees, nil
	}
	least := rules[do].group
	if do == CreateSubgroup && g.SubgroupCreationLevel == baton.SubgroupsByMaintainer {
		least = baton.MaintainerAccess
	}
	return p.has(ctx, a, least, baton.InGroup(g.ID))
}

// CanProject reports whether the actor has the ability in the project.
func (p Policy) CanProject(ctx context.Context, a *Actor, do Ability, in *baton.Project) (bool, error) {
	if a != nil && a.Admin || do.opens(a, in.Visibility) {
		return true, nil
	}
	if a == nil || do == ManageAccessTokens && a.User.Bot {
		return false, nil
	}
	least := rules[do].project
	if do == CreateRunner && a.Settings.MaintainersCanCreateProjectRunners {
		least = baton.MaintainerAccess
	}
	return p.has(ctx, a, least, baton.InProject(in.ID))
}

// Level returns the actor's role in a group or project. Administrators are
// Owners everywhere.
func (p Policy) Level(ctx context.Context, a *Actor, in baton.Source) (baton.AccessLevel, error) {
	if a.Admin {
		return baton.OwnerAccess, nil
	}
	level, err := p.Members.AccessLevel(ctx, a.User.ID, in, a.Today())
	if err != nil {
		return baton.NoAccess, fmt.Errorf("find access level: %w", err)
	}
	return level, nil
}

// has reports whether the actor's role reaches least.
func (p Policy) has(ctx context.Context, a *Actor, least baton.AccessLevel, in baton.Source) (bool, error) {
	level, err := p.Level(ctx, a, in)
	return level >= least, err
}

// opens reports whether a visibility alone gives the ability to the actor.
func (do Ability) opens(a *Actor, v baton.Visibility) bool {
	return (do == Read || do == ReadMembers) && visible(a, v)
}

// visible reports whether a visibility alone opens something to the actor.
func visible(a *Actor, v baton.Visibility) bool {
	switch v {
	case baton.Public:
		return true
	case baton.Internal:
		return a != nil && !a.User.External
	case baton.Private:
	}
	return false
}
