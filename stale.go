package baton

import (
	"fmt"
	"time"
)

// A StaleRunnerPolicy says what becomes of runners and managers that have been
// silent for long. The nearest one counts: a project's before those of the
// groups that it is in, from below, and these before the instance's. One that
// asks for nothing keeps what it is for from the policies above.
type StaleRunnerPolicy struct {
	// Source is the group or project that the policy is for; the zero value is
	// the instance.
	Source Source
	// RunnerAge is how many seconds a runner has to be silent to be stale, since
	// the later of its creation and its last contact; 0 leaves runners alone.
	RunnerAge int
	// RunnerAction is what happens to stale runners.
	RunnerAction StaleAction
	// ManagerAge is the same for managers, which are forgotten then; 0 leaves
	// them alone.
	ManagerAge int
	// Automatic has Baton apply the policy every day by itself.
	Automatic bool
	CreatedAt time.Time
	UpdatedAt time.Time
}

// A StaleAction is what happens to a stale runner.
type StaleAction string

// The actions.
const (
	PauseStale  StaleAction = "pause"
	DeleteStale StaleAction = "delete"
)

// The limits of the ages of a [StaleRunnerPolicy], in seconds.
const (
	// MinStaleAge keeps what shows as online from being stale.
	MinStaleAge = int(OnlineWindow / time.Second)
	// MinAutomaticStaleAge is the least where nobody looks on: an outage of a few
	// hours makes all runners of a place silent at once.
	MinAutomaticStaleAge = 24 * 60 * 60
	// MaxStaleAge is the largest age.
	MaxStaleAge = 1<<31 - 1
)

// Validate returns an error of CodeInvalid with every broken rule, or nil.
func (p *StaleRunnerPolicy) Validate() error {
	var broken []FieldError
	least, when := MinStaleAge, ""
	if p.Automatic {
		least, when = MinAutomaticStaleAge, " for an automatic policy"
	}
	for _, age := range []struct {
		field   string
		seconds int
	}{{"runner_age", p.RunnerAge}, {"manager_age", p.ManagerAge}} {
		if age.seconds != 0 && (age.seconds < least || age.seconds > MaxStaleAge) {
			broken = append(broken, FieldError{age.field, fmt.Sprintf("must be between %d and %d%s", least, MaxStaleAge, when)})
		}
	}
	return Invalid(broken)
}

// RunnersSilentSince returns the moment after which stale runners were not
// heard of, zero if the policy leaves runners alone.
func (p *StaleRunnerPolicy) RunnersSilentSince(now time.Time) time.Time {
	return silentSince(p.RunnerAge, now)
}

// ManagersSilentSince is RunnersSilentSince for managers.
func (p *StaleRunnerPolicy) ManagersSilentSince(now time.Time) time.Time {
	return silentSince(p.ManagerAge, now)
}

func silentSince(age int, now time.Time) time.Time {
	if age == 0 {
		return time.Time{}
	}
	return now.Add(-time.Duration(age) * time.Second)
}

// A StaleReason says why a run left alone what it had found.
type StaleReason string

// The reasons.
const (
	// SkipContacted: it called meanwhile.
	SkipContacted StaleReason = "contacted"
	// SkipGone: somebody else removed it.
	SkipGone StaleReason = "gone"
	// SkipChanged: it was paused or given to another project, or another policy
	// counts for it now.
	SkipChanged StaleReason = "changed"
)

// A StaleStop says why a run did not come to its end. What is left is found
// again by the next one.
type StaleStop string

// The reasons to stop.
const (
	// StopTime: the request has to be answered.
	StopTime StaleStop = "time"
	// StopPolicy: the policy was changed or removed.
	StopPolicy StaleStop = "policy"
)
