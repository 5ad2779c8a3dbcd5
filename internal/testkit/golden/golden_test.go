package golden

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const file = `# A comment.
+ user alice

each value | text
  1        | "1"
  "a"      | "a"

# What it shows.
> alice POST /x?y={{value}}
> X-Header: z
> {"a": {{value}} }
< 201
< X-Answer: {{:int}}
< {"text":{{text}}}

? rows
< one
< two

end

> POST /x HTTP/1.0
> Content-Type: text/plain
>
> body
>
> more
< 204
`

func TestFilesAreWrittenAsTheyWereRead(t *testing.T) {
	t.Parallel()
	steps, err := parse(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(file, format(steps)); diff != "" {
		t.Error(diff)
	}
}

func TestMistakesInFiles(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"< 200\n":              "1: a response without a request",
		"each x\n  1\n> GET /": "1: each without end",
		"\nhello\n":            `2: what is "hello"?`,
		"end\n":                `1: what is "end"?`,
	} {
		if _, err := parse(text); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

// fake is a world that knows two usual headers.
type fake struct{}

func (fake) Addr() string                         { return "" }
func (fake) Vars() map[string]string              { return nil }
func (fake) Usual() map[string]string             { return map[string]string{"Vary": "Origin", "Date": ""} }
func (fake) Do(string) (map[string]string, error) { return nil, nil }
func (fake) Ask(string) (string, error)           { return "", nil }
func (fake) Check(*http.Response) error           { return nil }

func talk() *conversation {
	return &conversation{world: fake{}, vars: map[string]string{
		"id": "7", "token": "glrt-aaaaaaaaaaaaaaaaaaaa", "any": "{{...}}", "dots": "a.c",
	}}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		pattern, text string
		ok            bool
		sets          string // the variable new
	}{
		{"plain (text)", "plain (text)", true, ""},
		{"plain", "plain ", false, ""},
		{`{"id":{{id}}}`, `{"id":7}`, true, ""},
		{`{"id":{{id}}}`, `{"id":8}`, false, ""},
		{"{{dots}}", "abc", false, ""},
		{"{{new:int}}", "42", true, "42"},
		{"{{new:int}}", "042", false, ""},
		{"{{new:int}}-{{new}}", "42-42", true, "42"},
		{"{{new:int}}-{{new}}", "42-43", false, ""},
		{"{{:glrt}}", "glrt-0123456789_-ABCDEFgh", true, ""},
		{"{{:glrt}}", "glrt-0123456789_-ABCDEFg", false, ""},
		{"{{:glrt}}", "glrt-0123456789_-ABCDEFghi", false, ""},
		{"{{:time}}", "2026-01-05T09:00:00.123Z", true, ""},
		{"{{:time}}", "2026-01-05T09:00:00.1234Z", false, ""},
		{"a{{...}}c", "a\nb\nc", true, ""},
		{"a{{any}}c", "abc", true, ""},
		{"{{ab * 3}}", "ababab", true, ""},
		{"{{unknown}}", "", false, ""},
	} {
		c := talk()
		if _, ok := c.match(row.pattern, row.text); ok != row.ok || c.vars["new"] != row.sets {
			t.Errorf("%q of %q: %t and %q, want %t and %q", row.pattern, row.text, ok, c.vars["new"], row.ok, row.sets)
		}
	}
}

func TestHeadersThatAreNotListedAreFound(t *testing.T) {
	t.Parallel()
	usual := []header{{"Date", "today"}, {"Vary", "Origin"}}
	for name, row := range map[string]struct {
		want []header
		got  []header
		body string
		bad  string
	}{
		"usual":       {nil, usual, "", ""},
		"listed":      {[]header{{"X-a", "1"}}, append(usual, header{"X-A", "1"}), "", ""},
		"JSON":        {nil, append(usual, header{contentType, jsonType}), "{}", ""},
		"not listed":  {nil, append(usual, header{"X-A", "1"}), "", "X-A"},
		"missing":     {[]header{{"X-A", "1"}}, usual, "", "X-A"},
		"different":   {[]header{{"X-A", "1"}}, append(usual, header{"X-A", "2"}), "", "X-A"},
		"twice":       {[]header{{"X-A", "1"}}, append(usual, header{"X-A", "1"}, header{"X-A", "1"}), "", "X-A"},
		"not usual":   {nil, []header{{"Vary", "Accept"}}, "", "Vary"},
		"usual gone":  {nil, nil, "", "Vary"},
		"no type":     {nil, usual, "{}", contentType},
		"other type":  {nil, append(usual, header{contentType, "text/html"}), "{}", contentType},
		"typed empty": {nil, append(usual, header{contentType, jsonType}), "", contentType},
	} {
		problems := strings.Join(talk().headerProblems(answer{headers: row.want}, answer{headers: row.got, body: row.body}), "\n")
		if (problems == "") != (row.bad == "") || !strings.Contains(problems, row.bad) {
			t.Errorf("%s: %q, want one about %q", name, problems, row.bad)
		}
	}
}

func TestRewritingHidesWhatDiffersFromRunToRun(t *testing.T) {
	t.Parallel()
	got := talk().render(answer{
		status:  "201",
		headers: []header{{contentType, jsonType}, {"Vary", "Origin"}, {"X-A", ""}},
		body:    `{"id":7,"token":"glrt-bbbbbbbbbbbbbbbbbbbb","same":"glrt-aaaaaaaaaaaaaaaaaaaa"}`,
	}, false)
	want := []string{"201", "X-A:", `{"id":7,"token":"{{token:glrt}}","same":"{{token}}"}`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestShortRequestsAreWrittenOut(t *testing.T) {
	t.Parallel()
	c := talk()
	for request, want := range map[string]string{
		"token GET /x?y":                           "GET /api/v4/x?y\nPRIVATE-TOKEN: glrt-aaaaaaaaaaaaaaaaaaaa\n\n",
		"nobody POST /x\n{\n}":                     "POST /api/v4/x\nContent-Type: application/json\n\n{\n}",
		"nobody POST /x\na=b: c":                   "POST /api/v4/x\nContent-Type: application/x-www-form-urlencoded\n\na=b: c",
		"nobody POST /x\ncontent-type: text/a\n{}": "POST /api/v4/x\ncontent-type: text/a\n\n{}",
	} {
		head, body, err := c.short(strings.Split(request, "\n"))
		if got := strings.Join(head, "\n") + "\n\n" + body; err != nil || got != want {
			t.Errorf("%q: got %q (%v), want %q", request, got, err, want)
		}
	}
	if _, _, err := c.short([]string{"stranger GET /"}); err == nil {
		t.Error("a stranger has a token")
	}
}
