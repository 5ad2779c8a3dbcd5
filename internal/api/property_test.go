package api_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestCreateIsAllOrNothing holds POST /user/runners to a law: what GitLab's
// documentation calls valid is created and reads back equal; everything else is
// refused with the status of the first check that it fails, and leaves no row.
//
// The model in this file knows nothing of how the program reads parameters: a
// value is drawn with its spelling, and so with its meaning.
func TestCreateIsAllOrNothing(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			w := kind.open(t)
			f := newFleet(t, w)
			creates := 8
			if kind.name == "postgres" || testing.Short() {
				creates = 2
			}
			rapid.Check(t, func(t *rapid.T) {
				for range creates {
					f.create(t)
				}
			})
		})
	}
}

// A fleet is the world in which creates are tried.
type fleet struct {
	w    *world
	vars map[string]string
	// rows are how many there must be in each table.
	rows map[string]int
	// last is the id of the runner that was made last.
	last int
}

func newFleet(t *testing.T, w *world) *fleet {
	t.Helper()
	f := &fleet{w: w, vars: w.Vars(), rows: map[string]int{}}
	for _, line := range []string{
		"user owner", "user maintainer", "user gone blocked",
		"group tools", "project tools/app", "member owner owner of tools", "member maintainer maintainer of tools",
		"token narrow owner read_api", "token old owner api until 2026-01-05",
	} {
		vars, err := w.Do(line)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		maps.Copy(f.vars, vars)
	}
	return f
}

// A spelling is a value as it is sent and what it means: nothing where it is
// bad, which is a parameter error.
type spelling[T any] struct {
	sent  any // absent if nothing is sent
	means T
	bad   bool
}

type nothing struct{}

var absent = nothing{}

func good[T any](sent any, means T) spelling[T] { return spelling[T]{sent: sent, means: means} }

func bad[T any](sent any) spelling[T] { return spelling[T]{sent: sent, bad: true} }

// A style is what a client can say: a form has texts alone, and whoever is
// careful sends nothing that is bad.
type style struct{ form, careful bool }

// draw chooses a spelling.
func draw[T any](t *rapid.T, as style, name string, all []spelling[T]) spelling[T] {
	all = slices.DeleteFunc(slices.Clone(all), func(s spelling[T]) bool {
		switch s.sent.(type) {
		case nothing, string, []string:
			return as.careful && s.bad
		}
		return as.form || as.careful && s.bad
	})
	return rapid.SampledFrom(all).Draw(t, name)
}

func booleans(t *rapid.T, as style, name string, preset bool) spelling[bool] {
	all := []spelling[bool]{
		good(absent, preset), good[bool](nil, preset), good("", preset),
		bad[bool]("tRue"), bad[bool](2), bad[bool]([]int{}), bad[bool]("maybe"),
	}
	for _, yes := range []any{true, 1, "1", "true", "YES", "on", "t"} {
		all = append(all, good(yes, true))
	}
	for _, no := range []any{false, 0, "0", "False", "no", "Off", "n"} {
		all = append(all, good(no, false))
	}
	return draw(t, as, name, all)
}

// A text has the limit 1024, counted in characters, and is nothing if blank.
func texts(t *rapid.T, as style, name string) spelling[string] {
	all := []spelling[string]{
		good(absent, ""), good[string](nil, ""), good("", ""), good(" \t ", ""),
		good(5, "5"), good(true, "true"), bad[string]([]string{"a"}), bad[string](map[string]int{"a": 1}),
		good(strings.Repeat("ü", 1024), strings.Repeat("ü", 1024)), good(strings.Repeat("a", 1025), strings.Repeat("a", 1025)),
	}
	if rapid.Bool().Draw(t, name+" is any") {
		text := rapid.StringOfN(rapid.Rune(), 1, 40, -1).
			Filter(func(s string) bool {
				return !strings.ContainsRune(s, 0) && utf8.ValidString(s) && strings.TrimSpace(s) != ""
			}).
			Draw(t, name)
		return good(text, text)
	}
	return draw(t, as, name, all)
}

func integers(t *rapid.T, as style, name string) spelling[*int] {
	all := []spelling[*int]{
		good[*int](absent, nil), good[*int](nil, nil), good("", (*int)(nil)),
		good(600, new(600)), good(600.9, new(600)), good(" 0_600 ", new(600)), good("+86400", new(86400)),
		good(2147483647, new(2147483647)), good("2147483648", new(2147483648)),
		good(0, new(0)), good("599", new(599)), good(-600, new(-600)),
		bad[*int]("600.0"), bad[*int]("ten"), bad[*int](true), bad[*int]([]int{600}),
	}
	return draw(t, as, name, all)
}

