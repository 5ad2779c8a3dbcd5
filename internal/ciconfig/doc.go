// Package ciconfig reads .gitlab-ci.yml, the language in which people say what
// a pipeline runs. It knows no project and no database: text goes in, and a
// [Config] comes out, or [Errors] that say what is wrong and where.
//
// # How it is laid out
//
// The text becomes yaml nodes, which keep tag, line and column. A [value] is a
// node with the place that it stands at, so that every complaint can name its
// job, its keyword and its line. What a place may hold is a table of keywords,
// each with the function that reads it: a further keyword of the language is a
// further row. A keyword without a row is a problem, never skipped.
//
// Scalars mean what they mean to GitLab, which reads YAML 1.1 with Ruby's
// Psych: on and yes are booleans, 0755 is octal, 1:30 is ninety.
//
// What has to do with more than one job (stages, needs, dependencies) is
// checked after all of them were read, see check.go.
//
// The language is https://docs.gitlab.com/ci/yaml/.
package ciconfig
