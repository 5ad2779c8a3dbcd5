package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"baton.example/baton"
	"baton.example/baton/internal/client"
)

type runnerStaleCmd struct {
	Set     staleSetCmd     `cmd:"" help:"Set or change the policy of a place."`
	Show    staleShowCmd    `cmd:"" help:"Show the policy that counts in a place."`
	Preview stalePreviewCmd `cmd:"" help:"Show what a run would do, and change nothing."`
	Run     staleRunCmd     `cmd:"" help:"Pause or delete what is stale now."`
	Remove  staleRemoveCmd  `cmd:"" help:"Remove the policy of a place."`
}

// Help is the long help of the command.
func (runnerStaleCmd) Help() string {
	return `
A policy says after how long a silence runners are paused or deleted, and machines forgotten. These
commands are for a Baton: GitLab has nothing like it. --group and --project name the place; without
them it is the instance, which is for administrators.`
}

// stalePlace is the place whose policy a command is about.
type stalePlace struct{ placeFlags }

func (f *stalePlace) path(below string) string {
	return cmp.Or(f.placeFlags.path(), "/application") + "/stale_runner_policy" + below
}

// An age is a length of silence on the command line: 90d, or a lifetime, or
// none, which is kept as 0.
type age int64

// UnmarshalText implements [encoding.TextUnmarshaler].
func (a *age) UnmarshalText(text []byte) error {
	words := strings.ReplaceAll(string(text), " ", "")
	if words == "none" {
		*a = 0
		return nil
	}
	if number, days := strings.CutSuffix(words, "d"); days {
		if n, err := strconv.ParseInt(number, 10, 16); err == nil {
			*a = age(n * secondsPerDay)
			return nil
		}
	}
	var l lifetime
	if err := l.UnmarshalText(text); err != nil || l.seconds() == 0 {
		return fmt.Errorf("%q is not a length of time: write 90d, 12h, a number of seconds, or none", text)
	}
	*a = age(l.seconds())
	return nil
}

const secondsPerDay = 24 * 60 * 60

// days writes a number of seconds for people, as they write an age.
func days(seconds *int64) string {
	if seconds != nil && *seconds%secondsPerDay == 0 {
		return strconv.FormatInt(*seconds/secondsPerDay, 10) + "d"
	}
	return length(seconds)
}

// staleFlags are what a policy consists of.
type staleFlags struct {
	RunnerAge  *age    `placeholder:"TIME" help:"Silence after which a runner is stale, as 90d, 12h or a number of seconds; none leaves runners alone."`
	Action     *string `enum:"pause,delete" placeholder:"ACTION" help:"What becomes of stale runners: pause or delete."`
	ManagerAge *age    `placeholder:"TIME" help:"Silence after which a machine is forgotten, likewise."`
	Automatic  *bool   `negatable:"" help:"Whether the server does it every day by itself."`
}

// change returns the parameters that are given.
func (f *staleFlags) change() map[string]any {
	change := map[string]any{}
	for name, a := range map[string]*age{"runner_age": f.RunnerAge, "manager_age": f.ManagerAge} {
		if a == nil {
			continue
		}
		change[name] = nil
		if *a != 0 {
			change[name] = int64(*a)
		}
	}
	set(change, "runner_action", f.Action)
	set(change, "automatic", f.Automatic)
	return change
}

// stalePolicy is what is shown of a policy.
type stalePolicy struct {
	RunnerAge  *int64            `json:"runner_age"`
	Action     baton.StaleAction `json:"runner_action"`
	ManagerAge *int64            `json:"manager_age"`
	Automatic  bool
	Inherited  bool
	SourceType string `json:"source_type"`
	SourceID   int64  `json:"source_id"`
}

// place returns where the policy was set.
func (p *stalePolicy) place() string {
	if p.SourceID == 0 {
		return "the instance"
	}
	return p.SourceType + " " + strconv.FormatInt(p.SourceID, 10)
}

func (p *stalePolicy) facts() []fact {
	after := func(what string, age *int64) cell {
		if age == nil {
			return text("left alone")
		}
		return text(what + " after " + days(age))
	}
	return []fact{
		{"Runners", after(string(p.Action), p.RunnerAge)},
		{"Machines", after("forget", p.ManagerAge)},
		{"Automatic", text(yes(p.Automatic))},
		{"Set for", text(p.place())},
		{"Inherited", text(yes(p.Inherited))},
	}
}

// showPolicy writes the answer of a server that is a policy.
func (s *session) showPolicy(answer *client.Answer, output *outputFlags) error {
	if output.json() {
		return writeJSON(s.std.Out, answer.Body)
	}
	var p stalePolicy
	if err := answer.Decode(&p); err != nil {
		return err
	}
	return s.std.facts(p.facts()...)
}

