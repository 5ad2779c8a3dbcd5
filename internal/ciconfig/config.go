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
	Name string `json:"name,omitzero"`
	// Line is where the job begins, from 1.
	Line int `json:"line,omitzero"`
	// Stage is one of the configuration's.
	Stage string `json:"stage,omitzero"`
	// BeforeScript and Script run as one script; AfterScript runs whatever
	// became of them.
	BeforeScript []string `json:"before_script,omitzero"`
	Script       []string `json:"script,omitzero"`
	AfterScript  []string `json:"after_script,omitzero"`
	// Tags that a runner must have, none twice.
	Tags []string `json:"tags,omitzero"`
	// Image is nil for the runner's own.
	Image     *Image     `json:"image,omitzero"`
	Services  []Service  `json:"services,omitzero"`
	Variables []Variable `json:"variables,omitzero"`
	// Needs are the jobs to wait for. Without HasNeeds the job waits for all
	// jobs of the stages before.
	Needs    []Need `json:"needs,omitzero"`
	HasNeeds bool   `json:"has_needs,omitzero"`
	// Dependencies are the jobs to take artifacts from. Without
	// HasDependencies these are Needs, or else all jobs of the stages before.
	Dependencies    []string `json:"dependencies,omitzero"`
	HasDependencies bool     `json:"has_dependencies,omitzero"`
	// Artifacts is nil for none.
	Artifacts *Artifacts `json:"artifacts,omitzero"`
	Caches    []Cache    `json:"caches,omitzero"`
	When      When       `json:"when,omitzero"`
	// AllowFailure lets the pipeline pass although the job failed;
	// AllowedExitCodes, unless empty, only with one of these.
	AllowFailure     bool  `json:"allow_failure,omitzero"`
	AllowedExitCodes []int `json:"allowed_exit_codes,omitzero"`
	Retry            Retry `json:"retry,omitzero"`
	// Timeout is 0 for the project's.
	Timeout time.Duration `json:"timeout,omitzero"`
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
	Key   string `json:"key,omitzero"`
	Value string `json:"value,omitzero"`
	// Raw values are taken as they are: what looks like a variable in them is
	// not replaced.
	Raw bool `json:"raw,omitzero"`
	// Description and Options tell people what to enter for a pipeline that
	// they start by hand.
	Description string   `json:"description,omitzero"`
	Options     []string `json:"options,omitzero"`
}

// An Image is a container image to run a job in.
type Image struct {
	Name         string   `json:"name,omitzero"`
	Entrypoint   []string `json:"entrypoint,omitzero"`
	PullPolicies []string `json:"pull_policies,omitzero"`
	// Docker and Kubernetes are options of those executors, by their names.
	Docker     map[string]string `json:"docker,omitzero"`
	Kubernetes map[string]string `json:"kubernetes,omitzero"`
}

// A Service is a container that runs beside a job.
type Service struct {
	Image
	// Alias is the name that the job reaches the service by.
	Alias     string     `json:"alias,omitzero"`
	Command   []string   `json:"command,omitzero"`
	Variables []Variable `json:"variables,omitzero"`
}

// A Need is a job that another one waits for.
type Need struct {
	Job string `json:"job,omitzero"`
	// Artifacts tells whether to take its artifacts.
	Artifacts bool `json:"artifacts,omitzero"`
	// Optional needs may not exist.
	Optional bool `json:"optional,omitzero"`
}

// Artifacts are the files of a job that are kept.
type Artifacts struct {
	// Name of the archive without its ending, "" for "artifacts".
	Name    string   `json:"name,omitzero"`
	Paths   []string `json:"paths,omitzero"`
	Exclude []string `json:"exclude,omitzero"`
	// When is on_success, on_failure or always.
	When When `json:"when,omitzero"`
	// ExpireIn as it was written, such as "1 week" or "never"; "" for the
	// instance's default. gitlab-runner sends it along with the files.
	ExpireIn string `json:"expire_in,omitzero"`
}

// A Cache is a set of files that jobs share from one pipeline to the next.
type Cache struct {
	// Key is "" for "default".
	Key          string   `json:"key,omitzero"`
	FallbackKeys []string `json:"fallback_keys,omitzero"`
	Paths        []string `json:"paths,omitzero"`
	Untracked    bool     `json:"untracked,omitzero"`
	// Unprotect shares the cache between protected and other refs.
	Unprotect bool `json:"unprotect,omitzero"`
	// Policy is pull-push, pull or push.
	Policy string `json:"policy,omitzero"`
	// When is on_success, on_failure or always.
	When When `json:"when,omitzero"`
}

// A Retry says how often a job that failed is tried again.
type Retry struct {
	// Max is at most 2.
	Max int `json:"max,omitzero"`
	// When are reasons of failure, empty for always.
	When []string `json:"when,omitzero"`
	// ExitCodes, besides, are exit codes of the script.
	ExitCodes []int `json:"exit_codes,omitzero"`
}
