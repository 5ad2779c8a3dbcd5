package fleet

import (
	"context"
	"fmt"
	"strconv"

	"baton.example/baton"
	"baton.example/baton/internal/audit"
	"baton.example/baton/internal/store"
)

// TellLosses writes down what becomes of the runners of a group, personal
// namespace or project that the author is about to delete in the transaction.
func TellLosses(ctx context.Context, tx store.Tx, w audit.Author, of baton.Source) error {
	losses, err := tx.RunnerLosses(ctx, of)
	if err != nil {
		return fmt.Errorf("find runners to be lost: %w", err)
	}
	events := make([]baton.AuditEvent, len(losses))
	for i := range losses {
		events[i] = lossEvent(w, &losses[i])
	}
	return tx.InsertAuditEvent(ctx, events...)
}

func lossEvent(w audit.Author, l *store.RunnerLoss) baton.AuditEvent {
	from := projectPlace(&baton.Project{ID: l.From.Project, FullPath: l.FromPath})
	if l.From.Namespace != 0 {
		from = groupPlace(&baton.Namespace{ID: l.From.Namespace, FullPath: l.FromPath})
	}
	switch l.Kind {
	case store.RunnerPassed:
		// Who gets a runner is to know: the other log tells of its project's end.
		to := projectPlace(&baton.Project{ID: l.To, FullPath: l.ToPath})
		return to.tell(w, l.Runner, eventUpdated, "Passed on project CI runner", baton.AuditChange{
			Attribute: "project_id", From: strconv.FormatInt(int64(l.From.Project), 10), To: strconv.FormatInt(int64(l.To), 10),
		})
	case store.RunnerUnassigned:
		return from.tell(w, l.Runner, eventUnassigned, "Unassigned CI runner from project")
	case store.RunnerRemoved:
	}
	return from.tell(w, l.Runner, eventDeleted, "Unregistered "+from.word+" CI runner with its "+from.word)
}
