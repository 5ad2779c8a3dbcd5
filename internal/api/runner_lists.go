package api

import (
	"context"
	"slices"

	"baton.example/baton"
	"baton.example/baton/internal/fleet"
	"baton.example/baton/internal/grape"
	"baton.example/baton/internal/store"
)

// runnerScope is the deprecated filter of all lists but those of groups.
type runnerScope struct {
	Scope string `param:"scope" values:"specific,shared,instance_type,group_type,project_type,active,paused,online,offline,never_contacted,stale" doc:"Deprecated: use type or status."`
}

// runnerFilter are the filters of every list of runners.
type runnerFilter struct {
	Type          baton.RunnerType `param:"type" values:"instance_type,group_type,project_type" doc:"Only runners of the type."`
	Paused        grape.Opt[bool]  `param:"paused" doc:"Only runners that are paused, or that are not."`
	Status        string           `param:"status" values:"active,paused,online,offline,never_contacted,stale" doc:"Only runners of the status; active and paused are deprecated."`
	TagList       []string         `param:"tag_list,csv" doc:"Only runners that have all the tags."`
	VersionPrefix string           `param:"version_prefix" match:"^[0-9.+]" doc:"Only runners with a manager of a version that begins so."`
	paging
}

// query returns what the filters ask for. The word is that of the deprecated
// scope, "" for none.
func (in *runnerFilter) query(word string) fleet.Query {
	f := narrowed{RunnerFilter: store.RunnerFilter{Tags: in.TagList, VersionPrefix: in.VersionPrefix}}
	if in.Type != "" {
		f.types(in.Type)
	}
	if in.Paused.Given() {
		f.paused(in.Paused.Value) // blank counts as false
	}
	f.word(in.Status)
	f.word(word)
	return fleet.Query{RunnerFilter: f.RunnerFilter, Page: in.withNext(), CountUpTo: countedRows + 1}
}

// A narrowed filter leaves less with every word: words that exclude each other
// leave nothing.
type narrowed struct{ store.RunnerFilter }

func (f *narrowed) types(types ...baton.RunnerType) {
	if f.Types != nil {
		types = slices.DeleteFunc(types, func(t baton.RunnerType) bool { return !slices.Contains(f.Types, t) })
	}
	f.Types = types
}

func (f *narrowed) paused(paused bool) {
	if f.Paused != nil && *f.Paused != paused {
		f.Types = []baton.RunnerType{}
	}
	f.Paused = &paused
}

// word narrows by a word of the parameters status and scope.
func (f *narrowed) word(word string) {
	switch word {
	case "":
	case "specific":
		f.types(baton.GroupRunner, baton.ProjectRunner)
	case "shared":
		f.types(baton.InstanceRunner)
	case string(baton.InstanceRunner), string(baton.GroupRunner), string(baton.ProjectRunner):
		f.types(baton.RunnerType(word))
	case "active", "paused":
		f.paused(word == "paused")
	default:
		f.Contacts = append(f.Contacts, store.ContactState(word))
	}
}

// runnerList presents a page of runners.
func (s *Server) runnerList(ctx context.Context, c *call, runners []baton.Runner, total int, p paging) (list[runnerEntity], error) {
	creators, err := s.Fleet.Creators(ctx, runners)
	if err != nil {
		return list[runnerEntity]{}, err
	}
	working, _, err := s.workers(ctx, each(runners, func(r baton.Runner) baton.RunnerID { return r.ID })...)
	if err != nil {
		return list[runnerEntity]{}, err
	}
	rows := each(runners, func(r baton.Runner) runnerEntity { return s.runnerEntity(c, &r, creators[r.CreatorID], working[r.ID]) })
	return list[runnerEntity]{rows, total, p}, nil
}

// listRunnersParams are what GET /runners and GET /runners/all take.
type listRunnersParams struct {
	runnerScope
	runnerFilter
}

// listRunners lists the runners that the caller manages. Of the deprecated
// scopes only those that are statuses work here.
// https://docs.gitlab.com/api/runners/#list-owned-runners.
func (s *Server) listRunners(ctx context.Context, c *call, in listRunnersParams) (list[runnerEntity], error) {
	switch in.Scope {
	case "", "active", "paused", "online", "offline", "never_contacted", "stale":
	default:
		return list[runnerEntity]{}, badRequest("Scope contains invalid value")
	}
	runners, total, err := s.Fleet.Own(ctx, c.actor, in.query(in.Scope))
	if err != nil {
		return list[runnerEntity]{}, err
	}
	return s.runnerList(ctx, c, runners, total, in.paging)
}

// listAllRunners lists every runner, for administrators.
// https://docs.gitlab.com/api/runners/#list-all-runners.
func (s *Server) listAllRunners(ctx context.Context, c *call, in listRunnersParams) (list[runnerEntity], error) {
	runners, total, err := s.Fleet.All(ctx, c.actor, in.query(in.Scope))
	if err != nil {
		return list[runnerEntity]{}, err
	}
	return s.runnerList(ctx, c, runners, total, in.paging)
}

// listProjectRunnersParams are what GET /projects/:id/runners takes.
type listProjectRunnersParams struct {
	projectParams
	runnerScope
	runnerFilter
}

// listProjectRunners lists the runners that serve a project.
// https://docs.gitlab.com/api/runners/#list-projects-runners.
func (s *Server) listProjectRunners(ctx context.Context, c *call, in listProjectRunnersParams) (list[runnerEntity], error) {
	p, err := s.Directory.Project(ctx, c.actor, in.ID)
	if err != nil {
		return list[runnerEntity]{}, err
	}
	runners, total, err := s.Fleet.OfProject(ctx, c.actor, &p.Project, in.query(in.Scope))
	if err != nil {
		return list[runnerEntity]{}, err
	}
	return s.runnerList(ctx, c, runners, total, in.paging)
}

// listGroupRunnersParams are what GET /groups/:id/runners takes.
type listGroupRunnersParams struct {
	groupParams
	runnerFilter
}

// listGroupRunners lists the runners that serve a group.
// https://docs.gitlab.com/api/runners/#list-groups-runners.
func (s *Server) listGroupRunners(ctx context.Context, c *call, in listGroupRunnersParams) (list[runnerEntity], error) {
	g, err := s.Directory.Group(ctx, c.actor, in.ID)
	if err != nil {
		return list[runnerEntity]{}, err
	}
	runners, total, err := s.Fleet.OfGroup(ctx, c.actor, &g, in.query(""))
	if err != nil {
		return list[runnerEntity]{}, err
	}
	return s.runnerList(ctx, c, runners, total, in.paging)
}

// guardProjectRunners and guardGroupRunners refuse who may not see the runners
// of a project or group, before GitLab looks at any other parameter.
func (s *Server) guardProjectRunners(ctx context.Context, c *call) error {
	var in projectParams
	if err := grape.Bind(c.params, &in); err != nil {
		return err
	}
	p, err := s.Directory.Project(ctx, c.actor, in.ID)
	if err != nil {
		return err
	}
	return s.Fleet.MaySeeProject(ctx, c.actor, &p.Project)
}

func (s *Server) guardGroupRunners(ctx context.Context, c *call) error {
	var in groupParams
	if err := grape.Bind(c.params, &in); err != nil {
		return err
	}
	g, err := s.Directory.Group(ctx, c.actor, in.ID)
	if err != nil {
		return err
	}
	return s.Fleet.MaySeeGroup(ctx, c.actor, &g)
}
