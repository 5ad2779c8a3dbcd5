package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"testing"

	gitlab "gitlab.com/gitlab-org/api/client-go"
)

// A goDriver performs steps with GitLab's own client for Go. It needs no
// process, and what it lacks is the scenario's to do without: it stands in for
// the others.
type goDriver struct {
	url     string
	options []gitlab.ClientOptionFunc
}

// newGoDriver returns one that asks once, so that refusals are seen at once.
func newGoDriver(_ *testing.T, url string) driver {
	return goDriver{url, []gitlab.ClientOptionFunc{gitlab.WithoutRetries()}}
}

func (d goDriver) steps() map[string]string {
	steps := map[string]string{}
	for name, s := range goSteps {
		steps[name] = s.how
	}
	return steps
}

func (d goDriver) do(t *testing.T, c call) answer {
	t.Helper()
	client, err := gitlab.NewClient(c.Token, append([]gitlab.ClientOptionFunc{gitlab.WithBaseURL(d.url)}, d.options...)...)
	if err != nil {
		t.Fatal(err)
	}
	value, err := goSteps[c.Step].do(client, maps.Clone(c.With))
	if refusal, ok := errors.AsType[*gitlab.ErrorResponse](err); ok {
		return answer{Refused: &refused{refusal.Response.StatusCode, refusal.Error()}}
	}
	if errors.Is(err, gitlab.ErrNotFound) { // which it tells of without the response
		return answer{Refused: &refused{http.StatusNotFound, err.Error()}}
	}
	if err != nil {
		return answer{Broken: err.Error()}
	}
	var shown any
	text, err := json.Marshal(value)
	if err == nil {
		err = json.Unmarshal(text, &shown)
	}
	if err != nil {
		return answer{Broken: err.Error()}
	}
	return answer{Value: shown, Partial: true}
}

// A goStep calls the client.
type goStep struct {
	how string
	do  func(*gitlab.Client, with) (any, error)
}

