package directory

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"baton.example/baton"
)

func TestPathOf(t *testing.T) {
	tests := []struct{ name, want string }{
		{"runner", "runner"},
		{"Runner", "Runner"},
		{"a.b_c-d", "a.b_c-d"},
		{"For Carol", "for-carol"},
		{"  Two   words  ", "two-words"},
		{"C++", "c"},
		{"über uns", "ber-uns"},
		{"-lead", "lead"},
		{"日本", ""},
		{"", ""},
	}
	for _, test := range tests {
		if got := pathOf(test.name); got != test.want {
			t.Errorf("pathOf(%q) = %q, want %q", test.name, got, test.want)
		}
	}
}

func TestPaths(t *testing.T) {
	long := strings.Repeat("a", maxPath)
	tests := []struct {
		path                        string
		topLevel, subgroup, project string
	}{
		{path: "tools"},
		{path: "Tools_1.x-y"},
		{path: "7"},
		{path: ".dot"},
		{path: long},
		{path: long + "a", topLevel: "is too long (maximum is 255 characters)", subgroup: "is too long (maximum is 255 characters)", project: "is too long (maximum is 255 characters)"},
		{path: "", topLevel: blank, subgroup: blank, project: blank},
		{path: "-a", topLevel: namespacePathHint, subgroup: namespacePathHint, project: projectPathHint},
		{path: "a b", topLevel: namespacePathHint, subgroup: namespacePathHint, project: projectPathHint},
		{path: "a/b", topLevel: namespacePathHint, subgroup: namespacePathHint, project: projectPathHint},
		{path: "a\n", topLevel: namespacePathHint, subgroup: namespacePathHint, project: projectPathHint},
		{path: "é", topLevel: namespacePathHint, subgroup: namespacePathHint, project: projectPathHint},
		{path: "a.git", topLevel: namespacePathHint, subgroup: namespacePathHint, project: projectPathHint},
		{path: "a.Atom", topLevel: namespacePathHint, subgroup: namespacePathHint, project: projectPathHint},
		{path: "a.", topLevel: namespacePathHint, subgroup: namespacePathHint},
		{path: "admin", topLevel: "admin is a reserved name"},
		{path: "API", topLevel: "API is a reserved name"},
		{path: "Wikis", subgroup: "Wikis is a reserved name", project: "Wikis is a reserved name"},
		{path: "-", topLevel: namespacePathHint, subgroup: namespacePathHint, project: projectPathHint},
	}
	for _, test := range tests {
		t.Run(test.path, func(t *testing.T) {
			check := func(kind, want string, rules func(*problems)) {
				t.Helper()
				var p problems
				rules(&p)
				var wanted problems
				if want != "" {
					wanted.add("path", want)
				}
				if diff := cmp.Diff([]baton.FieldError(wanted), []baton.FieldError(p)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", kind, diff)
				}
			}
			check("at the top", test.topLevel, func(p *problems) { p.namespacePath("path", test.path, true) })
			check("in a group", test.subgroup, func(p *problems) { p.namespacePath("path", test.path, false) })
			check("of a project", test.project, func(p *problems) { p.projectPath("path", test.path) })
		})
	}
}

func TestRef(t *testing.T) {
	tests := []struct {
		ref  Ref
		id   int64
		isID bool
	}{
		{"5", 5, true},
		{"0", 0, true},
		{"007", 7, true},
		{"99999999999999999999", 0, true}, // nobody's
		{"", 0, false},
		{"tools", 0, false},
		{"5/6", 0, false},
		{"-5", 0, false},
		{"５", 0, false},
		{RefOf(baton.NamespaceID(12)), 12, true},
	}
	for _, test := range tests {
		if id, isID := test.ref.id(); id != test.id || isID != test.isID {
			t.Errorf("%q: got %d, %t; want %d, %t", test.ref, id, isID, test.id, test.isID)
		}
	}
}

func TestMoreVisible(t *testing.T) {
	for i, v := range visibilityOrder {
		for j, w := range visibilityOrder {
			if got := moreVisible(v, w); got != (i > j) {
				t.Errorf("moreVisible(%s, %s) = %t", v, w, got)
			}
		}
	}
}
