package ciconfig

import (
	"strings"
	"time"
)

// The limits on a configuration.
const (
	// MaxSize is how long a configuration may be, in bytes.
	MaxSize = 1 << 20
	// MaxJobs is how many jobs a pipeline may have, as on GitLab.com.
	MaxJobs = 500
)

// A Config is what a configuration says, with all that jobs inherit written
// into each of them.
type Config struct {
	// Stages in order, .pre and .post included.
	Stages []string
	// Variables of every job, in the order of the file.
	Variables []Variable
	// Jobs that are not hidden, in the order of the file.
	Jobs []Job
}

// A Job is one job of a configuration.
type Job struct {
	Name string
	// Line is where the job begins, from 1.
	Line int
	// Stage is one of the configuration's.
	Stage string
	// BeforeScript and Script run as one script; AfterScript runs whatever
	// became of them.
	BeforeScript, Script, AfterScript []string
	// Tags that a runner must have, none twice.
	Tags []string
	// Image is nil for the runner's own.
	Image     *Image
	Services  []Service
	Variables []Variable
	// Needs are the jobs to wait for. Without HasNeeds the job waits for all
	// jobs of the stages before.
	Needs    []Need
	HasNeeds bool
	// Dependencies are the jobs to take artifacts from. Without
	// HasDependencies these are Needs, or else all jobs of the stages before.
	Dependencies    []string
	HasDependencies bool
	// Artifacts is nil for none.
	Artifacts *Artifacts
	Caches    []Cache
	When      When
	// AllowFailure lets the pipeline pass although the job failed;
	// AllowedExitCodes, unless empty, only with one of these.
	AllowFailure     bool
	AllowedExitCodes []int
	Retry            Retry
	// Timeout is 0 for the project's.
	Timeout time.Duration
}

// Hidden reports whether a name is that of a hidden job, which other jobs build
// on and which does not run itself.
func Hidden(name string) bool { return strings.HasPrefix(name, ".") }

// When says when a job begins, by what became of the jobs before.
type When string

// When a job begins.
const (
	OnSuccess When = "on_success"
	OnFailure When = "on_failure"
	Always    When = "always"
	// Manual jobs wait for somebody to play them.
	Manual When = "manual"
)

// A Variable is a name with a value.
type Variable struct {
	Key, Value string
	// Raw values are taken as they are: what looks like a variable in them is
	// not replaced.
	Raw bool
	// Description and Options tell people what to enter for a pipeline that
	// they start by hand.
	Description string
	Options     []string
}

// An Image is a container image to run a job in.
type Image struct {
	Name         string
	Entrypoint   []string
	PullPolicies []string
	// Docker and Kubernetes are options of those executors, by their names.
	Docker, Kubernetes map[string]string
}

// A Service is a container that runs beside a job.
type Service struct {
	Image
	// Alias is the name that the job reaches the service by.
	Alias     string
	Command   []string
	Variables []Variable
}

// A Need is a job that another one waits for.
type Need struct {
	Job string
	// Artifacts tells whether to take its artifacts.
	Artifacts bool
	// Optional needs may not exist.
	Optional bool
}

// Artifacts are the files of a job that are kept.
type Artifacts struct {
	// Name of the archive without its ending, "" for "artifacts".
	Name           string
	Paths, Exclude []string
	// When is on_success, on_failure or always.
	When When
	// ExpireIn as it was written, such as "1 week" or "never"; "" for the
	// instance's default. gitlab-runner sends it along with the files.
	ExpireIn string
}

// A Cache is a set of files that jobs share from one pipeline to the next.
type Cache struct {
	// Key is "" for "default".
	Key          string
	FallbackKeys []string
	Paths        []string
	Untracked    bool
	// Unprotect shares the cache between protected and other refs.
	Unprotect bool
	// Policy is pull-push, pull or push.
	Policy string
	// When is on_success, on_failure or always.
	When When
}

// A Retry says how often a job that failed is tried again.
type Retry struct {
	// Max is at most 2.
	Max int
	// When are reasons of failure, empty for always.
	When []string
	// ExitCodes, besides, are exit codes of the script.
	ExitCodes []int
}
