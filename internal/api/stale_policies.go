package api

import (
	"context"

	"baton.example/baton"
	"baton.example/baton/internal/directory"
	"baton.example/baton/internal/fleet"
	"baton.example/baton/internal/grape"
)

// staleRunnerPolicy is what becomes of runners and managers that have been
// silent for long.
type staleRunnerPolicy struct {
	// RunnerAge is how many seconds a runner has to be silent; null leaves
	// runners alone.
	RunnerAge    *int              `json:"runner_age"`
	RunnerAction baton.StaleAction `json:"runner_action"`
	// ManagerAge is the same for managers, which are forgotten.
	ManagerAge *int `json:"manager_age"`
	// Automatic tells that Baton applies the policy every day by itself.
	Automatic bool `json:"automatic"`
	// Inherited tells that the policy was set farther above.
	Inherited bool `json:"inherited"`
	// SourceType is where it was set: instance, group or project.
	SourceType string `json:"source_type"`
	// SourceID is the id of that group or project.
	SourceID  *int64    `json:"source_id"`
	CreatedAt timestamp `json:"created_at"`
	UpdatedAt timestamp `json:"updated_at"`
}

// newStaleRunnerPolicy presents the policy that counts in a source.
func newStaleRunnerPolicy(p *baton.StaleRunnerPolicy, in baton.Source) staleRunnerPolicy {
	e := staleRunnerPolicy{
		RunnerAge: orNull(p.RunnerAge), RunnerAction: p.RunnerAction, ManagerAge: orNull(p.ManagerAge), Automatic: p.Automatic,
		Inherited: p.Source != in, SourceType: "instance",
		CreatedAt: timestamp(p.CreatedAt), UpdatedAt: timestamp(p.UpdatedAt),
	}
	switch {
	case p.Source.Project != 0:
		e.SourceType, e.SourceID = "project", new(int64(p.Source.Project))
	case p.Source.Namespace != 0:
		e.SourceType, e.SourceID = "group", new(int64(p.Source.Namespace))
	}
	return e
}

// staleChange are the parameters that a policy consists of.
type staleChange struct {
	RunnerAge    grape.Opt[int]               `param:"runner_age" doc:"How many seconds a runner has to be silent, since the later of its creation and its last contact: at least 7200, or 86400 if automatic; null leaves runners alone."`
	RunnerAction grape.Opt[baton.StaleAction] `param:"runner_action" values:"pause,delete" doc:"What happens to such runners; pause unless it was ever said."`
	ManagerAge   grape.Opt[int]               `param:"manager_age" doc:"The same as runner_age for the managers of runners, which are forgotten; null leaves them alone."`
	Automatic    grape.Opt[bool]              `param:"automatic" doc:"Whether Baton applies the policy every day by itself."`
}

func (in *staleChange) change() fleet.StaleChange {
	return fleet.StaleChange{
		RunnerAge: seconds(in.RunnerAge), RunnerAction: given(in.RunnerAction),
		ManagerAge: seconds(in.ManagerAge), Automatic: given(in.Automatic),
	}
}

// setStalePolicyParams are what PUT of a policy takes.
type setStalePolicyParams struct {
	staleChange

	_ struct{} `at_least_one:"runner_age,runner_action,manager_age,automatic"`
}

// previewStaleParams are what the preview of a policy takes.
type previewStaleParams struct {
	staleChange
	paging
}

// stalePreview is what a run of a policy would do.
type stalePreview struct {
	// Policy is the one that was previewed, with what was given to try.
	Policy staleRunnerPolicy `json:"policy"`
	// RunnerCount and ManagerCount tell how many there are on all pages.
	RunnerCount  int `json:"runner_count"`
	ManagerCount int `json:"manager_count"`
	// Runners are those of the page that would be paused or deleted.
	Runners []staleRunner `json:"runners"`
	// Managers are those of the page that would be forgotten; those of runners
	// that would be deleted are not among them.
	Managers []staleManager `json:"managers"`
}

// staleRunner is a runner that has been silent for long.
type staleRunner struct {
	ID          baton.RunnerID     `json:"id"`
	Description *string            `json:"description"`
	RunnerType  baton.RunnerType   `json:"runner_type"`
	GroupID     *baton.NamespaceID `json:"group_id"`
	// ProjectID is the project that owns the runner.
	ProjectID   *baton.ProjectID   `json:"project_id"`
	Paused      bool               `json:"paused"`
	Status      baton.RunnerStatus `json:"status"`
	Action      baton.StaleAction  `json:"action"`
	CreatedAt   timestamp          `json:"created_at"`
	ContactedAt timestamp          `json:"contacted_at"`
}

