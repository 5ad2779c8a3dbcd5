package cli

import (
	"context"
	"fmt"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/audit"
)

type auditVerifyCmd struct {
	databaseFlags
	Head *baton.AuditHead `placeholder:"POS:HASH" help:"Head that was printed earlier, and saved where nobody who could change the log can change it."`
}

// Help is the long help of the command.
func (auditVerifyCmd) Help() string {
	return `
Every event of the audit log is sealed into a chain of hashes soon after it was written. This reads the
whole chain and says whether each event is what was sealed, whether any is missing, and what is not
sealed yet. It opens the database of --data-dir, or of $BATON_DATABASE_URL, by itself, with the server
running or not, and changes nothing.

Somebody who can write into the database can make a whole chain anew. Save the head that is printed,
now and then, somewhere else, and give it with --head later: then that is found too.

The exit code is 0 when everything is as it was sealed, 8 when it is not, and 1 when that could not be
found out.

Examples:

  baton audit verify
  baton audit verify | awk '$1 == "head" { print $2 }' > saved-head
  baton audit verify --head "$(cat saved-head)"`
}

// An unsoundError is an audit log that is not what was sealed.
type unsoundError struct{ problems int }

// Error implements error.
func (e *unsoundError) Error() string {
	if e.problems == 1 {
		return "the audit log is not what was sealed: there is 1 problem"
	}
	return fmt.Sprintf("the audit log is not what was sealed: there are %d problems", e.problems)
}

// Run verifies the log.
func (c *auditVerifyCmd) Run(ctx context.Context, std Stdio) error {
	return c.work(ctx, std, func(ctx context.Context, o *office) error {
		report, err := audit.Verify(ctx, o.store, c.Head, func(problem string) {
			fmt.Fprintf(std.Out, "problem   %s\n", problem)
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(std.Out, "head      %s\nsealed    %d\nunsealed  %d", report.Head, report.Sealed, report.Tail.Waiting)
		if oldest := report.Tail.Oldest; !oldest.IsZero() {
			fmt.Fprintf(std.Out, ", the oldest of them for %v", max(0, o.actor.Now.Sub(oldest)).Round(time.Millisecond))
		}
		fmt.Fprintln(std.Out)
		if report.Problems > 0 {
			return &unsoundError{report.Problems}
		}
		return nil
	})
}