type staleShowCmd struct {
	serverFlags
	outputFlags
	stalePlace
}

// Help is the long help of the command.
func (staleShowCmd) Help() string {
	return `
The nearest policy counts: that of the project, of its groups from below, or of the instance.

Examples:

  baton runner stale show --project tools/app`
}

// Run prints the policy.
func (c *staleShowCmd) Run(ctx context.Context, std Stdio) error {
	s, err := c.open(std)
	if err != nil {
		return err
	}
	answer, err := s.ask(ctx, client.Get(c.path(""), nil))
	if err != nil {
		return err
	}
	return s.showPolicy(answer, &c.outputFlags)
}

type staleSetCmd struct {
	serverFlags
	outputFlags
	stalePlace
	staleFlags
}

// Help is the long help of the command.
func (staleSetCmd) Help() string {
	return `
What no flag names stays as it is; a new policy pauses, and does not run by itself.

Examples:

  baton runner stale set --runner-age 90d --manager-age 7d
  baton runner stale set --group tools --runner-age 30d --action delete --automatic
  baton runner stale set --project tools/app --runner-age none`
}

// Validate implements kong's check of a command line.
func (c *staleSetCmd) Validate() error {
	if len(c.change()) == 0 {
		return errors.New("say what to set: there are --runner-age, --action, --manager-age and --automatic")
	}
	return nil
}

// Run sets the policy and prints it.
func (c *staleSetCmd) Run(ctx context.Context, std Stdio) error {
	s, err := c.open(std)
	if err != nil {
		return err
	}
	answer, err := s.send(ctx, http.MethodPut, c.path(""), c.change())
	if err != nil {
		return err
	}
	return s.showPolicy(answer, &c.outputFlags)
}

type staleRemoveCmd struct {
	serverFlags
	stalePlace
}

// Help is the long help of the command.
func (staleRemoveCmd) Help() string {
	return `
Then the next policy above counts, if there is one.

Examples:

  baton runner stale remove --project tools/app`
}

// Run removes the policy.
func (c *staleRemoveCmd) Run(ctx context.Context, std Stdio) error {
	s, err := c.open(std)
	if err != nil {
		return err
	}
	if _, err := s.send(ctx, http.MethodDelete, c.path(""), nil); err != nil {
		return err
	}
	return s.say("Removed the policy.")
}

// stalePreview is what is shown of what a run would do.
type stalePreview struct {
	Policy       stalePolicy
	RunnerCount  int `json:"runner_count"`
	ManagerCount int `json:"manager_count"`
	Runners      []runner
	Managers     []struct {
		manager

		RunnerID int64 `json:"runner_id"`
	}
}

// would tells what a run would do to how many.
func (p *stalePreview) would() string {
	var does []string
	if p.RunnerCount > 0 {
		does = append(does, fmt.Sprintf("%s %d %s", p.Policy.Action, p.RunnerCount, plural(p.RunnerCount, "runner")))
	}
	if p.ManagerCount > 0 {
		does = append(does, fmt.Sprintf("forget %d %s", p.ManagerCount, plural(p.ManagerCount, "machine")))
	}
	return strings.Join(does, " and ")
}

type stalePreviewCmd struct {
	serverFlags
	outputFlags
	stalePlace
	staleFlags
	Page    int  `default:"1" placeholder:"N" help:"Page to show."`
	PerPage int  `default:"50" placeholder:"N" help:"Runners and machines on a page, at most 100 of each."`
	Quiet   bool `short:"q" help:"Print ids of runners alone, a line each."`
}

// Help is the long help of the command.
func (stalePreviewCmd) Help() string {
	return `
With a flag of the policy it shows what the policy would do if it were set so, whether or not there is
one.

Examples:

  baton runner stale preview --group tools --runner-age 30d --action delete
  baton runner stale preview --runner-age 90d --manager-age 7d --output json`
}

// Validate implements kong's check of a command line.
func (c *stalePreviewCmd) Validate() error { return c.quietly(c.Quiet) }

// Run prints what a run would do.
func (c *stalePreviewCmd) Run(ctx context.Context, std Stdio) error {
	s, err := c.open(std)
	if err != nil {
		return err
	}
	request := client.Get(c.path("/preview"), nil)
	request.Query = url.Values{"page": {strconv.Itoa(c.Page)}, "per_page": {strconv.Itoa(c.PerPage)}}
	for name, value := range c.change() {
		request.Query.Set(name, "")
		if value != nil {
			request.Query.Set(name, fmt.Sprint(value))
		}
	}
	answer, err := s.ask(ctx, request)
	if err != nil {
		return err
	}
	if c.json() {
		return writeJSON(std.Out, answer.Body)
	}
	var p stalePreview
	if err := answer.Decode(&p); err != nil {
		return err
	}
	if c.Quiet {
		for _, r := range p.Runners {
			if err := s.say("%d", r.ID); err != nil {
				return err
			}
		}
		return nil
	}
	std.note("By the policy of %s, a run would %s.", p.Policy.place(), cmp.Or(p.would(), "do nothing"))
	if answer.More() {
		std.note("This is page %d; --page %d shows more.", c.Page, c.Page+1)
	}
	return s.showPreview(&p)
}

