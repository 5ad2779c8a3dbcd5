package e2e

import (
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"time"
)

// What comes of a step that cannot be known before.
var (
	anyID             = matcher{"an id", func(v any) bool { n, ok := v.(float64); return ok && n >= 1 }}
	anyTime           = matcher{"a time", func(v any) bool { s, _ := v.(string); _, err := time.Parse(time.RFC3339, s); return err == nil }}
	anyDate           = matcher{"a date", func(v any) bool { s, _ := v.(string); _, err := time.Parse(time.DateOnly, s); return err == nil }}
	runnerToken       = like(`^glrt-[A-Za-z0-9_-]{20}$`)
	registrationToken = like(`^GR1348941[A-Za-z0-9_-]{20}$`)
	accessToken       = like(`^glpat-[A-Za-z0-9_-]{20}$`)
	// nothing is null, or what a client makes of it.
	nothing = matcher{"null", func(v any) bool { return v == nil || reflect.ValueOf(v).IsZero() }}
)

func like(pattern string) matcher {
	re := regexp.MustCompile(pattern)
	return matcher{"like " + pattern, func(v any) bool { s, ok := v.(string); return ok && re.MatchString(s) }}
}

// list is what a list of runners, users or others has to give, by ids.
func list(ids ...any) []fields {
	wanted := []fields{}
	for _, id := range ids {
		wanted = append(wanted, fields{"id": id})
	}
	return wanted
}

