package api

import (
	"context"
	"net/http"
	"slices"

	"baton.example/baton"
	"baton.example/baton/internal/directory"
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
		s.stalePolicyRoutes(),
		s.instanceRoutes(),
		s.userRoutes(),
		s.accessTokenRoutes(),
		s.resourceTokenRoutes(),
		s.groupRoutes(),
		s.projectRoutes(),
		s.memberRoutes(),
		s.auditRoutes(),
		s.pipelineRoutes(),
		s.protectedRefRoutes(),
		s.variableRoutes(),
	)
}

// runnerRoutes are the routes of runners and their managers.
func (s *Server) runnerRoutes() []route {
	lists, read := with(api, readAPI).naming(manageRunner), with(manageRunner, api, readAPI)
	write, assign := with(manageRunner, api), with(api).naming(manageRunner)
	return []route{
		post("/user/runners", with(createRunner, api), s.createUserRunner).returning(runnerToken{}).repeating(),

		get("/runners", lists, s.listRunners),
		get("/runners/all", lists, s.listAllRunners),
		get("/projects/{id}/runners", lists, s.listProjectRunners).guarded(s.guardProjectRunners),
		get("/groups/{id}/runners", lists, s.listGroupRunners).guarded(s.guardGroupRunners),

		get("/runners/router/discovery", anyone(), s.discoverRouter).answering(http.StatusNotImplemented),
		get("/runners/{id}", read, s.getRunner),
		get("/runners/{id}/managers", read, s.listRunnerManagers),
		get("/runners/{id}/projects", read, s.listRunnerProjects),
		get("/runners/{id}/jobs", read, s.listRunnerJobs).returning(list[runnerJob]{}),
		put("/runners/{id}", write, s.updateRunner),
		del("/runners/{id}", write, s.deleteRunner).conditional(),
		post("/runners/{id}/reset_authentication_token", write, s.resetRunnerToken),
		post("/projects/{id}/runners", assign, s.assignRunner).guarded(s.guardProjectRunners),
		del("/projects/{id}/runners/{runner_id}", assign, s.unassignRunner).guarded(s.guardProjectRunners).conditional(),

		post("/runners", anyone(), s.registerRunner).refusing(http.StatusForbidden, http.StatusGone),
		post("/runners/reset_registration_token", assign, s.resetInstanceRegistrationToken),
		post("/groups/{id}/runners/reset_registration_token", assign, s.resetGroupRegistrationToken),
		post("/projects/{id}/runners/reset_registration_token", assign, s.resetProjectRegistrationToken),

		post("/runners/verify", anyone(), s.verifyRunner).answering(http.StatusOK).refusing(http.StatusForbidden),
		post("/runners/reset_authentication_token", anyone(), s.resetOwnToken).refusing(http.StatusForbidden),
		del("/runners", anyone(), s.unregisterRunner).refusing(http.StatusForbidden).conditional(),
		del("/runners/managers", anyone(), s.unregisterManager).refusing(http.StatusForbidden, http.StatusNotFound).conditional(),
		post("/jobs/request", anyone(), s.requestJob).returning(struct{}{}).refusing(http.StatusForbidden, http.StatusNoContent),
		put("/jobs/{id}", anyone(), s.updateJob).refusing(http.StatusForbidden),
	}
}

// stalePolicyRoutes are the routes of what becomes of runners and managers that
// have been silent for long, in the instance, in groups and in projects.
func (s *Server) stalePolicyRoutes() []route {
	read, write := with(manageRunner, api, readAPI), with(manageRunner, api)
	const path = "/stale_runner_policy"
	instance := "/application" + path
	all := []route{
		get(instance, read, s.getStalePolicy),
		put(instance, write, s.setStalePolicy),
		del(instance, write, s.removeStalePolicy),
		get(instance+"/preview", read, s.previewStale),
		post(instance+"/run", write, s.runStale).answering(http.StatusOK),
	}
	for _, below := range []struct {
		path   string
		source func(context.Context, *call, directory.Ref) (baton.Source, error)
	}{{"/groups/{id}", s.groupSource}, {"/projects/{id}", s.projectSource}} {
		p := stalePolicies{s, below.source}
		all = append(all,
			get(below.path+path, read, p.getPolicy),
			put(below.path+path, write, p.setPolicy),
			del(below.path+path, write, p.removePolicy),
			get(below.path+path+"/preview", read, p.previewPolicy),
			post(below.path+path+"/run", write, p.runPolicy).answering(http.StatusOK),
		)
	}
	return all
}

// instanceRoutes are the routes of the instance as a whole.
func (s *Server) instanceRoutes() []route {
	return []route{
		get("/openapi.yaml", anyone(), s.getDescription),

		get("/version", with(readUser, api, readAPI), s.getVersion),
		get("/metadata", with(readUser, api, readAPI), s.getVersion),

		get("/application/settings", with(api, readAPI), s.getSettings),
		put("/application/settings", with(api), s.updateSettings),
	}
}

