package e2e

import (
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	gitlab "gitlab.com/gitlab-org/api/client-go"
)

// What the client says when a caller is refused.
const (
	insufficientPermissions = "403 {message: 403 Forbidden - Insufficient permissions}"
	insufficientScope       = "403 {error: insufficient_scope}, {error_description: The request requires higher privileges than provided by the access token.}, {scope: create_runner api read_api}"
	unauthorized            = "401 {message: 401 Unauthorized}"
)

// TestCreate lets everybody create everything, and looks at who gets it.
func TestCreate(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, p *program) {
		w := newWorld(p)

		// acme ⊃ tools ⊃ the project app. guild is a group of its own, which
		// acme is shared with.
		acme, guild := w.group("acme", nil), w.group("guild", nil)
		tools := w.group("tools", acme)
		app := w.project(tools)

		type access struct{ instance, group, project bool }
		nothing, groupAndProject := access{}, access{group: true, project: true}
		tests := []struct {
			name string
			// prepare gives the user a place in the world.
			prepare func(*gitlab.User)
			scopes  []string
			may     access
			// refused is what the client says otherwise, insufficientPermissions
			// unless given.
			refused string
		}{
			{name: "administrator", may: access{instance: true, group: true, project: true}, prepare: func(u *gitlab.User) {
				must(w.root.Users.ModifyUser(u.ID, &gitlab.ModifyUserOptions{Admin: new(true)}))(t)
			}},
			{name: "owner", may: groupAndProject, prepare: func(u *gitlab.User) {
				w.joinGroup(u, tools, gitlab.OwnerPermissions)
			}},
			{name: "owner-above", may: groupAndProject, prepare: func(u *gitlab.User) {
				w.joinGroup(u, acme, gitlab.OwnerPermissions)
			}},
			{name: "owner-of-project", may: access{project: true}, prepare: func(u *gitlab.User) {
				w.joinProject(u, app, gitlab.OwnerPermissions)
			}},
			{name: "owner-by-share", may: groupAndProject, prepare: func(u *gitlab.User) {
				w.joinGroup(u, guild, gitlab.OwnerPermissions)
			}},
			{name: "maintainer-by-share", may: nothing, prepare: func(u *gitlab.User) {
				w.joinGroup(u, guild, gitlab.MaintainerPermissions)
			}},
			{name: "owner-with-create-runner", may: groupAndProject, scopes: []string{"create_runner"}, prepare: func(u *gitlab.User) {
				w.joinGroup(u, tools, gitlab.OwnerPermissions)
			}},
			{name: "maintainer", may: nothing, prepare: func(u *gitlab.User) {
				w.joinGroup(u, tools, gitlab.MaintainerPermissions)
			}},
			{name: "developer", may: nothing, prepare: func(u *gitlab.User) {
				w.joinGroup(u, tools, gitlab.DeveloperPermissions)
			}},
			{name: "owner-elsewhere", may: nothing, prepare: func(u *gitlab.User) {
				w.joinGroup(u, w.group("elsewhere", nil), gitlab.OwnerPermissions)
			}},
			{name: "stranger", may: nothing, prepare: func(*gitlab.User) {}},
			{
				name: "blocked", may: nothing, refused: "403 {message: 403 Forbidden - Your account has been blocked.}",
				prepare: func(u *gitlab.User) {
					w.joinGroup(u, tools, gitlab.OwnerPermissions)
					if err := w.root.Users.BlockUser(u.ID); err != nil {
						t.Fatal(err)
					}
				},
			},
			{
				name: "deactivated", may: nothing,
				refused: "403 {message: 403 Forbidden - Your account has been deactivated by your administrator. Please log back in from a web browser to reactivate your account at " + p.url + "}",
				prepare: func(u *gitlab.User) {
					w.joinGroup(u, tools, gitlab.OwnerPermissions)
					if err := w.root.Users.DeactivateUser(u.ID); err != nil {
						t.Fatal(err)
					}
				},
			},
			{name: "owner-with-read-api", may: nothing, scopes: []string{"read_api"}, refused: insufficientScope, prepare: func(u *gitlab.User) {
				w.joinGroup(u, tools, gitlab.OwnerPermissions)
			}},
			{name: "owner-with-manage-runner", may: nothing, scopes: []string{"manage_runner"}, refused: insufficientScope, prepare: func(u *gitlab.User) {
				w.joinGroup(u, tools, gitlab.OwnerPermissions)
			}},
		}
		w.share(acme, guild, gitlab.OwnerPermissions)

		created := 0
		try := func(t *testing.T, client *gitlab.Client, o *gitlab.CreateUserRunnerOptions, may bool, refused string) {
			t.Helper()
			made, resp, err := client.Users.CreateUserRunner(o)
			if !may {
				if got := refusal(err); got != refused {
					t.Errorf("%s: got %q, want %q", *o.RunnerType, got, refused)
				}
				return
			}
			if err != nil {
				t.Errorf("%s: %v", *o.RunnerType, err)
				return
			}
			created++
			if resp.StatusCode != http.StatusCreated {
				t.Errorf("%s: status %d, want 201", *o.RunnerType, resp.StatusCode)
			}
			checkToken(t, client, made)
		}
		for _, tt := range tests {
			u := w.user(tt.name)
			client := w.as(u, tt.scopes...)
			tt.prepare(u)
			if tt.refused == "" {
				tt.refused = insufficientPermissions
			}
			t.Run(tt.name, func(t *testing.T) {
				try(t, client, instanceRunner(), tt.may.instance, tt.refused)
				try(t, client, groupRunner(tools), tt.may.group, tt.refused)
				try(t, client, projectRunner(app), tt.may.project, tt.refused)
			})
		}

		t.Run("tokens that are none", func(t *testing.T) {
			u := w.user("careless")
			w.joinGroup(u, tools, gitlab.OwnerPermissions)
			revoked, expired := w.token(u), w.token(u)
			ok(t)(w.root.PersonalAccessTokens.RevokePersonalAccessTokenByID(revoked.ID))
			p.exec("UPDATE access_tokens SET expires_at = '2020-01-01' WHERE id = ?", expired.ID)
			for token, want := range map[string]string{
				"glpat-nobody-made-this-one": unauthorized,
				revoked.Token:                "401 {error: invalid_token}, {error_description: Token was revoked. You have to re-authorize from the user.}",
				expired.Token:                "401 {error: invalid_token}, {error_description: Token is expired. You can either do re-authorization or token refresh.}",
			} {
				try(t, dial(t, p.url, token), groupRunner(tools), false, want)
			}
			runner := must(w.root.Users.CreateUserRunner(instanceRunner()))(t)
			created++
			try(t, dial(t, p.url, runner.Token), groupRunner(tools), false, unauthorized)
		})

		t.Run("restricted", func(t *testing.T) {
			u := w.user("restricted")
			w.joinGroup(u, acme, gitlab.OwnerPermissions)
			owner := w.as(u)
			for name, restriction := range map[string]struct {
				set, lift      func()
				group, project bool // what is still allowed
			}{
				"group runners on the instance": {
					set:  func() { w.registrars("project") },
					lift: func() { w.registrars("project", "group") }, project: true,
				},
				"project runners on the instance": {
					set:  func() { w.registrars("group") },
					lift: func() { w.registrars("project", "group") }, group: true,
				},
				"the group": {
					set:  func() { w.registration("groups", tools.ID, false) },
					lift: func() { w.registration("groups", tools.ID, true) }, project: true,
				},
				"the group above": {
					set:  func() { w.registration("groups", acme.ID, false) },
					lift: func() { w.registration("groups", acme.ID, true) }, project: true,
				},
				"the project": {
					set:  func() { w.registration("projects", app.ID, false) },
					lift: func() { w.registration("projects", app.ID, true) }, group: true,
				},
			} {
				t.Run(name, func(t *testing.T) {
					restriction.set()
					try(t, owner, groupRunner(tools), restriction.group, insufficientPermissions)
					try(t, owner, projectRunner(app), restriction.project, insufficientPermissions)
					try(t, w.root, groupRunner(tools), true, "")
					try(t, w.root, projectRunner(app), true, "")
					restriction.lift()
					try(t, owner, groupRunner(tools), true, "")
					try(t, owner, projectRunner(app), true, "")
				})
			}
		})

		t.Run("Maintainers by the setting", func(t *testing.T) {
			u := w.user("trusted")
			w.joinGroup(u, tools, gitlab.MaintainerPermissions)
			w.put("application/settings", map[string]any{"maintainers_can_create_project_runners": true})
			try(t, w.as(u), projectRunner(app), true, "")
			try(t, w.as(u), groupRunner(tools), false, insufficientPermissions)
			w.put("application/settings", map[string]any{"maintainers_can_create_project_runners": false})
			try(t, w.as(u), projectRunner(app), false, insufficientPermissions)
		})

		t.Run("sudo", func(t *testing.T) {
			u := w.user("served")
			w.joinGroup(u, tools, gitlab.OwnerPermissions)
			made := must(w.root.Users.CreateUserRunner(groupRunner(tools), gitlab.WithSudo(u.ID)))(t)
			created++
			checkToken(t, w.root, made)
			_, _, err := w.root.Users.CreateUserRunner(instanceRunner(), gitlab.WithSudo("served"))
			if got := refusal(err); got != insufficientPermissions {
				t.Errorf("instance runner as an ordinary user: got %q", got)
			}
		})

		if n := w.runners(); n != created {
			t.Errorf("there are %d runners, want the %d that were created", n, created)
		}
	})
}

