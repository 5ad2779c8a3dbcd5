package api

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCompatibilityIsDocumented holds the tables of docs/compatibility.md to
// the routes: each has a row, and what is still to come has not come.
func TestCompatibilityIsDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/compatibility.md")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, rt := range (&Server{}).routes() {
		want = append(want, rt.method+" "+regexp.MustCompile(`\{(\w+)\}`).ReplaceAllString(rt.pattern, ":$1"))
	}
	slices.Sort(want)
	got := documented(string(text), "Endpoints")
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(got))); diff != "" {
		t.Errorf("the endpoints of docs/compatibility.md are not those that there are (-want +got):\n%s", diff)
	}
	for endpoint := range documented(string(text), "Not there yet") {
		if slices.Contains(want, endpoint) {
			t.Errorf("docs/compatibility.md says that there is no %s yet", endpoint)
		}
	}
}

// documented returns the endpoints in the first column of a section's table. A
// path there has the methods before it, or else those of the path before it:
// "`GET`, `POST /users`, `/groups`" is four.
func documented(page, section string) map[string]bool {
	_, page, _ = strings.Cut(page, "\n## "+section+"\n")
	page, _, _ = strings.Cut(page, "\n## ")
	endpoints := map[string]bool{}
	for line := range strings.Lines(page) {
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		column, _, _ := strings.Cut(line[2:], " | ")
		var methods []string
		fresh := false // whether methods were not used yet
		for _, code := range regexp.MustCompile("`([A-Z]*) ?(/[^`]*)?`").FindAllStringSubmatch(column, -1) {
			if code[1] != "" {
				if !fresh {
					methods = nil
				}
				methods, fresh = append(methods, code[1]), true
			}
			if code[2] == "" {
				continue
			}
			fresh = false
			for _, method := range methods {
				endpoints[method+" "+code[2]] = true
			}
		}
	}
	return endpoints
}