// userRoutes are the routes of users.
func (s *Server) userRoutes() []route {
	read, write := with(readUser, api, readAPI), with(api).naming(readUser)
	return []route{
		get("/user", read, s.getCurrentUser).returning(userRecord{}, userAccount{}),
		get("/users", read, s.listUsers).returning(userRecord{}, shortUser{}),
		get("/users/{id}", read, s.getUser).returning(userRecord{}, userProfile{}),
		post("/users", write, s.createUser),
		put("/users/{id}", write, s.updateUser),
		del("/users/{id}", write, s.deleteUser),
		post("/users/{id}/block", write, s.blockUser),
		post("/users/{id}/unblock", write, s.unblockUser),
		post("/users/{id}/deactivate", write, s.deactivateUser),
		post("/users/{id}/activate", write, s.activateUser),
	}
}

// accessTokenRoutes are the routes of personal access tokens. Every token may
// look at itself and revoke itself, whatever its scopes.
func (s *Server) accessTokenRoutes() []route {
	self := with(baton.Scopes()...)
	return []route{
		post("/users/{user_id}/personal_access_tokens", with(api).naming(readUser), s.createAccessTokenFor).refusing(http.StatusUnprocessableEntity),
		post("/user/personal_access_tokens", with(api).naming(readUser), s.createOwnAccessToken).refusing(http.StatusUnprocessableEntity),

		get("/personal_access_tokens", with(api, readAPI), s.listAccessTokens),
		get("/personal_access_tokens/self", self, s.getSelf),
		get("/personal_access_tokens/{id}", with(api, readAPI), s.getAccessToken),
		post("/personal_access_tokens/self/rotate", with(selfRotate, api), s.rotateSelf).answering(http.StatusOK).rotating(),
		post("/personal_access_tokens/{id}/rotate", with(api), s.rotateAccessToken).answering(http.StatusOK).rotating(),
		del("/personal_access_tokens/self", self, s.revokeSelf),
		del("/personal_access_tokens/{id}", with(api), s.revokeAccessToken),
	}
}

// places are where there are routes that are the same for groups and projects.
func places() []below {
	return []below{
		{"/groups", func(r directory.Ref) directory.Place { return directory.Place{Group: r} }},
		{"/projects", func(r directory.Ref) directory.Place { return directory.Place{Project: r} }},
	}
}

// A below is the beginning of such routes, and makes a place of an id there.
type below struct {
	path  string
	place func(directory.Ref) directory.Place
}

// resourceTokenRoutes are the routes of the access tokens of groups and
// projects, which are the same below both.
func (s *Server) resourceTokenRoutes() []route {
	var all []route
	for _, b := range places() {
		r := resourceTokens{Server: s, place: b.place}
		read, write := with(api, readAPI), with(api)
		all = append(all,
			get(b.path+"/{id}/access_tokens", read, r.list),
			get(b.path+"/{id}/access_tokens/{token_id}", read, r.get),
			post(b.path+"/{id}/access_tokens", write, r.create),
			post(b.path+"/{id}/access_tokens/self/rotate", with(selfRotate, api), r.rotateSelf).
				answering(http.StatusOK).rotating().refusing(http.StatusMethodNotAllowed),
			post(b.path+"/{id}/access_tokens/{token_id}/rotate", write, r.rotate).answering(http.StatusOK).rotating(),
			del(b.path+"/{id}/access_tokens/{token_id}", write, r.revoke),
		)
	}
	return all
}

// groupRoutes are the routes of groups and namespaces.
func (s *Server) groupRoutes() []route {
	read, write := with(api, readAPI), with(api)
	return []route{
		get("/groups", read, s.listGroups),
		get("/groups/{id}", read, s.getGroup),
		get("/groups/{id}/subgroups", read, s.listSubgroups),
		get("/groups/{id}/projects", read, s.listGroupProjects),
		post("/groups", write, s.createGroup),
		put("/groups/{id}", write, s.updateGroup),
		del("/groups/{id}", write, s.deleteGroup).answering(http.StatusAccepted),

		post("/groups/{id}/share", write, s.shareGroup),
		del("/groups/{id}/share/{group_id}", write, s.unshareGroup),

		get("/namespaces", read, s.listNamespaces),
		get("/namespaces/{id}", read, s.getNamespace),
	}
}

// projectRoutes are the routes of projects.
func (s *Server) projectRoutes() []route {
	read, write := with(api, readAPI), with(api)
	return []route{
		get("/projects", read, s.listProjects),
		get("/projects/{id}", read, s.getProject),
		get("/users/{user_id}/projects", read, s.listUserProjects),
		post("/projects", write, s.createProject),
		put("/projects/{id}", write, s.updateProject),
		del("/projects/{id}", write, s.deleteProject).answering(http.StatusAccepted),

		post("/projects/{id}/share", write, s.shareProject),
		del("/projects/{id}/share/{group_id}", write, s.unshareProject),
	}
}

