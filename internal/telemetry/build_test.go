package telemetry

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestRevision(t *testing.T) {
	commit := debug.BuildSetting{Key: "vcs.revision", Value: "0a1b2c"}
	tests := []struct {
		name     string
		settings []debug.BuildSetting
		want     string
	}{
		{"not recorded", nil, "unknown"},
		{"clean", []debug.BuildSetting{commit, {Key: "vcs.modified", Value: "false"}}, "0a1b2c"},
		{"changed", []debug.BuildSetting{commit, {Key: "vcs.modified", Value: "true"}}, "0a1b2c-dirty"},
	}
	for _, test := range tests {
		if got := revision(test.settings); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

func TestBuild(t *testing.T) {
	got := Build()
	if got.Version != version || got.Revision == "" || got.Go != runtime.Version() {
		t.Errorf("build is %+v", got)
	}
}
