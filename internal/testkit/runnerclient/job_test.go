package runnerclient_test

import (
	"errors"
	"strings"
	"testing"

	"baton.example/baton/internal/testkit/runnerclient"
)

// smallest is a payload that is enough for the shell executor.
const smallest = `{"id":1,"token":"T","allow_git_fetch":true,` +
	`"job_info":{"name":"j","stage":"test","project_id":5,"project_name":"app"},` +
	`"git_info":{"repo_url":"http://gitlab-ci-token:T@host/g/app.git","ref":"main","sha":"1234567890123456789012345678901234567890","ref_type":"branch","refspecs":["+refs/heads/main:refs/remotes/origin/main"],"depth":20},` +
	`"runner_info":{"timeout":3600},"variables":[{"key":"A","value":"b"}],` +
	`"steps":[{"name":"script","script":["echo hi"],"timeout":3600,"when":"on_success","allow_failure":false}],` +
	`"features":{"trace_sections":true,"failure_reasons":["script_failure"]}}`

func TestDecodeJob(t *testing.T) {
	t.Parallel()
	j, err := runnerclient.DecodeJob([]byte(smallest))
	if err != nil {
		t.Fatal(err)
	}
	if j.ID != 1 || j.Token != "T" || j.RunnerInfo.Timeout != 3600 || j.Steps[0].Script[0] != "echo hi" || j.Variables[0].Value != "b" || j.Run != nil {
		t.Errorf("got %+v", j)
	}
	with := func(fields string) string { return strings.TrimSuffix(smallest, "}") + "," + fields + "}" }
	for _, fields := range []string{
		`"color":"red"`,
		`"image":null,"services":null,"steps":null,"artifacts":null,"cache":null,"credentials":null,"dependencies":null,"hooks":null`,
		`"image":{"name":"alpine","entrypoint":null,"pull_policy":["always"],"executor_opts":null}`,
		`"runner_info":{"timeout":null,"runner_session_url":null}`,
		`"job_info":{"time_in_queue_seconds":1.5,"project_jobs_running_on_instance_runners_count":"+Inf","scoped_user_id":null}`,
		`"git_info":{"protected":null}`,
		`"inputs":null`,
		`"inputs":[]`,
		`"inputs":[{"key":"a","value":{"type":"string","content":"x"}},{"key":"b","value":{"type":"number","content":-1.5}},{"key":"c","value":{"type":"boolean","content":false}},{"key":"d","value":{"type":"array","content":[]}}]`,
		`"run":"[{\"name\":\"a\"}]"`,
		`"run":"[]"`,
	} {
		if _, err := runnerclient.DecodeJob([]byte(with(fields))); err != nil {
			t.Errorf("%s: %v", fields, err)
		}
	}
	if j, err := runnerclient.DecodeJob([]byte(with(`"run":"[1,2]"`))); err != nil || len(j.Run) != 2 {
		t.Errorf("run: %v, %v", j, err)
	}

	for _, tt := range []struct {
		fields string
		rule   runnerclient.Rule
		field  string
	}{
		{`"runner_info":{"timeout":3600.0}`, runnerclient.RuleInteger, "runner_info.timeout"},
		{`"runner_info":{"timeout":"3600"}`, runnerclient.RuleInteger, "runner_info.timeout"},
		{`"id":"1"`, runnerclient.RuleInteger, "id"},
		{`"job_info":{"time_in_queue_seconds":"4"}`, runnerclient.RuleNumber, "job_info.time_in_queue_seconds"},
		{`"job_info":{"project_jobs_running_on_instance_runners_count":0}`, runnerclient.RuleString, "job_info.project_jobs_running_on_instance_runners_count"},
		{`"variables":[{"key":"A","value":1}]`, runnerclient.RuleString, "variables.value"},
		{`"variables":[{"key":"A","value":true}]`, runnerclient.RuleString, "variables.value"},
		{`"cache":[{"key":5}]`, runnerclient.RuleString, "cache.key"},
		{`"artifacts":[{"expire_in":7}]`, runnerclient.RuleString, "artifacts.expire_in"},
		{`"variables":[{"key":"A","masked":1}]`, runnerclient.RuleBoolean, "variables.masked"},
		{`"steps":[{"script":"make"}]`, runnerclient.RuleList, "steps.script"},
		{`"artifacts":[{"paths":"out/"}]`, runnerclient.RuleList, "artifacts.paths"},
		{`"image":{"entrypoint":"sh"}`, runnerclient.RuleList, "image.entrypoint"},
		{`"services":[{"command":"sh"}]`, runnerclient.RuleList, "services.command"},
		{`"image":{"pull_policy":"always"}`, runnerclient.RuleList, "image.pull_policy"},
		{`"git_info":{"refspecs":"+a:b"}`, runnerclient.RuleList, "git_info.refspecs"},
		{`"cache":[{"fallback_keys":"a"}]`, runnerclient.RuleList, "cache.fallback_keys"},
		{`"image":"alpine"`, runnerclient.RuleObject, "image"},
		{`"run":null`, runnerclient.RuleRun, "run"},
		{`"run":""`, runnerclient.RuleRun, "run"},
		{`"run":"null"`, runnerclient.RuleRun, "run"},
		{`"run":"{}"`, runnerclient.RuleRun, "run"},
		{`"run":[]`, runnerclient.RuleRun, "run"},
		{`"inputs":[{"key":"","value":{"type":"string","content":"x"}}]`, runnerclient.RuleInput, "inputs"},
		{`"inputs":[{"key":"a","value":{"type":"string","content":null}}]`, runnerclient.RuleInput, "inputs"},
		{`"inputs":[{"key":"a","value":{"type":"string"}}]`, runnerclient.RuleInput, "inputs"},
		{`"inputs":[{"key":"a","value":{"type":"string","content":1}}]`, runnerclient.RuleInput, "inputs"},
		{`"inputs":[{"key":"a","value":{"type":"number","content":"1"}}]`, runnerclient.RuleInput, "inputs"},
	} {
		_, err := runnerclient.DecodeJob([]byte(with(tt.fields)))
		e, ok := errors.AsType[*runnerclient.JobError](err)
		if !ok || e.Rule != tt.rule || e.Field != tt.field {
			t.Errorf("%s: %v, want %s: %s", tt.fields, err, tt.field, tt.rule)
		}
	}
	for _, text := range []string{"", "null", "[]", `"job"`, smallest[:50], smallest + "x"} {
		_, err := runnerclient.DecodeJob([]byte(text))
		if e, ok := errors.AsType[*runnerclient.JobError](err); !ok || e.Rule != runnerclient.RuleJSON {
			t.Errorf("%q: %v", text, err)
		}
	}
}
