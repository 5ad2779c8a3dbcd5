package directory

import (
	"context"
	"fmt"
	"slices"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/audit"
	"baton.example/baton/internal/store"
)

// A Place names the group or the project that has members and shares: exactly
// one of the two is set.
type Place struct {
	Group   Ref
	Project Ref
}

// A Membership is a member with the users that the membership speaks of.
type Membership struct {
	baton.Member

	User baton.User
	// CreatedBy is who gave the membership, nil for nobody who still exists.
	CreatedBy *baton.User
}

// A MemberChange is what a membership is to be.
type MemberChange struct {
	AccessLevel baton.AccessLevel
	// ExpiresAt, unless nil, is the first day on which it gives nothing, or ""
	// for none.
	ExpiresAt *baton.Date
}

// spot is a place that was found.
type spot struct {
	source baton.Source
	// namespace is the group itself, or what the project is in.
	namespace baton.Namespace
	// project is nil for a group.
	project *baton.Project
}

// find returns the place if the actor may see it.
func (p Place) find(ctx context.Context, r reader, a *access.Actor) (spot, error) {
	if p.Project == "" {
		g, err := findGroup(ctx, r, a, p.Group)
		return spot{source: baton.InGroup(g.ID), namespace: g}, err
	}
	project, err := findProject(ctx, r, a, p.Project)
	if err != nil {
		return spot{}, err
	}
	n, err := r.Namespace(ctx, project.NamespaceID)
	if err != nil {
		return spot{}, fmt.Errorf("find namespace of project: %w", err)
	}
	return spot{source: baton.InProject(project.ID), namespace: n, project: &project}, nil
}

// findFor returns the place if the actor has the ability in it.
func (p Place) findFor(ctx context.Context, r reader, a *access.Actor, do access.Ability) (spot, error) {
	s, err := p.find(ctx, r, a)
	if err != nil {
		return spot{}, err
	}
	can, err := s.can(ctx, r, a, do)
	if err == nil && !can {
		err = baton.Denied("")
	}
	return s, err
}

// can reports whether the actor has the ability in the place.
func (s *spot) can(ctx context.Context, r reader, a *access.Actor, do access.Ability) (bool, error) {
	policy := access.Policy{Members: r}
	if s.project != nil {
		return policy.CanProject(ctx, a, do, s.project)
	}
	return policy.CanGroup(ctx, a, do, &s.namespace)
}

// above returns the groups whose members are members of the place too, the
// closest first.
func (s *spot) above(ctx context.Context, r reader) ([]baton.Namespace, error) {
	chain, err := r.Ancestors(ctx, s.namespace.ID)
	if err != nil {
		return nil, fmt.Errorf("find ancestors: %w", err)
	}
	if s.project == nil {
		return chain[1:], nil
	}
	return chain, nil
}

// Members returns a page of the direct members, and how many there are in all.
// https://docs.gitlab.com/api/group_members/#list-all-direct-members-of-a-group.
func (d *Directory) Members(ctx context.Context, a *access.Actor, in Place, p store.Page) ([]Membership, int, error) {
	s, err := in.findFor(ctx, d.store, a, access.ReadMembers)
	if err != nil {
		return nil, 0, err
	}
	members, err := d.store.Members(ctx, s.source, p)
	if err != nil {
		return nil, 0, fmt.Errorf("list members: %w", err)
	}
	total, err := d.store.CountMembers(ctx, s.source)
	if err != nil {
		return nil, 0, fmt.Errorf("count members: %w", err)
	}
	named, err := nameAll(ctx, d.store, a, members)
	return named, total, err
}

// AllMembers returns a page of everybody who is a member of the place, of a
// group that it is in, or by a share, each with the highest role, ordered by
// user id; and how many there are in all.
// https://docs.gitlab.com/api/group_members/#list-all-members-of-a-group.
func (d *Directory) AllMembers(ctx context.Context, a *access.Actor, in Place, p store.Page) ([]Membership, int, error) {
	s, err := in.findFor(ctx, d.store, a, access.ReadMembers)
	if err != nil {
		return nil, 0, err
	}
	best, err := s.everyone(ctx, d.store, a.Today())
	if err != nil {
		return nil, 0, err
	}
	all := make([]baton.Member, 0, len(best))
	for _, m := range best {
		all = append(all, m)
	}
	slices.SortFunc(all, func(x, y baton.Member) int { return int(x.UserID - y.UserID) })
	from := min(p.Offset, len(all))
	to := min(from+p.Limit, len(all))
	named, err := nameAll(ctx, d.store, a, all[from:to])
	return named, len(all), err
}

