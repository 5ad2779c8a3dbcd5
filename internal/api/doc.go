// Package api is what Baton has in common with GitLab: the REST API below
// /api/v4, byte for byte where a client could tell the difference.
//
// # How a request is answered
//
// routes.go is the whole surface as one table; a row names the method, the
// path, who may call, and a typed function
//
//	func(ctx context.Context, c *call, in In) (Out, error)
//
// In is a struct whose tags say which parameters there are (package grape);
// Out is an entity, a [list], or [none]. Everything around that function is
// the same for every row and stands in endpoint.go, in GitLab's order of
// checks: rate limit, readable body, token, user state, sudo, scope,
// parameters, and then the function's own: existence, permission, rules.
//
// Functions neither see the http.ResponseWriter nor choose a status: the row
// does, and errors.go has the one table from errors to statuses and bodies.
//
// # How it is described
//
// openapi.yaml is written by TestDescription, with -update, from the table, the
// types of parameters and entities, and the comments in the source: the first
// sentence on a row's function is what its clients read. Every answer of the
// conversations in testdata is held to it.
//
// # Where things are
//
// One file for each of GitLab's resources holds its parameters, its functions
// and its entities. Entities are structs with JSON tags in the order in which
// GitLab emits the keys; domain types have no tags.
package api