// pipelineRoutes are the routes of pipelines and jobs.
func (s *Server) pipelineRoutes() []route {
	read, write := with(api, readAPI), with(api)
	return []route{
		post("/projects/{id}/pipeline", write, s.createPipeline),
		get("/projects/{id}/pipelines", read, s.listPipelines),
		get("/projects/{id}/pipelines/{pipeline_id}", read, s.getPipeline),
		get("/projects/{id}/pipelines/{pipeline_id}/jobs", read, s.listPipelineJobs),
		post("/projects/{id}/pipelines/{pipeline_id}/cancel", write, s.cancelPipeline),
		post("/projects/{id}/pipelines/{pipeline_id}/retry", write, s.retryPipeline),
		del("/projects/{id}/pipelines/{pipeline_id}", write, s.deletePipeline),
		get("/projects/{id}/jobs", read, s.listJobs),
		get("/projects/{id}/jobs/{job_id}", read, s.getJob),
		post("/projects/{id}/jobs/{job_id}/cancel", write, s.cancelJob),
		post("/projects/{id}/jobs/{job_id}/retry", write, s.retryJob),
		post("/projects/{id}/jobs/{job_id}/play", write, s.playJob).answering(http.StatusOK),
	}
}

// protectedRefRoutes are the routes of protected branches and tags.
func (s *Server) protectedRefRoutes() []route {
	read, write := with(api, readAPI), with(api)
	branches, tags := "/projects/{id}/protected_branches", "/projects/{id}/protected_tags"
	return []route{
		get(branches, read, s.listProtectedBranches),
		post(branches, write, s.protectBranch).refusing(http.StatusUnprocessableEntity),
		get(branches+"/{name}", read, s.getProtectedBranch),
		patch(branches+"/{name}", write, s.updateProtectedBranch),
		del(branches+"/{name}", write, s.unprotectBranch),
		get(tags, read, s.listProtectedTags),
		post(tags, write, s.protectTag).refusing(http.StatusUnprocessableEntity),
		get(tags+"/{name}", read, s.getProtectedTag),
		del(tags+"/{name}", write, s.unprotectTag),
	}
}

// variableRoutes are the routes of CI/CD variables, in the instance, in groups and
// in projects.
func (s *Server) variableRoutes() []route {
	read, write := with(api, readAPI), with(api)
	const instance = "/admin/ci/variables"
	all := []route{
		get(instance, read, s.listInstanceVariables),
		post(instance, write, s.createInstanceVariable),
		get(instance+"/{key}", read, s.getInstanceVariable),
		put(instance+"/{key}", write, s.updateInstanceVariable),
		del(instance+"/{key}", write, s.deleteInstanceVariable),
	}
	for _, below := range []struct {
		path string
		of   placeVariables
	}{
		{"/groups/{id}/variables", placeVariables{s, s.groupSource, "GroupVariable"}},
		{"/projects/{id}/variables", placeVariables{s, s.projectSource, "Variable"}},
	} {
		all = append(all,
			get(below.path, read, below.of.list),
			post(below.path, write, below.of.create),
			get(below.path+"/{key}", read, below.of.get),
			put(below.path+"/{key}", write, below.of.update),
			del(below.path+"/{key}", write, below.of.remove),
		)
	}
	return all
}

// memberRoutes are the routes of the members of groups and projects, which are
// the same below both.
func (s *Server) memberRoutes() []route {
	var all []route
	for _, b := range places() {
		m := members{Server: s, place: b.place}
		read, write := with(api, readAPI), with(api)
		all = append(all,
			get(b.path+"/{id}/members", read, m.list),
			get(b.path+"/{id}/members/all", read, m.listAll),
			get(b.path+"/{id}/members/{user_id}", read, m.get),
			get(b.path+"/{id}/members/all/{user_id}", read, m.getAny),
			post(b.path+"/{id}/members", write, m.add).returning(memberEntity{}, addedMembers{}),
			put(b.path+"/{id}/members/{user_id}", write, m.update),
			del(b.path+"/{id}/members/{user_id}", write, m.remove),
		)
	}
	return all
}

// auditRoutes are the routes of the audit logs of the instance, and of groups
// and projects.
func (s *Server) auditRoutes() []route {
	read := with(api, readAPI)
	group := auditLog{s, func(r directory.Ref) directory.Place { return directory.Place{Group: r} }}
	project := auditLog{s, func(r directory.Ref) directory.Place { return directory.Place{Project: r} }}
	return []route{
		get("/audit_events", read, s.listAuditEvents).guarded(s.guardAuditEvents),
		get("/audit_events/{id}", read, s.getAuditEvent).guarded(s.guardAuditEvents),
		get("/groups/{id}/audit_events", read, group.list).guarded(group.guard),
		get("/groups/{id}/audit_events/{audit_event_id}", read, group.get).guarded(group.guard),
		get("/projects/{id}/audit_events", read, project.list).guarded(project.guard),
		get("/projects/{id}/audit_events/{audit_event_id}", read, project.get).guarded(project.guard),
	}
}