var tokenShape = regexp.MustCompile(`^glrt-[A-Za-z0-9_-]{20}$`)

// checkToken looks at the one answer that has a token, and tries the token.
func checkToken(t *testing.T, client *gitlab.Client, made *gitlab.UserRunner) {
	t.Helper()
	if made.ID == 0 || !tokenShape.MatchString(made.Token) || made.TokenExpiresAt != nil {
		t.Errorf("created id %d, token of %d characters, expires %v", made.ID, len(made.Token), made.TokenExpiresAt)
	}
	if err := verifies(client, made.Token); err != nil {
		t.Errorf("verify runner %d: %v", made.ID, err)
	}
	if err := verifies(client, made.Token[:len(made.Token)-1]+"!"); refusal(err) != "403 {message: 403 Forbidden}" {
		t.Errorf("verify a wrong token: %v", err)
	}
}

// TestCreateReadsBack creates runners with every attribute and reads them.
func TestCreateReadsBack(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, p *program) {
		w := newWorld(p)
		acme := w.group("acme", nil)
		app := w.project(acme)
		alice := w.user("alice")
		w.joinGroup(alice, acme, gitlab.OwnerPermissions)
		owner := w.as(alice)

		full := func(o *gitlab.CreateUserRunnerOptions) *gitlab.CreateUserRunnerOptions {
			o.Description = new("<b>“Größe” & 漢字</b>")
			o.MaintenanceNote = new("call *Alice*\nat night")
			o.Paused, o.Locked, o.RunUntagged = new(true), new(true), new(false)
			o.TagList = &[]string{"docker", "Docker", "x y,z", "docker"}
			o.AccessLevel = new("ref_protected")
			o.MaximumTimeout = new(int64(600))
			return o
		}
		want := &gitlab.RunnerDetails{
			Description: "<b>“Größe” & 漢字</b>", MaintenanceNote: "call *Alice*\nat night",
			Paused: true, Locked: true, TagList: []string{"docker", "Docker", "x y", "z"},
			AccessLevel: "ref_protected", MaximumTimeout: 600,
			Status: "never_contacted", Groups: []gitlab.RunnerDetailsGroup{}, Projects: []gitlab.RunnerDetailsProject{},
		}
		tests := []struct {
			client *gitlab.Client
			create *gitlab.CreateUserRunnerOptions
			adapt  func(*gitlab.RunnerDetails)
		}{
			{w.root, instanceRunner(), func(d *gitlab.RunnerDetails) { d.IsShared = true }},
			{owner, groupRunner(acme), func(d *gitlab.RunnerDetails) {
				d.Groups = []gitlab.RunnerDetailsGroup{{ID: acme.ID, Name: "acme", WebURL: p.url + "/groups/acme"}}
			}},
			{owner, projectRunner(app), func(d *gitlab.RunnerDetails) {
				d.Projects = []gitlab.RunnerDetailsProject{{
					ID: app.ID, Name: "app", NameWithNamespace: "acme / app", Path: "app", PathWithNamespace: "acme/app",
				}}
			}},
		}
		for _, tt := range tests {
			made := must(tt.client.Users.CreateUserRunner(full(tt.create)))(t)
			got := must(tt.client.Runners.GetRunnerDetails(made.ID))(t)
			want := *want
			want.ID, want.RunnerType = made.ID, *tt.create.RunnerType
			tt.adapt(&want)
			if diff := cmp.Diff(&want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", want.RunnerType, diff)
			}
		}

		// What was not said has GitLab's defaults.
		made := must(owner.Users.CreateUserRunner(groupRunner(acme)))(t)
		got := must(owner.Runners.GetRunnerDetails(made.ID))(t)
		if got.Paused || got.Locked || !got.RunUntagged || got.AccessLevel != "not_protected" || got.MaximumTimeout != 0 {
			t.Errorf("defaults: %+v", got)
		}

		// The link to the user follows the user.
		createdBy := func() string {
			var runner struct {
				CreatedBy *struct{ Username, State string } `json:"created_by"`
			}
			req, err := w.root.NewRequest(http.MethodGet, "runners/"+itoa(made.ID), nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			ok(t)(w.root.Do(req, &runner))
			if runner.CreatedBy == nil {
				return "nobody"
			}
			return runner.CreatedBy.Username + " " + runner.CreatedBy.State
		}
		if got := createdBy(); got != "alice active" {
			t.Errorf("created by %s", got)
		}
		if err := w.root.Users.BlockUser(alice.ID); err != nil {
			t.Fatal(err)
		}
		if got := createdBy(); got != "alice blocked" {
			t.Errorf("created by %s", got)
		}
		ok(t)(w.root.Users.DeleteUser(alice.ID))
		if got := createdBy(); got != "nobody" {
			t.Errorf("created by %s", got)
		}
		if err := verifies(w.root, made.Token); err != nil {
			t.Errorf("after its creator was deleted: %v", err)
		}
	})
}

