package api_test

import (
	"net/http"
	"slices"
)

// This file says who may do what with runners, from beginning to end, and what
// comes of it: a small model of Baton that TestServerFollowsTheRules holds the
// program to. It shares no code with the program, and is to be read as the
// specification. A rule is a function that returns the status of the answer;
// what a request changes is done by the methods at the end.
//
// https://docs.gitlab.com/user/permissions/ and
// https://docs.gitlab.com/ci/runners/runners_scope/ are behind it.

// A model is all that there is.
type model struct {
	adminMode  bool     // administrators need a token with the scope admin_mode
	registrars []string // "group" and "project": where others than administrators may create runners
	users      map[string]*person
	places     []*place
	runners    []*runner
}

// A person is a user.
type person struct{ admin, blocked bool }

// A role is what somebody is in a group or project; more includes less.
type role int

const (
	noRole     role = 0
	guest      role = 10
	reporter   role = 20
	developer  role = 30
	maintainer role = 40
	owner      role = 50
)

// A place is a private group or project.
type place struct {
	id      int
	path    string
	project bool
	in      *place // the group that it is in, nil for groups at the top
	members map[string]role
	// shares lets in the members of another group, up to a role.
	shares map[*place]role
	// restricted keeps everybody but administrators from creating runners.
	restricted bool
	// What serves it besides its own runners: those of the instance, and for a
	// project those of the groups above.
	instanceRunners, groupRunners bool
}

// A runner is one, with everybody who knows its token.
type runner struct {
	id   int
	kind string // "instance_type", "group_type" or "project_type"
	// home is the group of a group runner, and the project that a project runner
	// was created in; nil for instance runners.
	home *place
	// assigned are the projects that a project runner serves, the longest ahead;
	// its home is one of them.
	assigned               []*place
	paused, locked, called bool
	untagged               bool // takes jobs without tags
	tags                   []string
	managers               []string // their system ids
	token                  string
	ended                  []string // tokens that it had
}

// A caller is somebody with an access token, or nobody.
type caller struct {
	user   string // "" for who presents no token
	scopes []string
}

// refused is the status with which a caller is turned away before anybody looks
// at what is wanted, 0 if not. One of the scopes is needed.
func (m *model) refused(c caller, scopes ...string) int {
	switch {
	case c.user == "":
		return http.StatusUnauthorized
	case m.users[c.user].blocked:
		return http.StatusForbidden
	case !slices.ContainsFunc(scopes, func(s string) bool { return slices.Contains(c.scopes, s) }):
		return http.StatusForbidden
	}
	return 0
}

// isAdmin tells whether a caller has the rights of an administrator.
func (m *model) isAdmin(c caller) bool {
	return m.users[c.user].admin && (!m.adminMode || slices.Contains(c.scopes, "admin_mode"))
}

// roleIn is the highest role of a user in a place: by being a member of it or of
// a group above it, or of a group that one of these was shared with, there too
// directly or from above.
func (p *place) roleIn(user string) role {
	highest := noRole
	for at := p; at != nil; at = at.in {
		highest = max(highest, at.members[user])
		for guests, most := range at.shares {
			for above := guests; above != nil; above = above.in {
				highest = max(highest, min(most, above.members[user]))
			}
		}
	}
	return highest
}

func (p *place) isBelow(group *place) bool {
	for at := p; at != nil; at = at.in {
		if at == group {
			return true
		}
	}
	return false
}

// sees tells whether a caller learns that a place exists. Who has a role in
// something sees the groups that lead to it.
func (m *model) sees(c caller, p *place) bool {
	return m.isAdmin(c) || slices.ContainsFunc(m.places, func(below *place) bool {
		return below.isBelow(p) && below.roleIn(c.user) >= guest
	})
}

