package baton_test

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"baton.example/baton"
)

// TestJobStatesAreDrawn compares docs/job-states.md with the code.
func TestJobStatesAreDrawn(t *testing.T) {
	page, err := os.ReadFile("docs/job-states.md")
	if err != nil {
		t.Fatal(err)
	}
	var drawn, coded []string
	for _, arrow := range regexp.MustCompile(`(?m)^    (\w+) --> (\w+)`).FindAllStringSubmatch(string(page), -1) {
		drawn = append(drawn, arrow[1]+" to "+arrow[2])
	}
	for _, from := range baton.JobStatuses() {
		for _, to := range from.Next() {
			coded = append(coded, string(from)+" to "+string(to))
		}
	}
	slices.Sort(drawn)
	slices.Sort(coded)
	if diff := cmp.Diff(coded, drawn); diff != "" {
		t.Errorf("the page differs from JobStatus.Next (-code +page):\n%s", diff)
	}
}

func TestProtectedRefMatches(t *testing.T) {
	for _, tt := range []struct {
		name, ref string
		want      bool
	}{
		{"main", "main", true},
		{"main", "maintenance", false},
		{"*", "anything/at/all", true},
		{"release/*", "release/1.0", true},
		{"release/*", "release/", true},
		{"release/*", "releases", false},
		{"*-stable", "19-4-stable", true},
		{"*-stable", "19-4-stable-2", false},
		{"v*.*", "v1.2", true},
		{"v*.*", "v12", false},
		{"a*a", "a", false},
		{"a*a", "aba", true},
	} {
		r := baton.ProtectedRef{Name: tt.name}
		if got := r.Matches(tt.ref); got != tt.want {
			t.Errorf("%q matches %q: %t, want %t", tt.name, tt.ref, got, tt.want)
		}
	}
}
