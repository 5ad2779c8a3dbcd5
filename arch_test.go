package baton_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "baton.example/baton"

// An importRule forbids the packages that match from to import what matches
// deny. Patterns are paths; one that ends in "/..." includes the packages
// below, and paths without the module's name are ours. A rule is about the
// program: tests wire packages together as they need to.
type importRule struct {
	from   []string
	deny   []string
	except []string // packages that match from, but may
	why    string
}

var (
	capabilities    = []string{"internal/fleet", "internal/directory", "internal/access", "internal/dispatch", "internal/vault", "internal/audit", "internal/idempotency"}
	adapters        = []string{"internal/api/...", "internal/web/...", "internal/grape/...", "internal/server/..."}
	implementations = []string{"internal/store/sqlite", "internal/store/postgres", "internal/store/sqlstore"}
)

// importRules are the directions of docs/architecture.md. .golangci.yml has
// the gist of them for editors: change both.
var importRules = []importRule{
	{
		from: []string{"."},
		deny: []string{"internal/...", "cmd/...", "e2e/...", "bench/...", thirdParty},
		why:  "the root is the vocabulary at the bottom of the graph; it says what things are with the standard library alone",
	},
	{
		from: []string{"internal/api/..."},
		deny: []string{"internal/web/..."},
		why:  "API and pages are two adapters over the same capabilities, neither built on the other",
	},
	{
		from: []string{"internal/web/..."},
		deny: []string{"internal/api/..."},
		why:  "API and pages are two adapters over the same capabilities, neither built on the other",
	},
	{
		from: []string{"internal/server/..."},
		deny: append([]string{"internal/api/...", "internal/web/...", "internal/store/..."}, capabilities...),
		why:  "the server is given its handlers and need not know what their paths mean",
	},
	{
		from: capabilities,
		deny: append([]string{"net/http/...", "html/template"}, adapters...),
		why:  "a capability serves API, pages and commands alike, and so knows none of them",
	},
	{
		from: capabilities,
		deny: append([]string{"database/sql/..."}, implementations...),
		why:  "a capability asks package store for what it needs; SQL stays below that",
	},
	{
		from: []string{"internal/store"},
		deny: []string{"internal/...", "database/sql/...", "net/http/...", thirdParty},
		why:  "the contract names what is stored in our own words, or it would fit one database alone",
	},
	{
		from: []string{"internal/store/..."},
		deny: append(slices.Clone(adapters), capabilities...),
		why:  "storage is below the capabilities; what it needs of them belongs in the contract or at the root",
	},
	{
		from:   []string{"..."},
		deny:   []string{"internal/store/sqlite/...", "internal/store/postgres/..."},
		except: []string{"internal/app"},
		why:    "only the wiring chooses a database; everything else takes roles of package store",
	},
	{
		from:   []string{"..."},
		deny:   []string{"internal/store/sqlstore/..."},
		except: []string{"internal/store/sqlite", "internal/store/postgres"},
		why:    "sqlstore is the half that both databases share, not a store by itself",
	},
	{
		from:   []string{"..."},
		deny:   []string{"internal/app/..."},
		except: []string{"internal/cli"},
		why:    "the wiring knows everything, so nothing but the command line may know it",
	},
	{
		from:   []string{"..."},
		deny:   []string{"internal/cli/..."},
		except: []string{"cmd/baton"},
		why:    "the command line is the top",
	},
	{
		from: []string{"..."},
		deny: []string{"internal/testkit/...", "internal/store/storetest", "testing/..."},
		why:  "what serves tests must not get into the program",
	},
	{
		from: []string{"internal/client"},
		deny: []string{"internal/...", "database/sql/..."},
		why:  "the client knows a server by its answers alone, or it would only fit ours",
	},
	{
		from: []string{"internal/telemetry/...", "internal/seal/...", "internal/grape/..."},
		deny: append([]string{"internal/api/...", "internal/web/...", "internal/store/..."}, capabilities...),
		why:  "a leaf is usable anywhere because it needs nothing of ours but the root",
	},
}

// thirdParty is the pattern of every package outside the standard library and
// this module.
const thirdParty = "third party"

func TestImports(t *testing.T) {
	for _, p := range packages(t) {
		if p.forTests() {
			continue
		}
		for _, r := range importRules {
			if !matchAny(r.from, p.path) || matchAny(r.except, p.path) {
				continue
			}
			for _, imported := range sorted(p.imports) {
				if imported != p.path && matchAny(r.deny, imported) {
					t.Errorf("%s imports %s (%s):\n\t%s", p.path, imported, p.imports[imported], r.why)
				}
			}
		}
	}
}

// Every rule has to name packages as they are called, or it rules nothing.
func TestImportRulesNameKnownPackages(t *testing.T) {
	doc := read(t, "docs/architecture.md")
	for _, r := range importRules {
		for _, pattern := range slices.Concat(r.from, r.deny, r.except) {
			name := strings.TrimSuffix(pattern, "/...")
			if strings.HasPrefix(name, "internal/") && !strings.Contains(doc, "`"+name+"`") {
				t.Errorf("the rule %q is about %s, which is not in docs/architecture.md", r.why, name)
			}
		}
	}
}

func TestPackagesAreDocumented(t *testing.T) {
	doc := read(t, "docs/architecture.md")
	for _, p := range packages(t) {
		if !p.documented {
			t.Errorf("%s has no package comment", p.path)
		}
		if strings.HasPrefix(p.path, "internal/") && !strings.Contains(doc, "`"+p.path+"`") {
			t.Errorf("%s is not in the table of docs/architecture.md", p.path)
		}
	}
}