// Creating: administrators create runners everywhere, Owners in their groups and
// projects. A restriction counts for all below a group for group runners, and
// for project runners in the project alone.
func (m *model) mayCreate(c caller, kind string, in *place) bool {
	switch {
	case m.isAdmin(c):
		return true
	case kind == "instance_type" || in.roleIn(c.user) < owner:
		return false
	case kind == "project_type":
		return slices.Contains(m.registrars, "project") && !in.restricted
	}
	for at := in; at != nil; at = at.in {
		if at.restricted {
			return false
		}
	}
	return slices.Contains(m.registrars, "group")
}

// maySee tells who sees that a runner exists and what it is: of the instance,
// everybody; else its Maintainers, and those of what it serves.
func (m *model) maySee(c caller, r *runner) bool {
	maintains := func(p *place) bool { return p.roleIn(c.user) >= maintainer }
	switch {
	case m.isAdmin(c) || r.kind == "instance_type":
		return true
	case r.kind == "group_type":
		return maintains(r.home) || slices.ContainsFunc(m.places, func(p *place) bool {
			return p.project && p.groupRunners && p.isBelow(r.home) && maintains(p)
		})
	}
	return slices.ContainsFunc(r.assigned, maintains)
}

// mayChange tells who changes a runner and replaces its token: Owners of its
// group; Maintainers of its home, or of any project that it serves if there are
// several.
func (m *model) mayChange(c caller, r *runner) bool {
	switch {
	case m.isAdmin(c):
		return true
	case r.kind == "instance_type":
		return false
	case r.kind == "group_type":
		return r.home.roleIn(c.user) >= owner
	}
	return r.home.roleIn(c.user) >= maintainer ||
		len(r.assigned) > 1 && slices.ContainsFunc(r.assigned, func(p *place) bool { return p.roleIn(c.user) >= maintainer })
}

// maySeeJobs tells who sees what a runner ran.
func (m *model) maySeeJobs(c caller, r *runner) bool {
	if r.kind == "group_type" && r.home.roleIn(c.user) >= maintainer {
		return true
	}
	return m.mayChange(c, r)
}

// mayDelete tells who deletes a runner: who changes it, but for project runners
// by the Maintainers of their home alone, and only while they serve nothing else.
func (m *model) mayDelete(c caller, r *runner) bool {
	if m.isAdmin(c) || r.kind != "project_type" {
		return m.mayChange(c, r)
	}
	return len(r.assigned) == 1 && r.home.roleIn(c.user) >= maintainer
}

// statusOf is that of a request for one runner, nil if there is none with the
// id, by who may if may says so.
func (m *model) statusOf(c caller, r *runner, may func(caller, *runner) bool, done int, scopes ...string) int {
	switch refused := m.refused(c, scopes...); {
	case refused != 0:
		return refused
	case r == nil:
		return http.StatusNotFound
	case !may(c, r):
		return http.StatusForbidden
	}
	return done
}

// Scopes of requests for one runner.
var (
	reading  = []string{"api", "read_api", "manage_runner"}
	changing = []string{"api", "manage_runner"}
)

func (m *model) show(c caller, r *runner) int {
	return m.statusOf(c, r, m.maySee, http.StatusOK, reading...)
}

func (m *model) showJobs(c caller, r *runner) int {
	return m.statusOf(c, r, m.maySeeJobs, http.StatusOK, reading...)
}

func (m *model) remove(c caller, r *runner) int {
	return m.statusOf(c, r, m.mayDelete, http.StatusNoContent, changing...)
}

func (m *model) rotate(c caller, r *runner) int {
	return m.statusOf(c, r, m.mayChange, http.StatusCreated, changing...)
}

// A change is what is wanted of a runner; nil stays as it is.
type change struct {
	paused, active, untagged, locked *bool
	tags                             []string // nil stays, empty clears
	timeout                          *int
}

// update: parameters that contradict each other, or none at all, are wrong
// whoever sends them; values that do not fit are told to who may change.
func (m *model) update(c caller, r *runner, want change) int {
	none := want.paused == nil && want.active == nil && want.untagged == nil && want.locked == nil && want.tags == nil && want.timeout == nil
	switch refused := m.refused(c, changing...); {
	case refused != 0:
		return refused
	case none || want.paused != nil && want.active != nil:
		return http.StatusBadRequest
	}
	status := m.statusOf(c, r, m.mayChange, http.StatusOK, changing...)
	if status == http.StatusOK {
		if after := want.of(*r); len(after.tags) == 0 && !after.untagged || want.timeout != nil && *want.timeout < 600 {
			return http.StatusBadRequest
		}
	}
	return status
}