// everyone returns the highest role that each user has in the place.
func (s *spot) everyone(ctx context.Context, r reader, today baton.Date) (map[baton.UserID]baton.Member, error) {
	groups, err := s.above(ctx, r)
	if err != nil {
		return nil, err
	}
	sources := []baton.Source{s.source}
	for _, g := range groups {
		sources = append(sources, baton.InGroup(g.ID))
	}
	best := make(map[baton.UserID]baton.Member)
	for _, source := range sources {
		if err := gather(ctx, r, source, baton.OwnerAccess, today, best); err != nil {
			return nil, err
		}
		shares, err := r.Shares(ctx, source)
		if err != nil {
			return nil, fmt.Errorf("list shares: %w", err)
		}
		for _, share := range shares {
			if expired(share.ExpiresAt, today) {
				continue
			}
			chain, err := r.Ancestors(ctx, share.WithGroup)
			if err != nil {
				return nil, fmt.Errorf("find ancestors: %w", err)
			}
			for _, g := range chain {
				if err := gather(ctx, r, baton.InGroup(g.ID), share.AccessLevel, today, best); err != nil {
					return nil, err
				}
			}
		}
	}
	return best, nil
}

// gather adds the direct members of a source to best, none with more than
// limit.
func gather(
	ctx context.Context, r reader, in baton.Source, limit baton.AccessLevel, today baton.Date,
	best map[baton.UserID]baton.Member,
) error {
	members, err := every(func(p store.Page) ([]baton.Member, error) { return r.Members(ctx, in, p) })
	if err != nil {
		return fmt.Errorf("list members: %w", err)
	}
	for _, m := range members {
		m.AccessLevel = min(m.AccessLevel, limit)
		if !expired(m.ExpiresAt, today) && m.AccessLevel > best[m.UserID].AccessLevel {
			best[m.UserID] = m
		}
	}
	return nil
}

// Member returns a direct member.
// https://docs.gitlab.com/api/group_members/#retrieve-a-direct-member-of-a-group.
func (d *Directory) Member(ctx context.Context, a *access.Actor, in Place, user baton.UserID) (Membership, error) {
	s, err := in.findFor(ctx, d.store, a, access.ReadMembers)
	if err != nil {
		return Membership{}, err
	}
	m, err := d.store.Member(ctx, s.source, user)
	if err != nil {
		return Membership{}, noMember(err)
	}
	return name(ctx, d.store, a, m)
}

// AnyMember returns a member of [Directory.AllMembers].
// https://docs.gitlab.com/api/group_members/#retrieve-a-member-of-a-group.
func (d *Directory) AnyMember(ctx context.Context, a *access.Actor, in Place, user baton.UserID) (Membership, error) {
	s, err := in.findFor(ctx, d.store, a, access.ReadMembers)
	if err != nil {
		return Membership{}, err
	}
	best, err := s.everyone(ctx, d.store, a.Today())
	if err != nil {
		return Membership{}, err
	}
	m, ok := best[user]
	if !ok {
		return Membership{}, baton.NotFound("")
	}
	return name(ctx, d.store, a, m)
}

// AddMember makes a user a member. Nobody gives a role above their own.
// https://docs.gitlab.com/api/group_members/#add-a-member-to-a-group.
func (d *Directory) AddMember(
	ctx context.Context, a *access.Actor, in Place, user baton.UserID, c MemberChange,
) (Membership, error) {
	var added Membership
	err := d.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
		s, err := in.findFor(ctx, tx, a, access.ManageMembers)
		if err != nil {
			return err
		}
		u, err := findUser(ctx, tx, user)
		if err != nil {
			return err
		}
		m := baton.Member{Source: s.source, UserID: user, CreatedBy: a.User.ID, CreatedAt: a.Now}
		if _, err := tx.Member(ctx, s.source, user); !baton.IsNotFound(err) {
			if err == nil {
				err = baton.Conflict("Member already exists")
			}
			return err
		}
		if u.Bot {
			return baton.Invalid([]baton.FieldError{
				{Field: "user_id", Problem: "project bots cannot be added to other groups / projects"},
			})
		}
		if err := s.give(ctx, tx, a, &m, c); err != nil {
			return err
		}
		if err := tx.InsertMember(ctx, m); err != nil {
			return err
		}
		if added, err = name(ctx, tx, a, m); err != nil {
			return err
		}
		changes := audit.Compare(memberAttributes, &baton.Member{}, &m)
		return tell(ctx, tx, s.aboutMember(a.Author(), &added.User)(eventMemberCreated, "Membership created", changes...))
	})
	if err != nil {
		return Membership{}, fmt.Errorf("add member: %w", err)
	}
	return added, nil
}

