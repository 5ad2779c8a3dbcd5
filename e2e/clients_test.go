package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"baton.example/baton/internal/testkit/need"
)

var update = flag.Bool("update", false, "write how clients show refusals to testdata/clients/refusals")

// clients are GitLab's API clients, as their registries have them. Each leads
// the same life: [lead] says step by step what is to be done and what has to
// come of it, and the client's driver does it with the client's own calls.
//
// To add a client: a row here, a driver in testdata/clients, a column in
// docs/clients.md, and a run with -update for its refusals.
var clients = []struct {
	name string
	// driver starts the driver for a server, or ends the test because the
	// client is not on the machine.
	driver func(t *testing.T, url string) driver
	// slow is for what starts a program for every step: SQLite and one refusal
	// of each status have to do.
	slow bool
}{
	{name: "client-go", driver: newGoDriver},
	{name: "python-gitlab", driver: python("python-gitlab.py")},
	{name: "python-gitlab CLI", driver: python("python-gitlab-cli.py"), slow: true},
	{name: "ruby-gitlab", driver: newRubyDriver},
	{name: "gitbeaker", driver: newNodeDriver},
}

// TestClients lets every client lead its life on a server of its own.
func TestClients(t *testing.T) {
	t.Parallel()
	for _, client := range clients {
		live := func(t *testing.T, p *program) {
			d := client.driver(t, p.url)
			l := &life{
				t: t, url: p.url, token: p.root, world: newWorld(p),
				client: d, standIn: newGoDriver(t, p.url), slow: client.slow,
				steps: map[string]bool{}, refusals: map[string]string{}, statuses: map[int]bool{},
			}
			lead(l)
			l.checkSteps(client.name)
			l.checkRefusals(client.name)
		}
		t.Run(client.name, func(t *testing.T) {
			t.Parallel()
			if client.slow {
				live(t, start(t, setup{}))
				return
			}
			onBothDatabases(t, live)
		})
	}
}

// A driver performs steps with one client.
type driver interface {
	// steps says how the client does each step that it has a call for.
	steps() map[string]string
	// do performs a step and answers with what the client's objects hold.
	do(t *testing.T, c call) answer
}

// How a client does a step.
const (
	own     = "own"     // with a call made for it
	generic = "generic" // with its call for any path
)

// A call is a step that a client is to do.
type call struct {
	// Step is the step's name.
	Step string `json:"step"`
	// Token is the access token to call with.
	Token string `json:"token"`
	// With are GitLab's parameters, with those that GitLab has in paths as
	// runner, group, project, user and access_token.
	With with `json:"with"`
	// Show names the attributes to answer with, for an object or each object of
	// a list.
	Show []string `json:"show"`
}

type (
	with   map[string]any
	fields map[string]any
)

// An answer is how a step went.
type answer struct {
	// Value is what the client's objects hold: a fields, a list of them, or
	// nothing.
	Value any `json:"value"`
	// Refused is the error that the client reported.
	Refused *refused `json:"refused"`
	// Broken says why the step could not be done, although nobody refused it:
	// the client did not understand, or the driver is wrong.
	Broken string `json:"broken"`
	// Partial says that Value lacks what the client has no place for.
	Partial bool `json:"-"`
}

// A refused is a client's error.
type refused struct {
	Status int `json:"status"`
	// Text is the error as the client shows it.
	Text string `json:"text"`
}

// A process is a driver in the client's language: it reads a call a line and
// writes an answer a line, after one that has its steps.
type process struct {
	cmd     *exec.Cmd
	in      io.Writer
	out     *bufio.Scanner
	log     output
	canStep map[string]string
}

// startProcess starts the driver that is a script below testdata/clients, with
// an interpreter and its options. The script gets the server's URL.
func startProcess(t *testing.T, url, script string, interpreter ...string) *process {
	t.Helper()
	script = filepath.Join("testdata/clients", script)
	if _, err := os.Stat(script); err != nil { // for the test cache, too
		t.Fatal(err)
	}
	cmd := exec.Command(interpreter[0], append(interpreter[1:], script, url)...)
	p := &process{cmd: cmd}
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "LANG=C.UTF-8"}
	cmd.Stderr = &p.log
	p.in = must2(cmd.StdinPipe())(t)
	p.out = bufio.NewScanner(must2(cmd.StdoutPipe())(t))
	p.out.Buffer(nil, 1<<20)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it has nothing to tidy up
		_ = cmd.Wait()
	})
	p.read(t, &p.canStep)
	return p
}

func (p *process) steps() map[string]string { return p.canStep }

func (p *process) do(t *testing.T, c call) answer {
	t.Helper()
	line, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		t.Fatalf("%s: %v\n%s", c.Step, err, p.log.tail())
	}
	var a answer
	p.read(t, &a)
	return a
}