var goSteps = map[string]goStep{
	"version":      {own, func(c *gitlab.Client, _ with) (any, error) { return one(c.Version.GetVersion()) }},
	"current_user": {own, func(c *gitlab.Client, _ with) (any, error) { return one(c.Users.CurrentUser()) }},
	"settings":     {own, func(c *gitlab.Client, _ with) (any, error) { return one(c.Settings.GetSettings()) }},
	"update_settings": {own, func(c *gitlab.Client, a with) (any, error) {
		return one(c.Settings.UpdateSettings(options[gitlab.UpdateSettingsOptions](a)))
	}},

	"create_user": {own, func(c *gitlab.Client, a with) (any, error) {
		return one(c.Users.CreateUser(options[gitlab.CreateUserOptions](a)))
	}},
	"block_user": {own, func(c *gitlab.Client, a with) (any, error) {
		return nil, c.Users.BlockUser(a.id("user"))
	}},
	"delete_user": {own, func(c *gitlab.Client, a with) (any, error) {
		return none(c.Users.DeleteUser(a.id("user")))
	}},
	"create_access_token": {own, func(c *gitlab.Client, a with) (any, error) {
		return one(c.Users.CreatePersonalAccessToken(a.id("user"), options[gitlab.CreatePersonalAccessTokenOptions](a)))
	}},
	"list_access_tokens": {own, func(c *gitlab.Client, a with) (any, error) {
		return one(c.PersonalAccessTokens.ListPersonalAccessTokens(options[gitlab.ListPersonalAccessTokensOptions](a)))
	}},
	"rotate_access_token": {own, func(c *gitlab.Client, a with) (any, error) {
		return one(c.PersonalAccessTokens.RotatePersonalAccessToken(a.id("access_token"), nil))
	}},
	"revoke_access_token": {own, func(c *gitlab.Client, a with) (any, error) {
		return none(c.PersonalAccessTokens.RevokePersonalAccessTokenByID(a.id("access_token")))
	}},

	"create_group": {own, func(c *gitlab.Client, a with) (any, error) {
		return one(c.Groups.CreateGroup(options[gitlab.CreateGroupOptions](a)))
	}},
	"group": {own, func(c *gitlab.Client, a with) (any, error) {
		return one(c.Groups.GetGroup(a.take("group"), nil))
	}},
	"update_group": {own, func(c *gitlab.Client, a with) (any, error) {
		return one(c.Groups.UpdateGroup(a.take("group"), options[gitlab.UpdateGroupOptions](a)))
	}},
	"delete_group": {own, func(c *gitlab.Client, a with) (any, error) {
		return none(c.Groups.DeleteGroup(a.take("group"), nil))
	}},
	"create_project": {own, func(c *gitlab.Client, a with) (any, error) {
		return one(c.Projects.CreateProject(options[gitlab.CreateProjectOptions](a)))
	}},
	"project": {own, func(c *gitlab.Client, a with) (any, error) {
		return one(c.Projects.GetProject(a.take("project"), nil))
	}},
	"update_project": {own, func(c *gitlab.Client, a with) (any, error) {
		return one(c.Projects.EditProject(a.take("project"), options[gitlab.EditProjectOptions](a)))
	}},
	"delete_project": {own, func(c *gitlab.Client, a with) (any, error) {
		return none(c.Projects.DeleteProject(a.take("project"), nil))
	}},
	"add_group_member": {own, func(c *gitlab.Client, a with) (any, error) {
		a["user_id"] = a.take("user")
		return one(c.GroupMembers.AddGroupMember(a.take("group"), options[gitlab.AddGroupMemberOptions](a)))
	}},
	"list_group_members": {own, func(c *gitlab.Client, a with) (any, error) {
		return one(c.Groups.ListGroupMembers(a.take("group"), nil))
	}},
	"update_group_member": {own, func(c *gitlab.Client, a with) (any, error) {
		return one(c.GroupMembers.EditGroupMember(a.take("group"), a.id("user"), options[gitlab.EditGroupMemberOptions](a)))
	}},
	"remove_group_member": {own, func(c *gitlab.Client, a with) (any, error) {
		return none(c.GroupMembers.RemoveGroupMember(a.take("group"), a.id("user"), nil))
	}},
	"add_project_member": {own, func(c *gitlab.Client, a with) (any, error) {
		a["user_id"] = a.take("user")
		return one(c.ProjectMembers.AddProjectMember(a.take("project"), options[gitlab.AddProjectMemberOptions](a)))
	}},

	"create_runner": {own, func(c *gitlab.Client, a with) (any, error) {
		return one(c.Users.CreateUserRunner(options[gitlab.CreateUserRunnerOptions](a)))
	}},
	"register_runner": {own, func(c *gitlab.Client, a with) (any, error) {
		return one(c.Runners.RegisterNewRunner(options[gitlab.RegisterNewRunnerOptions](a)))
	}},
	"reset_registration_token": {own, func(c *gitlab.Client, _ with) (any, error) {
		return one(c.Runners.ResetInstanceRunnerRegistrationToken()) //nolint:staticcheck // deprecated, as all registration tokens are
	}},
	"reset_group_registration_token": {own, func(c *gitlab.Client, a with) (any, error) {
		return one(c.Runners.ResetGroupRunnerRegistrationToken(a.take("group"))) //nolint:staticcheck // deprecated, as all registration tokens are
	}},
	"reset_project_registration_token": {own, func(c *gitlab.Client, a with) (any, error) {
		return one(c.Runners.ResetProjectRunnerRegistrationToken(a.take("project"))) //nolint:staticcheck // deprecated, as all registration tokens are
	}},
	"runner": {own, func(c *gitlab.Client, a with) (any, error) {
		return one(c.Runners.GetRunnerDetails(a.take("runner")))
	}},
	"list_runners": {own, func(c *gitlab.Client, a with) (any, error) {
		return one(c.Runners.ListRunners(options[gitlab.ListRunnersOptions](a)))
	}},
	"list_all_runners": {own, func(c *gitlab.Client, a with) (any, error) {
		return one(c.Runners.ListAllRunners(options[gitlab.ListRunnersOptions](a)))
	}},
	"list_every_page": {own, func(c *gitlab.Client, a with) (any, error) {
		o := options[gitlab.ListRunnersOptions](a)
		return gitlab.ScanAndCollect(func(page gitlab.PaginationOptionFunc) ([]*gitlab.Runner, *gitlab.Response, error) {
			return c.Runners.ListAllRunners(o, page)
		})
	}},
	"list_group_runners": {own, func(c *gitlab.Client, a with) (any, error) {
		return one(c.Runners.ListGroupsRunners(a.take("group"), options[gitlab.ListGroupsRunnersOptions](a)))
	}},
	"list_project_runners": {own, func(c *gitlab.Client, a with) (any, error) {
		return one(c.Runners.ListProjectRunners(a.take("project"), options[gitlab.ListProjectRunnersOptions](a)))
	}},
	"runner_jobs": {own, func(c *gitlab.Client, a with) (any, error) {
		return one(c.Runners.ListRunnerJobs(a.take("runner"), options[gitlab.ListRunnerJobsOptions](a)))
	}},
	"runner_managers": {generic, func(c *gitlab.Client, a with) (any, error) {
		return send[[]map[string]any](c, http.MethodGet, fmt.Sprintf("runners/%v/managers", a.take("runner")), nil)
	}},
	"update_runner": {own, func(c *gitlab.Client, a with) (any, error) {
		return one(c.Runners.UpdateRunnerDetails(a.take("runner"), options[gitlab.UpdateRunnerDetailsOptions](a)))
	}},
	"pause_runner": {own, func(c *gitlab.Client, a with) (any, error) {
		return one(c.Runners.UpdateRunnerDetails(a.take("runner"), options[gitlab.UpdateRunnerDetailsOptions](a)))
	}},
	"assign_runner": {own, func(c *gitlab.Client, a with) (any, error) {
		return one(c.Runners.EnableProjectRunner(a.take("project"), &gitlab.EnableProjectRunnerOptions{RunnerID: a.id("runner")}))
	}},
	"unassign_runner": {own, func(c *gitlab.Client, a with) (any, error) {
		return none(c.Runners.DisableProjectRunner(a.take("project"), a.id("runner")))
	}},
	"rotate_runner": {own, func(c *gitlab.Client, a with) (any, error) {
		return one(c.Runners.ResetRunnerAuthenticationToken(a.id("runner")))
	}},
	"rotate_own_token": {generic, func(c *gitlab.Client, a with) (any, error) {
		return send[map[string]any](c, http.MethodPost, "runners/reset_authentication_token", a)
	}},
	"verify_runner": {own, func(c *gitlab.Client, a with) (any, error) {
		return none(c.Runners.VerifyRegisteredRunner(options[gitlab.VerifyRegisteredRunnerOptions](a)))
	}},
	"delete_runner": {own, func(c *gitlab.Client, a with) (any, error) {
		return none(c.Runners.RemoveRunner(a.take("runner")))
	}},
	"delete_runner_unless_changed": {own, func(c *gitlab.Client, a with) (any, error) {
		return none(c.Runners.RemoveRunner(a.take("runner"), gitlab.WithHeader("If-Unmodified-Since", a.take("since").(string))))
	}},
	"unregister_runner": {own, func(c *gitlab.Client, a with) (any, error) {
		return none(c.Runners.DeleteRegisteredRunner(options[gitlab.DeleteRegisteredRunnerOptions](a)))
	}},
}

// one and none turn what the client returns into what a step does.
func one[T any](v T, _ *gitlab.Response, err error) (any, error) { return v, err }

func none(_ *gitlab.Response, err error) (any, error) { return nil, err }

// send makes a request that the client has no call for.
func send[T any](c *gitlab.Client, method, path string, body any) (any, error) {
	req, err := c.NewRequest(method, path, body, nil)
	if err != nil {
		return nil, err
	}
	var v T
	_, err = c.Do(req, &v)
	return v, err
}

// take takes an argument out, so that what is left are the client's options.
// An id is an int to the client, where it is a part of a path.
func (a with) take(name string) any {
	v := a[name]
	delete(a, name)
	if id, ok := v.(float64); ok {
		return int(id)
	}
	return v
}

// id takes out an id for a parameter.
func (a with) id(name string) int64 { return int64(a.take(name).(int)) }

// options turns arguments into the client's options, which have to have a place
// for each.
func options[T any](a with) *T {
	text, err := json.Marshal(a)
	if err != nil {
		panic(err) // the scenario is data
	}
	o := new(T)
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(o); err != nil {
		panic(fmt.Sprintf("%T has no place for %s: %v", o, text, err))
	}
	return o
}