// lead is the life that every client leads, as an organization would: people
// and places first, then runners from their creation to their end, with what
// is refused on the way.
func lead(l *life) {
	root := l

	// Whom am I talking to?
	root.do("version", nil, fields{"version": like(`^18\.11\.\d+-ee$`)})
	root.do("current_user", nil, fields{
		"id": anyID, "username": "root", "state": "active", "is_admin": true, "web_url": l.url + "/root",
	})
	l.as("glpat-nobody-has-this-one").refused("unknown access token", http.StatusUnauthorized, "current_user", nil)

	// Places: acme ⊃ tools ⊃ the projects app and lib.
	acme := root.do("create_group", with{"name": "Acme", "path": "acme", "visibility": "private"}, fields{
		"id": anyID, "name": "Acme", "full_path": "acme", "parent_id": nothing, "visibility": "private",
		"web_url": l.url + "/groups/acme", "shared_runners_setting": "enabled", "created_at": anyTime,
	})["id"]
	tools := root.do("create_group", with{"name": "Tools", "path": "tools", "parent_id": acme}, fields{
		"id": anyID, "full_name": "Acme / Tools", "full_path": "acme/tools", "parent_id": acme,
	})["id"]
	root.do("group", with{"group": "acme/tools"}, fields{"id": tools, "path": "tools"})
	root.do("update_group", with{"group": tools, "description": "What we build with"}, fields{
		"id": tools, "description": "What we build with",
	})
	root.refused("group without a name", http.StatusBadRequest, "create_group", with{"name": "", "path": "nameless"})
	root.refused("group whose path is taken", http.StatusBadRequest, "create_group", with{"name": "Acme", "path": "acme"})
	root.refused("unknown group", http.StatusNotFound, "group", with{"group": "acme/nowhere"})
	app := root.do("create_project", with{"name": "app", "namespace_id": tools}, fields{
		"id": anyID, "name": "app", "path_with_namespace": "acme/tools/app", "name_with_namespace": "Acme / Tools / app",
		"visibility": "private", "shared_runners_enabled": true, "group_runners_enabled": true, "topics": []string{},
		"namespace": fields{"id": tools, "kind": "group", "full_path": "acme/tools"},
	})["id"]
	lib := root.do("create_project", with{"name": "lib", "namespace_id": tools}, fields{"id": anyID})["id"]
	root.do("project", with{"project": "acme/tools/app"}, fields{"id": app, "last_activity_at": anyTime})
	root.do("update_project", with{"project": lib, "shared_runners_enabled": false}, fields{"id": lib, "shared_runners_enabled": false})

	// People: Alice is an Owner, Bob a Developer.
	alice := root.do("create_user", with{
		"username": "alice", "name": "Alice", "email": "alice@example.com", "force_random_password": true,
	}, fields{"id": anyID, "username": "alice", "state": "active", "email": "alice@example.com", "web_url": l.url + "/alice"})["id"]
	bob := root.do("create_user", with{
		"username": "bob", "name": "Bob", "email": "bob@example.com", "password": "correct horse battery",
	}, fields{"id": anyID})["id"]
	root.refused("email of another", http.StatusConflict, "create_user", with{
		"username": "carol", "name": "Carol", "email": "alice@example.com", "force_random_password": true,
	})
	root.do("add_group_member", with{"group": acme, "user": alice, "access_level": 50}, fields{
		"id": alice, "username": "alice", "access_level": 50, "expires_at": nothing,
	})
	root.do("add_group_member", with{"group": tools, "user": bob, "access_level": 20}, fields{"id": bob})
	root.refused("member twice", http.StatusConflict, "add_group_member", with{"group": tools, "user": bob, "access_level": 20})
	root.do("update_group_member", with{"group": tools, "user": bob, "access_level": 30}, fields{"id": bob, "access_level": 30})
	root.do("list_group_members", with{"group": tools}, []fields{{"username": "root", "access_level": 50}, {"username": "bob", "access_level": 30}})
	root.do("remove_group_member", with{"group": tools, "user": bob}, nil)
	root.do("add_project_member", with{"project": lib, "user": bob, "access_level": 30}, fields{"id": bob, "access_level": 30})

	// Their access tokens.
	token := func(user any, scopes ...string) fields {
		return root.do("create_access_token", with{"user": user, "name": "e2e", "scopes": scopes}, fields{
			"id": anyID, "name": "e2e", "scopes": scopes, "user_id": user, "active": true, "revoked": false,
			"expires_at": anyDate, "token": accessToken,
		})
	}
	owner := l.as(token(alice, "api")["token"])
	developer := l.as(token(bob, "api")["token"])
	pipeline := l.as(token(alice, "create_runner", "manage_runner", "read_user")["token"])
	old := token(bob, "read_api")
	rotated := root.do("rotate_access_token", with{"access_token": old["id"]}, fields{"id": anyID, "token": accessToken})
	l.as(old["token"]).refused("revoked access token", http.StatusUnauthorized, "current_user", nil)
	root.do("list_access_tokens", with{"user_id": bob, "state": "active"}, []fields{{"name": "e2e"}, {"name": "e2e", "id": rotated["id"]}})
	root.do("revoke_access_token", with{"access_token": rotated["id"]}, nil)

	// Runners are created, each where somebody may.
	made := fields{"id": anyID, "token": runnerToken, "token_expires_at": nothing}
	shared := root.do("create_runner", with{
		"runner_type": "instance_type", "description": "shared & „fast“", "maintenance_note": "call Alice",
		"tag_list": []string{"docker", "linux"}, "run_untagged": false, "access_level": "ref_protected", "maximum_timeout": 3600,
	}, made)
	team := pipeline.do("create_runner", with{
		"runner_type": "group_type", "group_id": tools, "description": "team", "tag_list": []string{"docker"}, "paused": true,
	}, made)
	mine := owner.do("create_runner", with{"runner_type": "project_type", "project_id": app, "locked": true}, made)
	owner.refused("instance runner of an Owner", http.StatusForbidden, "create_runner", with{"runner_type": "instance_type"})
	root.refused("runner of no type", http.StatusBadRequest, "create_runner", with{"runner_type": "shared"})
	root.refused("runner of an unknown group", http.StatusBadRequest, "create_runner", with{"runner_type": "group_type", "group_id": 4040})
	root.refused("runner that could run nothing", http.StatusBadRequest, "create_runner", with{
		"runner_type": "instance_type", "run_untagged": false, "maximum_timeout": 1,
	})

	// An administrator lets nobody else make group runners for a while.
	root.do("update_settings", with{"valid_runner_registrars": []string{"project"}}, fields{"valid_runner_registrars": []string{"project"}})
	pipeline.refused("group runner while they are restricted", http.StatusForbidden, "create_runner", with{"runner_type": "group_type", "group_id": tools})
	root.do("update_settings", with{"valid_runner_registrars": []string{"project", "group"}}, fields{"valid_runner_registrars": []string{"project", "group"}})
	root.do("settings", nil, fields{"valid_runner_registrars": []string{"project", "group"}, "shared_runners_enabled": true})

	// They are read.
	root.do("runner", with{"runner": shared["id"]}, fields{
		"id": shared["id"], "description": "shared & „fast“", "paused": false, "active": true, "is_shared": true,
		"runner_type": "instance_type", "name": nothing, "online": nothing, "status": "never_contacted", "contacted_at": nothing,
		"tag_list": []string{"docker", "linux"}, "run_untagged": false, "locked": false, "access_level": "ref_protected",
		"maximum_timeout": 3600, "maintenance_note": "call Alice", "projects": []any{}, "groups": []any{},
		"created_by": fields{"username": "root"}, "created_at": anyTime, "job_execution_status": "idle",
	})
	pipeline.do("runner", with{"runner": team["id"]}, fields{
		"id": team["id"], "paused": true, "active": false, "is_shared": false, "run_untagged": true, "maximum_timeout": nothing,
		"groups": []fields{{"id": tools, "name": "Tools", "web_url": l.url + "/groups/acme/tools"}},
	})
	pipeline.do("runner", with{"runner": mine["id"]}, fields{
		"id": mine["id"], "description": nothing, "locked": true, "tag_list": []string{},
		"projects": []fields{{"id": app, "path_with_namespace": "acme/tools/app"}},
	})
	root.refused("unknown runner", http.StatusNotFound, "runner", with{"runner": 4040})
	developer.refused("runner of others", http.StatusForbidden, "runner", with{"runner": team["id"]})

	// They connect.
	root.do("runner_managers", with{"runner": shared["id"]}, []fields{})
	root.do("verify_runner", with{"token": shared["token"]}, nil)
	root.refused("unknown runner token", http.StatusForbidden, "verify_runner", with{"token": "glrt-nobody-has-this-one"})
	root.do("runner", with{"runner": shared["id"]}, fields{"status": "online", "online": true, "contacted_at": anyTime})
	root.do("runner_managers", with{"runner": shared["id"]}, []fields{{"id": anyID, "system_id": "<legacy>", "status": "online"}})
	root.do("runner_jobs", with{"runner": shared["id"]}, []fields{})

	// They are listed, with every filter in the form that the client gives it.
	root.do("list_all_runners", nil, []fields{
		{"id": shared["id"], "status": "online", "online": true, "is_shared": true, "active": true, "paused": false},
		{"id": team["id"], "status": "never_contacted", "description": "team", "runner_type": "group_type", "paused": true},
		{"id": mine["id"], "runner_type": "project_type"},
	})
	for _, filter := range []struct {
		args with
		want []fields
	}{
		{with{"type": "group_type"}, list(team["id"])},
		{with{"status": "online"}, list(shared["id"])},
		{with{"status": "never_contacted", "type": "project_type"}, list(mine["id"])},
		{with{"paused": true}, list(team["id"])},
		{with{"paused": false}, list(shared["id"], mine["id"])},
		{with{"tag_list": []string{"docker"}}, list(shared["id"], team["id"])},
		{with{"tag_list": []string{"docker", "linux"}}, list(shared["id"])},
		{with{"tag_list": []string{"docker"}, "paused": true}, list(team["id"])},
		{with{"scope": "specific"}, list(team["id"], mine["id"])},
		{with{"per_page": 2, "page": 2}, list(mine["id"])},
		{with{"page": 9}, list()},
	} {
		root.do("list_all_runners", filter.args, filter.want)
	}
	owner.do("list_runners", nil, list(team["id"], mine["id"]))
	owner.do("list_runners", with{"paused": true, "tag_list": []string{"docker"}}, list(team["id"]))
	owner.do("list_group_runners", with{"group": "acme/tools"}, list(shared["id"], team["id"]))
	owner.do("list_group_runners", with{"group": tools, "tag_list": []string{"linux", "docker"}}, list(shared["id"]))
	owner.do("list_project_runners", with{"project": "acme/tools/app"}, list(shared["id"], team["id"], mine["id"]))
	owner.do("list_project_runners", with{"project": lib}, list(team["id"]))
	owner.refused("list for administrators", http.StatusForbidden, "list_all_runners", nil)
	pipeline.refused("list with a token for less", http.StatusForbidden, "list_runners", nil)
	developer.refused("list for Maintainers", http.StatusForbidden, "list_project_runners", with{"project": lib})
	root.refused("list of an unknown type", http.StatusBadRequest, "list_all_runners", with{"type": "shared"})

	// They are changed.
	pipeline.do("update_runner", with{
		"runner": team["id"], "description": "the team's", "tag_list": []string{"docker", "arm64"},
		"run_untagged": false, "locked": true, "access_level": "ref_protected", "maximum_timeout": 1200,
	}, fields{
		"id": team["id"], "description": "the team's", "tag_list": []string{"docker", "arm64"},
		"run_untagged": false, "locked": true, "access_level": "ref_protected", "maximum_timeout": 1200, "paused": true,
	})
	pipeline.do("update_runner", with{"runner": team["id"], "tag_list": []string{}, "run_untagged": true}, fields{
		"id": team["id"], "tag_list": []string{}, "run_untagged": true, "description": "the team's",
	})
	pipeline.do("pause_runner", with{"runner": team["id"], "paused": false}, fields{"paused": false, "active": true})
	pipeline.do("pause_runner", with{"runner": team["id"], "paused": true}, fields{"paused": true, "active": false})
	pipeline.refused("change with two mistakes", http.StatusBadRequest, "update_runner", with{
		"runner": team["id"], "run_untagged": false, "maximum_timeout": 1,
	})
	developer.refused("change of others' runner", http.StatusForbidden, "update_runner", with{"runner": team["id"], "description": "Bob's"})

	// A project runner goes to a further project, and back.
	root.do("assign_runner", with{"project": lib, "runner": mine["id"]}, fields{"id": mine["id"]})
	root.do("list_project_runners", with{"project": lib}, list(team["id"], mine["id"]))
	root.do("unassign_runner", with{"project": lib, "runner": mine["id"]}, nil)
	root.do("list_project_runners", with{"project": lib}, list(team["id"]))
	owner.refused("locked runner to a further project", http.StatusForbidden, "assign_runner", with{"project": lib, "runner": mine["id"]})
	root.refused("runner that is not assigned", http.StatusNotFound, "unassign_runner", with{"project": lib, "runner": mine["id"]})
	root.refused("runner from its first project", http.StatusForbidden, "unassign_runner", with{"project": app, "runner": mine["id"]})

	// Their tokens are rotated.
	second := pipeline.do("rotate_runner", with{"runner": team["id"]}, fields{"token": runnerToken, "token_expires_at": nothing})
	root.refused("runner token that was rotated", http.StatusForbidden, "verify_runner", with{"token": team["token"]})
	third := root.do("rotate_own_token", with{"token": second["token"]}, fields{"token": runnerToken, "token_expires_at": nothing})
	root.do("verify_runner", with{"token": third["token"]}, nil)
	developer.refused("rotation of others' runner", http.StatusForbidden, "rotate_runner", with{"runner": team["id"]})

	// Machines register by themselves, with registration tokens: GitLab's older
	// way.
	registered := fields{"id": anyID, "token": like(`^glrtr-[A-Za-z0-9_-]{20}$`), "token_expires_at": nothing}
	lab := root.do("reset_registration_token", nil, fields{"token": registrationToken})["token"]
	guild := owner.do("reset_group_registration_token", with{"group": tools}, fields{"token": registrationToken})["token"]
	guild = owner.do("group", with{"group": tools}, fields{"runners_token": guild})["runners_token"]
	desk := owner.do("project", with{"project": app}, fields{"runners_token": registrationToken})["runners_token"]
	box := root.do("register_runner", with{
		"token": lab, "description": "box", "tag_list": []string{"docker", "old"}, "run_untagged": false, "active": false,
		"locked": true, "access_level": "ref_protected", "maximum_timeout": 3600,
		"info": map[string]any{"name": "gitlab-runner", "version": "18.5.0", "platform": "linux"},
	}, registered)
	root.do("runner", with{"runner": box["id"]}, fields{
		"description": "box", "runner_type": "instance_type", "tag_list": []string{"docker", "old"}, "run_untagged": false,
		"active": false, "paused": true, "locked": true, "access_level": "ref_protected", "maximum_timeout": 3600,
		"status": "never_contacted",
	})
	van := root.do("register_runner", with{"token": guild, "description": "van"}, registered)
	owner.do("runner", with{"runner": van["id"]}, fields{"runner_type": "group_type", "groups": []fields{{"id": tools}}, "paused": false})
	pen := root.do("register_runner", with{"token": desk}, registered)
	owner.do("runner", with{"runner": pen["id"]}, fields{"runner_type": "project_type", "projects": []fields{{"id": app}}})
	root.refused("unknown registration token", http.StatusForbidden, "register_runner", with{"token": "GR1348941nobody-has-this-one"})
	root.refused("registration with an access token", http.StatusForbidden, "register_runner", with{"token": l.token})
	root.refused("registration with a mistake", http.StatusBadRequest, "register_runner", with{"token": lab, "maximum_timeout": 1})
	owner.refused("reset of the instance's registration token", http.StatusForbidden, "reset_registration_token", nil)
	owner.do("reset_project_registration_token", with{"project": app}, fields{"token": registrationToken})
	root.refused("registration token that was reset", http.StatusForbidden, "register_runner", with{"token": desk})
	root.do("update_settings", with{"allow_runner_registration_token": false}, fields{"allow_runner_registration_token": false})
	root.refused("registration while it is switched off", http.StatusGone, "register_runner", with{"token": lab})
	for _, machine := range []fields{box, van, pen} {
		root.do("verify_runner", with{"token": machine["token"]}, nil)
		root.do("unregister_runner", with{"token": machine["token"]}, nil)
		root.refused(fmt.Sprint("machine that has left, ", machine["id"]), http.StatusNotFound, "runner", with{"runner": machine["id"]})
	}

	// There are many of them, each of which a client that follows pages finds
	// once.
	ids := []any{shared["id"], team["id"], mine["id"]}
	for n := range 107 {
		o := instanceRunner()
		o.Description = new(fmt.Sprintf("one of many, %d", n))
		ids = append(ids, must(l.world.root.Users.CreateUserRunner(o))(l.t).ID)
	}
	root.do("list_every_page", with{"per_page": 50}, list(ids...))
	root.do("list_every_page", with{"per_page": 20, "tag_list": []string{"docker", "linux"}}, list(shared["id"]))

	// They go: by id, unless they were changed, by their own token, and with
	// their group.
	root.refused("deletion of what was changed since", http.StatusPreconditionFailed, "delete_runner_unless_changed", with{
		"runner": mine["id"], "since": time.Unix(0, 0).UTC().Format(http.TimeFormat),
	})
	developer.refused("deletion of others' runner", http.StatusForbidden, "delete_runner", with{"runner": mine["id"]})
	pipeline.do("delete_runner", with{"runner": mine["id"]}, nil)
	root.refused("deletion of what is gone", http.StatusNotFound, "delete_runner", with{"runner": mine["id"]})
	root.do("unregister_runner", with{"token": shared["token"]}, nil)
	root.refused("unregistering twice", http.StatusForbidden, "unregister_runner", with{"token": shared["token"]})
	root.do("delete_project", with{"project": lib}, nil)
	root.do("delete_group", with{"group": acme}, nil)
	root.refused("runner of a group that is gone", http.StatusNotFound, "runner", with{"runner": team["id"]})
	root.do("block_user", with{"user": alice}, nil)
	owner.refused("access token of somebody blocked", http.StatusForbidden, "current_user", nil)
	root.do("delete_user", with{"user": bob}, nil)
	developer.refused("access token of nobody", http.StatusUnauthorized, "current_user", nil)
}
