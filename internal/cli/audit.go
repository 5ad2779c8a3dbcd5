package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"baton.example/baton/internal/client"
)

type auditCmd struct {
	List   auditListCmd   `cmd:"" help:"Show the events of the audit log."`
	Verify auditVerifyCmd `cmd:"" help:"Check on the machine itself that nobody changed the log."`
}

type auditListCmd struct {
	serverFlags
	listFlags
	placeFlags
	Since moment `placeholder:"TIME" help:"Only events from then on: 24h for the last day, 2027-06-30, or 2027-06-30T12:00:00Z."`
	Until moment `placeholder:"TIME" help:"Only events until then."`
}

// Help is the long help of the command.
func (auditListCmd) Help() string {
	return `
The latest come first. Administrators see the events of everything, Owners and Maintainers those of
their --group or --project.

Examples:

  baton audit list
  baton audit list --group tools --since 24h
  baton audit list --project tools/app --since 2026-01-01 --all --output json`
}

// A moment is a time on the command line, or how long ago that was.
type moment struct {
	at  time.Time
	ago lifetime
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (m *moment) UnmarshalText(text []byte) error {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, string(text)); err == nil {
			m.at = at
			return nil
		}
	}
	if m.ago.UnmarshalText(text) != nil || m.ago <= 0 {
		return errors.New("write 24h for the last day, 2027-06-30, or 2027-06-30T12:00:00Z, and not " + string(text))
	}
	return nil
}

// param returns the moment as the API takes it, "" for none.
func (m moment) param(now time.Time) string {
	switch {
	case m.ago != 0:
		return now.Add(-time.Duration(m.ago)).UTC().Format(time.RFC3339)
	case m.at.IsZero():
		return ""
	}
	return m.at.Format(time.RFC3339)
}

// auditEvent is what is shown of an event. GitLab tells the change of one
// attribute, Baton of all.
type auditEvent struct {
	ID        int64
	EventName string    `json:"event_name"`
	CreatedAt time.Time `json:"created_at"`
	Details   struct {
		AuthorName    string `json:"author_name"`
		TargetType    string `json:"target_type"`
		TargetID      any    `json:"target_id"` // a number or a string, as it was written
		IPAddress     string `json:"ip_address"`
		EntityPath    string `json:"entity_path"`
		CustomMessage string `json:"custom_message"`
		Change        string
		From, To      any
		Changes       []struct{ Attribute, From, To string }
	}
}

// what returns what was changed, or what GitLab says of the event.
func (e *auditEvent) what() string {
	d := &e.Details
	var changes []string
	if d.Change != "" {
		changes = append(changes, fmt.Sprintf("%s: %v → %v", d.Change, cmp.Or(d.From, any("")), cmp.Or(d.To, any(""))))
	}
	for _, c := range d.Changes {
		changes = append(changes, fmt.Sprintf("%s: %s → %s", c.Attribute, c.From, c.To))
	}
	return cmp.Or(strings.Join(changes, "; "), d.CustomMessage)
}

// on returns what the event is about, "" if that is no single thing.
func (e *auditEvent) on() string {
	if e.Details.TargetType == "" {
		return ""
	}
	return fmt.Sprint(e.Details.TargetType, " ", e.Details.TargetID)
}

// Run prints the events.
func (c *auditListCmd) Run(ctx context.Context, std Stdio) error {
	s, err := c.open(std)
	if err != nil {
		return err
	}
	params := map[string]string{"created_after": c.Since.param(s.now), "created_before": c.Until.param(s.now)}
	err = list(ctx, s, &c.listFlags, client.Get(c.path()+"/audit_events", params), func(e *auditEvent) int64 { return e.ID }, []column[auditEvent]{
		{"ID", func(e *auditEvent) cell { return number(e.ID) }},
		{"TIME", func(e *auditEvent) cell { return text(s.since(e.CreatedAt)) }},
		{"AUTHOR", func(e *auditEvent) cell { return text(e.Details.AuthorName) }},
		{"ADDRESS", func(e *auditEvent) cell { return text(e.Details.IPAddress) }},
		{"EVENT", func(e *auditEvent) cell { return text(e.EventName) }},
		{"IN", func(e *auditEvent) cell { return text(e.Details.EntityPath) }},
		{"ON", func(e *auditEvent) cell { return text(e.on()) }},
		{"WHAT", func(e *auditEvent) cell { return text(e.what()) }},
	})
	if c.path() == "" && forAdministrators(err) {
		return hint(err, "administrators alone see the events of everything: name a --group or --project")
	}
	return err
}
