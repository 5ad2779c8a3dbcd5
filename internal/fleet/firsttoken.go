package fleet

import (
	"errors"
	"fmt"
	"time"

	"baton.example/baton"
)

// A FirstToken is what somebody wants the token of a new runner to be; nil says
// nothing. https://docs.gitlab.com/api/users/#create-a-runner-linked-to-a-user.
type FirstToken struct {
	// ExpiresAt ends this token earlier than the settings do. Those that replace
	// it live as long as the settings say.
	ExpiresAt *time.Time
	// RotationDeadline becomes the runner's, see
	// [baton.Runner.TokenRotationDeadline].
	RotationDeadline *time.Time
}

// The bounds of an end that is asked for, from the creation on.
const (
	minFirstLife = 5 * time.Minute
	maxFirstLife = 15 * 24 * time.Hour
)

// end returns the end of the token's life, zero for none. The first rule that is
// broken is an error of CodeInvalid, in GitLab's words.
func (t FirstToken) end(now time.Time, l lives) (time.Time, error) {
	last := l.end(now)
	if t.ExpiresAt == nil {
		if t.RotationDeadline != nil {
			return time.Time{}, unfit("token_expires_at is required when token_rotation_deadline is specified")
		}
		return last, nil
	}
	if longest := now.Add(maxFirstLife); last.IsZero() || longest.Before(last) {
		last = longest
	}
	switch end, deadline := *t.ExpiresAt, t.RotationDeadline; {
	case end.Before(now.Add(minFirstLife)):
		return time.Time{}, unfit("token_expires_at must be at least 5 minutes in the future")
	case end.After(last):
		return time.Time{}, unfit(fmt.Sprintf("token_expires_at is too far in the future (maximum is %s)", last.UTC().Format(time.RFC3339)))
	case deadline == nil:
		return end, nil
	case !deadline.After(now):
		return time.Time{}, unfit("token_rotation_deadline cannot be in the past")
	case deadline.After(end):
		return time.Time{}, unfit("token_rotation_deadline must be less than or equal to token_expires_at")
	default:
		return end, nil
	}
}

func unfit(problem string) error { return &baton.Error{Code: baton.CodeInvalid, Message: problem} }

// ErrRotationDeadline says that a runner's token cannot be replaced any more.
var ErrRotationDeadline = errors.New("the token rotation deadline has passed")

// checkDeadline is [ErrRotationDeadline] once the runner's deadline has passed:
// at the deadline itself a token can still be replaced.
func checkDeadline(r *baton.Runner, now time.Time) error {
	if d := r.TokenRotationDeadline; !d.IsZero() && now.After(d) {
		return ErrRotationDeadline
	}
	return nil
}