// read reads a line into v. A driver that says nothing for too long is ended.
func (p *process) read(t *testing.T, v any) {
	t.Helper()
	timer := time.AfterFunc(patience, func() { _ = p.cmd.Process.Kill() })
	defer timer.Stop()
	if !p.out.Scan() {
		t.Fatalf("%v does not answer: %v\n%s", p.cmd.Args, p.out.Err(), p.log.tail())
	}
	if err := json.Unmarshal(p.out.Bytes(), v); err != nil {
		t.Fatalf("%v: %v in %s\n%s", p.cmd.Args, err, p.out.Text(), p.log.tail())
	}
}

// python returns the driver that is a script for Debian's Python, which has
// Debian's packages. What python-gitlab warns of fails.
func python(script string) func(*testing.T, string) driver {
	return func(t *testing.T, url string) driver {
		t.Helper()
		python := need.Program(t, "/usr/bin/python3", need.Debian)
		if err := exec.Command(python, "-c", "import gitlab").Run(); err != nil {
			need.Missing(t, need.Debian, "no python3-gitlab")
		}
		return startProcess(t, url, script, python, "-B", "-W", "error::UserWarning")
	}
}

func newRubyDriver(t *testing.T, url string) driver {
	t.Helper()
	ruby := need.Program(t, "/usr/bin/ruby", need.Debian) // Debian's, which has Debian's packages
	if err := exec.Command(ruby, "-e", "require 'gitlab'").Run(); err != nil {
		need.Missing(t, need.Debian, "no ruby-gitlab")
	}
	return startProcess(t, url, "ruby-gitlab.rb", ruby)
}

func newNodeDriver(t *testing.T, url string) driver {
	t.Helper()
	node := need.Program(t, "node", need.Debian)
	if _, err := os.Stat("testdata/clients/gitbeaker/node_modules/@gitbeaker/rest"); err != nil {
		need.Missing(t, need.Npm, "no @gitbeaker/rest: make clients installs it")
	}
	return startProcess(t, url, "gitbeaker/driver.mjs", node)
}

// A life is what a client goes through with one server.
type life struct {
	t     *testing.T
	url   string
	token string // whose turn it is
	world *world
	// client does the steps, and standIn those that client has no call for, so
	// that the next ones find what they need.
	client, standIn driver
	slow            bool

	steps    map[string]bool   // that there were
	refusals map[string]string // the client's texts by what was refused
	statuses map[int]bool      // that these had
}

// as is the life of another token's owner.
func (l *life) as(token any) *life {
	other := *l
	other.token = token.(string)
	return &other
}

// do expects a step to succeed and to give what is wanted: nothing, an object's
// fields or a list of these. It returns what an object had.
func (l *life) do(step string, args with, want any) fields {
	l.t.Helper()
	l.steps[step] = true
	d := l.client
	if d.steps()[step] == "" {
		d = l.standIn
	}
	a := d.do(l.t, call{Step: step, Token: l.token, With: args, Show: attributes(want)})
	switch {
	case a.Broken != "":
		l.t.Fatalf("%s %v: %s", step, args, a.Broken)
	case a.Refused != nil:
		l.t.Fatalf("%s %v is refused: %d %s", step, args, a.Refused.Status, a.Refused.Text)
	}
	for _, line := range differences(step, want, a.Value, a.Partial) {
		l.t.Errorf("%v: %s", args, line)
	}
	got, _ := a.Value.(map[string]any)
	return got
}

// refused expects a step to be refused with a status. What the client says
// then is kept by a name; a client without the call is not asked.
func (l *life) refused(name string, status int, step string, args with) {
	l.t.Helper()
	l.steps[step] = true
	if l.client.steps()[step] == "" || l.slow && l.statuses[status] {
		return
	}
	l.statuses[status] = true
	a := l.client.do(l.t, call{Step: step, Token: l.token, With: args})
	if a.Refused == nil {
		l.t.Errorf("%s: %s %v is not refused: %s", name, step, args, a.Broken)
		return
	}
	if a.Refused.Status != status {
		l.t.Errorf("%s: status %d, want %d: %s", name, a.Refused.Status, status, a.Refused.Text)
	}
	if _, twice := l.refusals[name]; twice {
		l.t.Errorf("two refusals are called %q", name)
	}
	l.refusals[name] = strings.ReplaceAll(a.Refused.Text, l.url, "http://baton")
}

// attributes returns the names of what is wanted.
func attributes(want any) []string {
	switch want := want.(type) {
	case fields:
		return slices.Sorted(maps.Keys(want))
	case []fields:
		names := map[string]any{"id": nil}
		for _, element := range want {
			maps.Copy(names, element)
		}
		return slices.Sorted(maps.Keys(names))
	default:
		return nil
	}
}

// A matcher is what a wanted value may be besides itself.
type matcher struct {
	what  string
	match func(any) bool
}

func (m matcher) String() string { return m.what }

