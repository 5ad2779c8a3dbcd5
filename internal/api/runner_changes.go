package api

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/fleet"
	"baton.example/baton/internal/grape"
)

// updateRunnerParams are what PUT /runners/:id takes. Unlike in the creation,
// blank is a value: it clears what can be empty.
// https://docs.gitlab.com/api/runners/#update-runner-details.
type updateRunnerParams struct {
	runnerParams
	Description     grape.Opt[string]             `param:"description" doc:"At most 1024 characters."`
	Active          grape.Opt[bool]               `param:"active" doc:"Deprecated: the opposite of paused."`
	Paused          grape.Opt[bool]               `param:"paused" doc:"Whether the runner ignores new jobs."`
	TagList         grape.Opt[[]string]           `param:"tag_list,csv" doc:"At most 50 tags, instead of those it has."`
	RunUntagged     grape.Opt[bool]               `param:"run_untagged" doc:"Whether the runner takes jobs without tags."`
	Locked          grape.Opt[bool]               `param:"locked" doc:"Whether the runner stays with its projects."`
	AccessLevel     grape.Opt[baton.RunnerAccess] `param:"access_level" values:"not_protected,ref_protected" doc:"Whether the runner serves protected refs only."`
	MaximumTimeout  grape.Opt[int]                `param:"maximum_timeout" doc:"The longest that a job may take, in seconds, at least 600; null for no limit."`
	MaintenanceNote grape.Opt[string]             `param:"maintenance_note" doc:"A note for other people, at most 1024 characters."`

	TokenOverlap grape.Opt[int] `param:"token_overlap" doc:"How many seconds a token works on after it was replaced; null for what the group or the instance says."`

	_ struct{} `at_least_one:"description,active,paused,tag_list,run_untagged,locked,access_level,maximum_timeout,maintenance_note" or:"token_overlap"`
	_ struct{} `exclusive:"active,paused"`
}

func (in *updateRunnerParams) change() fleet.Change {
	c := fleet.Change{
		Description:     cleared(in.Description),
		MaintenanceNote: cleared(in.MaintenanceNote),
		Paused:          given(in.Paused),
		Locked:          given(in.Locked),
		RunUntagged:     given(in.RunUntagged),
		AccessLevel:     given(in.AccessLevel),
		Tags:            cleared(in.TagList),
	}
	if in.Active.Valid() {
		c.Paused = new(!in.Active.Value)
	}
	c.MaximumTimeout, c.TokenOverlap = seconds(in.MaximumTimeout), seconds(in.TokenOverlap)
	return c
}

// seconds returns what a parameter changes a length of time to; null takes it
// away.
func seconds(o grape.Opt[int]) *fleet.Seconds {
	if !o.Given() {
		return nil
	}
	return &fleet.Seconds{None: !o.Valid(), Number: o.Value}
}

// updateRunner changes a runner and answers with it, but for its projects.
func (s *Server) updateRunner(ctx context.Context, c *call, in updateRunnerParams) (runnerDetails, error) {
	d, err := s.Fleet.Update(ctx, c.actor, in.ID, in.change())
	if err != nil {
		return runnerDetails{}, inHashOrder(err)
	}
	return s.runnerDetails(ctx, c, &d)
}

// hashOrder is the order of the keys in which GitLab's hash lists the broken
// rules of a runner, which is not that of its sentences.
var hashOrder = []string{"tags_list", "maximum_timeout", "description", "maintenance_note", "token_overlap"}

func inHashOrder(err error) error {
	e, ok := errors.AsType[*baton.Error](err)
	if !ok || e.Code != baton.CodeInvalid {
		return err
	}
	fields := slices.Clone(e.Fields)
	slices.SortStableFunc(fields, func(f, g baton.FieldError) int {
		return cmp.Compare(slices.Index(hashOrder, f.Field), slices.Index(hashOrder, g.Field))
	})
	return baton.Invalid(fields)
}

// deleteRunner removes a runner.
// https://docs.gitlab.com/api/runners/#delete-a-runner-by-id.
func (s *Server) deleteRunner(ctx context.Context, c *call, in runnerParams) (none, error) {
	return none{}, s.Fleet.Remove(ctx, c.actor, in.ID, c.unmodifiedSince())
}

// unmodifiedSince returns what the header If-Unmodified-Since demands. What is
// no time demands nothing.
func (c *call) unmodifiedSince() fleet.Condition {
	header := c.header.Get("If-Unmodified-Since")
	since, err := http.ParseTime(header)
	if err != nil {
		since, err = time.Parse(time.RFC3339, header)
	}
	if err != nil {
		return fleet.Condition{}
	}
	return fleet.Condition(since)
}