// TestCreateRefusesValues shows the errors as the client reports them.
func TestCreateRefusesValues(t *testing.T) {
	t.Parallel()
	w := newWorld(start(t, setup{}))
	tests := []struct {
		create *gitlab.CreateUserRunnerOptions
		want   string
	}{
		{&gitlab.CreateUserRunnerOptions{}, "400 {error: runner_type is missing, runner_type does not have a valid value}"},
		{&gitlab.CreateUserRunnerOptions{RunnerType: new("shared")}, "400 {error: runner_type does not have a valid value}"},
		{&gitlab.CreateUserRunnerOptions{RunnerType: new("group_type")}, "400 {error: group_id is missing}"},
		{&gitlab.CreateUserRunnerOptions{RunnerType: new("project_type")}, "400 {error: project_id is missing}"},
		{groupRunner(&gitlab.Group{ID: 404}), "400 {message: 400 Bad request - Missing/invalid group}"},
		{projectRunner(&gitlab.Project{ID: 404}), "400 {message: 400 Bad request - Missing/invalid project}"},
		{
			&gitlab.CreateUserRunnerOptions{RunnerType: new("instance_type"), RunUntagged: new(false), MaximumTimeout: new(int64(599))},
			"400 {message: 400 Bad request - Tags list can not be empty when runner is not allowed to pick untagged jobs and Maximum timeout needs to be at least 10 minutes}",
		},
		{
			&gitlab.CreateUserRunnerOptions{RunnerType: new("instance_type"), AccessLevel: new("open")},
			"400 {error: access_level does not have a valid value}",
		},
	}
	for _, tt := range tests {
		_, _, err := w.root.Users.CreateUserRunner(tt.create)
		if got := refusal(err); got != tt.want {
			t.Errorf("%+v:\ngot  %q\nwant %q", tt.create, got, tt.want)
		}
	}
	if n := w.runners(); n != 0 {
		t.Errorf("%d runners were made of it", n)
	}
}

