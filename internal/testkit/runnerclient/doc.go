// Package runnerclient behaves towards a server as the official gitlab-runner
// 19.4 does: it registers, verifies, asks for jobs, keeps their logs, carries
// their artifacts and rotates its tokens, with that program's headers, retries,
// waits and notions of success. What it does not do is run anything: a function
// of the test stands in for the executor.
//
// # Layers
//
// A [Client] makes single calls. They follow the rules of the transport: the
// headers, which statuses are sent again and after what wait, which content
// type an answer must have, and what is remembered of X-GitLab-Last-Update.
//
// A [Config] is what the program keeps between two runs: its system id and
// [Runner] entries with their tokens.
//
// A [Process] is gitlab-runner run: it works through the entries of a config
// every check interval, hands what it is given to workers, stops asking where it
// is refused again and again, and replaces tokens before they end.
//
// A [Job] is the payload of a job, decoded as strictly as the program does, and a
// [JobRun] is one that the runner holds: its log goes to the server while it
// grows, it hears of cancellations, and its end is reported until that is taken.
//
// # What is missing
//
// The log is sent as it was written: without timestamps, sections and masks, of
// any length, and valid UTF-8 or not. There is no session server, no job router
// (its flag is off by default) and no cache, which is not the server's business.
//
// # Time
//
// All time comes from the standard library. In a bubble of testing/synctest,
// with a server on a network of package pipe, weeks of polling take seconds.
//
// Sources: https://gitlab.com/gitlab-org/gitlab-runner, packages network,
// common and commands; https://docs.gitlab.com/runner/configuration/advanced-configuration/.
package runnerclient