// differences compares what is wanted with what came: of objects, what is
// wanted of them, and of lists, everything. In a partial one keys may be
// missing.
func differences(path string, want, got any, partial bool) []string {
	var all []string
	switch want := want.(type) {
	case matcher:
		if !want.match(got) {
			return []string{fmt.Sprintf("%s: got %v, want %s", path, got, want)}
		}
	case fields:
		object, ok := got.(map[string]any)
		if !ok {
			return []string{fmt.Sprintf("%s: got %v, want an object", path, got)}
		}
		for key, value := range want {
			if _, has := object[key]; !has && partial {
				continue
			}
			all = append(all, differences(path+"."+key, value, object[key], partial)...)
		}
	case []fields:
		list, ok := got.([]any)
		if !ok || len(list) != len(want) {
			return []string{fmt.Sprintf("%s: got %v, want %d of %v", path, got, len(want), want)}
		}
		for i := range want {
			all = append(all, differences(fmt.Sprintf("%s[%d]", path, i), want[i], list[i], partial)...)
		}
	default:
		wantText, err := json.Marshal(want)
		if err != nil {
			panic(err) // what a test wants is data
		}
		gotText, err := json.Marshal(got)
		if err != nil {
			panic(err) // it came as JSON
		}
		if !bytes.Equal(wantText, gotText) {
			return []string{fmt.Sprintf("%s: got %s, want %s", path, gotText, wantText)}
		}
	}
	return all
}

// checkSteps compares what the client can do with the life that it led and
// with its column in docs/clients.md.
func (l *life) checkSteps(client string) {
	l.t.Helper()
	can := l.client.steps()
	for step := range can {
		if !l.steps[step] {
			l.t.Errorf("the driver has %s, which is no step of the scenario", step)
		}
	}
	documented := documentedSteps(l.t, client)
	for step := range l.steps {
		want := map[string]string{own: "yes", generic: "generic", "": "–"}[can[step]]
		if got := documented[step]; got != want {
			l.t.Errorf("docs/clients.md says %q of %s and %s: want %q", got, client, step, want)
		}
	}
	for step := range documented {
		if !l.steps[step] {
			l.t.Errorf("docs/clients.md has the step %s, which the scenario has not", step)
		}
	}
}

// TestClientVersions compares docs/clients.md with the versions that the
// repository pins. Debian's depend on Debian.
func TestClientVersions(t *testing.T) {
	t.Parallel()
	doc := string(must2(os.ReadFile("../docs/clients.md"))(t))
	for file, pattern := range map[string]string{
		"../go.mod": `gitlab\.com/gitlab-org/api/(client-go) v(\S+)`,
		"testdata/clients/gitbeaker/package.json": `"(@gitbeaker/rest)": "(.+)"`,
	} {
		pinned := regexp.MustCompile(pattern).FindStringSubmatch(string(must2(os.ReadFile(file))(t)))
		if pinned == nil {
			t.Errorf("%s pins nothing like %s", file, pattern)
			continue
		}
		row := regexp.MustCompile(`(?m)^\| \[` + regexp.QuoteMeta(pinned[1]) + `\]\(.*\) \| ` + regexp.QuoteMeta(pinned[2]) + ` \|`)
		if !row.MatchString(doc) {
			t.Errorf("docs/clients.md has no row for %s %s", pinned[1], pinned[2])
		}
	}
}

// documentedSteps reads a client's column of the table in docs/clients.md
// whose first heading is Step.
func documentedSteps(t *testing.T, client string) map[string]string {
	t.Helper()
	text := string(must2(os.ReadFile("../docs/clients.md"))(t))
	_, table, found := strings.Cut(text, "\n| Step |")
	if !found {
		t.Fatal("docs/clients.md has no table of steps")
	}
	table, _, _ = strings.Cut("| Step |"+table, "\n\n")
	column, steps := 0, map[string]string{}
	for i, line := range strings.Split(table, "\n") {
		cells := strings.Split(strings.Trim(line, "| "), "|")
		for c := range cells {
			cells[c] = strings.TrimSpace(cells[c])
		}
		switch {
		case i == 0:
			column = slices.Index(cells, client)
			if column < 0 {
				t.Fatalf("docs/clients.md has no column %q", client)
			}
		case i > 1:
			steps[strings.Trim(cells[0], "`")] = cells[column]
		}
	}
	return steps
}

// checkRefusals compares the client's texts with those of its file in
// testdata/clients/refusals.
func (l *life) checkRefusals(client string) {
	l.t.Helper()
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(l.refusals)) {
		fmt.Fprintf(&b, "%s:\n\t%s\n", name, strings.ReplaceAll(l.refusals[name], "\n", "\n\t"))
	}
	path := filepath.Join("testdata/clients/refusals", strings.ReplaceAll(client, " ", "-")+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			l.t.Fatal(err)
		}
		return
	}
	if want := string(must2(os.ReadFile(path))(l.t)); b.String() != want {
		l.t.Errorf("%s shows refusals in other words than %s has:\n%s", client, path, b.String())
	}
}