// tags draws a tag list; none is an error of parameters.
func tags(t *rapid.T, as style) spelling[[]string] {
	many := func(n int) []string {
		out := make([]string, n)
		for i := range out {
			out[i] = fmt.Sprintf("tag%d", i)
		}
		return out
	}
	all := []spelling[[]string]{
		good[[]string](absent, nil), good[[]string](nil, nil), good("", []string(nil)), good(5, []string(nil)),
		good(map[string]string{"a": "b"}, []string(nil)), good(" , ", []string(nil)),
		good("a,b , c,,a", []string{"a", "b", "c"}), good([]string{"a", "b,c"}, []string{"a", "b", "c"}),
		good([]any{"a", 1, nil}, []string{"a", "1"}), good([]string{"Docker", "docker"}, []string{"Docker", "docker"}),
		good(many(50), many(50)), good(append(many(50), "tag0"), many(50)), good(many(51), many(51)),
		good(strings.Repeat("ü", 255), []string{strings.Repeat("ü", 255)}), good(strings.Repeat("x", 256), []string{strings.Repeat("x", 256)}),
	}
	return draw(t, as, "tag_list", all)
}

// create draws a request, sends it, and checks the answer and the rows.
func (f *fleet) create(t *rapid.T) {
	as := style{form: rapid.Bool().Draw(t, "form"), careful: rapid.SampledFrom([]bool{true, true, true, false}).Draw(t, "careful")}
	caller := rapid.SampledFrom([]string{"root", "root", "root", "owner", "owner", "owner", "maintainer", "narrow", "old", "gone", "nobody"}).Draw(t, "caller")
	runnerType := draw(t, as, "runner_type", []spelling[string]{
		good("instance_type", "instance_type"), good("group_type", "group_type"), good("group_type", "group_type"),
		good("project_type", "project_type"), good("project_type", "project_type"),
		bad[string](absent), bad[string](nil), bad[string](""), bad[string]("shared"), bad[string]([]string{"group_type"}),
	})
	id := draw(t, as, "id", []spelling[string]{
		good("tools", "tools"), good("tools", "tools"), good("tools", "tools"), good("99", "none"), good("", "none"), good[string](nil, "none"),
		bad[string]("x"), bad[string](absent), bad[string](true),
	})
	paused, locked := booleans(t, as, "paused", false), booleans(t, as, "locked", false)
	untagged := booleans(t, as, "run_untagged", true)
	description, note := texts(t, as, "description"), texts(t, as, "maintenance_note")
	timeout := integers(t, as, "maximum_timeout")
	level := draw(t, as, "access_level", []spelling[string]{
		good(absent, "not_protected"), good[string](nil, "not_protected"), good("not_protected", "not_protected"),
		good("ref_protected", "ref_protected"), bad[string](""), bad[string]("x"), bad[string]([]string{"ref_protected"}),
	})
	tagList := tags(t, as)
	keyed := rapid.Bool().Draw(t, "keyed")

	params := map[string]any{
		"runner_type": runnerType.sent, "paused": paused.sent, "locked": locked.sent, "run_untagged": untagged.sent,
		"description": description.sent, "maintenance_note": note.sent, "maximum_timeout": timeout.sent,
		"access_level": level.sent, "tag_list": tagList.sent, "unknown": "ignored",
	}
	// The id goes to the parameter of the type; the other one is not looked at.
	target, badID := "", id.bad
	switch runnerType.means {
	case "group_type":
		target = "group"
	case "project_type":
		target = "project"
	default:
		badID = false
	}
	params["group_id"], params["project_id"] = any("x"), any([]int{1})
	if as.form {
		params["project_id"] = "y"
	}
	if target != "" {
		sent := id.sent
		if sent == "tools" {
			sent = f.vars[map[string]string{"group": "group tools", "project": "project tools/app"}[target]]
		}
		params[target+"_id"] = sent
	}

	broken := tooMany(tagList.means, untagged.means) || utf8.RuneCountInString(description.means) > 1024 ||
		utf8.RuneCountInString(note.means) > 1024 || timeout.means != nil && (*timeout.means < 600 || *timeout.means > 2147483647)
	want := http.StatusCreated
	switch may := caller == "root" || caller == "owner" && target != ""; {
	case caller == "nobody" || caller == "old":
		want = http.StatusUnauthorized
	case caller == "gone" || caller == "narrow":
		want = http.StatusForbidden
	case runnerType.bad || badID || paused.bad || locked.bad || untagged.bad || description.bad || note.bad || timeout.bad || level.bad:
		want = http.StatusBadRequest
	case target != "" && id.means == "none":
		want = http.StatusBadRequest
	case !may:
		want = http.StatusForbidden
	case broken:
		want = http.StatusBadRequest
	}

	header := http.Header{}
	if keyed {
		header.Set("Idempotency-Key", rand.Text())
	}
	status, body := f.send(t, caller, params, as.form, header)
	if status != want {
		t.Fatalf("%s sent %v: got %d %s, want %d", caller, params, status, body, want)
	}
	if status == http.StatusCreated {
		f.count(1, len(tagList.means), target == "project", keyed)
		f.readBack(t, body, map[string]any{
			"runner_type": runnerType.means, "paused": paused.means, "active": !paused.means, "locked": locked.means,
			"run_untagged": untagged.means, "access_level": level.means, "status": "never_contacted",
			"description": orNil(description.means), "maintenance_note": orNil(note.means),
			"maximum_timeout": number(timeout.means), "tag_list": list(tagList.means),
			"group": target == "group", "project": target == "project",
			"creator": map[string]string{"root": "root", "owner": "owner"}[caller],
		})
		if keyed {
			if again, repeated := f.send(t, caller, params, as.form, header); again != status || repeated != body {
				t.Fatalf("repeated with its key: got %d %s, want %s", again, repeated, body)
			}
		}
	}
	f.checkRows(t)
}