// UpdateMember changes a direct membership. The last Owner of a group stays
// one, and nobody touches who is above them.
// https://docs.gitlab.com/api/group_members/#update-a-member-of-a-group.
func (d *Directory) UpdateMember(
	ctx context.Context, a *access.Actor, in Place, user baton.UserID, c MemberChange,
) (Membership, error) {
	var changed Membership
	err := d.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
		s, err := in.findFor(ctx, tx, a, access.ManageMembers)
		if err != nil {
			return err
		}
		m, err := tx.Member(ctx, s.source, user)
		if err != nil {
			return noMember(err)
		}
		if err := s.mayTouch(ctx, tx, a, m); err != nil {
			return err
		}
		was := m
		if err := s.give(ctx, tx, a, &m, c); err != nil {
			return err
		}
		if err := tx.UpdateMember(ctx, m); err != nil {
			return err
		}
		if changed, err = name(ctx, tx, a, m); err != nil {
			return err
		}
		return tell(ctx, tx, audit.Updates(memberAttributes, &was, &m, s.aboutMember(a.Author(), &changed.User).changed)...)
	})
	if err != nil {
		return Membership{}, fmt.Errorf("update member: %w", err)
	}
	return changed, nil
}

// RemoveMember ends a direct membership, and those of the same user in
// everything below a group. Everybody may leave; the last Owner of a group may
// not.
// https://docs.gitlab.com/api/group_members/#remove-a-member-from-a-group.
func (d *Directory) RemoveMember(ctx context.Context, a *access.Actor, in Place, user baton.UserID) error {
	err := d.store.Tx(ctx, func(ctx context.Context, tx store.Tx) error {
		s, err := in.find(ctx, tx, a)
		if err != nil {
			return err
		}
		if !a.Is(user) {
			if s, err = in.findFor(ctx, tx, a, access.ManageMembers); err != nil {
				return err
			}
		}
		m, err := tx.Member(ctx, s.source, user)
		if err != nil {
			return noMember(err)
		}
		if err := s.mayTouch(ctx, tx, a, m); err != nil {
			return err
		}
		u, err := tx.User(ctx, user)
		if err != nil {
			return err
		}
		if err := s.remove(ctx, tx, a, &u); err != nil || s.project != nil {
			return err
		}
		return removeBelow(ctx, tx, a, s.namespace.ID, &u)
	})
	if err != nil {
		return fmt.Errorf("remove member: %w", err)
	}
	return nil
}

// remove ends a direct membership, or is NotFound.
func (s *spot) remove(ctx context.Context, tx store.Tx, a *access.Actor, u *baton.User) error {
	m, err := tx.Member(ctx, s.source, u.ID)
	if err != nil {
		return err
	}
	if err := tx.DeleteMember(ctx, s.source, u.ID); err != nil {
		return err
	}
	changes := audit.Compare(memberAttributes, &m, &baton.Member{})
	return tell(ctx, tx, s.aboutMember(a.Author(), u)(eventMemberDeleted, "Membership destroyed", changes...))
}

// removeBelow ends the user's direct memberships in everything that is in a
// group: who was sent away at the top must not stay by a back door.
func removeBelow(ctx context.Context, tx store.Tx, a *access.Actor, group baton.NamespaceID, u *baton.User) error {
	projects, subgroups, err := below(ctx, tx, group)
	if err != nil {
		return err
	}
	for _, p := range projects {
		in := spot{source: baton.InProject(p.ID), project: &p}
		if err := in.remove(ctx, tx, a, u); err != nil && !baton.IsNotFound(err) {
			return err
		}
	}
	for _, g := range subgroups {
		in := spot{source: baton.InGroup(g.ID), namespace: g}
		if err := in.remove(ctx, tx, a, u); err != nil && !baton.IsNotFound(err) {
			return err
		}
		if err := removeBelow(ctx, tx, a, g.ID, u); err != nil {
			return err
		}
	}
	return nil
}

