package api_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestServerFollowsTheRules makes random requests by random users, and holds the
// program to the model in permissions_test.go: to the status of every answer, to
// what lists hold, and, in the end, to all that exists.
func TestServerFollowsTheRules(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			w := kind.open(t)
			callers, tokens := newCallers(t, w)
			steps := 35
			if kind.name == "postgres" || testing.Short() {
				steps = 10
			}
			rapid.Check(t, func(t *rapid.T) {
				g := &game{T: t, w: w, callers: callers, tokens: tokens}
				g.begin()
				for range steps {
					g.step()
				}
				g.compare()
			})
		})
	}
}

// modelUsers are the people of the model besides root.
var modelUsers = []string{"anna", "ben", "carl"}

// newCallers makes the users, each with a token for everything that the user
// may do and some for less. The one of root with every scope keeps the world.
func newCallers(t *testing.T, w *world) (callers []caller, tokens []string) {
	t.Helper()
	do := func(line string) string {
		vars, err := w.Do(line)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		return vars["t"]
	}
	for _, user := range modelUsers {
		w.vars["user "+user] = ""
		vars, err := w.Do("user " + user)
		if err != nil {
			t.Fatal(err)
		}
		w.vars["user "+user] = vars["user "+user]
	}
	for _, user := range append([]string{"root"}, modelUsers...) {
		for _, scopes := range []string{"api", "api,admin_mode", "read_api", "manage_runner", "create_runner", "read_user"} {
			if strings.Contains(scopes, "admin_mode") && user != "root" {
				continue
			}
			callers = append(callers, caller{user, strings.Split(scopes, ",")})
			tokens = append(tokens, do("token t "+user+" "+scopes))
		}
	}
	return append(callers, caller{}), append(tokens, "")
}

// A game is one run of requests against the world and the model.
type game struct {
	*rapid.T

	w       *world
	m       *model
	callers []caller
	tokens  []string // of the callers
	names   int
}

