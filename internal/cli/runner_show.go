package cli

import (
	"cmp"
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"baton.example/baton/internal/client"
)

// number returns a number's cell.
func number(n int64) cell { return text(strconv.FormatInt(n, 10)) }

// yes writes a truth for people.
func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

type runnerShowCmd struct {
	serverFlags
	outputFlags
	runnerID
}

// Help is the long help of the command.
func (runnerShowCmd) Help() string {
	return `
Examples:

  baton runner show 1
  baton runner show 1 --output json`
}

// Run prints the runner.
func (c *runnerShowCmd) Run(ctx context.Context, std Stdio) error {
	s, err := c.open(std)
	if err != nil {
		return err
	}
	var r runner
	answer, err := s.get(ctx, runnerPath(c.ID, ""), &r)
	if err != nil {
		return err
	}
	if c.json() {
		return writeJSON(std.Out, answer.Body)
	}
	return s.showRunner(&r)
}

func (s *session) showRunner(r *runner) error {
	facts := []fact{
		{"Runner", number(r.ID)},
		{"Description", text(r.Description)},
		{"Type", text(r.kind())},
		{"Status", r.state()},
		{"Tags", text(strings.Join(r.TagList, ", "))},
		{"Untagged jobs", text(yes(r.RunUntagged))},
		{"Protected only", text(yes(r.AccessLevel == protectedOnly))},
		{"Locked", text(yes(r.Locked))},
		{"Maximum timeout", text(cmp.Or(length(r.MaximumTimeout), "none"))},
		{"Contacted", text(s.since(r.ContactedAt))},
		{"Program", text(strings.Join(strings.Fields(r.Version+" "+r.Platform+" "+r.Architecture), " "))},
		{"Created", text(s.since(r.CreatedAt) + by(r.CreatedBy))},
	}
	for _, g := range r.Groups {
		facts = append(facts, fact{"Group", text(g.Name + " (" + strconv.FormatInt(g.ID, 10) + ")")})
	}
	for _, p := range r.Projects {
		facts = append(facts, fact{"Project", text(cmp.Or(p.FullPath, p.Name) + " (" + strconv.FormatInt(p.ID, 10) + ")")})
	}
	if r.TokenOverlap != nil {
		facts = append(facts, fact{"Token overlap", text(length(r.TokenOverlap))})
	}
	if r.MaintenanceNote != "" {
		facts = append(facts, fact{"Note", text(r.MaintenanceNote)})
	}
	return s.std.facts(facts...)
}

func by(p *person) string {
	if p == nil {
		return ""
	}
	return " by " + p.Username
}

// length writes a number of seconds for people, "" for none.
func length(seconds *int64) string {
	if seconds == nil {
		return ""
	}
	text := (time.Duration(*seconds) * time.Second).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

type runnerJobsCmd struct {
	serverFlags
	listFlags
	runnerID
	Status   *string `enum:"created,waiting_for_resource,preparing,waiting_for_callback,pending,running,success,failed,canceling,canceled,skipped,manual,scheduled" placeholder:"STATUS" help:"Only jobs of the status, such as running, success or failed."`
	SystemID string  `placeholder:"ID" help:"Only jobs that this machine ran, as in baton runner managers."`
}

// Help is the long help of the command.
func (runnerJobsCmd) Help() string {
	return `
The latest come first.

Examples:

  baton runner jobs 1
  baton runner jobs 1 --status failed --all --output json`
}

// job is what is shown of a job.
type job struct {
	ID        int64
	Status    string
	Stage     string
	Name      string
	Ref       string
	StartedAt time.Time `json:"started_at"`
	Duration  float64
	Project   place
}

// Run prints the jobs.
func (c *runnerJobsCmd) Run(ctx context.Context, std Stdio) error {
	s, err := c.open(std)
	if err != nil {
		return err
	}
	params := map[string]string{"order_by": "id", "sort": "desc", "system_id": c.SystemID}
	if c.Status != nil {
		params["status"] = *c.Status
	}
	return list(ctx, s, &c.listFlags, client.Get(runnerPath(c.ID, "/jobs"), params), func(j *job) int64 { return j.ID }, []column[job]{
		{"ID", func(j *job) cell { return number(j.ID) }},
		{"STATUS", func(j *job) cell { return cell{statusWords(j.Status), statusColour(j.Status)} }},
		{"PROJECT", func(j *job) cell { return text(cmp.Or(j.Project.FullPath, j.Project.Name)) }},
		{"REF", func(j *job) cell { return text(j.Ref) }},
		{"STAGE", func(j *job) cell { return text(j.Stage) }},
		{"NAME", func(j *job) cell { return text(j.Name) }},
		{"STARTED", func(j *job) cell { return text(s.since(j.StartedAt)) }},
		{"TOOK", func(j *job) cell {
			return text(time.Duration(j.Duration * float64(time.Second)).Round(time.Second).String())
		}},
	})
}

type runnerManagersCmd struct {
	serverFlags
	outputFlags
	runnerID
}

// Help is the long help of the command.
func (runnerManagersCmd) Help() string {
	return `
Where the server tells, TOKEN is which of the runner's tokens a machine used last, counted from the
first that the runner had: after a rotation with an overlap it shows who still has the old one.

Examples:

  baton runner managers 1`
}

// manager is what is shown of a machine.
type manager struct {
	ID           int64
	SystemID     string `json:"system_id"`
	Version      string
	Platform     string
	Architecture string
	IPAddress    string `json:"ip_address"`
	Status       string
	ContactedAt  time.Time `json:"contacted_at"`
	Token        *struct{ ID int64 }
}

// Run prints the machines.
func (c *runnerManagersCmd) Run(ctx context.Context, std Stdio) error {
	s, err := c.open(std)
	if err != nil {
		return err
	}
	var managers []manager
	request := client.Get(runnerPath(c.ID, "/managers"), nil)
	request.Query = url.Values{"with_token": {"true"}}
	answer, err := s.ask(ctx, request)
	if err != nil {
		return err
	}
	if err := answer.Decode(&managers); err != nil {
		return err
	}
	if c.json() {
		return writeJSON(std.Out, answer.Body)
	}
	rows := make([][]cell, len(managers))
	for i, m := range managers {
		token := ""
		if m.Token != nil {
			token = strconv.FormatInt(m.Token.ID, 10)
		}
		rows[i] = []cell{
			number(m.ID), text(m.SystemID),
			{statusWords(m.Status), statusColour(m.Status)},
			text(m.Version),
			text(strings.Trim(m.Platform+"/"+m.Architecture, "/")), text(m.IPAddress), text(s.since(m.ContactedAt)), text(token),
		}
	}
	return std.table([]string{"ID", "SYSTEM ID", "STATUS", "VERSION", "PLATFORM", "ADDRESS", "CONTACTED", "TOKEN"}, rows)
}
