"""Performs steps with python-gitlab, for TestClients: a call a line on standard
input, an answer a line on standard output."""

import json
import sys
import traceback

import gitlab

STEPS = {}


def own(step):
    """Marks a step that the client has a call for."""
    STEPS[step.__name__] = "own"
    return step


def generic(step):
    """Marks a step that it does with its call for any path."""
    STEPS[step.__name__] = "generic"
    return step


@own
def version(gl, a):
    version, _ = gl.version()
    return {"version": version}


@own
def current_user(gl, a):
    gl.auth()
    return gl.user


@own
def settings(gl, a):
    return gl.settings.get()


@own
def update_settings(gl, a):
    return change(gl.settings.get(), a)


@own
def create_user(gl, a):
    return gl.users.create(a)


@own
def block_user(gl, a):
    assert gl.users.get(a["user"], lazy=True).block() is True


@own
def delete_user(gl, a):
    gl.users.delete(a["user"])


@own
def create_access_token(gl, a):
    return gl.users.get(a.pop("user"), lazy=True).personal_access_tokens.create(a)


@own
def list_access_tokens(gl, a):
    return gl.personal_access_tokens.list(**a)


@generic
def rotate_access_token(gl, a):
    return gl.http_post("/personal_access_tokens/%d/rotate" % a["access_token"])


@own
def revoke_access_token(gl, a):
    gl.personal_access_tokens.delete(a["access_token"])


@own
def create_group(gl, a):
    return gl.groups.create(a)


@own
def group(gl, a):
    return gl.groups.get(a["group"])


@own
def update_group(gl, a):
    return change(gl.groups.get(a.pop("group")), a)


@own
def delete_group(gl, a):
    gl.groups.delete(a["group"])


@own
def add_group_member(gl, a):
    return gl.groups.get(a["group"], lazy=True).members.create(member(a))


@own
def list_group_members(gl, a):
    return gl.groups.get(a["group"], lazy=True).members.list()


@own
def update_group_member(gl, a):
    return change(gl.groups.get(a.pop("group"), lazy=True).members.get(a.pop("user")), a)


@own
def remove_group_member(gl, a):
    gl.groups.get(a["group"], lazy=True).members.delete(a["user"])


@own
def create_project(gl, a):
    return gl.projects.create(a)


@own
def project(gl, a):
    return gl.projects.get(a["project"])


@own
def update_project(gl, a):
    return change(gl.projects.get(a.pop("project")), a)


@own
def delete_project(gl, a):
    gl.projects.delete(a["project"])


@own
def add_project_member(gl, a):
    return gl.projects.get(a["project"], lazy=True).members.create(member(a))


@generic
def create_runner(gl, a):
    return gl.http_post("/user/runners", post_data=a)


@own
def register_runner(gl, a):
    return gl.runners.create(a)


@generic
def reset_registration_token(gl, a):
    return gl.http_post("/runners/reset_registration_token")


@generic
def reset_group_registration_token(gl, a):
    return gl.http_post("/groups/%d/runners/reset_registration_token" % a["group"])


@generic
def reset_project_registration_token(gl, a):
    return gl.http_post("/projects/%d/runners/reset_registration_token" % a["project"])


@own
def runner(gl, a):
    return gl.runners.get(a["runner"])


@own
def list_runners(gl, a):
    return gl.runners.list(**a)


@own
def list_all_runners(gl, a):
    return gl.runners_all.list(**a)


@own
def list_every_page(gl, a):
    return gl.runners_all.list(get_all=True, **a)


@own
def list_group_runners(gl, a):
    return gl.groups.get(a.pop("group"), lazy=True).runners.list(**a)


@own
def list_project_runners(gl, a):
    return gl.projects.get(a.pop("project"), lazy=True).runners.list(**a)


@own
def runner_jobs(gl, a):
    return gl.runners.get(a["runner"], lazy=True).jobs.list()


@generic
def runner_managers(gl, a):
    return gl.http_list("/runners/%d/managers" % a["runner"])


@own
def update_runner(gl, a):
    return change(gl.runners.get(a.pop("runner")), a)


@own
def pause_runner(gl, a):
    return change(gl.runners.get(a.pop("runner")), a)


@own
def assign_runner(gl, a):
    return gl.projects.get(a["project"], lazy=True).runners.create({"runner_id": a["runner"]})


@own
def unassign_runner(gl, a):
    gl.projects.get(a["project"], lazy=True).runners.delete(a["runner"])


@generic
def rotate_runner(gl, a):
    return gl.http_post("/runners/%d/reset_authentication_token" % a["runner"])


@generic
def rotate_own_token(gl, a):
    return gl.http_post("/runners/reset_authentication_token", post_data=a)


@own
def verify_runner(gl, a):
    gl.runners.verify(a["token"])


@own
def delete_runner(gl, a):
    gl.runners.delete(a["runner"])


@own
def delete_runner_unless_changed(gl, a):
    gl.headers["If-Unmodified-Since"] = a["since"]
    gl.runners.delete(a["runner"])


@own
def unregister_runner(gl, a):
    gl.runners.delete(token=a["token"])


def change(found, values):
    """Changes an object as its users do, by setting attributes."""
    for name, value in values.items():
        setattr(found, name, value)
    found.save()
    return found


def member(a):
    return {"user_id": a["user"], "access_level": a["access_level"]}


def show(value, names):
    """Takes the named attributes of what the client returned."""
    if value is None:
        return None
    if isinstance(value, list):
        return [show(element, names) for element in value]
    if isinstance(value, dict):
        return {name: value[name] for name in names}
    return {name: getattr(value, name) for name in names}


def answer(call):
    try:
        gl = gitlab.Gitlab(sys.argv[1], private_token=call["token"])
        value = globals()[call["step"]](gl, call["with"] or {})
        return {"value": show(value, call["show"] or [])}
    except gitlab.exceptions.GitlabError as e:
        return {"refused": {"status": e.response_code, "text": "%s: %s" % (type(e).__name__, e)}}
    except Exception:
        return {"broken": traceback.format_exc()}


print(json.dumps(STEPS), flush=True)
for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