// mayTouch denies changing and ending a membership that is a bot's or above the
// actor's role, of the last Owner of a group, and of the owner of a personal
// project.
func (s *spot) mayTouch(ctx context.Context, tx store.Tx, a *access.Actor, m baton.Member) error {
	if err := notForBots(ctx, tx, m.UserID); err != nil {
		return err
	}
	level, err := access.Policy{Members: tx}.Level(ctx, a, s.source)
	if err != nil {
		return err
	}
	if m.AccessLevel > level && !a.Is(m.UserID) {
		return baton.Denied("")
	}
	if s.project != nil {
		if s.namespace.OwnerID == m.UserID {
			return baton.Denied("")
		}
		return nil
	}
	if m.AccessLevel < baton.OwnerAccess {
		return nil
	}
	others, err := hasOtherOwner(ctx, tx, s.namespace.ID, m.UserID, a.Today())
	if err == nil && !others {
		err = baton.Denied("")
	}
	return err
}

// give changes m and returns what keeps it from being stored so.
func (s *spot) give(ctx context.Context, tx store.Tx, a *access.Actor, m *baton.Member, c MemberChange) error {
	level, err := access.Policy{Members: tx}.Level(ctx, a, s.source)
	if err != nil {
		return err
	}
	// A level that does not exist is invalid rather than denied.
	known := c.AccessLevel.Known() && (s.project == nil || c.AccessLevel != baton.MinimalAccess)
	if known && c.AccessLevel > level {
		return baton.Denied("")
	}
	m.AccessLevel = c.AccessLevel
	set(&m.ExpiresAt, c.ExpiresAt)

	var p problems
	if !known {
		p.add("access_level", unknown)
	}
	if c.ExpiresAt != nil && *c.ExpiresAt != "" && *c.ExpiresAt < a.Today() {
		p.add("expires_at", "cannot be a date in the past")
	}
	groups, err := s.above(ctx, tx)
	if err != nil {
		return err
	}
	for _, g := range groups {
		inherited, err := tx.Member(ctx, baton.InGroup(g.ID), m.UserID)
		if err != nil && !baton.IsNotFound(err) {
			return err
		}
		if err == nil && known && m.AccessLevel < inherited.AccessLevel && !expired(inherited.ExpiresAt, a.Today()) {
			p.add("access_level", fmt.Sprintf("should be greater than or equal to %s inherited membership from group %s",
				levelNames[inherited.AccessLevel], g.Name))
			break
		}
	}
	return baton.Invalid(p)
}

// levelNames are the levels in GitLab's words.
var levelNames = map[baton.AccessLevel]string{
	baton.MinimalAccess:         "Minimal Access",
	baton.GuestAccess:           "Guest",
	baton.PlannerAccess:         "Planner",
	baton.ReporterAccess:        "Reporter",
	baton.SecurityManagerAccess: "Security Manager",
	baton.DeveloperAccess:       "Developer",
	baton.MaintainerAccess:      "Maintainer",
	baton.OwnerAccess:           "Owner",
}

// noMember leaves the missing thing without a name: GitLab does not say what
// is missing here.
func noMember(err error) error {
	if baton.IsNotFound(err) {
		return baton.NotFound("")
	}
	return err
}

// name adds the users to a membership, as the actor may see them.
func name(ctx context.Context, r reader, a *access.Actor, m baton.Member) (Membership, error) {
	u, err := r.User(ctx, m.UserID)
	if err != nil {
		return Membership{}, fmt.Errorf("find user of membership: %w", err)
	}
	if err := veil(ctx, r, a, &u); err != nil {
		return Membership{}, err
	}
	named := Membership{Member: m, User: u}
	if m.CreatedBy == 0 {
		return named, nil
	}
	by, err := r.User(ctx, m.CreatedBy)
	if baton.IsNotFound(err) {
		return named, nil
	}
	if err != nil {
		return Membership{}, err
	}
	named.CreatedBy = &by
	return named, veil(ctx, r, a, &by)
}

func nameAll(ctx context.Context, r reader, a *access.Actor, members []baton.Member) ([]Membership, error) {
	named := make([]Membership, len(members))
	for i, m := range members {
		var err error
		if named[i], err = name(ctx, r, a, m); err != nil {
			return nil, err
		}
	}
	return named, nil
}
