package api

import (
	"cmp"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/goccy/go-yaml"
	gocmp "github.com/google/go-cmp/cmp"

	"baton.example/baton"
	"baton.example/baton/internal/grape"
	"baton.example/baton/internal/testkit/golden"
)

// TestDescription keeps openapi.yaml equal to the program: with -update, as go
// generate runs it, it writes the file anew. That the answers are those described is for
// TestGolden to find out.
func TestDescription(t *testing.T) {
	t.Parallel()
	want, err := describe((&Server{}).routes())
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(want)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if golden.Updating() {
		if err := os.WriteFile("openapi.yaml", want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := gocmp.Diff(string(description), string(want)); diff != "" {
		t.Errorf("openapi.yaml is not what the code says; go generate writes it anew, for you to read:\n%s", diff)
	}
}

// The parts of an OpenAPI document that this one has, in the order in which
// they are written. An ordered map is a yaml.MapSlice.
type (
	document struct {
		OpenAPI    string              `yaml:"openapi"`
		Info       information         `yaml:"info"`
		Servers    []map[string]string `yaml:"servers"`
		Tags       []tag               `yaml:"tags"`
		Paths      yaml.MapSlice       `yaml:"paths"`
		Components components          `yaml:"components"`
	}
	information struct {
		Title       string            `yaml:"title"`
		Version     string            `yaml:"version"`
		Description string            `yaml:"description"`
		License     map[string]string `yaml:"license"`
	}
	tag struct {
		Name        string `yaml:"name"`
		Description string `yaml:"description"`
	}
	operation struct {
		Tags         []string          `yaml:"tags,flow"`
		Summary      string            `yaml:"summary"`
		Description  string            `yaml:"description,omitempty"`
		ExternalDocs map[string]string `yaml:"externalDocs,omitempty"`
		OperationID  string            `yaml:"operationId"`
		// Security is written even when it is empty: nothing is needed then.
		Security    []map[string][]string `yaml:"security,flow"`
		Parameters  []*parameter          `yaml:"parameters,omitempty"`
		RequestBody *requestBody          `yaml:"requestBody,omitempty"`
		Responses   yaml.MapSlice         `yaml:"responses"`
	}
	parameter struct {
		Ref         string  `yaml:"$ref,omitempty"`
		Name        string  `yaml:"name,omitempty"`
		In          string  `yaml:"in,omitempty"`
		Required    bool    `yaml:"required,omitempty"`
		Description string  `yaml:"description,omitempty"`
		Style       string  `yaml:"style,omitempty"`
		Explode     *bool   `yaml:"explode,omitempty"`
		Schema      *schema `yaml:"schema,omitempty"`
	}
	requestBody struct {
		Description string        `yaml:"description,omitempty"`
		Required    bool          `yaml:"required,omitempty"`
		Content     yaml.MapSlice `yaml:"content"`
	}
	mediaType struct {
		Schema   *schema       `yaml:"schema"`
		Encoding yaml.MapSlice `yaml:"encoding,omitempty"`
	}
	encoding struct {
		Style   string `yaml:"style"`
		Explode bool   `yaml:"explode"`
	}
	response struct {
		Ref         string        `yaml:"$ref,omitempty"`
		Description string        `yaml:"description,omitempty"`
		Headers     yaml.MapSlice `yaml:"headers,omitempty"`
		Content     yaml.MapSlice `yaml:"content,omitempty"`
	}
	components struct {
		SecuritySchemes yaml.MapSlice `yaml:"securitySchemes"`
		Parameters      yaml.MapSlice `yaml:"parameters"`
		Headers         yaml.MapSlice `yaml:"headers"`
		Responses       yaml.MapSlice `yaml:"responses"`
		Schemas         yaml.MapSlice `yaml:"schemas"`
	}
)

// about is what no row says.
const about = `Baton answers like GitLab, so what is written for GitLab's REST API works here.

- **Tokens**: a personal access token in the header ` + "`PRIVATE-TOKEN`" + `, or as a bearer token. Each operation lists the scopes of which the token needs one.
- **Parameters**: in the query, in a form or as JSON, with every method. What is described as a query or a body is what is usual.
- **Lists** come in pages; the headers ` + "`X-Page`" + `, ` + "`X-Next-Page`" + ` and ` + "`Link`" + ` lead through them.
- **Administrators** with the scope ` + "`sudo`" + ` act as another user with the header ` + "`Sudo`" + `, an id or a username.
- **HEAD** works wherever GET does. Ids of groups and projects may be paths, with ` + "`%2F`" + ` for a slash.
`

// A describer makes the description of a table of routes.
type describer struct {
	doc     document
	comment *comments
	schemas *schemas
	paths   map[string]int // to their place in the document
}

// describe returns the description of the routes.
func describe(routes []route) ([]byte, error) {
	c, err := readComments()
	if err != nil {
		return nil, err
	}
	d := &describer{comment: c, schemas: newSchemas(c), paths: map[string]int{}}
	d.doc = document{
		OpenAPI: "3.1.1",
		Info: information{
			Title: "Baton", Version: gitlabVersion, Description: about,
			License: map[string]string{"name": "MIT", "identifier": "MIT"},
		},
		Servers: []map[string]string{{"url": describedURL}},
	}
	for _, t := range c.tables {
		d.doc.Tags = append(d.doc.Tags, tag{t.name, t.about})
	}
	d.components()
	for i := range routes {
		if err := d.route(&routes[i]); err != nil {
			return nil, fmt.Errorf("%s %s: %w", routes[i].method, routes[i].pattern, err)
		}
	}
	d.operations()
	if d.doc.Components.Schemas, err = d.schemas.all(); err != nil {
		return nil, err
	}
	text, err := yaml.MarshalWithOptions(d.doc, yaml.UseLiteralStyleIfMultiline(true), yaml.IndentSequence(true))
	return indentedNothing.ReplaceAll(text, nil), err
}

// indentedNothing finds the blanks that are written for an empty line.
var indentedNothing = regexp.MustCompile(`(?m)^ +$`)

// add puts an operation into the document.
func (d *describer) add(method, path string, op *operation) {
	at, known := d.paths[path]
	if !known {
		at = len(d.doc.Paths)
		d.paths[path] = at
		d.doc.Paths = append(d.doc.Paths, yaml.MapItem{Key: path, Value: yaml.MapSlice{}})
	}
	item, _ := d.doc.Paths[at].Value.(yaml.MapSlice)
	d.doc.Paths[at].Value = append(item, yaml.MapItem{Key: strings.ToLower(method), Value: op})
}

// route describes a row.
func (d *describer) route(r *route) error {
	f, table, err := d.comment.function(r.name)
	if err != nil {
		return err
	}
	path := apiRoot + r.pattern
	op := &operation{
		Tags: []string{table}, Summary: f.summary, Description: f.rest,
		OperationID: operationID(r.method, path), Security: security(r.caller),
	}
	if page := cmp.Or(f.page, d.comment.types[r.in.Name()].page); page != "" {
		op.ExternalDocs = map[string]string{"url": page}
	}
	if err := d.parameters(op, r); err != nil {
		return err
	}
	if op.Responses, err = d.responses(r); err != nil {
		return err
	}
	d.add(r.method, path, op)
	return nil
}

// operationID makes an id as GitLab's own description does, so that clients
// generated from the one call their functions as those of the other.
func operationID(method, path string) string {
	var id strings.Builder
	id.WriteString(strings.ToLower(method))
	for word := range strings.FieldsFuncSeq(path, func(r rune) bool { return strings.ContainsRune("/{}_.-", r) }) {
		id.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return id.String()
}

// security says which tokens open a row: alternatives, each a way to send the
// token and a scope.
func security(who caller) []map[string][]string {
	alternatives := []map[string][]string{}
	if who.scopes == nil {
		return alternatives
	}
	for _, scheme := range []string{"privateToken", "bearer"} {
		if len(who.scopes) == len(baton.Scopes()) {
			alternatives = append(alternatives, map[string][]string{scheme: {}})
			continue
		}
		for _, scope := range who.scopes {
			alternatives = append(alternatives, map[string][]string{scheme: {string(scope)}})
		}
	}
	if who.optional {
		alternatives = append(alternatives, map[string][]string{})
	}
	return alternatives
}

// pathParameter finds the parameters in a pattern.
var pathParameter = regexp.MustCompile(`\{(\w+)\}`)

// parameters describes where each of a row's parameters is: those of its
// pattern in the path, the others in the query or body, as is usual with the
// method.
func (d *describer) parameters(op *operation, r *route) error {
	fields := grape.Fields(r.in)
	for _, found := range pathParameter.FindAllStringSubmatch(r.pattern, -1) {
		i := slices.IndexFunc(fields, func(f grape.Field) bool { return f.Name == found[1] })
		if i < 0 {
			return fmt.Errorf("%v has no field for {%s}", r.in, found[1])
		}
		f := fields[i]
		op.Parameters = append(op.Parameters, &parameter{
			Name: f.Name, In: "path", Required: true, Description: f.Doc, Schema: parameterSchema(&f),
		})
		fields = slices.Delete(fields, i, i+1)
	}
	if r.repeatable {
		op.Parameters = append(op.Parameters, &parameter{Ref: "#/components/parameters/IdempotencyKey"})
	}
	if len(fields) == 0 {
		return nil
	}
	rules := ruleSentences(r.in)
	if r.method == http.MethodPost || r.method == http.MethodPut || r.method == http.MethodPatch {
		op.RequestBody = d.body(r.in, fields, rules)
		return nil
	}
	op.Description = strings.TrimSpace(op.Description + "\n\n" + rules)
	for i := range fields {
		op.Parameters = append(op.Parameters, d.query(&fields[i]))
	}
	return nil
}

// query describes a parameter of a query. Those of every list are described
// once for all.
func (d *describer) query(f *grape.Field) *parameter {
	for _, shared := range d.doc.Components.Parameters {
		if shared.Key == f.Name {
			return &parameter{Ref: "#/components/parameters/" + f.Name}
		}
	}
	return queryParameter(f)
}

func queryParameter(f *grape.Field) *parameter {
	p := &parameter{
		Name: f.Name, In: "query", Required: f.Required && f.Given == "",
		Description: fieldSentence(f), Schema: parameterSchema(f),
	}
	if e := encodingOf(f); e != nil {
		p.Style, p.Explode = e.Style, &e.Explode
	}
	if plainArray(f) {
		p.Name += "[]"
	}
	return p
}

// body describes the parameters of a body, which is JSON or a form.
func (d *describer) body(in reflect.Type, fields []grape.Field, rules string) *requestBody {
	object := d.schemas.parameters(in, fields, false)
	form := mediaType{Schema: object}
	if slices.ContainsFunc(fields, func(f grape.Field) bool { return plainArray(&f) }) {
		form.Schema = d.schemas.parameters(in, fields, true)
	}
	for i := range fields {
		if e := encodingOf(&fields[i]); e != nil {
			form.Encoding = append(form.Encoding, yaml.MapItem{Key: formName(&fields[i]), Value: e})
		}
	}
	return &requestBody{
		Description: rules,
		Required:    rules != "" || slices.ContainsFunc(fields, func(f grape.Field) bool { return f.Required }),
		Content: yaml.MapSlice{
			{Key: "application/json", Value: mediaType{Schema: object}},
			{Key: "application/x-www-form-urlencoded", Value: form},
		},
	}
}

// encodingOf says how a parameter is written in a query or form, nil for as
// usual.
func encodingOf(f *grape.Field) *encoding {
	switch {
	case f.Kind == grape.Object:
		return &encoding{Style: "deepObject", Explode: true}
	case f.CSV:
		return &encoding{Style: "form", Explode: false}
	case plainArray(f):
		return &encoding{Style: "form", Explode: true}
	}
	return nil
}

// plainArray reports whether a parameter is an array that has to be written
// with brackets in a query or form.
func plainArray(f *grape.Field) bool {
	return !f.CSV && (f.Kind == grape.Strings || f.Kind == grape.Integers)
}

// formName is what a parameter is called in a form.
func formName(f *grape.Field) string {
	if plainArray(f) {
		return f.Name + "[]"
	}
	return f.Name
}

// responses describes what a row answers.
func (d *describer) responses(r *route) (yaml.MapSlice, error) {
	all := map[int]*response{}
	for _, status := range r.allRefusals() {
		if refusalOf(status) == nil {
			return nil, fmt.Errorf("no refusal is described that has the status %d", status)
		}
		all[status] = &response{Ref: "#/components/responses/" + refusalName(status)}
	}
	status, success, err := d.success(r)
	if err != nil {
		return nil, err
	}
	if success != nil {
		all[status] = success
		if r.method == http.MethodGet {
			all[http.StatusNotModified] = &response{Ref: "#/components/responses/NotModified"}
		}
	}
	var out yaml.MapSlice
	for status := range 600 {
		if answer := all[status]; answer != nil {
			out = append(out, yaml.MapItem{Key: strconv.Itoa(status), Value: answer})
		}
	}
	return out, nil
}

// success describes the answer of a row that does not refuse, nil if it always
// does.
func (d *describer) success(r *route) (int, *response, error) {
	answer := &response{Description: http.StatusText(r.status) + "."}
	switch {
	case r.status >= http.StatusBadRequest:
		return 0, nil, nil
	case r.out == reflect.TypeFor[none]():
		return r.status, answer, nil
	case r.out == reflect.TypeFor[bare]():
		answer.Headers = headerRefs("Job-Status")
		return r.status, answer, nil
	case r.out == reflect.TypeFor[yamlText]():
		answer.Content = yaml.MapSlice{{Key: applicationYAML[0], Value: mediaType{Schema: &schema{Type: "object"}}}}
		return r.status, answer, nil
	}
	status := r.status
	if status == http.StatusNoContent {
		status = http.StatusOK // a body is content, see Server.write
		answer.Description = http.StatusText(status) + "."
	}
	out, types := r.out, r.entities
	if out.Kind() == reflect.Interface && len(types) == 1 {
		out, types = types[0], nil
	}
	isList := strings.HasPrefix(out.Name(), "list[")
	if isList {
		rows, _ := out.FieldByName("rows")
		out = rows.Type.Elem()
	}
	if _, paged := r.in.FieldByName(reflect.TypeFor[paging]().Name()); paged {
		answer.Headers = pageHeaders()
	}
	if out.Kind() != reflect.Interface {
		if types != nil {
			return 0, nil, fmt.Errorf("%v needs no further word on what it is", out)
		}
		types = []reflect.Type{out}
	}
	if types == nil {
		return 0, nil, fmt.Errorf("returning has to say what types %v stands for", out)
	}
	var alternatives []*schema
	for _, t := range types {
		alternatives = append(alternatives, d.schemas.of(t))
	}
	body := oneOrAny(alternatives)
	if isList {
		body = &schema{Type: "array", Items: body}
	}
	answer.Content = yaml.MapSlice{{Key: applicationJSON[0], Value: mediaType{Schema: body}}}
	return status, answer, nil
}

// allRefusals are the statuses with which a row refuses.
func (r *route) allRefusals() []int {
	all := []int{http.StatusBadRequest, http.StatusInternalServerError, http.StatusServiceUnavailable}
	if r.caller.scopes != nil {
		all = append(all, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusTooManyRequests)
	}
	if r.method != http.MethodGet {
		all = append(all, http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	if r.status >= http.StatusBadRequest {
		all = append(all, r.status)
	}
	return append(all, r.refusals...)
}

// A refusal is an answer that says no, the same for every row.
type refusal struct {
	status      int
	description string
	body        []reflect.Type // nil for text
	headers     []string
}

var (
	problemBody = reflect.TypeFor[problem]()
	messageBody = reflect.TypeFor[message]()

	refusals = []refusal{
		{http.StatusNoContent, "There is no job for the runner.", nil, []string{"X-Gitlab-Last-Update"}},
		{http.StatusBadRequest, "A parameter is missing or wrong, or the request cannot be read.", []reflect.Type{problemBody, messageBody}, nil},
		{http.StatusUnauthorized, "There is no token, or it does not work.", []reflect.Type{messageBody, problemBody}, []string{"WWW-Authenticate"}},
		{http.StatusForbidden, "The token or its user may not do this.", []reflect.Type{messageBody, problemBody}, nil},
		{http.StatusNotFound, "What the request is about does not exist, or the caller may not know that it does.", []reflect.Type{messageBody}, nil},
		{http.StatusMethodNotAllowed, "The token is not that of a group or project.", []reflect.Type{messageBody}, nil},
		{http.StatusConflict, "The request contradicts what is there, or another that is running.", []reflect.Type{messageBody}, nil},
		{http.StatusGone, "Registration tokens are switched off.", []reflect.Type{messageBody}, nil},
		{http.StatusPreconditionFailed, "It was changed after the time in If-Unmodified-Since.", []reflect.Type{messageBody}, nil},
		{http.StatusRequestEntityTooLarge, "The body has more than a mebibyte.", []reflect.Type{messageBody}, nil},
		{http.StatusUnsupportedMediaType, "The body is neither a form nor JSON.", []reflect.Type{problemBody}, nil},
		{http.StatusUnprocessableEntity, "What is asked for breaks a rule, or an Idempotency-Key was used for something else.", []reflect.Type{messageBody}, nil},
		{http.StatusTooManyRequests, "A throttle of the application settings holds the caller back.", nil, []string{"Retry-After", "RateLimit-Limit", "RateLimit-Name", "RateLimit-Observed", "RateLimit-Remaining", "RateLimit-Reset", "RateLimit-ResetTime"}},
		{http.StatusInternalServerError, "The server failed; its log says how.", []reflect.Type{messageBody}, nil},
		{http.StatusNotImplemented, "There is no such thing here.", []reflect.Type{messageBody}, nil},
		{http.StatusServiceUnavailable, "The database does not answer.", []reflect.Type{messageBody}, []string{"Retry-After"}},
	}
)

func refusalOf(status int) *refusal {
	i := slices.IndexFunc(refusals, func(r refusal) bool { return r.status == status })
	if i < 0 {
		return nil
	}
	return &refusals[i]
}

// refusalName is what a refusal is called among the components.
func refusalName(status int) string {
	return strings.ReplaceAll(http.StatusText(status), " ", "")
}

// headers are those that answers have for their own reasons, with a sentence
// and whether they are numbers.
var headers = []struct {
	name, description string
	number            bool
}{
	{"X-Gitlab-Last-Update", "What to send as last_update the next time; not there when that is what was sent.", false},
	{"Job-Status", "The state of the job.", false},
	{"Link", "The addresses of the pages before and after, of the first and the last, as RFC 8288 has it.", false},
	{"X-Page", "The number of the page.", true},
	{"X-Per-Page", "How many rows a page has.", true},
	{"X-Next-Page", "The number of the next page; empty on the last.", false},
	{"X-Prev-Page", "The number of the page before; empty on the first.", false},
	{"X-Total", "How many rows there are; not there above 10000.", true},
	{"X-Total-Pages", "How many pages there are; not there above 10000 rows.", true},
	{"WWW-Authenticate", "What is wrong with the token, as RFC 6750 has it; not there when there is none.", false},
	{"Retry-After", "After how many seconds it is worth to ask again.", true},
	{"RateLimit-Limit", "How many requests a minute are allowed, for periods of other lengths as well.", true},
	{"RateLimit-Name", "The throttle.", false},
	{"RateLimit-Observed", "How many requests there were in the period.", true},
	{"RateLimit-Remaining", "How many requests the period has left.", true},
	{"RateLimit-Reset", "When the next period begins, in seconds since 1970.", true},
	{"RateLimit-ResetTime", "The same as a date.", false},
}

func headerRefs(names ...string) yaml.MapSlice {
	var refs yaml.MapSlice
	for _, name := range names {
		refs = append(refs, yaml.MapItem{Key: name, Value: map[string]string{"$ref": "#/components/headers/" + name}})
	}
	return refs
}

func pageHeaders() yaml.MapSlice {
	return headerRefs("Link", "X-Page", "X-Per-Page", "X-Next-Page", "X-Prev-Page", "X-Total", "X-Total-Pages")
}

// components describes what rows share.
func (d *describer) components() {
	c := &d.doc.Components
	c.SecuritySchemes = yaml.MapSlice{
		{Key: "privateToken", Value: map[string]string{
			"type": "apiKey", "in": "header", "name": "PRIVATE-TOKEN", "description": "A personal access token.",
		}},
		{Key: "bearer", Value: map[string]string{
			"type": "http", "scheme": "bearer", "description": "The same token in the header Authorization.",
		}},
	}
	for _, f := range grape.Fields(reflect.TypeFor[paging]()) {
		c.Parameters = append(c.Parameters, yaml.MapItem{Key: f.Name, Value: queryParameter(&f)})
	}
	c.Parameters = append(c.Parameters, yaml.MapItem{Key: "IdempotencyKey", Value: &parameter{
		Name: "Idempotency-Key", In: "header", Schema: &schema{Type: "string"},
		Description: "A text that no other request has, in quotation marks. The same request with the same key is carried out once, and answered again for a day.",
	}})
	for _, h := range headers {
		kind := "string"
		if h.number {
			kind = "integer"
		}
		c.Headers = append(c.Headers, yaml.MapItem{Key: h.name, Value: yaml.MapSlice{
			{Key: "description", Value: h.description}, {Key: "schema", Value: &schema{Type: kind}},
		}})
	}
	c.Responses = yaml.MapSlice{{Key: "NotModified", Value: &response{Description: "The answer is still what the ETag in If-None-Match stands for."}}}
	for _, r := range refusals {
		answer := &response{Description: r.description, Headers: headerRefs(r.headers...)}
		var bodies []*schema
		for _, t := range r.body {
			bodies = append(bodies, d.schemas.of(t))
		}
		switch {
		case r.status == http.StatusNoContent:
		case bodies == nil:
			answer.Content = yaml.MapSlice{{Key: "text/plain", Value: mediaType{Schema: &schema{Type: "string"}}}}
		default:
			answer.Content = yaml.MapSlice{{Key: applicationJSON[0], Value: mediaType{Schema: oneOrAny(bodies)}}}
		}
		c.Responses = append(c.Responses, yaml.MapItem{Key: refusalName(r.status), Value: answer})
	}
}

// operations describes the endpoints for operators, which package server
// answers in front of the table.
func (d *describer) operations() {
	const operations = "operation"
	d.doc.Tags = append(d.doc.Tags, tag{operations, "What operators and their tools ask."})
	ok, failed := strconv.Itoa(http.StatusOK), strconv.Itoa(http.StatusServiceUnavailable)
	answer := func(description, media string, s *schema) *response {
		return &response{Description: description, Content: yaml.MapSlice{{Key: media, Value: mediaType{Schema: s}}}}
	}
	check := func(properties ...yaml.MapItem) *schema {
		status := yaml.MapItem{Key: "status", Value: &schema{Type: "string", Enum: []any{"ok", "failed"}}}
		return &schema{Type: "object", Required: []string{"status"}, Properties: append(yaml.MapSlice{status}, properties...)}
	}
	plain := &schema{Type: "string"}
	health := check(yaml.MapItem{Key: "db_check", Value: &schema{
		Type: "array", Items: check(yaml.MapItem{Key: "message", Value: plain}),
	}})
	for _, e := range []struct {
		path, summary string
		responses     yaml.MapSlice
	}{
		{"/-/liveness", "Tells that the program runs, whatever its database does.", yaml.MapSlice{
			{Key: ok, Value: answer("It runs.", "application/json", health)},
		}},
		{"/-/readiness", "Tells whether requests should be sent here.", yaml.MapSlice{
			{Key: ok, Value: answer("They should.", "application/json", health)},
			{Key: failed, Value: answer("The database does not answer, or the server is on its way out.", "application/json", health)},
		}},
		{"/-/health", "Tells in words whether requests should be sent here.", yaml.MapSlice{
			{Key: ok, Value: answer("They should.", "text/plain", plain)},
			{Key: failed, Value: answer("They should not.", "text/plain", plain)},
		}},
		{"/-/metrics", "Gives metrics in the format of Prometheus, to addresses that may read them.", yaml.MapSlice{
			{Key: ok, Value: answer("The metrics.", "text/plain", plain)},
			{Key: strconv.Itoa(http.StatusNotFound), Value: answer("Others are told nothing.", "text/plain", plain)},
		}},
	} {
		d.add(http.MethodGet, e.path, &operation{
			Tags: []string{operations}, Summary: e.summary, OperationID: operationID(http.MethodGet, e.path),
			Security: []map[string][]string{}, Responses: e.responses,
		})
	}
}
