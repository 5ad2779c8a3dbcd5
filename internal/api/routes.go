package api

import (
	"net/http"
	"slices"

	"baton.example/baton"
)

// Short names of scopes, for the table.
const (
	api          = baton.ScopeAPI
	readAPI      = baton.ScopeReadAPI
	readUser     = baton.ScopeReadUser
	selfRotate   = baton.ScopeSelfRotate
	createRunner = baton.ScopeCreateRunner
	manageRunner = baton.ScopeManageRunner
)

// routes is the whole surface. Patterns are below /api/v4.
func (s *Server) routes() []route {
	return slices.Concat(
		s.runnerRoutes(),
		s.instanceRoutes(),
		s.userRoutes(),
		s.accessTokenRoutes(),
		s.groupRoutes(),
		s.projectRoutes(),
		s.memberRoutes(),
	)
}

// runnerRoutes are the routes of runners and their managers.
func (s *Server) runnerRoutes() []route {
	return []route{
		post("/user/runners", with(createRunner, api), s.createUserRunner),

		get("/runners/all", with(api, readAPI), s.listAllRunners),
		get("/runners/{id}", with(manageRunner, api, readAPI), s.getRunner),

		post("/runners/verify", anyone, s.verifyRunner).answering(http.StatusOK),
		post("/jobs/request", anyone, s.requestJob).answering(http.StatusNoContent),
	}
}
