package pipeline

import (
	"context"
	"crypto/sha1" //nolint:gosec // names a text as git would, protects nothing
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/ciconfig"
)

// A Request is what a pipeline is to be made from.
type Request struct {
	// Ref is a branch or tag, with or without refs/heads/ or refs/tags/ ahead.
	Ref string
	// Content is the configuration.
	Content string
}

// Create makes a pipeline and lets it begin. What is wrong with the request or
// its configuration is CodeInvalid, in the field "base".
// https://docs.gitlab.com/api/pipelines/#create-a-new-pipeline.
func (s *Service) Create(ctx context.Context, a *access.Actor, project baton.ProjectID, r Request) (baton.Pipeline, error) {
	ref, tag, ok := readRef(r.Ref)
	if !ok {
		return baton.Pipeline{}, invalid("Reference not found")
	}
	if strings.TrimSpace(r.Content) == "" {
		return baton.Pipeline{}, invalid("Missing CI config file")
	}
	config, err := ciconfig.Parse(r.Content)
	if problems, isConfig := errors.AsType[ciconfig.Errors](err); isConfig {
		return baton.Pipeline{}, invalid(problems.Texts()...)
	}
	if err != nil {
		return baton.Pipeline{}, fmt.Errorf("read configuration: %w", err)
	}
	sum := sha1.Sum([]byte(r.Content)) //nolint:gosec // as above
	var made baton.Pipeline
	err = s.change(ctx, "create pipeline", func(ctx context.Context, c *change) error {
		if err := c.allowed(ctx, a, access.RunPipelines, project); err != nil {
			return err
		}
		protected, err := c.protects(ctx, a, project, ref, tag)
		if err != nil {
			return err
		}
		made, err = c.InsertPipeline(ctx, baton.Pipeline{
			ProjectID: project, Ref: ref, Tag: tag, Protected: protected, SHA: hex.EncodeToString(sum[:]),
			Source: baton.SourceAPI, Status: baton.PipelineCreated, UserID: a.User.ID, CreatedAt: c.at, UpdatedAt: c.at,
		})
		if err != nil {
			return err
		}
		for i := range config.Jobs {
			if err := c.add(ctx, config, &config.Jobs[i], &made); err != nil {
				return err
			}
		}
		made, err = c.advance(ctx, made.ID)
		return err
	})
	return made, err
}

// add stores a job of a new pipeline.
func (c *change) add(ctx context.Context, config *ciconfig.Config, from *ciconfig.Job, p *baton.Pipeline) error {
	recipe := *from
	// Those of the pipeline first: of two with the same name the last counts.
	recipe.Variables = slices.Concat(config.Variables, from.Variables)
	text, err := json.Marshal(&recipe)
	if err != nil {
		return fmt.Errorf("write recipe: %w", err)
	}
	j := baton.Job{
		PipelineID: p.ID, ProjectID: p.ProjectID, Name: from.Name,
		Stage: from.Stage, StagePosition: slices.Index(config.Stages, from.Stage),
		Tags: from.Tags, Protected: p.Protected, Starts: baton.JobStart(from.When), AllowFailure: from.AllowFailure,
		UserID: p.UserID, CreatedAt: c.at, UpdatedAt: c.at,
	}
	if from.HasNeeds {
		j.Needs = []string{}
		for _, n := range from.Needs {
			j.Needs = append(j.Needs, n.Job)
		}
	}
	_, err = c.InsertJob(ctx, j, text)
	return err
}

// invalid returns the error of a pipeline that cannot be made.
func invalid(problems ...string) error {
	fields := make([]baton.FieldError, len(problems))
	for i, p := range problems {
		fields[i] = baton.FieldError{Field: "base", Problem: p}
	}
	return baton.Invalid(fields)
}

// refName is what git takes as the name of a branch or tag, but for the rules
// in [readRef]. https://git-scm.com/docs/git-check-ref-format.
var refName = regexp.MustCompile(`^[^\x00-\x20\x7f~^:?*\[\\]{1,255}$`)

// readRef returns the short name of a branch or tag.
func readRef(ref string) (name string, tag, ok bool) {
	name, tag = strings.CutPrefix(ref, "refs/tags/")
	if !tag {
		name = strings.TrimPrefix(ref, "refs/heads/")
	}
	ok = refName.MatchString(name) && name != "@" && !strings.Contains(name, "@{") && !strings.Contains(name, "..") && !strings.HasPrefix(name, "-") &&
		!strings.HasSuffix(name, ".") && !slices.ContainsFunc(strings.Split(name, "/"), func(part string) bool {
		return part == "" || strings.HasPrefix(part, ".") || strings.HasSuffix(part, ".lock")
	})
	return name, tag, ok
}
