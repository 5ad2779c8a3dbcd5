package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/client"
)

type runnerCmd struct {
	Create   runnerCreateCmd   `cmd:"" help:"Create a runner and print its token, once."`
	List     runnerListCmd     `cmd:"" help:"Show runners."`
	Show     runnerShowCmd     `cmd:"" help:"Show a runner."`
	Edit     runnerEditCmd     `cmd:"" help:"Change runners."`
	Pause    runnerPauseCmd    `cmd:"" help:"Let runners take no new jobs."`
	Resume   runnerResumeCmd   `cmd:"" help:"Let paused runners take jobs again."`
	Rotate   runnerRotateCmd   `cmd:"" help:"Give runners new tokens and print them, once."`
	Delete   runnerDeleteCmd   `cmd:"" help:"Delete runners."`
	Jobs     runnerJobsCmd     `cmd:"" help:"Show the jobs that a runner ran."`
	Managers runnerManagersCmd `cmd:"" help:"Show the machines that work under a runner's token."`
	Assign   runnerAssignCmd   `cmd:"" help:"Let a project runner serve further projects."`
	Unassign runnerUnassignCmd `cmd:"" help:"Take a project runner away from projects."`
	Stale    runnerStaleCmd    `cmd:"" help:"Pause or delete runners that are silent for long."`
}

// runner is what is shown of a runner. Not every server has every field, nor
// every list.
type runner struct {
	ID              int64
	Description     string
	RunnerType      string `json:"runner_type"`
	Paused          bool
	Status          string
	CreatedBy       *person   `json:"created_by"`
	CreatedAt       time.Time `json:"created_at"`
	TagList         []string  `json:"tag_list"`
	RunUntagged     bool      `json:"run_untagged"`
	Locked          bool
	MaximumTimeout  *int64 `json:"maximum_timeout"`
	AccessLevel     string `json:"access_level"`
	Version         string
	Platform        string
	Architecture    string
	ContactedAt     time.Time `json:"contacted_at"`
	MaintenanceNote string    `json:"maintenance_note"`
	TokenOverlap    *int64    `json:"token_overlap"`
	Projects        []place
	Groups          []place
}

// person is a user where one is mentioned.
type person struct{ Username, Name string }

// String returns the username, "" for nobody.
func (p *person) String() string {
	if p == nil {
		return ""
	}
	return p.Username
}

// place is a group or project where one is mentioned.
type place struct {
	ID       int64
	Name     string
	FullPath string `json:"path_with_namespace"`
}

// kind returns the type in the words that flags take.
func (r *runner) kind() string { return strings.TrimSuffix(r.RunnerType, "_type") }

// state returns the status for people, and whether the runner is paused, which
// not every status tells.
func (r *runner) state() cell {
	words, colour := statusWords(r.Status), statusColour(r.Status)
	if r.Paused && r.Status != "paused" {
		words, colour = words+", paused", amberText
	}
	return cell{words, colour}
}

func statusWords(status string) string { return strings.ReplaceAll(status, "_", " ") }

func statusColour(status string) string {
	switch status {
	case "online", "success", "running", "active":
		return greenText
	case "stale", "offline", "failed", "revoked", "expired":
		return redText
	case "paused", "canceled", "canceling":
		return amberText
	case "never_contacted":
		return faintText
	}
	return plainText
}

// runnerPath returns the path of a runner and of what is below it.
func runnerPath(id baton.RunnerID, below string) string {
	return "/runners/" + strconv.FormatInt(int64(id), 10) + below
}

// runnerIDs are the runners that a command is about.
type runnerIDs struct {
	IDs []baton.RunnerID `arg:"" name:"id" help:"Ids of runners, as in baton runner list."`
}

// runnerID is the runner that a command is about.
type runnerID struct {
	ID baton.RunnerID `arg:"" help:"Id of the runner, as in baton runner list."`
}

// each does one thing to several runners, shows how far it is, and goes on
// after a runner where that fails. There is no use in that when the token does
// not work or the server is gone.
func (s *session) each(ctx context.Context, ids []baton.RunnerID, doing, done string, do func(context.Context, baton.RunnerID) error) error {
	s.bar = s.std.progress(len(ids), doing)
	var errs []error
	tried := 0
	for _, id := range ids {
		err := do(ctx, id)
		tried++
		if err != nil {
			errs = append(errs, fmt.Errorf("runner %d: %w", id, err))
		}
		_ = s.bar.Add(1) // a screen that cannot be written
		if code := exitCode(err); code == exitUnauthorized || code == exitUnavailable || ctx.Err() != nil {
			break
		}
	}
	_ = s.bar.Finish() // likewise
	if len(ids) > 1 {
		summary := fmt.Sprintf("%s %d of %d runners.", done, tried-len(errs), len(ids))
		if tried < len(ids) {
			summary += fmt.Sprintf(" Not tried: %s.", numbers(ids[tried:]))
		}
		s.std.note("%s", summary)
	}
	if len(errs) == 1 && len(ids) == 1 {
		return errors.Unwrap(errs[0]) // which runner is in the command line
	}
	return errors.Join(errs...)
}

// numbers lists ids for people.
func numbers(ids []baton.RunnerID) string {
	words := make([]string, len(ids))
	for i, id := range ids {
		words[i] = strconv.FormatInt(int64(id), 10)
	}
	return strings.Join(words, ", ")
}

// placeFlags name a group or a project.
type placeFlags struct {
	Group   string `xor:"place" placeholder:"GROUP" help:"Group, by its full path or id."`
	Project string `xor:"place" placeholder:"PROJECT" help:"Project, by its full path or id."`
}

// path returns the API's path of the group or project, "" for neither.
func (f *placeFlags) path() string {
	switch {
	case f.Group != "":
		return "/groups/" + client.Escape(f.Group)
	case f.Project != "":
		return "/projects/" + client.Escape(f.Project)
	}
	return ""
}

// id returns the number of the group or project, which the server is asked for
// if it is named by its path.
func (f *placeFlags) id(ctx context.Context, s *session) (int64, error) {
	if id, err := strconv.ParseInt(f.Group+f.Project, 10, 64); err == nil {
		return id, nil
	}
	var found place
	if _, err := s.get(ctx, f.path(), &found); err != nil {
		if answer, ok := errors.AsType[*client.Error](err); ok && answer.Status == http.StatusForbidden {
			return 0, hint(err, "name the group or project by its id: then the token need not be able to look it up")
		}
		return 0, err
	}
	return found.ID, nil
}

// given returns a parameter that is true or false, "" if that is not said.
func given(b *bool) string {
	if b == nil {
		return ""
	}
	return strconv.FormatBool(*b)
}

// A lifetime is a length of time on the command line: 90, 90s, 1h30m or "1h 30m".
type lifetime time.Duration

// UnmarshalText implements [encoding.TextUnmarshaler].
func (l *lifetime) UnmarshalText(text []byte) error {
	words := strings.ReplaceAll(string(text), " ", "")
	if seconds, err := strconv.ParseInt(words, 10, 32); err == nil {
		*l = lifetime(time.Duration(seconds) * time.Second)
		return nil
	}
	d, err := time.ParseDuration(words)
	if err != nil || d%time.Second != 0 {
		return fmt.Errorf("%q is not a length of time: write 1h30m, or a number of seconds", text)
	}
	*l = lifetime(d)
	return nil
}

// seconds returns the length as the API takes it.
func (l lifetime) seconds() int64 { return int64(time.Duration(l) / time.Second) }
