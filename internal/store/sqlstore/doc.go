// Package sqlstore implements the storage contract over database/sql, for
// SQLite and PostgreSQL alike. Almost every statement is portable and written
// once, here; what differs between the databases is a [Database], which the
// packages sqlite and postgres provide.
//
// # One mapping per type
//
// A [table] lists the columns of a type with pointers to the fields, and that
// list serves reading and writing. A zero field of a nullable column is NULL
// in the database, and times are kept in microseconds. Lists are composed by
// [where] from the conditions that are set: a statement with "$1 IS NULL OR"
// for each filter would have one plan for all of them, the full scan.
//
// # Portable SQL
//
// Placeholders are $1, $2, and so on; both databases know RETURNING, UPDATE
// with CASE, ON CONFLICT, WITH RECURSIVE and NULLS LAST. Neither the clock nor
// the letter case is asked from the database beyond lower(), which folds ASCII
// on both (PostgreSQL's text columns that are compared or sorted have the
// collation "C").
package sqlstore