// TestTokenExpires limits the lives of tokens, and lets them pass.
func TestTokenExpires(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, p *program) {
		w := newWorld(p)
		acme := w.group("acme", nil)
		app := w.project(acme)
		w.put("application/settings", map[string]any{
			"runner_token_expiration_interval": 7200, "group_runner_token_expiration_interval": 10800,
		})
		w.put("groups/"+itoa(acme.ID), map[string]any{"project_runner_token_expiration_interval": 9000})
		for _, tt := range []struct {
			create *gitlab.CreateUserRunnerOptions
			life   time.Duration
		}{
			{instanceRunner(), 2 * time.Hour},
			{groupRunner(acme), 3 * time.Hour},
			{projectRunner(app), 150 * time.Minute},
		} {
			made := must(w.root.Users.CreateUserRunner(tt.create))(t)
			if made.TokenExpiresAt == nil {
				t.Errorf("%s: the token does not expire", *tt.create.RunnerType)
				continue
			}
			if off := time.Until(*made.TokenExpiresAt) - tt.life; off.Abs() > time.Minute {
				t.Errorf("%s: expires at %v, which is off by %v", *tt.create.RunnerType, made.TokenExpiresAt, off)
			}
			p.exec("UPDATE runners SET token_expires_at = ? WHERE id = ?", p.timestamp(time.Now().Add(-time.Second)), made.ID)
			if err := verifies(w.root, made.Token); refusal(err) != "403 {message: 403 Forbidden}" {
				t.Errorf("%s: verify after its end: %v", *tt.create.RunnerType, err)
			}
		}
	})
}