// tooMany reports whether tags break a rule.
func tooMany(tags []string, untagged bool) bool {
	return len(tags) == 0 && !untagged || len(tags) > 50 ||
		slices.ContainsFunc(tags, func(tag string) bool { return utf8.RuneCountInString(tag) > 255 })
}

// orNil, number and list are values as JSON has them.
func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func number(n *int) any {
	if n == nil {
		return nil
	}
	return float64(*n)
}

func list(tags []string) any {
	out := []any{}
	for _, tag := range tags {
		out = append(out, tag)
	}
	return out
}

// send sends parameters as a form or as JSON.
func (f *fleet) send(t *rapid.T, caller string, params map[string]any, form bool, header http.Header) (int, string) {
	params = maps.Clone(params)
	maps.DeleteFunc(params, func(_ string, v any) bool { return v == any(absent) })
	body, err := json.Marshal(params)
	media := "application/json"
	if form {
		values := url.Values{}
		for name, value := range params {
			switch v := value.(type) {
			case []string:
				values[name+"[]"] = v
			case string:
				values.Set(name, v)
			}
		}
		body, media = []byte(values.Encode()), "application/x-www-form-urlencoded"
	}
	if err != nil {
		t.Fatal(err)
	}
	return f.request(t, http.MethodPost, "/user/runners", caller, media, bytes.NewReader(body), header)
}

func (f *fleet) request(t *rapid.T, method, path, caller, media string, body io.Reader, header http.Header) (int, string) {
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+f.w.Addr()+"/api/v4"+path, body)
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(r.Header, header)
	if media != "" {
		r.Header.Set("Content-Type", media)
	}
	if token := f.vars[caller]; token != "" {
		r.Header.Set("Private-Token", token)
	}
	response, err := f.w.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(content)
}

// readBack checks what GET /runners/:id tells of the runner in an answer.
func (f *fleet) readBack(t *rapid.T, answer string, want map[string]any) {
	var made struct {
		ID    int
		Token string
	}
	if err := json.Unmarshal([]byte(answer), &made); err != nil || made.ID <= f.last || len(made.Token) != 25 {
		t.Fatalf("%s: not an answer after runner %d (%v)", answer, f.last, err)
	}
	f.last = made.ID
	status, body := f.request(t, http.MethodGet, fmt.Sprintf("/runners/%d", made.ID), "root", "", nil, nil)
	got := map[string]any{}
	if err := json.Unmarshal([]byte(body), &got); status != http.StatusOK || err != nil {
		t.Fatalf("GET /runners/%d: %d %s", made.ID, status, body)
	}
	got["group"] = len(got["groups"].([]any)) == 1
	got["project"] = len(got["projects"].([]any)) == 1
	got["creator"] = got["created_by"].(map[string]any)["username"]
	maps.DeleteFunc(got, func(name string, _ any) bool { _, asked := want[name]; return !asked })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("GET /runners/%d (-want +got):\n%s", made.ID, diff)
	}
}

// count adds the rows of a new runner.
func (f *fleet) count(runners, tags int, project, answer bool) {
	one := func(is bool) int {
		if is {
			return 1
		}
		return 0
	}
	for table, n := range map[string]int{
		"runners": runners, "runner_tags": tags, "runner_projects": one(project), "audit_events": runners, "answers": one(answer),
	} {
		f.rows[table] += n
	}
}

func (f *fleet) checkRows(t *rapid.T) {
	var want []string
	for _, table := range counted {
		want = append(want, fmt.Sprintf("%s %d", table, f.rows[table]))
	}
	got, err := f.w.rows()
	if err != nil || got != strings.Join(want, ", ") {
		t.Fatalf("got %s (%v), want %s", got, err, want)
	}
}