func (s *session) showPreview(p *stalePreview) error {
	rows := make([][]cell, 0, len(p.Runners)+len(p.Managers))
	for _, r := range p.Runners {
		last := r.ContactedAt
		if r.CreatedAt.After(last) {
			last = r.CreatedAt
		}
		rows = append(rows, []cell{text(string(p.Policy.Action)), number(r.ID), text(r.Description), text(""), text(s.since(last))})
	}
	for _, m := range p.Managers {
		rows = append(rows, []cell{text("forget"), number(m.RunnerID), text(""), text(m.SystemID), text(s.since(m.ContactedAt))})
	}
	return s.std.table([]string{"WOULD", "RUNNER", "DESCRIPTION", "MACHINE", "SILENT SINCE"}, rows)
}

type staleRunCmd struct {
	serverFlags
	outputFlags
	stalePlace
	Quiet bool `short:"q" help:"Print ids of runners alone, a line each."`
	Yes   bool `short:"y" help:"Do not ask."`
}

// Help is the long help of the command.
func (staleRunCmd) Help() string {
	return `
It first tells what it would do, and asks. Without a terminal there is nobody to ask, and --yes has to
be said. A server that cannot do it all at once is asked again; --output json has an answer for each
time.

Examples:

  baton runner stale run --group tools
  baton runner stale run --group tools --yes --output json`
}

// Validate implements kong's check of a command line.
func (c *staleRunCmd) Validate() error { return c.quietly(c.Quiet) }

// staleRun is what is shown of what a run did.
type staleRun struct {
	Policy     stalePolicy
	RunnerIDs  []int64 `json:"runner_ids"`
	ManagerIDs []int64 `json:"manager_ids"`
	Skipped    []struct {
		RunnerID int64 `json:"runner_id"`
		Reason   string
	}
	Stopped baton.StaleStop
}

// Run asks, and applies the policy to what is stale.
func (c *staleRunCmd) Run(ctx context.Context, std Stdio) error {
	s, err := c.open(std)
	if err != nil {
		return err
	}
	var p stalePreview
	if _, err := s.get(ctx, c.path("/preview"), &p); err != nil {
		return err
	}
	if would := p.would(); would != "" && !c.Yes {
		question := fmt.Sprintf("By the policy of %s: %s?", p.Policy.place(), would)
		if err := std.confirm(question); err != nil {
			return err
		}
	}
	s.bar = std.progress(p.RunnerCount+p.ManagerCount, "working")
	var answers []json.RawMessage
	for again := true; again && err == nil; {
		var answer *client.Answer
		if answer, err = s.send(ctx, http.MethodPost, c.path("/run"), nil); err == nil {
			answers = append(answers, answer.Body)
			again, err = c.report(s, answer)
		}
	}
	_ = s.bar.Finish() // a screen that cannot be written
	if c.json() {
		err = errors.Join(err, writeArray(std.Out, answers))
	}
	return err
}

// report writes what a run did, and tells whether there is more to do.
func (c *staleRunCmd) report(s *session, answer *client.Answer) (again bool, err error) {
	var r staleRun
	if err := answer.Decode(&r); err != nil {
		return false, err
	}
	_ = s.bar.Add(len(r.RunnerIDs) + len(r.ManagerIDs)) // a screen that cannot be written
	done := map[baton.StaleAction]string{baton.PauseStale: "Paused", baton.DeleteStale: "Deleted"}[r.Policy.Action]
	for _, id := range r.RunnerIDs {
		switch {
		case c.Quiet:
			err = s.say("%d", id)
		case !c.json():
			err = s.say("%s runner %d.", done, id)
		}
		if err != nil {
			return false, err
		}
	}
	for _, skip := range r.Skipped {
		s.std.note("Left runner %d alone: %s.", skip.RunnerID, skip.Reason)
	}
	s.std.note("%s %d %s, forgot %d %s.", done, len(r.RunnerIDs), plural(len(r.RunnerIDs), "runner"), len(r.ManagerIDs), plural(len(r.ManagerIDs), "machine"))
	if r.Stopped == baton.StopPolicy {
		return false, errors.New("somebody changed or removed the policy meanwhile: look at it, and run it again")
	}
	return r.Stopped == baton.StopTime, nil
}