// staleManager is a manager that has been silent for long.
type staleManager struct {
	managerEntity

	RunnerID baton.RunnerID `json:"runner_id"`
}

// staleRun is what a run of a policy did.
type staleRun struct {
	Policy staleRunnerPolicy `json:"policy"`
	// RunnerIDs are the runners that were paused or deleted, as the policy says.
	RunnerCount int              `json:"runner_count"`
	RunnerIDs   []baton.RunnerID `json:"runner_ids"`
	// ManagerIDs are the managers that were forgotten.
	ManagerCount int               `json:"manager_count"`
	ManagerIDs   []baton.ManagerID `json:"manager_ids"`
	// Skipped are those that were stale when they were looked for and not any
	// more when their turn came.
	Skipped []staleSkip `json:"skipped"`
	// Stopped says why the run did not come to its end, null if it did. What is
	// left is for the next one.
	Stopped *baton.StaleStop `json:"stopped"`
}

// staleSkip is something that a run left alone.
type staleSkip struct {
	RunnerID baton.RunnerID `json:"runner_id"`
	// ManagerID is null where it was about the runner.
	ManagerID *baton.ManagerID  `json:"manager_id"`
	Reason    baton.StaleReason `json:"reason"`
}

// getStalePolicy shows the instance's policy for stale runners, to
// administrators.
func (s *Server) getStalePolicy(ctx context.Context, c *call, _ struct{}) (staleRunnerPolicy, error) {
	return s.stalePolicy(ctx, c, baton.Source{})
}

// setStalePolicy sets or changes the instance's policy for stale runners. It
// counts where no group or project has one of its own.
func (s *Server) setStalePolicy(ctx context.Context, c *call, in setStalePolicyParams) (staleRunnerPolicy, error) {
	return s.changeStalePolicy(ctx, c, baton.Source{}, &in.staleChange)
}

// removeStalePolicy removes the instance's policy for stale runners.
func (s *Server) removeStalePolicy(ctx context.Context, c *call, _ struct{}) (none, error) {
	return none{}, s.Fleet.RemoveStalePolicy(ctx, c.actor, baton.Source{})
}

// previewStale shows what a run of the instance's policy would do now, and
// changes nothing. With parameters it shows what a policy that is changed so
// would do. Runners and managers are on the same pages; the headers count the
// longer of both lists.
func (s *Server) previewStale(ctx context.Context, c *call, in previewStaleParams) (stalePreview, error) {
	return s.stalePreview(ctx, c, baton.Source{}, &in)
}

// runStale applies the instance's policy to everything that has no nearer one,
// and tells what it did. It stops in time for the request to be answered.
func (s *Server) runStale(ctx context.Context, c *call, _ struct{}) (staleRun, error) {
	return s.staleRun(ctx, c, baton.Source{})
}

// stalePolicies answers for the policies of groups, or of projects.
type stalePolicies struct {
	*Server

	source func(context.Context, *call, directory.Ref) (baton.Source, error)
}

// groupSource and projectSource find what a policy is for.
func (s *Server) groupSource(ctx context.Context, c *call, ref directory.Ref) (baton.Source, error) {
	g, err := s.Directory.Group(ctx, c.actor, ref)
	return baton.InGroup(g.ID), err
}

func (s *Server) projectSource(ctx context.Context, c *call, ref directory.Ref) (baton.Source, error) {
	p, err := s.Directory.Project(ctx, c.actor, ref)
	return baton.InProject(p.ID), err
}

// getPolicy shows the policy for stale runners that counts in a group or project: its
// own, or the nearest above.
func (p stalePolicies) getPolicy(ctx context.Context, c *call, in placeParams) (staleRunnerPolicy, error) {
	of, err := p.source(ctx, c, in.ID)
	if err != nil {
		return staleRunnerPolicy{}, err
	}
	return p.stalePolicy(ctx, c, of)
}

// setPlaceStalePolicyParams are what PUT of the policy of a group or project
// takes.
type setPlaceStalePolicyParams struct {
	placeParams
	setStalePolicyParams
}

// setPolicy sets or changes the own policy for stale runners of a group or project. It
// counts for everything in it that has no nearer one.
func (p stalePolicies) setPolicy(ctx context.Context, c *call, in setPlaceStalePolicyParams) (staleRunnerPolicy, error) {
	of, err := p.source(ctx, c, in.ID)
	if err != nil {
		return staleRunnerPolicy{}, err
	}
	return p.changeStalePolicy(ctx, c, of, &in.staleChange)
}

