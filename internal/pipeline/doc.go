// Package pipeline is what happens to pipelines and their jobs: they are made
// from a configuration, go from state to state, and are cancelled, retried and
// played by people. Which runner gets a pending job is package dispatch's to
// say.
//
// A change is one transaction that moves a job and then lets its pipeline
// advance: jobs that waited for it become pending, manual or skipped, and the
// pipeline's own status follows. The states are drawn in docs/job-states.md.
package pipeline
