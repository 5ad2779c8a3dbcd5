package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	gitlab "gitlab.com/gitlab-org/api/client-go"

	"baton.example/baton/internal/testkit/pgtest"
)

// onBothDatabases runs a test once on SQLite and once on PostgreSQL, each with
// a server of its own.
func onBothDatabases(t *testing.T, test func(*testing.T, *program)) {
	t.Helper()
	onBothNew(t, func(t *testing.T, s setup) { test(t, start(t, s)) })
}

// onBothNew does the same for a test that starts the server itself.
func onBothNew(t *testing.T, test func(*testing.T, setup)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		test(t, setup{dir: t.TempDir()})
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		test(t, setup{dir: t.TempDir(), postgres: pgtest.URL(t)})
	})
}

// A world is the people and places of a test, made by the administrator with
// the client, as an organization would.
type world struct {
	t    *testing.T
	url  string
	root *gitlab.Client
}

func newWorld(p *program) *world {
	return &world{t: p.t, url: p.url, root: dial(p.t, p.url, p.root)}
}

// dial returns GitLab's client with a token. Answers other than success are
// for the test to see, so nothing is asked twice.
func dial(t *testing.T, url, token string, o ...gitlab.ClientOptionFunc) *gitlab.Client {
	t.Helper()
	o = append([]gitlab.ClientOptionFunc{gitlab.WithBaseURL(url), gitlab.WithoutRetries()}, o...)
	client, err := gitlab.NewClient(token, o...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// must returns what a call of the client returned, if that is no error.
func must[T any](v T, _ *gitlab.Response, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// ok expects a call without a result to succeed.
func ok(t *testing.T) func(*gitlab.Response, error) {
	return func(_ *gitlab.Response, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
}

func (w *world) user(name string) *gitlab.User {
	w.t.Helper()
	return must(w.root.Users.CreateUser(&gitlab.CreateUserOptions{
		Username: &name, Name: new(strings.ToUpper(name[:1]) + name[1:]), Email: new(name + "@example.com"),
		ForceRandomPassword: new(true),
	}))(w.t)
}

// token makes an access token for a user; the scope is api unless others are
// named.
func (w *world) token(u *gitlab.User, scopes ...string) *gitlab.PersonalAccessToken {
	w.t.Helper()
	if scopes == nil {
		scopes = []string{"api"}
	}
	return must(w.root.Users.CreatePersonalAccessToken(u.ID, &gitlab.CreatePersonalAccessTokenOptions{
		Name: new(strings.Join(scopes, " ")), Scopes: &scopes,
	}))(w.t)
}

// as returns a client that calls as a user.
func (w *world) as(u *gitlab.User, scopes ...string) *gitlab.Client {
	w.t.Helper()
	return dial(w.t, w.url, w.token(u, scopes...).Token)
}

// group makes a private group, in another unless that is nil.
func (w *world) group(path string, parent *gitlab.Group) *gitlab.Group {
	w.t.Helper()
	o := &gitlab.CreateGroupOptions{Name: new(path), Path: new(path), Visibility: new(gitlab.PrivateVisibility)}
	if parent != nil {
		o.ParentID = &parent.ID
	}
	return must(w.root.Groups.CreateGroup(o))(w.t)
}

// project makes the private project app in a group.
func (w *world) project(in *gitlab.Group) *gitlab.Project {
	w.t.Helper()
	return must(w.root.Projects.CreateProject(&gitlab.CreateProjectOptions{
		Name: new("app"), NamespaceID: &in.ID, Visibility: new(gitlab.PrivateVisibility),
	}))(w.t)
}

// joinGroup makes a user a member of a group.
func (w *world) joinGroup(u *gitlab.User, g *gitlab.Group, level gitlab.AccessLevelValue) {
	w.t.Helper()
	must(w.root.GroupMembers.AddGroupMember(g.ID, &gitlab.AddGroupMemberOptions{UserID: &u.ID, AccessLevel: &level}))(w.t)
}

// joinProject makes a user a member of a project.
func (w *world) joinProject(u *gitlab.User, p *gitlab.Project, level gitlab.AccessLevelValue) {
	w.t.Helper()
	must(w.root.ProjectMembers.AddProjectMember(p.ID, &gitlab.AddProjectMemberOptions{UserID: u.ID, AccessLevel: &level}))(w.t)
}

// put changes what the client has no option for.
func (w *world) put(path string, values map[string]any) {
	w.t.Helper()
	req, err := w.root.NewRequest(http.MethodPut, path, values, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	ok(w.t)(w.root.Do(req, nil))
}

// The three kinds of runner.
func instanceRunner() *gitlab.CreateUserRunnerOptions {
	return &gitlab.CreateUserRunnerOptions{RunnerType: new("instance_type")}
}

func groupRunner(g *gitlab.Group) *gitlab.CreateUserRunnerOptions {
	return &gitlab.CreateUserRunnerOptions{RunnerType: new("group_type"), GroupID: &g.ID}
}

func projectRunner(p *gitlab.Project) *gitlab.CreateUserRunnerOptions {
	return &gitlab.CreateUserRunnerOptions{RunnerType: new("project_type"), ProjectID: &p.ID}
}

// share lets a group into a group.
func (w *world) share(g, with *gitlab.Group, level gitlab.AccessLevelValue) {
	w.t.Helper()
	must(w.root.Groups.ShareGroupWithGroup(g.ID, &gitlab.ShareGroupWithGroupOptions{GroupID: &with.ID, GroupAccess: &level}))(w.t)
}

// registrars says who may create runners besides administrators.
func (w *world) registrars(allowed ...string) {
	w.t.Helper()
	must(w.root.Settings.UpdateSettings(&gitlab.UpdateSettingsOptions{ValidRunnerRegistrars: &allowed}))(w.t)
}

// registration sets the flag of a group or project.
func (w *world) registration(kind string, id int64, enabled bool) {
	w.t.Helper()
	w.put(kind+"/"+itoa(id), map[string]any{"runner_registration_enabled": enabled})
}

// runners returns how many runners there are.
func (w *world) runners() int {
	w.t.Helper()
	_, resp, err := w.root.Runners.ListAllRunners(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return int(resp.TotalItems)
}

// verifies reports whether a runner's token is accepted.
func verifies(client *gitlab.Client, token string) error {
	resp, err := client.Runners.VerifyRegisteredRunner(&gitlab.VerifyRegisteredRunnerOptions{Token: &token})
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d", resp.StatusCode)
	}
	return err
}

// refusal returns the client's error without the address, which differs from
// test to test: "403 {message: …}".
func refusal(err error) string {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*gitlab.ErrorResponse](err); ok {
		return strings.TrimSpace(fmt.Sprintf("%d %s", e.Response.StatusCode, e.Message))
	}
	return err.Error()
}
