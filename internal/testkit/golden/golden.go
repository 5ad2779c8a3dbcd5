// Package golden runs conversations with Baton's API that stand in text files,
// so that what the server answers can be read, reviewed and rewritten.
//
// # A file
//
//	# Only administrators make instance runners.
//	+ user alice
//
//	> alice POST /user/runners
//	> runner_type=instance_type
//	< 403
//	< {"message":"403 Forbidden - Insufficient permissions"}
//
// Lines that begin with "#" are comments, "+" prepares the [World], ">" is
// sent, "<" is what must come back, and "?" asks the world something that the
// API does not tell.
//
// # Requests
//
// "alice POST /path" calls below /api/v4 with the token {{alice}}, "nobody" with
// none. Headers may follow, then the body, which is JSON or a form by its first
// character unless there is a Content-Type.
//
// When it matters what goes over the wire, a request begins with its method:
//
//	> POST /api/v4/user/runners
//	> Content-Type: text/plain
//	>
//	> hello
//
// Then everything is sent as it stands, with Host, Connection and
// Content-Length added where they are missing. Lines of a body are joined with
// "\n", those of a multipart or chunked body with "\r\n".
//
// # Responses
//
// The status, headers, and the body. Every header has to be listed but those
// that the [World] calls usual, which are checked all the same.
//
// # Placeholders
//
// {{name}} is a variable: one that the world set, or one that was captured by
// {{name:form}} in a response. A form (see [forms]) says what the text looks
// like that cannot be known; {{:form}} captures nothing. {{...}} in a response
// is any text. {{ab * 512}} is ab 512 times, {{bytes ff 00}} bytes by their
// hexadecimal values.
//
// # Repetition
//
//	each value
//	  true
//	  "yes"
//	> alice POST /user/runners
//	> {"runner_type":"instance_type","paused":{{value}}}
//	< 201
//	end
//
// runs the steps between once for every indented line. Several names, and the
// columns of the lines then, are separated by "|".
//
// # Rewriting
//
// With the flag -update, responses that differ are written anew. Read them
// before they are committed.
package golden

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite the responses in golden files")

// Updating reports whether files are rewritten. They should then run in one
// kind of world, of which the others are to prove that they answer the same.
func Updating() bool { return *update }

// A World is what a conversation is about: a server and what it knows.
type World interface {
	// Addr is the server's host:port.
	Addr() string
	// Vars are the variables that every conversation begins with.
	Vars() map[string]string
	// Usual are the headers that need not be listed in a response: from name
	// to value, or to "" if it may be absent and anything.
	Usual() map[string]string
	// Do carries out a directive and returns the variables that it sets.
	Do(line string) (map[string]string, error)
	// Ask answers a question in lines.
	Ask(line string) (string, error)
	// Check returns what is wrong with a response whatever the file expects.
	// Its Request has the method and, if the target was one, the URL.
	Check(*http.Response) error
}