// removePolicy removes the own policy for stale runners of a group or project, so that
// the nearest above counts.
func (p stalePolicies) removePolicy(ctx context.Context, c *call, in placeParams) (none, error) {
	of, err := p.source(ctx, c, in.ID)
	if err != nil {
		return none{}, err
	}
	return none{}, p.Fleet.RemoveStalePolicy(ctx, c.actor, of)
}

// previewPlaceStaleParams are what the preview in a group or project takes.
type previewPlaceStaleParams struct {
	placeParams
	previewStaleParams
}

// previewPolicy shows what a run of the policy that counts in a group or project would
// do there now, and changes nothing. With parameters it shows what a policy of
// its own that is changed so would do. Runners and managers are on the same
// pages; the headers count the longer of both lists.
func (p stalePolicies) previewPolicy(ctx context.Context, c *call, in previewPlaceStaleParams) (stalePreview, error) {
	of, err := p.source(ctx, c, in.ID)
	if err != nil {
		return stalePreview{}, err
	}
	return p.stalePreview(ctx, c, of, &in.previewStaleParams)
}

// runPolicy applies the policy that counts in a group or project to everything in it
// that has no nearer one, and tells what it did. It stops in time for the request
// to be answered.
func (p stalePolicies) runPolicy(ctx context.Context, c *call, in placeParams) (staleRun, error) {
	of, err := p.source(ctx, c, in.ID)
	if err != nil {
		return staleRun{}, err
	}
	return p.staleRun(ctx, c, of)
}

func (s *Server) stalePolicy(ctx context.Context, c *call, of baton.Source) (staleRunnerPolicy, error) {
	p, err := s.Fleet.StalePolicy(ctx, c.actor, of)
	if err != nil {
		return staleRunnerPolicy{}, err
	}
	return newStaleRunnerPolicy(&p, of), nil
}

func (s *Server) changeStalePolicy(ctx context.Context, c *call, of baton.Source, in *staleChange) (staleRunnerPolicy, error) {
	p, err := s.Fleet.SetStalePolicy(ctx, c.actor, of, in.change())
	if err != nil {
		return staleRunnerPolicy{}, err
	}
	return newStaleRunnerPolicy(&p, of), nil
}

func (s *Server) stalePreview(ctx context.Context, c *call, of baton.Source, in *previewStaleParams) (stalePreview, error) {
	p, err := s.Fleet.PreviewStale(ctx, c.actor, of, in.change(), in.rows())
	if err != nil {
		return stalePreview{}, err
	}
	_, working, err := s.workers(ctx, each(p.Managers, func(m baton.Manager) baton.RunnerID { return m.RunnerID })...)
	if err != nil {
		return stalePreview{}, err
	}
	longer := list[struct{}]{make([]struct{}, max(len(p.Runners), len(p.Managers))), max(p.RunnerCount, p.ManagerCount), in.paging}
	longer.paginate(s, c)
	return stalePreview{
		Policy: newStaleRunnerPolicy(&p.Policy, of), RunnerCount: p.RunnerCount, ManagerCount: p.ManagerCount,
		Runners: each(p.Runners, func(r baton.Runner) staleRunner {
			return staleRunner{
				ID: r.ID, Description: orNull(r.Description), RunnerType: r.Type, GroupID: orNull(r.GroupID), ProjectID: orNull(r.ProjectID),
				Paused: r.Paused, Status: r.Status(c.now), Action: p.Policy.RunnerAction,
				CreatedAt: timestamp(r.CreatedAt), ContactedAt: timestamp(r.ContactedAt),
			}
		}),
		Managers: each(p.Managers, func(m baton.Manager) staleManager {
			return staleManager{newManagerEntity(c, &m, working[m.ID]), m.RunnerID}
		}),
	}, nil
}

func (s *Server) staleRun(ctx context.Context, c *call, of baton.Source) (staleRun, error) {
	r, err := s.Fleet.RunStale(ctx, c.actor, of)
	if err != nil {
		return staleRun{}, err
	}
	return staleRun{
		Policy:      newStaleRunnerPolicy(&r.Policy, of),
		RunnerCount: len(r.Runners), RunnerIDs: append([]baton.RunnerID{}, r.Runners...),
		ManagerCount: len(r.Managers), ManagerIDs: append([]baton.ManagerID{}, r.Managers...),
		Skipped: each(r.Skipped, func(k fleet.StaleSkip) staleSkip { return staleSkip{k.Runner, orNull(k.Manager), k.Reason} }),
		Stopped: orNull(r.Stopped),
	}, nil
}
