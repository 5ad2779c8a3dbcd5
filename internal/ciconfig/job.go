package ciconfig

import (
	"time"
	"unicode/utf8"
)

// maxJobName is how long a job's name may be, in characters.
const maxJobName = 255

// maxTags is how many tags a job may have, as many as a runner.
const maxTags = 50

// A draftJob is a job while it is read.
type draftJob struct {
	Job
	allowFailureGiven bool
	// at is the job, and words are its keywords, for what is found out later.
	at    value
	words map[string]value
}

// word returns the value of a keyword, or the job if it came by it otherwise.
func (j *draftJob) word(name string) value {
	if v, given := j.words[name]; given {
		return v
	}
	v := j.at
	v.keyword = name
	return v
}

// inherited are the keywords of jobs that default may hold as well.
func inherited() []keyword[draftJob] {
	return []keyword[draftJob]{
		{"after_script", func(v value, j *draftJob) { j.AfterScript = v.script() }},
		{"artifacts", func(v value, j *draftJob) { j.Artifacts = v.artifacts() }},
		{"before_script", func(v value, j *draftJob) { j.BeforeScript = v.script() }},
		{"cache", func(v value, j *draftJob) { j.Caches = v.caches() }},
		{"image", func(v value, j *draftJob) { j.Image = v.image() }},
		{"retry", func(v value, j *draftJob) { j.Retry = v.retry() }},
		{"services", func(v value, j *draftJob) { j.Services = v.services() }},
		{"tags", func(v value, j *draftJob) { j.Tags = v.tags() }},
		{"timeout", func(v value, j *draftJob) { j.Timeout = v.timeout() }},
	}
}

// own are the keywords that a job alone may hold.
func own() []keyword[draftJob] {
	return []keyword[draftJob]{
		{"allow_failure", func(v value, j *draftJob) { v.allowFailure(j) }},
		{"dependencies", func(v value, j *draftJob) { j.Dependencies, j.HasDependencies = v.strings(), true }},
		{"needs", func(v value, j *draftJob) { j.Needs, j.HasNeeds = v.needs(), true }},
		{"script", func(v value, j *draftJob) { j.Script = v.script() }},
		{"stage", func(v value, j *draftJob) { j.Stage = v.string() }},
		{"variables", func(v value, j *draftJob) { j.Variables = v.variables(ofJob()) }},
		{"when", func(v value, j *draftJob) {
			j.When = When(v.oneOf(string(OnSuccess), string(OnFailure), string(Always), string(Manual)))
		}},
	}
}

// job reads a job.
func (e entry) job(defaults *draftJob) draftJob {
	v := e.value
	v.job, v.keyword = e.key, ""
	j := *defaults
	j.at, j.words = v, make(map[string]value)
	j.Name, j.Line, j.Stage, j.When = e.key, v.at.Line, "test", OnSuccess
	if e.key == "" {
		v.fail("job name can't be blank")
	}
	if utf8.RuneCountInString(e.key) > maxJobName {
		v.fail("job name is too long (maximum is %d characters)", maxJobName)
	}
	before := len(v.errors)
	words := append(inherited(), own()...)
	for i, w := range words {
		words[i].read = func(v value, j *draftJob) {
			j.words[w.name] = v
			w.read(v, j)
		}
	}
	read(v, &j, words)
	if len(j.Script) == 0 && len(v.errors) == before {
		v.fail("config should implement the script: keyword")
	}
	if !j.allowFailureGiven {
		j.AllowFailure = j.When == Manual
	}
	return j
}

// tags reads the tags of a job.
func (v value) tags() []string {
	tags := unique(v.strings())
	if len(tags) > maxTags {
		v.fail("config must be less than the limit of %d tags", maxTags)
	}
	return tags
}

func unique(all []string) []string {
	seen := make(map[string]bool, len(all))
	kept := all[:0]
	for _, one := range all {
		if !seen[one] {
			seen[one] = true
			kept = append(kept, one)
		}
	}
	return kept
}

// allowFailure reads a boolean, or the exit codes that are allowed.
func (v value) allowFailure(j *draftJob) {
	j.allowFailureGiven, j.AllowedExitCodes = true, nil
	if v.kind() != mapping {
		j.AllowFailure = v.bool()
		return
	}
	// With exit codes, others fail the pipeline, also of a manual job.
	j.AllowFailure = true
	read(v, j, []keyword[draftJob]{
		{"exit_codes", func(v value, j *draftJob) { j.AllowedExitCodes = v.exitCodes() }},
	})
	if len(j.AllowedExitCodes) == 0 {
		v.fail("exit_codes can't be blank")
	}
}

// exitCodes reads one exit code, or a list.
func (v value) exitCodes() []int {
	one := func(v value) int { return v.int(0, 255) }
	if v.kind() != sequence {
		return []int{one(v)}
	}
	codes := []int{}
	for _, e := range v.elements() {
		codes = append(codes, one(e))
	}
	return codes
}

// maxRetries is how often a job may be tried again.
const maxRetries = 2

// retry reads a number, or a hash.
func (v value) retry() Retry {
	var r Retry
	if v.kind() != mapping {
		r.Max = v.int(0, maxRetries)
		return r
	}
	read(v, &r, []keyword[Retry]{
		{"max", func(v value, r *Retry) { r.Max = v.int(0, maxRetries) }},
		{"when", func(v value, r *Retry) { r.When = v.reasons() }},
		{"exit_codes", func(v value, r *Retry) { r.ExitCodes = v.exitCodes() }},
	})
	return r
}

// reasons reads the failures that a retry is for.
func (v value) reasons() []string {
	known := retryReasons()
	var all []string
	for _, reason := range v.stringOrStrings() {
		switch {
		case reason == "always":
			return nil
		case !known[reason]:
			v.fail("is not known: %s", reason)
		default:
			all = append(all, reason)
		}
	}
	return all
}

// retryReasons are the reasons of a failure that retry:when may name.
// https://docs.gitlab.com/ci/yaml/#retrywhen.
func retryReasons() map[string]bool {
	known := make(map[string]bool)
	for _, reason := range []string{
		"unknown_failure", "script_failure", "api_failure", "stuck_or_timeout_failure", "runner_system_failure",
		"runner_unsupported", "stale_schedule", "job_execution_timeout", "archived_failure",
		"unmet_prerequisites", "scheduler_failure", "data_integrity_failure",
	} {
		known[reason] = true
	}
	return known
}

// timeout reads how long a job may take.
func (v value) timeout() time.Duration {
	d, ok := v.duration()
	if ok && d < minTimeout {
		v.fail("should be at least %d minutes", int(minTimeout.Minutes()))
	}
	return d
}
