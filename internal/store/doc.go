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
//   - Repeatable: the closure given to [Store.Tx] may run more than once (a
//     serialization failure, a neighbour's failed commit), so it must have no
//     effect outside the transaction but to set variables of its caller.
//   - Read your writes: a read that starts after a write has returned sees it,
//     from every process on the same database.
//   - Cancelled: a context that ends before the work starts prevents it; once
//     Tx returned an error of the context, nothing was done and the closure
//     does not run any more.
//
// # Errors
//
// A missing row is [baton.NotFound] with the kind of the thing, a broken unique
// rule is CodeConflict, a reference to a row that is gone is CodeStale, and a
// database that cannot be reached is CodeUnavailable. Everything else is
// internal.
package store