// create: in is the group or project, nil if there is none with the id.
func (m *model) create(c caller, kind string, in *place, want change) int {
	switch refused := m.refused(c, "api", "create_runner"); {
	case refused != 0:
		return refused
	case kind != "instance_type" && kind != "group_type" && kind != "project_type":
		return http.StatusBadRequest
	case kind != "instance_type" && in == nil:
		return http.StatusBadRequest
	case !m.mayCreate(c, kind, in):
		return http.StatusForbidden
	}
	if after := want.of(runner{untagged: true}); len(after.tags) == 0 && !after.untagged || want.timeout != nil && *want.timeout < 600 {
		return http.StatusBadRequest
	}
	return http.StatusCreated
}

// seeRunnersOf is the check ahead of everything that concerns the runners of a
// group or project: its Maintainers see them. 0 lets pass.
func (m *model) seeRunnersOf(c caller, p *place, scopes ...string) int {
	switch refused := m.refused(c, scopes...); {
	case refused != 0:
		return refused
	case p == nil || !m.sees(c, p):
		return http.StatusNotFound
	case !m.isAdmin(c) && p.roleIn(c.user) < maintainer:
		return http.StatusForbidden
	}
	return 0
}

// assign gives a project runner to one more project: by who may create runners
// there and change this one. Locked ones stay where they are.
func (m *model) assign(c caller, to *place, r *runner) int {
	switch refused := m.seeRunnersOf(c, to, "api"); {
	case refused != 0:
		return refused
	case !m.mayCreate(c, "project_type", to):
		return http.StatusForbidden
	case r == nil:
		return http.StatusNotFound
	case r.kind == "group_type", r.locked && !m.isAdmin(c), !m.mayChange(c, r):
		return http.StatusForbidden
	case r.kind == "instance_type", slices.Contains(r.assigned, to):
		return http.StatusBadRequest
	}
	return http.StatusCreated
}

// unassign takes it back. The home of a runner keeps it.
func (m *model) unassign(c caller, from *place, r *runner) int {
	switch refused := m.seeRunnersOf(c, from, "api"); {
	case refused != 0:
		return refused
	case r == nil || !slices.Contains(r.assigned, from):
		return http.StatusNotFound
	case r.locked && !m.isAdmin(c), !m.mayChange(c, r), r.home == from:
		return http.StatusForbidden
	}
	return http.StatusNoContent
}

// The lists, before they are narrowed down.

func (m *model) listAll(c caller) (int, []*runner) {
	switch refused := m.refused(c, "api", "read_api"); {
	case refused != 0:
		return refused, nil
	case !m.isAdmin(c):
		return http.StatusForbidden, nil
	}
	return http.StatusOK, m.runners
}

// listOwn: what somebody manages by a role, administrators too.
func (m *model) listOwn(c caller) (int, []*runner) {
	if refused := m.refused(c, "api", "read_api"); refused != 0 {
		return refused, nil
	}
	return http.StatusOK, filtered(m.runners, func(r *runner) bool {
		switch r.kind {
		case "group_type":
			return r.home.roleIn(c.user) >= owner
		case "project_type":
			return slices.ContainsFunc(r.assigned, func(p *place) bool { return p.roleIn(c.user) >= maintainer })
		}
		return false
	})
}

// listOf: what serves a group or project.
func (m *model) listOf(c caller, p *place) (int, []*runner) {
	if refused := m.seeRunnersOf(c, p, "api", "read_api"); refused != 0 {
		return refused, nil
	}
	return http.StatusOK, filtered(m.runners, func(r *runner) bool {
		switch r.kind {
		case "instance_type":
			return p.instanceRunners
		case "group_type":
			return p.isBelow(r.home) && (p.groupRunners || !p.project)
		}
		return slices.Contains(r.assigned, p)
	})
}

