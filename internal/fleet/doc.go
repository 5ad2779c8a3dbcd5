// Package fleet is the life of runners: it creates them, lets machines register
// them, lists and shows them to those who may look, changes and assigns them,
// proves and replaces their tokens, hears from their managers, and removes them.
//
// Every change is one transaction together with its audit event, and asks for
// the permission inside it. The one secret of a runner, its authentication
// token, is made here, handed to the caller once as a [baton.Secret], and
// stored as a digest. Registration tokens, which can be read again, are sealed
// besides.
package fleet