// Run runs the conversation in a file and returns the variables at its end.
func Run(t *testing.T, file string, w World) map[string]string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	steps, err := parse(string(text))
	if err != nil {
		t.Fatalf("%s:%v", file, err)
	}
	c := &conversation{t: t, file: file, world: w, vars: w.Vars()}
	c.run(steps)
	if now := format(steps); *update && !c.broken && now != string(text) {
		if err := os.WriteFile(file, []byte(now), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return c.vars
}

// A conversation is a file that runs.
type conversation struct {
	t     *testing.T
	file  string
	world World
	vars  map[string]string
	// broken tells that the file cannot be run to its end.
	broken bool
}

func (c *conversation) run(steps []*step) {
	c.t.Helper()
	for _, s := range steps {
		if c.broken {
			return
		}
		switch s.kind {
		case text:
		case directive:
			c.do(s)
		case request, question:
			c.exchange(s)
		case each:
			for _, value := range s.lines {
				c.assign(s.names, value)
				c.run(s.body)
			}
		}
	}
}

// assign sets the variables of an each.
func (c *conversation) assign(names []string, values string) {
	for i, name := range names {
		value := values
		if i < len(names)-1 {
			value, values, _ = strings.Cut(values, "|")
		}
		if len(names) > 1 {
			value = strings.TrimSpace(value)
		}
		c.vars[name] = value
	}
}

// stop reports a mistake of the file itself.
func (c *conversation) stop(s *step, err error) {
	c.t.Helper()
	c.broken = true
	c.t.Errorf("%s:%d: %v", c.file, s.number, err)
}

func (c *conversation) do(s *step) {
	c.t.Helper()
	line, err := c.expand(s.lines[0])
	if err != nil {
		c.stop(s, err)
		return
	}
	vars, err := c.world.Do(line)
	if err != nil {
		c.stop(s, fmt.Errorf("%s: %w", line, err))
		return
	}
	maps.Copy(c.vars, vars)
}

// exchange sends a request, or asks a question, and compares what comes back.
func (c *conversation) exchange(s *step) {
	c.t.Helper()
	var got answer
	sent, err := c.expand(strings.Join(s.lines, "\n"))
	if err == nil {
		if s.kind == question {
			got.body, err = c.world.Ask(sent)
		} else {
			got, err = c.send(sent)
		}
	}
	if err != nil {
		c.stop(s, err)
		return
	}
	if got.response != nil {
		if err := c.world.Check(got.response); err != nil {
			c.t.Errorf("%s:%d: %s\n%s: %s\n%v", c.file, s.number, s.title, firstLine(sent), got.status, err)
		}
	}
	want := parseAnswer(s)
	problem := c.compare(want, got, s.kind == question)
	if problem == "" {
		return
	}
	if *update {
		s.answer = c.render(got, s.kind == question)
		return
	}
	c.t.Errorf("%s:%d: %s\n%s\n%s", c.file, s.number, s.title, firstLine(sent), problem)
}

// An answer is a response, or what a question was answered.
type answer struct {
	status  string
	headers []header
	body    string
	// response is what the server sent, nil for the answer to a question.
	response *http.Response
}

type header struct{ name, value string }

// isJSON reports whether the header says what almost every body is.
func (h header) isJSON() bool { return h.name == contentType && h.value == jsonType }

// send sends a request and reads the response.
func (c *conversation) send(raw string) (answer, error) {
	head, body, hasBody := strings.Cut(raw, "\n\n")
	lines := strings.Split(head, "\n")
	method, _, _ := strings.Cut(lines[0], " ")
	if method != strings.ToUpper(method) {
		var err error
		if lines, body, err = c.short(strings.Split(raw, "\n")); err != nil {
			return answer{}, err
		}
		hasBody = body != ""
	}
	if !strings.Contains(lines[0], " HTTP/") {
		lines[0] += " HTTP/1.1"
	}
	if strings.HasPrefix(named(lines, contentType), "multipart/") || named(lines, "Transfer-Encoding") != "" {
		body = strings.ReplaceAll(body, "\n", "\r\n")
	}
	if named(lines, "Host") == "" {
		lines = append(lines, "Host: "+c.world.Addr())
	}
	if named(lines, "Connection") == "" {
		lines = append(lines, "Connection: close")
	}
	if hasBody && named(lines, "Content-Length") == "" && named(lines, "Transfer-Encoding") == "" {
		lines = append(lines, "Content-Length: "+strconv.Itoa(len(body)))
	}
	return exchange(c.t.Context(), c.world.Addr(), requestOf(lines[0]), strings.Join(lines, "\r\n")+"\r\n\r\n"+body)
}

// short writes out the request of a caller: the lines of its head, and its body.
func (c *conversation) short(lines []string) (head []string, body string, err error) {
	who, request, _ := strings.Cut(lines[0], " ")
	method, path, _ := strings.Cut(request, " ")
	head = []string{method + " /api/v4" + path}
	if who != "nobody" {
		token, ok := c.vars[who]
		if !ok {
			return nil, "", fmt.Errorf("%s has no token", who)
		}
		head = append(head, "PRIVATE-TOKEN: "+token)
	}
	rest := lines[1:]
	for len(rest) > 0 && headerLine.MatchString(rest[0]) {
		head, rest = append(head, rest[0]), rest[1:]
	}
	body = strings.Join(rest, "\n")
	if body != "" && named(head, contentType) == "" {
		media := "application/x-www-form-urlencoded"
		if strings.HasPrefix(body, "{") || strings.HasPrefix(body, "[") {
			media = jsonType
		}
		head = append(head, contentType+": "+media)
	}
	return head, body, nil
}

// headerLine matches a header.
var headerLine = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]*:( |$)`)

// named returns the value of a header.
func named(lines []string, name string) string {
	for _, line := range lines[1:] {
		if n, value, _ := strings.Cut(line, ":"); strings.EqualFold(n, name) {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// requestOf returns what the first line of a request says.
func requestOf(line string) *http.Request {
	method, rest, _ := strings.Cut(line, " ")
	target, _, _ := strings.Cut(rest, " ")
	request := &http.Request{Method: method}
	if at, err := url.ParseRequestURI(target); err == nil {
		request.URL = at
	}
	return request
}

// exchange writes a request as it is and reads the response.
func exchange(ctx context.Context, addr string, request *http.Request, raw string) (answer, error) {
	dialer := net.Dialer{Timeout: 10 * time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return answer{}, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return answer{}, err
	}
	if _, err := io.WriteString(conn, raw); err != nil {
		return answer{}, err
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), request)
	if err != nil {
		return answer{}, fmt.Errorf("read response: %w", err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{}, fmt.Errorf("read response: %w", err)
	}
	response.Body = io.NopCloser(bytes.NewReader(content))
	got := answer{status: strconv.Itoa(response.StatusCode), body: string(content), response: response}
	for _, name := range slices.Sorted(maps.Keys(response.Header)) {
		for _, value := range response.Header[name] {
			got.headers = append(got.headers, header{name, value})
		}
	}
	return got, nil
}

// compare returns what is wrong with an answer, "" for nothing.
func (c *conversation) compare(want, got answer, isQuestion bool) string {
	var problems []string
	fail := func(what, want, got string) {
		problems = append(problems, fmt.Sprintf("%s: want %s\n%*s  got  %s", what, want, len(what), "", got))
	}
	if want.status != got.status {
		fail("status", want.status, got.status)
	}
	if !isQuestion {
		for _, h := range c.headerProblems(want, got) {
			problems = append(problems, "header "+h)
		}
	}
	if wanted, ok := c.match(want.body, got.body); !ok {
		fail("body", wanted, got.body)
	}
	return strings.Join(problems, "\n")
}

// headerProblems compares the headers of the response with those listed, and
// the others with the usual ones.
func (c *conversation) headerProblems(want, got answer) []string {
	var problems []string
	listed := map[string]bool{}
	for _, w := range want.headers {
		name := http.CanonicalHeaderKey(w.name)
		listed[name] = true
		values := got.all(name)
		if len(values) == 0 {
			problems = append(problems, fmt.Sprintf("%s: missing, want %q", name, w.value))
			continue
		}
		value := strings.Join(values, "\n")
		if wanted, ok := c.match(w.value, value); !ok {
			problems = append(problems, fmt.Sprintf("%s: want %q, got %q", name, wanted, value))
		}
	}
	usual := c.world.Usual()
	for _, h := range got.headers {
		_, known := usual[h.name]
		if !known && !listed[h.name] && (got.body == "" || !h.isJSON()) {
			problems = append(problems, fmt.Sprintf("%s: %q is not listed", h.name, h.value))
		}
	}
	if len(got.all(contentType)) == 0 && got.body != "" {
		problems = append(problems, contentType+": missing")
	}
	for _, name := range slices.Sorted(maps.Keys(usual)) {
		if value := usual[name]; value != "" && !listed[name] && !slices.Equal(got.all(name), []string{value}) {
			problems = append(problems, fmt.Sprintf("%s: want the usual %q, got %q", name, value, got.all(name)))
		}
	}
	return problems
}

const (
	contentType = "Content-Type"
	jsonType    = "application/json"
)

func (a *answer) all(name string) []string {
	var values []string
	for _, h := range a.headers {
		if h.name == name {
			values = append(values, h.value)
		}
	}
	return values
}

// forms are what a text may look like that cannot be known.
var forms = map[string]string{
	"int":     `[1-9][0-9]*`,
	"time":    `[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z`,
	"date":    `[0-9]{4}-[0-9]{2}-[0-9]{2}`,
	"glrt":    `glrt-[A-Za-z0-9_-]{20}`,
	"glrtr":   `glrtr-[A-Za-z0-9_-]{20}`,
	"glcbt":   `glcbt-[A-Za-z0-9_-]{20}`,
	"GR":      `GR1348941[A-Za-z0-9_-]{20}`,
	"glpat":   `glpat-[A-Za-z0-9_-]{20}`,
	"secret":  `[A-Za-z0-9_-]{20}`,
	"id":      `[A-Za-z0-9_@-]{8,255}`,
	"word":    `[A-Za-z0-9.+_-]+`,
	"hex":     `[0-9a-f]{32}`,
	"seconds": `[0-9]+\.[0-9]{6}`,
	"etag":    `W/"[0-9a-f]{32}"`,
}

// placeholder is one of the things that the package documentation explains.
var placeholder = regexp.MustCompile(`\{\{(.*?)\}\}`)

// expand puts the values of placeholders into a request or directive.
func (c *conversation) expand(s string) (string, error) {
	var bad error
	out := placeholder.ReplaceAllStringFunc(s, func(found string) string {
		value, err := c.value(found[2 : len(found)-2])
		bad = cmp.Or(bad, err)
		return value
	})
	return out, bad
}

// value returns the value of a placeholder.
func (c *conversation) value(inner string) (string, error) {
	if value, ok := c.vars[inner]; ok {
		// A value may itself refer to others.
		return c.expand(value)
	}
	if unit, times, ok := strings.Cut(inner, " * "); ok {
		n, err := strconv.Atoi(times)
		return strings.Repeat(unit, n), err
	}
	if digits, ok := strings.CutPrefix(inner, "bytes "); ok {
		raw, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
		return string(raw), err
	}
	return "", fmt.Errorf("{{%s}} has no value", inner)
}

// match compares a pattern with a text and captures variables from it. It also
// returns the pattern with the values that it has.
func (c *conversation) match(pattern, text string) (wanted string, ok bool) {
	var expression, shown strings.Builder
	var names []string
	local := map[string]string{} // forms of what this pattern captures
	rest := pattern
	for rest != "" {
		at := placeholder.FindStringIndex(rest)
		if at == nil {
			break
		}
		inner := rest[at[0]+2 : at[1]-2]
		literal := rest[:at[0]]
		expression.WriteString(regexp.QuoteMeta(literal))
		shown.WriteString(literal)
		if value := c.vars[inner]; strings.Contains(value, "{{") {
			rest = value + rest[at[1]:]
			continue
		}
		name, form, isForm := strings.Cut(inner, ":")
		if again := local[inner]; again != "" && inner != "" {
			form, isForm = again, true
		}
		switch {
		case inner == "...":
			expression.WriteString("(?s:.*?)")
			shown.WriteString("{{...}}")
		case isForm && forms[form] != "":
			expression.WriteString("(" + forms[form] + ")")
			shown.WriteString("{{" + inner + "}}")
			names = append(names, name)
			local[name] = form
		default:
			value, err := c.value(inner)
			if err != nil {
				value = err.Error()
			}
			expression.WriteString(regexp.QuoteMeta(value))
			shown.WriteString(value)
		}
		rest = rest[at[1]:]
	}
	expression.WriteString(regexp.QuoteMeta(rest))
	shown.WriteString(rest)
	found := regexp.MustCompile(`\A` + expression.String() + `\z`).FindStringSubmatch(text)
	if found == nil {
		return shown.String(), false
	}
	captured := map[string]string{}
	for i, name := range names {
		value := found[i+1]
		if first, again := captured[name]; again && name != "" && first != value {
			return shown.String(), false
		}
		captured[name] = value
	}
	delete(captured, "")
	maps.Copy(c.vars, captured)
	return shown.String(), true
}

// secret finds texts of responses that differ from run to run.
var secret = regexp.MustCompile(`gl(rt|pat)-[A-Za-z0-9_-]{20}`)

// render writes an answer for the file. Values of variables that are too long
// to be there by chance become placeholders.
func (c *conversation) render(got answer, isQuestion bool) []string {
	hide := func(s string) string {
		for _, name := range slices.Sorted(maps.Keys(c.vars)) {
			if value := c.vars[name]; len(value) >= 16 {
				s = strings.ReplaceAll(s, value, "{{"+name+"}}")
			}
		}
		return secret.ReplaceAllString(s, "{{token:gl$1}}")
	}
	if isQuestion {
		return strings.Split(hide(got.body), "\n")
	}
	lines := []string{got.status}
	usual := c.world.Usual()
	for _, h := range got.headers {
		if _, known := usual[h.name]; !known && !h.isJSON() {
			lines = append(lines, strings.TrimSpace(h.name+": "+hide(h.value)))
		}
	}
	if got.body != "" {
		lines = append(lines, strings.Split(hide(got.body), "\n")...)
	}
	return lines
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return strings.ToValidUTF8(string(bytes.TrimSpace([]byte(line))), "?")
}
