// Package store is the contract between Baton's capabilities and its database:
// small role interfaces that a capability asks for, composed into [Store] for
// the wiring and for the conformance suite in storetest. Package sqlstore
// implements it for SQLite and PostgreSQL alike.
//
// # Guarantees
//
//   - Durable: a method that writes has committed, and the commit is on disk,
//     before it returns nil.
//   - Atomic: what [Store.Tx] or [Store.CreateRunner] does happens as a whole
//     or not at all. Concurrent calls may share one commit; one that fails
//     does not fail its neighbours.
//   - Isolated: transactions have the outcome of running one after the other,
//     so what a closure reads holds when its writes commit. Only the methods
//     of [RunnerCreator] and [UseRecorder] stand aside: they decide nothing by
//     what they read.
//   - Repeatable: the closure given to [Store.Tx] may run more than once (a
//     serialization failure, a neighbour's failed commit), so it must have no
//     effect outside the transaction but to set variables of its caller.
//   - Read your writes: a read that starts after a write has returned sees it,
//     from every process on the same database.
//   - Cancelled: a context that ends before the work starts prevents it; once
//     Tx returned an error of the context, nothing was done and the closure
//     does not run any more.
//   - Failed: after a method of a transaction returned an error other than
//     NotFound, the closure must return one too: PostgreSQL takes no more
//     statements then.
//   - Flat: a transaction cannot begin inside a transaction. With one writer it
//     would wait for itself, so [Store.Tx] fails at once.
//
// # Errors
//
// A missing row is [baton.NotFound] with the kind of the thing: "User",
// "Token", "Namespace", "Project", "Member", "Share", "Runner", "Runner
// manager", "Runner project", "Registration token", "Stale runner policy", "Audit event", "Answer" or "Key". A broken unique rule is CodeConflict and names
// the field in [baton.Error.Fields] ("username", "email", "path", "owner_id",
// "user_id", "group_id", "project_id", "token", "key", "key_id"). A reference to a row that
// is gone is CodeStale. A database that cannot be reached, is full, was
// closed or is too contended is CodeUnavailable; when the connection broke in the middle of a
// commit, the work may have been done all the same. Everything else is
// internal.
//
// Letter case, where it does not count, is that of ASCII, and texts are
// compared and sorted by their bytes.
package store