// A filter narrows a list down.
type filter struct {
	kind, status, tag string
	paused            *bool
}

func (f filter) of(all []*runner) []*runner {
	return filtered(all, func(r *runner) bool {
		switch f.status {
		case "online": // the clock hardly moves
			if !r.called {
				return false
			}
		case "never_contacted":
			if r.called {
				return false
			}
		case "offline", "stale":
			return false
		}
		return (f.kind == "" || r.kind == f.kind) && (f.tag == "" || slices.Contains(r.tags, f.tag)) &&
			(f.paused == nil || r.paused == *f.paused)
	})
}

func filtered(all []*runner, keep func(*runner) bool) []*runner {
	return slices.DeleteFunc(slices.Clone(all), func(r *runner) bool { return !keep(r) })
}

// With a runner's token, whoever has it is the runner: one that it has now. nil
// stands for a token that is nobody's.
func byToken(r *runner, done int) int {
	if r == nil {
		return http.StatusForbidden
	}
	return done
}

func verify(r *runner) int     { return byToken(r, http.StatusOK) }
func rotateOwn(r *runner) int  { return byToken(r, http.StatusCreated) }
func unregister(r *runner) int { return byToken(r, http.StatusNoContent) }
func unregisterManager(r *runner, systemID string) int {
	if r != nil && !slices.Contains(r.managers, systemID) {
		return http.StatusNotFound
	}
	return byToken(r, http.StatusNoContent)
}

// What requests that succeed change.

// of is the runner with the change.
func (want change) of(r runner) runner {
	for _, set := range []struct{ attribute, to *bool }{{&r.paused, want.paused}, {&r.untagged, want.untagged}, {&r.locked, want.locked}} {
		if set.to != nil {
			*set.attribute = *set.to
		}
	}
	if want.active != nil {
		r.paused = !*want.active
	}
	if want.tags != nil {
		r.tags = want.tags
	}
	return r
}

func (m *model) created(r runner) {
	if r.kind == "project_type" {
		r.assigned = []*place{r.home}
	}
	m.runners = append(m.runners, &r)
}

func (r *runner) rotated(token string) {
	r.ended = append(r.ended, r.token)
	r.token = token
}

// contacted: whoever calls with a token, to verify it or to replace it, is a
// manager of the runner from then on. Unregistering is no call.
func (r *runner) contacted(systemID string) {
	r.called = true
	if !slices.Contains(r.managers, systemID) {
		r.managers = append(r.managers, systemID)
	}
}

func (m *model) removed(r *runner) {
	m.runners = filtered(m.runners, func(other *runner) bool { return other != r })
}

func (r *runner) unassigned(p *place) {
	r.assigned = slices.DeleteFunc(slices.Clone(r.assigned), func(other *place) bool { return other == p })
}

// left: who is sent away from a group does not stay in what is below.
func (m *model) left(user string, p *place) {
	for _, below := range m.places {
		if below.isBelow(p) {
			delete(below.members, user)
		}
	}
}

// deleted removes a place with all that is in it, and the runners that are left
// without a home. A project runner that serves another project goes on there, at
// the one that has had it for longest.
func (m *model) deleted(p *place) {
	gone := func(other *place) bool { return other.isBelow(p) }
	for _, r := range m.runners {
		r.assigned = slices.DeleteFunc(slices.Clone(r.assigned), gone)
		if r.kind == "project_type" && len(r.assigned) > 0 && gone(r.home) {
			r.home = r.assigned[0]
		}
	}
	m.runners = filtered(m.runners, func(r *runner) bool { return r.home == nil || !gone(r.home) })
	m.places = slices.DeleteFunc(slices.Clone(m.places), gone)
	for _, other := range m.places {
		for guests := range other.shares {
			if gone(guests) {
				delete(other.shares, guests)
			}
		}
	}
}
