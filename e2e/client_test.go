package e2e

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"baton.example/baton/internal/testkit/need"
)

// TestCurl pastes the line of the first start into a shell.
func TestCurl(t *testing.T) {
	t.Parallel()
	need.Program(t, "curl", need.Debian)
	p := start(t, setup{keepRoot: true})
	line := regexp.MustCompile(`(?m)^  curl .*$`).FindString(p.out.String())
	r := runToEnd(t, shell(line), patience)
	if want := regexp.MustCompile(`^\{"id":1,"token":"glrt-[A-Za-z0-9_-]{20}","token_expires_at":null\}$`); r.code != 0 || !want.MatchString(r.out) {
		t.Errorf("%s\nexit code %d: %s%s", line, r.code, r.out, r.log)
	}
	// The page has the same line with a place for the token.
	_, page := p.get("/")
	if !strings.Contains(page, "/api/v4/user/runners") || strings.Contains(page, "glpat-") {
		t.Errorf("the page:\n%s", page)
	}
}

// shell returns a command that runs a line as if it had been pasted.
func shell(line string) *exec.Cmd {
	cmd := exec.Command("/bin/sh", "-c", line)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	return cmd
}

// TestPythonGitLab does with python-gitlab what TestCreate does with GitLab's
// own client, for one of each.
func TestPythonGitLab(t *testing.T) {
	t.Parallel()
	python := need.Program(t, "/usr/bin/python3", need.Debian) // Debian's, which has Debian's packages
	if err := exec.Command(python, "-c", "import gitlab").Run(); err != nil {
		need.Missing(t, need.Debian, "no python3-gitlab")
	}
	p := start(t, setup{})
	cmd := exec.Command(python, "-W", "error::UserWarning", "-c", pythonScript, p.url, p.root)
	r := runToEnd(t, cmd, patience)
	if r.code != 0 || strings.TrimSpace(r.out) != "done" {
		t.Errorf("exit code %d: %s\n%s", r.code, r.out, r.log)
	}
}

const pythonScript = `
import sys, gitlab

url, token = sys.argv[1:]
gl = gitlab.Gitlab(url, private_token=token)
gl.auth()
assert gl.user.username == "root", gl.user
assert gl.version()[0].endswith("-ee"), gl.version()

group = gl.groups.create({"name": "acme", "path": "acme"})
project = gl.projects.create({"name": "app", "namespace_id": group.id})
alice = gl.users.create({"username": "alice", "name": "Alice", "email": "alice@example.com", "force_random_password": True})
group.members.create({"user_id": alice.id, "access_level": gitlab.const.AccessLevel.OWNER})
pat = alice.personal_access_tokens.create({"name": "ci", "scopes": ["create_runner", "read_api"]})

owner = gitlab.Gitlab(url, private_token=pat.token)
made = [
    gl.http_post("/user/runners", post_data={"runner_type": "instance_type", "tag_list": ["docker", "linux"]}),
    owner.http_post("/user/runners", post_data={"runner_type": "group_type", "group_id": group.id, "paused": True}),
    owner.http_post("/user/runners", post_data={"runner_type": "project_type", "project_id": project.id}),
]
for runner in made:
    assert runner["token"].startswith("glrt-"), runner.keys()
    gl.runners.verify(runner["token"])

details = gl.runners.get(made[0]["id"])
assert details.tag_list == ["docker", "linux"], details
assert gl.runners.get(made[1]["id"]).paused
assert sorted(r.id for r in gl.runners.all(all=True)) == [r["id"] for r in made]

def refused(code, text, call):
    try:
        call()
    except gitlab.exceptions.GitlabError as e:
        assert e.response_code == code and text in e.error_message, e
    else:
        raise AssertionError("not refused: " + text)

create = lambda who, **data: (lambda: who.http_post("/user/runners", post_data=data))
refused(403, "Insufficient permissions", create(owner, runner_type="instance_type"))
refused(400, "runner_type is missing", create(owner))
refused(400, "Missing/invalid group", create(owner, runner_type="group_type", group_id=404))
refused(401, "401 Unauthorized", create(gitlab.Gitlab(url, private_token="glpat-wrong"), runner_type="instance_type"))
refused(403, "403 Forbidden", lambda: gl.runners.verify("glrt-wrong"))

registered = gl.runners.create({"token": gl.groups.get(group.id).runners_token, "tag_list": ["linux"]})
assert registered.token.startswith("glrtr-"), registered
assert gl.runners.get(registered.id).tag_list == ["linux"]
refused(403, "invalid token supplied", lambda: gl.runners.create({"token": token}))

alice.block()
refused(403, "blocked", create(owner, runner_type="group_type", group_id=group.id))
print("done")
`

// TestNowhereToPrint starts for the first time where the secrets cannot be
// shown: the program says how to get others, and that works.
func TestNowhereToPrint(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	dir := t.TempDir()
	cmd := command(t, "serve")
	cmd.Env = append(cmd.Env, "BATON_DATA_DIR="+dir, "BATON_LISTEN=127.0.0.1:0", "BATON_LOG_LEVEL=warn")
	var log output
	cmd.Stdout, cmd.Stderr = full, &log
	_ = cmd.Run() // the exit code tells
	if code := cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(log.String(), "baton admin token create root") {
		t.Errorf("exit code %d: %s", code, log.String())
	}
	create := command(t, "admin", "token", "create", "root", "--data-dir", dir)
	r := runToEnd(t, create, patience)
	if r.code != 0 {
		t.Fatalf("exit code %d: %s", r.code, r.log)
	}
	p := start(t, setup{dir: dir, keepRoot: true})
	if got := must(dial(t, p.url, strings.TrimSpace(r.out)).Users.CurrentUser())(t); got.Username != "root" {
		t.Errorf("the token is %s's", got.Username)
	}
}