func TestDependenciesAreDocumented(t *testing.T) {
	listed, coming := dependencies(t)
	required := requirements(t)
	for _, m := range required {
		if listed[m] == nil && coming[m] == nil {
			t.Errorf("go.mod requires %s, which has no row in docs/dependencies.md", m)
		}
	}
	for m := range listed {
		if !slices.Contains(required, m) {
			t.Errorf("docs/dependencies.md has a row for %s, which go.mod does not require", m)
		}
	}
	maps.Copy(listed, coming)
	for _, p := range packages(t) {
		for _, imported := range sorted(p.imports) {
			if !match(thirdParty, imported) {
				continue
			}
			by, found := importers(listed, imported)
			switch {
			case !found:
				t.Errorf("%s imports %s, of no module in docs/dependencies.md", p.path, imported)
			case !p.forTests() && !matchAny(by, p.path):
				t.Errorf("%s imports %s (%s), which docs/dependencies.md does not list for it", p.path, imported, p.imports[imported])
			}
		}
	}
}

// importers returns the patterns of the packages that may import a package.
func importers(listed map[string][]string, imported string) ([]string, bool) {
	for m, by := range listed {
		if match(m+"/...", imported) {
			return by, true
		}
	}
	return nil, false
}

// dependencies reads the tables of docs/dependencies.md: from module to who
// may import it.
func dependencies(t *testing.T) (listed, coming map[string][]string) {
	t.Helper()
	listed, coming = map[string][]string{}, map[string][]string{}
	rows := listed
	for line := range strings.Lines(read(t, "docs/dependencies.md")) {
		if strings.HasPrefix(line, "## On their way") {
			rows = coming
		}
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) < 3 || strings.HasPrefix(cells[1], " ---") || cells[1] == " Module " {
			continue
		}
		m := strings.TrimSpace(cells[1])
		if len(cells) != 6 {
			t.Errorf("docs/dependencies.md: the row of %s has %d cells, want 4", m, len(cells)-2)
			continue
		}
		if slices.ContainsFunc(cells[1:5], func(c string) bool { return strings.TrimSpace(c) == "" }) {
			t.Errorf("docs/dependencies.md: the row of %s has an empty cell", m)
		}
		rows[m] = []string{}
		for by := range strings.SplitSeq(cells[4], ",") {
			if by = strings.Trim(by, " `"); by != "tests" {
				rows[m] = append(rows[m], by+"/...")
			}
		}
	}
	return listed, coming
}

// requirements returns the modules that go.mod requires directly.
func requirements(t *testing.T) []string {
	t.Helper()
	read(t, "go.mod") // so that the test cache knows what the go command reads
	out, err := exec.CommandContext(t.Context(), "go", "mod", "edit", "-json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	var direct []string
	for _, r := range mod.Require {
		if !r.Indirect {
			direct = append(direct, r.Path)
		}
	}
	return direct
}

// A pkg is a directory of Go files.
type pkg struct {
	path       string            // within the module, "." for the root
	imports    map[string]string // of the files that are no tests: path to a file that imports it
	documented bool
}

// forTests reports whether the package serves tests alone.
func (p *pkg) forTests() bool {
	return matchAny([]string{"internal/testkit/...", "e2e/...", "bench/..."}, p.path) ||
		strings.HasPrefix(p.path, "internal/") && strings.HasSuffix(p.path, "test")
}

// packages returns all packages of the module, whatever their build tags.
func packages(t *testing.T) []*pkg {
	t.Helper()
	found := map[string]*pkg{}
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && notOurs(name):
			return fs.SkipDir
		case d.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		dir := filepath.ToSlash(filepath.Dir(name))
		p := found[dir]
		if p == nil {
			p = &pkg{path: dir, imports: map[string]string{}}
			found[dir] = p
		}
		p.documented = p.documented || documents(file)
		if !strings.HasSuffix(name, "_test.go") {
			for _, spec := range file.Imports {
				p.imports[local(strings.Trim(spec.Path.Value, `"`))] = name
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return slices.SortedFunc(maps.Values(found), func(a, b *pkg) int { return strings.Compare(a.path, b.path) })
}

// notOurs reports whether the go command, too, would pass over a directory.
func notOurs(dir string) bool {
	base := filepath.Base(dir)
	if base == "testdata" || base == "node_modules" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
		return true
	}
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

func documents(file *ast.File) bool {
	text := file.Doc.Text()
	return strings.HasPrefix(text, "Package ") || strings.HasPrefix(text, "Command ")
}

// local returns the path of a package of ours within the module, and other
// paths as they are.
func local(imported string) string {
	if imported == module {
		return "."
	}
	return strings.TrimPrefix(imported, module+"/")
}

func matchAny(patterns []string, path string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return match(pattern, path) })
}

func match(pattern, path string) bool {
	first, _, _ := strings.Cut(path, "/")
	switch tree, found := strings.CutSuffix(pattern, "/..."); {
	case pattern == thirdParty:
		return path != "." && strings.Contains(first, ".")
	case pattern == "...":
		return true
	case found:
		return path == tree || strings.HasPrefix(path, tree+"/")
	default:
		return path == pattern
	}
}

func sorted(imports map[string]string) []string { return slices.Sorted(maps.Keys(imports)) }

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
