package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"baton.example/baton/internal/testkit/need"
)

// TestTerraform applies resources gitlab_user_runner, finds nothing to change
// then, changes one in place, and destroys them. The provider has to be on the
// machine: a test does not download programs.
func TestTerraform(t *testing.T) {
	t.Parallel()
	terraform := need.Program(t, "terraform", need.Optional)
	const mirror = "/usr/local/share/terraform/plugins" // where terraform looks by itself, too
	if found, _ := filepath.Glob(mirror + "/registry.terraform.io/gitlabhq/gitlab/*"); len(found) == 0 {
		need.Missing(t, need.Optional, "no provider gitlabhq/gitlab in "+mirror+", where terraform providers mirror puts it")
	}
	p := start(t, setup{})
	w := newWorld(p)
	acme := w.group("acme", nil)
	app := w.project(acme)

	dir := t.TempDir() // for the state
	write(t, dir, "main.tf", string(must2(os.ReadFile("testdata/clients/terraform/main.tf"))(t)))
	variables := map[string]string{
		"url": p.url, "token": p.root, "group": itoa(acme.ID), "project": itoa(app.ID), "description": "from Terraform",
	}
	run := func(want int, args ...string) {
		t.Helper()
		cmd := exec.Command(terraform, append([]string{"-chdir=" + dir}, args...)...)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1"}
		for name, value := range variables {
			cmd.Env = append(cmd.Env, "TF_VAR_"+name+"="+value)
		}
		if r := runToEnd(t, cmd, 2*patience); r.code != want {
			t.Fatalf("terraform %v: exit code %d, want %d:\n%s%s", args, r.code, want, r.out, r.log)
		}
	}
	const same, different = 0, 2 // exit codes of plan
	plan := []string{"plan", "-input=false", "-no-color", "-detailed-exitcode"}
	run(0, "init", "-input=false", "-no-color", "-plugin-dir="+mirror)
	run(different, plan...)
	run(0, "apply", "-input=false", "-no-color", "-auto-approve")
	run(same, plan...)
	before := must(w.root.Runners.ListAllRunners(nil))(t)
	if len(before) != 3 {
		t.Fatalf("there are %d runners, want 3", len(before))
	}

	variables["description"] = "changed in place"
	run(different, plan...)
	run(0, "apply", "-input=false", "-no-color", "-auto-approve")
	run(same, plan...)
	changed := 0
	for _, r := range must(w.root.Runners.ListAllRunners(nil))(t) {
		if r.Description == "changed in place" && r.ID <= before[2].ID {
			changed++
		}
	}
	if changed != 1 {
		t.Errorf("%d runners were changed in place, want 1", changed)
	}

	run(0, "apply", "-destroy", "-input=false", "-no-color", "-auto-approve")
	if n := w.runners(); n != 0 {
		t.Errorf("%d runners are left", n)
	}
}