// ask sends a request and returns status and body. The token "" is none.
func (g *game) ask(token, method, path string, params any) (int, []byte) {
	g.Helper()
	body := []byte{}
	if params != nil {
		var err error
		if body, err = json.Marshal(params); err != nil {
			g.Fatal(err)
		}
	}
	r, err := http.NewRequestWithContext(g.Context(), method, "http://"+g.w.Addr()+"/api/v4"+path, bytes.NewReader(body))
	if err != nil {
		g.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Private-Token", token)
	}
	answer, err := g.w.client.Do(r)
	if err != nil {
		g.Fatal(err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		g.Fatal(err)
	}
	return answer.StatusCode, content
}

// expect sends a request, which must be answered with the status, and reads the
// answer into out unless that is nil. It tells whether the request succeeded.
func (g *game) expect(want int, token, method, path string, params, out any) bool {
	g.Helper()
	status, body := g.ask(token, method, path, params)
	sent, _ := json.Marshal(params) //nolint:errchkjson // ask has written it
	g.Logf("%s %s %s: %d", method, path, sent, status)
	if status != want {
		g.Fatalf("%s %s %s: %d %s, and the model says %d", method, path, sent, status, body, want)
	}
	if status >= 300 {
		return false
	}
	if out != nil {
		if err := json.Unmarshal(body, out); err != nil {
			g.Fatalf("%s %s: %v in %s", method, path, err, body)
		}
	}
	return true
}

// root does what keeps the world, which always succeeds.
func (g *game) root(method, path string, params, out any) {
	g.Helper()
	status, body := g.ask(g.w.vars["root"], method, path, params)
	if status >= 300 {
		g.Fatalf("%s %s: %d %s", method, path, status, body)
	}
	if out != nil {
		if err := json.Unmarshal(body, out); err != nil {
			g.Fatal(err)
		}
	}
}

type fields map[string]any

type identified struct{ ID int }

// begin clears the world and makes the same few groups and projects.
func (g *game) begin() {
	g.m = &model{registrars: []string{"group", "project"}, users: map[string]*person{"root": {admin: true}}}
	var groups, runners []identified
	g.root("GET", "/groups?top_level_only=true&per_page=100", nil, &groups)
	for _, group := range groups {
		g.root("DELETE", fmt.Sprintf("/groups/%d", group.ID), nil, nil)
	}
	g.root("GET", "/runners/all?per_page=100", nil, &runners)
	for _, r := range runners {
		g.root("DELETE", fmt.Sprintf("/runners/%d", r.ID), nil, nil)
	}
	for _, user := range modelUsers {
		g.m.users[user] = &person{}
		g.root("POST", "/users/"+g.w.vars["user "+user]+"/unblock", nil, nil)
	}
	g.root("PUT", "/application/settings", fields{"admin_mode": false, "valid_runner_registrars": g.m.registrars}, nil)

	top := g.newPlace("top", nil, false)
	sub := g.newPlace("sub", top, false)
	g.newPlace("app", sub, true)
	g.newPlace("lib", top, true)
	other := g.newPlace("other", nil, false)
	g.newPlace("tool", other, true)

	// Something to begin with.
	for range 6 {
		g.member()
	}
	for range 2 {
		g.place()
	}
	root := caller{"root", []string{"api"}}
	for _, kind := range []string{"instance_type", "group_type", "group_type", "project_type", "project_type"} {
		g.createBy(root, g.tokens[0], kind)
	}
	g.assignBy(root, g.tokens[0])
}

// newPlace makes a group or project, which root is an Owner of.
func (g *game) newPlace(name string, in *place, project bool) *place {
	p := &place{path: name, project: project, in: in, members: map[string]role{}, shares: map[*place]role{}, instanceRunners: true, groupRunners: true}
	params := fields{"name": name, "path": name, "visibility": "private"}
	path := "/groups"
	switch {
	case project:
		path, params["namespace_id"] = "/projects", in.id
	case in != nil:
		params["parent_id"] = in.id
	}
	if in == nil {
		p.members["root"] = owner
	}
	var made identified
	g.root("POST", path, params, &made)
	p.id = made.ID
	g.m.places = append(g.m.places, p)
	return p
}

// at is the path of the place in the API.
func (p *place) at() string {
	if p == nil {
		return "/projects/999999"
	}
	if p.project {
		return fmt.Sprintf("/projects/%d", p.id)
	}
	return fmt.Sprintf("/groups/%d", p.id)
}

func (r *runner) at() string {
	if r == nil {
		return "/runners/999999"
	}
	return fmt.Sprintf("/runners/%d", r.id)
}

// GoString is how rapid shows what it drew.
func (p *place) GoString() string { return p.at() }

// GoString is how rapid shows what it drew.
func (r *runner) GoString() string { return r.at() }

// oneOf draws one of the values, each as likely as the others: rapid by itself
// prefers the first ones. It shrinks to the first.
func oneOf[T any](g *game, name string, all []T) T {
	const bits = 10
	return rapid.Custom(func(t *rapid.T) T {
		n := 0
		for range bits {
			n *= 2
			if rapid.Bool().Draw(t, "") {
				n++
			}
		}
		return all[n*len(all)>>bits]
	}).Draw(g.T, name)
}

func chance(g *game, name string) bool { return oneOf(g, name, []bool{false, true}) }

// somebody draws a caller: most often a user who is no administrator, with a
// token for everything.
func (g *game) somebody() (caller, string) {
	user := oneOf(g, "user", append(slices.Repeat(modelUsers, 4), "root", "root", ""))
	all := []int{}
	for i, c := range g.callers {
		if c.user == user {
			all = append(all, i)
		}
	}
	i := all[0] // with the scope api
	if chance(g, "any token") && chance(g, "really") {
		i = oneOf(g, "token", all)
	}
	g.Logf("%s with %v:", cmp.Or(user, "nobody"), g.callers[i].scopes)
	return g.callers[i], g.tokens[i]
}

// someRunner draws a runner, now and then one that is not there.
func (g *game) someRunner() *runner {
	return oneOf(g, "runner", append(slices.Repeat(g.m.runners, 4), nil))
}

// someToken draws a token that a runner has or had, or nobody's, and who it
// makes its holder.
func (g *game) someToken() (*runner, string) {
	r := g.someRunner()
	switch {
	case r == nil:
		return nil, "glrt-of-nobody-at-all00"
	case len(r.ended) > 0 && chance(g, "an old one"):
		return nil, oneOf(g, "ended", r.ended)
	}
	return r, r.token
}

func (g *game) placesThat(keep func(*place) bool) []*place {
	return slices.DeleteFunc(slices.Clone(g.m.places), func(p *place) bool { return !keep(p) })
}

func (g *game) somePlace(project bool) *place {
	return oneOf(g, "place", append(slices.Repeat(g.placesThat(func(p *place) bool { return p.project == project }), 4), nil))
}

func (g *game) someBool(name string) *bool {
	return oneOf(g, name, []*bool{nil, nil, new(true), new(false)})
}

func (g *game) someChange() (change, fields) {
	want := change{
		paused: g.someBool("paused"), locked: g.someBool("locked"), untagged: g.someBool("run_untagged"),
		tags:    oneOf(g, "tag_list", [][]string{nil, {}, {"a"}, {"a", "b"}}),
		timeout: oneOf(g, "maximum_timeout", []*int{nil, nil, nil, new(600), new(5)}),
	}
	params := fields{}
	for name, value := range map[string]*bool{"paused": want.paused, "locked": want.locked, "run_untagged": want.untagged} {
		if value != nil {
			params[name] = *value
		}
	}
	if want.tags != nil {
		params["tag_list"] = want.tags
	}
	if want.timeout != nil {
		params["maximum_timeout"] = *want.timeout
	}
	return want, params
}

// step makes one request, or a change to the world around the runners. What is
// added here has its rule in permissions_test.go.
func (g *game) step() {
	g.w.setClock(g.w.clock().Add(time.Millisecond))
	steps := map[string]func(){
		"create": g.create, "list": g.list, "show": g.show, "update": g.update, "remove": g.remove, "rotate": g.rotate,
		"assign": g.assign, "unassign": g.unassign,
		"verify": g.verify, "rotate by token": g.rotateOwn, "unregister": g.unregister, "unregister manager": g.unregisterManager,
		"member": g.member, "share": g.share, "place": g.place, "delete": g.deletePlace, "block": g.block, "settings": g.settings,
	}
	// The likelier ones are there several times.
	names := []string{
		"create", "create", "list", "list", "list", "list", "list", "list", "list", "list", "show", "show", "show", "update", "update", "update",
		"remove", "remove", "rotate", "rotate", "assign", "assign", "assign", "unassign", "unassign", "verify", "verify", "rotate by token",
		"unregister", "unregister manager", "member", "member", "member", "member", "share", "place", "place", "delete", "block", "settings",
	}
	steps[oneOf(g, "step", names)]()
}

// answered is the answer that has a runner's token.
type answered struct {
	ID    int
	Token string
}

func (g *game) create() {
	c, token := g.somebody()
	g.createBy(c, token, oneOf(g, "runner_type", []string{"instance_type", "group_type", "group_type", "project_type", "project_type", "project_type", "shared"}))
}

func (g *game) createBy(c caller, token, kind string) {
	want, params := g.someChange()
	params["runner_type"] = kind
	var in *place
	switch kind {
	case "group_type":
		in = g.somePlace(false)
		params["group_id"] = 999999
		if in != nil {
			params["group_id"] = in.id
		}
	case "project_type":
		in = g.somePlace(true)
		params["project_id"] = 999999
		if in != nil {
			params["project_id"] = in.id
		}
	}
	var made answered
	if g.expect(g.m.create(c, kind, in, want), token, "POST", "/user/runners", params, &made) {
		r := want.of(runner{untagged: true})
		r.id, r.kind, r.home, r.token = made.ID, kind, in, made.Token
		g.m.created(r)
	}
}

func (g *game) list() {
	c, token := g.somebody()
	path, query := "/runners", url.Values{"per_page": {"100"}}
	var status int
	var all []*runner
	switch oneOf(g, "list", []string{"own", "own", "all", "group", "group", "project", "project"}) {
	case "own":
		status, all = g.m.listOwn(c)
	case "all":
		path = "/runners/all"
		if chance(g, "by root") {
			c, token = g.callers[0], g.tokens[0]
		}
		status, all = g.m.listAll(c)
	case "group":
		group := oneOf(g, "group", g.placesThat(func(p *place) bool { return !p.project }))
		path = group.at() + "/runners"
		status, all = g.m.listOf(c, group)
	case "project":
		project := g.somePlace(true)
		path = project.at() + "/runners"
		status, all = g.m.listOf(c, project)
	}
	var f filter
	for range oneOf(g, "filters", []int{0, 0, 1, 1, 2}) {
		switch oneOf(g, "filter", []string{"type", "status", "tag_list", "paused"}) {
		case "type":
			f.kind = oneOf(g, "type", []string{"instance_type", "group_type", "project_type"})
		case "status":
			f.status = oneOf(g, "status", []string{"online", "offline", "never_contacted", "stale"})
		case "tag_list":
			f.tag = oneOf(g, "tag_list", []string{"a", "b"})
		case "paused":
			f.paused = new(chance(g, "paused"))
		}
	}
	for name, value := range map[string]string{"type": f.kind, "status": f.status, "tag_list": f.tag} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if f.paused != nil {
		query.Set("paused", strconv.FormatBool(*f.paused))
	}
	var got []identified
	if g.expect(status, token, "GET", path+"?"+query.Encode(), nil, &got) {
		g.same("list", idsOf(f.of(all)), got)
	}
}

func idsOf(all []*runner) []identified {
	ids := []identified{}
	for _, r := range all {
		ids = append(ids, identified{r.id})
	}
	slices.SortFunc(ids, func(a, b identified) int { return cmp.Compare(a.ID, b.ID) })
	return ids
}

func (g *game) same(what string, want, got any) {
	g.Helper()
	if diff := gocmp.Diff(want, got); diff != "" {
		g.Fatalf("%s: -model +server\n%s", what, diff)
	}
}

func (g *game) show() {
	c, token := g.somebody()
	r := g.someRunner()
	part := oneOf(g, "part", []string{"", "", "/managers", "/projects", "/jobs"})
	status := g.m.show(c, r)
	if part == "/jobs" {
		status = g.m.showJobs(c, r)
	}
	g.expect(status, token, "GET", r.at()+part, nil, nil)
}

func (g *game) update() {
	c, token := g.somebody()
	r := g.someRunner()
	want, params := g.someChange()
	if want.active = oneOf(g, "active", []*bool{nil, nil, nil, new(true)}); want.active != nil {
		params["active"] = *want.active
	}
	if g.expect(g.m.update(c, r, want), token, "PUT", r.at(), params, nil) {
		*r = want.of(*r)
	}
}

func (g *game) remove() {
	c, token := g.somebody()
	r := g.someRunner()
	if g.expect(g.m.remove(c, r), token, "DELETE", r.at(), nil, nil) {
		g.m.removed(r)
	}
}

func (g *game) rotate() {
	c, token := g.somebody()
	r := g.someRunner()
	var made answered
	if g.expect(g.m.rotate(c, r), token, "POST", r.at()+"/reset_authentication_token", nil, &made) {
		r.rotated(made.Token)
	}
}

func (g *game) assign() { g.assignBy(g.somebody()) }

func (g *game) assignBy(c caller, token string) {
	r, to := g.someRunner(), g.somePlace(true)
	id := 999999
	if r != nil {
		id = r.id
	}
	if g.expect(g.m.assign(c, to, r), token, "POST", to.at()+"/runners", fields{"runner_id": id}, nil) {
		r.assigned = append(slices.Clone(r.assigned), to)
	}
}

func (g *game) unassign() {
	c, token := g.somebody()
	r, from := g.someRunner(), g.somePlace(true)
	if r != nil && len(r.assigned) > 1 {
		from = oneOf(g, "assigned", r.assigned)
	}
	if g.expect(g.m.unassign(c, from, r), token, "DELETE", from.at()+r.at(), nil, nil) {
		r.unassigned(from)
	}
}

func (g *game) verify() {
	r, token := g.someToken()
	id := oneOf(g, "system_id", []string{"s_1", "s_2"})
	var made answered
	if g.expect(verify(r), "", "POST", "/runners/verify", fields{"token": token, "system_id": id}, &made) {
		g.same("verify", answered{r.id, token}, made)
		r.contacted(id)
	}
}

func (g *game) rotateOwn() {
	r, token := g.someToken()
	id := oneOf(g, "system_id", []string{"s_1", "s_2"})
	var made answered
	if g.expect(rotateOwn(r), "", "POST", "/runners/reset_authentication_token", fields{"token": token, "system_id": id}, &made) {
		r.rotated(made.Token)
		r.contacted(id)
	}
}

func (g *game) unregister() {
	r, token := g.someToken()
	if g.expect(unregister(r), "", "DELETE", "/runners", fields{"token": token}, nil) {
		g.m.removed(r)
	}
}

func (g *game) unregisterManager() {
	r, token := g.someToken()
	id := oneOf(g, "system_id", []string{"s_1", "s_2"})
	if g.expect(unregisterManager(r, id), "", "DELETE", "/runners/managers", fields{"token": token, "system_id": id}, nil) {
		r.managers = slices.DeleteFunc(r.managers, func(other string) bool { return other == id })
	}
}

// What follows is done by root, to change what the others may do.

func (g *game) member() {
	p := oneOf(g, "place", append(g.placesThat(func(p *place) bool { return !p.project }), g.m.places...))
	user := oneOf(g, "user", modelUsers)
	level := oneOf(g, "role", []role{noRole, guest, developer, developer, maintainer, maintainer, maintainer, owner})
	id := g.w.vars["user "+user]
	g.Logf("%s becomes %d in %s", user, level, p.at())
	switch known := p.members[user] != noRole; {
	case level == noRole && known:
		g.root("DELETE", p.at()+"/members/"+id, nil, nil)
		g.m.left(user, p)
	case level < p.roleAbove(user) || level == noRole:
		// Nobody can be less below than above.
	case known:
		g.root("PUT", p.at()+"/members/"+id, fields{"access_level": level}, nil)
		p.members[user] = level
	default:
		g.root("POST", p.at()+"/members", fields{"user_id": id, "access_level": level}, nil)
		p.members[user] = level
	}
}

// roleAbove is the role that a member of the groups above has at least.
func (p *place) roleAbove(user string) role {
	highest := noRole
	for at := p.in; at != nil; at = at.in {
		highest = max(highest, at.members[user])
	}
	return highest
}

func (g *game) share() {
	p := oneOf(g, "place", g.m.places)
	guests := oneOf(g, "guests", g.placesThat(func(p *place) bool { return !p.project }))
	if p.isBelow(guests) || guests.isBelow(p) {
		return
	}
	if p.shares[guests] != noRole {
		g.Logf("%s is not shared with %s any more", p.at(), guests.at())
		g.root("DELETE", fmt.Sprintf("%s/share/%d", p.at(), guests.id), nil, nil)
		delete(p.shares, guests)
		return
	}
	level := oneOf(g, "role", []role{developer, maintainer, owner})
	g.Logf("%s is shared with %s up to %d", p.at(), guests.at(), level)
	g.root("POST", p.at()+"/share", fields{"group_id": guests.id, "group_access": level}, nil)
	p.shares[guests] = level
}

func (g *game) place() {
	p := oneOf(g, "place", append([]*place{nil}, g.m.places...))
	if p == nil {
		g.names++
		in := oneOf(g, "in", g.placesThat(func(p *place) bool { return !p.project }))
		p = g.newPlace(fmt.Sprintf("new%d", g.names), in, chance(g, "project"))
		g.Logf("%s is made in %s", p.at(), in.at())
		return
	}
	p.restricted = chance(g, "restricted")
	p.instanceRunners = chance(g, "instance runners")
	params := fields{"runner_registration_enabled": !p.restricted, "shared_runners_enabled": p.instanceRunners}
	if p.project {
		p.groupRunners = chance(g, "group runners")
		params["group_runners_enabled"] = p.groupRunners
	} else {
		p.instanceRunners = true // a group that keeps them out keeps them out of all below
		delete(params, "shared_runners_enabled")
	}
	g.Logf("%s: %v", p.at(), params)
	g.root("PUT", p.at(), params, nil)
}

func (g *game) deletePlace() {
	// Something is always left to be in.
	p := oneOf(g, "place", g.m.places)
	if p.in == nil {
		return
	}
	g.Logf("%s is deleted", p.at())
	g.root("DELETE", p.at(), nil, nil)
	g.m.deleted(p)
}

func (g *game) block() {
	user := oneOf(g, "user", modelUsers)
	who := g.m.users[user]
	who.blocked = !who.blocked
	path := map[bool]string{true: "/block", false: "/unblock"}[who.blocked]
	g.Logf("%s: %s", user, path)
	g.root("POST", "/users/"+g.w.vars["user "+user]+path, nil, nil)
}

func (g *game) settings() {
	g.m.adminMode = chance(g, "admin_mode")
	g.m.registrars = oneOf(g, "registrars", [][]string{{"group", "project"}, {"group", "project"}, {"group"}, {"project"}, {}})
	params := fields{"admin_mode": g.m.adminMode, "valid_runner_registrars": g.m.registrars}
	g.Logf("settings: %v", params)
	g.root("PUT", "/application/settings", params, nil)
}

// A found is what there is to see of a runner.
type found struct {
	ID             int
	RunnerType     string `json:"runner_type"`
	Paused, Locked bool
	RunUntagged    bool     `json:"run_untagged"`
	TagList        []string `json:"tag_list"`
	Status         string
	Projects       []identified
	Groups         []identified
}

// compare holds all that exists to the model: each runner with what it is like,
// where it is, its managers, and which of its tokens work.
func (g *game) compare() {
	var got []identified
	g.root("GET", "/runners/all?per_page=100", nil, &got)
	g.same("runners", idsOf(g.m.runners), got)
	for query, f := range map[string]filter{
		"paused=true": {paused: new(true)}, "paused=false": {paused: new(false)}, "type=project_type": {kind: "project_type"},
		"tag_list=a": {tag: "a"}, "status=online": {status: "online"}, "status=never_contacted": {status: "never_contacted"},
	} {
		got = nil
		g.root("GET", "/runners/all?per_page=100&"+query, nil, &got)
		g.same(query, idsOf(f.of(g.m.runners)), got)
	}
	for _, r := range g.m.runners {
		var is found
		g.root("GET", r.at(), nil, &is)
		want := found{
			ID: r.id, RunnerType: r.kind, Paused: r.paused, Locked: r.locked, RunUntagged: r.untagged,
			TagList: append([]string{}, r.tags...), Projects: []identified{}, Groups: []identified{}, Status: "online",
		}
		switch {
		case !r.called:
			want.Status = "never_contacted"
		case r.paused:
			want.Status = "paused"
		}
		for _, p := range r.assigned {
			want.Projects = append(want.Projects, identified{p.id})
		}
		byID := func(a, b identified) int { return cmp.Compare(a.ID, b.ID) }
		slices.SortFunc(want.Projects, byID)
		slices.SortFunc(is.Projects, byID)
		if r.kind == "group_type" {
			want.Groups = append(want.Groups, identified{r.home.id})
		}
		g.same("GET "+r.at(), want, is)

		var managers []struct {
			SystemID string `json:"system_id"`
		}
		g.root("GET", r.at()+"/managers", nil, &managers)
		var systems []string
		for _, manager := range managers {
			systems = append(systems, manager.SystemID)
		}
		slices.Sort(systems)
		g.same("managers of "+r.at(), slices.Sorted(slices.Values(r.managers)), systems)

		g.expect(verify(r), "", "POST", "/runners/verify", fields{"token": r.token, "system_id": "s_end"}, nil)
		for _, token := range r.ended {
			g.expect(verify(nil), "", "POST", "/runners/verify", fields{"token": token, "system_id": "s_end"}, nil)
		}
	}
}
