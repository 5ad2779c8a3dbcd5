package e2e

import (
	"strings"
	"testing"

	gitlab "gitlab.com/gitlab-org/api/client-go"
)

// TestRegistrationTokens goes the older way with the official client: each kind
// of registration token makes a runner of its kind, until it is replaced or
// switched off.
func TestRegistrationTokens(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, p *program) {
		w := newWorld(p)
		group := w.group("acme", nil)
		project := w.project(group)
		nobody := dial(t, p.url, "")
		register := func(token string) (*gitlab.Runner, error) {
			r, _, err := nobody.Runners.RegisterNewRunner(&gitlab.RegisterNewRunnerOptions{
				Token: &token, Description: new("host1"), TagList: &[]string{"linux", "arm"}, RunUntagged: new(false),
				Info: &gitlab.RegisterNewRunnerInfoOptions{Name: new("gitlab-runner"), Version: new("19.4.0")},
			})
			return r, err
		}

		tokens := map[string]string{
			"instance_type": *must(w.root.Runners.ResetInstanceRunnerRegistrationToken())(t).Token, //nolint:staticcheck // SA1019: the deprecated way is what is tested
			"group_type":    must(w.root.Groups.GetGroup(group.ID, nil))(t).RunnersToken,
			"project_type":  must(w.root.Projects.GetProject(project.ID, nil))(t).RunnersToken,
		}
		for kind, token := range tokens {
			made, err := register(token)
			if err != nil {
				t.Fatalf("%s: %v", kind, err)
			}
			if !strings.HasPrefix(made.Token, "glrtr-") || made.TokenExpiresAt != nil {
				t.Errorf("%s: token %q until %v", kind, made.Token, made.TokenExpiresAt)
			}
			d := must(w.root.Runners.GetRunnerDetails(made.ID))(t)
			if d.RunnerType != kind || d.Description != "host1" || strings.Join(d.TagList, " ") != "linux arm" || d.RunUntagged {
				t.Errorf("%s: the runner is %+v", kind, d)
			}
			contact(t, p.url, made.Token, nil)
			ok(t)(nobody.Runners.DeleteRegisteredRunner(&gitlab.DeleteRegisteredRunnerOptions{Token: &made.Token}))
		}
		if n := w.runners(); n != 0 {
			t.Errorf("%d runners are left", n)
		}

		next := *must(w.root.Runners.ResetGroupRunnerRegistrationToken(group.ID))(t).Token //nolint:staticcheck // SA1019: as above
		if _, err := register(tokens["group_type"]); refusal(err) != "403 {message: 403 Forbidden - invalid token supplied}" {
			t.Errorf("the replaced token: %v", err)
		}
		if _, err := register(next); err != nil {
			t.Errorf("the new token: %v", err)
		}
		w.put("groups/"+itoa(group.ID), map[string]any{"allow_runner_registration_token": false})
		for _, token := range []string{next, tokens["project_type"]} {
			if _, err := register(token); refusal(err) != "410 {message: 410 Gone - runner registration disallowed}" {
				t.Errorf("switched off: %v", err)
			}
		}
		if token := must(w.root.Groups.GetGroup(group.ID, nil))(t).RunnersToken; token != "" {
			t.Errorf("the group shows %q", token)
		}
	})
}
