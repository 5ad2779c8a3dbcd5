package sqlstore

import (
	"strings"

	"baton.example/baton"
)

// unique are the unique rules that a caller can break: what the databases say
// of each (the name of the index or constraint, or the columns where SQLite
// names these) and the field that broke it.
var unique = []struct{ index, columns, field string }{
	{"users_username", "", "username"},
	{"users_email", "", "email"},
	{"routes_path", "", "path"},
	{"namespaces_owner_id_key", "namespaces.owner_id", "owner_id"},
	{"members_user_", "members.user_id", "user_id"},
	{"shares_", "shares.", "group_id"},
	{"runner_projects_pkey", "runner_projects.runner_id", "project_id"},
	{"answers_pkey", "answers.user_id", "key"},
	{"access_tokens_digest_key", "access_tokens.digest", "token"},
	{"runner_tokens_digest_key", "runner_tokens.digest", "token"},
	{"registration_tokens_digest_key", "registration_tokens.digest", "token"},
	{"runners_token_digest_key", "runners.token_digest", "token"},
	{"protected_refs_project_id_tag_name_key", "protected_refs.project_id", "name"},
	{"variables_source", "", "key"},
	{"secret_keys_pkey", "secret_keys.key_id", "key_id"},
}

// Conflict returns the error of a unique rule that a statement broke. rule is
// what the driver tells of it. That it is a conflict was known by its code:
// the text, which may change, only names the field.
func Conflict(rule string, cause error) error {
	e := &baton.Error{Code: baton.CodeConflict, Message: "already exists", Cause: cause}
	for _, u := range unique {
		if strings.Contains(rule, u.index) || u.columns != "" && strings.Contains(rule, u.columns) {
			e.Fields = []baton.FieldError{{Field: u.field, Problem: "has already been taken"}}
			break
		}
	}
	return e
}

// Gone returns the error of a reference to a row that does not exist any more.
func Gone(cause error) error {
	return &baton.Error{Code: baton.CodeStale, Message: "something that this belongs to is gone", Cause: cause}
}

// Away returns the error of a database that does not answer.
func Away(cause error) error {
	return &baton.Error{Code: baton.CodeUnavailable, Message: "the database is not available", Cause: cause}
}

// Busy returns the error of work that somebody else's locks kept from being
// done: what is tried again may succeed.
func Busy(cause error) error { return &busy{Away(cause)} }

type busy struct{ away error }

func (b *busy) Error() string { return b.away.Error() }

func (b *busy) Unwrap() error { return b.away }
