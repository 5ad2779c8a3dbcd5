"""Performs steps with the command line of python-gitlab, a command a step, for
TestClients: a call a line on standard input, an answer a line on standard
output."""

import json
import re
import subprocess
import sys

# The commands about runners by step, with the options that name what a step is
# about; all other options are called as GitLab's parameters. The commands about
# people and places make the same requests as python-gitlab.py.
COMMANDS = {
    "current_user": ("current-user get", {}),
    "group": ("group get", {"group": "--id"}),
    "project": ("project get", {"project": "--id"}),
    "register_runner": ("runner create", {}),
    "runner": ("runner get", {"runner": "--id"}),
    "list_runners": ("runner list", {}),
    "list_all_runners": ("runner-all list", {}),
    "list_every_page": ("runner-all list --get-all", {}),
    "list_group_runners": ("group-runner list", {"group": "--group-id"}),
    "list_project_runners": ("project-runner list", {"project": "--project-id"}),
    "runner_jobs": ("runner-job list", {"runner": "--runner-id"}),
    "update_runner": ("runner update", {"runner": "--id"}),
    "pause_runner": ("runner update", {"runner": "--id"}),
    "assign_runner": ("project-runner create", {"project": "--project-id", "runner": "--runner-id"}),
    "unassign_runner": ("project-runner delete", {"project": "--project-id", "runner": "--id"}),
    "verify_runner": ("runner verify --id 0", {}),  # it insists on an id
    "delete_runner": ("runner delete", {"runner": "--id"}),
}


def run(call):
    given = call["with"] or {}
    if call["step"] == "pause_runner":  # it knows the older parameter alone
        given["active"] = not given.pop("paused")
    given.pop("info", None)  # no option takes an object
    words, names = COMMANDS[call["step"]]
    command = [sys.executable, "-B", "-W", "error::UserWarning", "-m", "gitlab"]
    command += ["--server-url", sys.argv[1], "--private-token", call["token"], "--output", "json"]
    command += words.split()
    for name, value in given.items():
        command += [names.get(name, "--" + name.replace("_", "-")), text(value)]
    return subprocess.run(command, capture_output=True, text=True)


def text(value):
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ",".join(value)
    return str(value)


def show(value, names):
    """Takes the named attributes of what the command printed."""
    if isinstance(value, list):
        return [show(element, names) for element in value]
    return {name: value[name] for name in names}


def answer(call):
    ended = run(call)
    if ended.returncode == 0:
        return {"value": show(json.loads(ended.stdout), call["show"]) if call["show"] else None}
    said = ended.stderr.strip().splitlines()[-1]
    status = re.search(r"\b([45]\d\d): ", said)
    if status is None:
        return {"broken": "%s\n%s" % (ended.args, ended.stderr)}
    return {"refused": {"status": int(status[1]), "text": said}}


print(json.dumps({step: "own" for step in COMMANDS}), flush=True)
for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
