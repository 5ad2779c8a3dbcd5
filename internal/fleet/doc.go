// Package fleet is the life of runners: it creates them, proves their tokens,
// hears from their managers and shows them to those who may look.
//
// Every change is one transaction together with its audit event. The one
// secret of a runner, its authentication token, is made here, handed to the
// caller once as a [baton.Secret], and stored as a digest.
package fleet
