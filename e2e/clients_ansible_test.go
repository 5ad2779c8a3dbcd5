package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"baton.example/baton/internal/testkit/need"
)

// TestAnsible runs a playbook with Ansible's modules for GitLab, which looks
// itself at what comes of its tasks. Afterwards nothing is left.
func TestAnsible(t *testing.T) {
	t.Parallel()
	ansible := need.Program(t, "/usr/bin/ansible-playbook", need.Debian) // Debian's, whose modules find Debian's python3-gitlab
	if err := exec.Command("/usr/bin/python3", "-c", "import ansible_collections.community.general, gitlab").Run(); err != nil {
		need.Missing(t, need.Debian, "no collection community.general of ansible, or no python3-gitlab")
	}
	const playbook = "testdata/clients/ansible/playbook.yml"
	if _, err := os.Stat(playbook); err != nil { // for the test cache, too
		t.Fatal(err)
	}
	p := start(t, setup{})
	home := t.TempDir()
	variables := filepath.Join(home, "variables.json")
	text, err := json.Marshal(map[string]string{"url": p.url, "root_token": p.root, "ansible_python_interpreter": "/usr/bin/python3"})
	if err == nil {
		err = os.WriteFile(variables, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(ansible, "--inventory", "localhost,", "--connection", "local", "--extra-vars", "@"+variables, playbook)
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "LANG=C.UTF-8",
		"ANSIBLE_PIPELINING=true", "ANSIBLE_NOCOLOR=true", "ANSIBLE_DEPRECATION_WARNINGS=false",
	}
	if r := runToEnd(t, cmd, 4*patience); r.code != 0 {
		t.Errorf("exit code %d:\n%s%s", r.code, r.out, r.log)
	}
	w := newWorld(p)
	if n := w.runners(); n != 0 {
		t.Errorf("%d runners are left", n)
	}
	if groups := must(w.root.Groups.ListGroups(nil))(t); len(groups) != 0 {
		t.Errorf("%d groups are left", len(groups))
	}
}
