package grape

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Params is the merged parameter map of one request. Its values are string,
// json.Number, bool, nil, []any and map[string]any.
type Params map[string]any

// BodyError says that a request cannot be read at all. GitLab answers it
// before it looks at the caller.
type BodyError struct {
	Status  int    // 400 or 415
	Message string // the text for {"error": …}
	Cause   error  // what went wrong below, nil for nothing
}

func (e *BodyError) Error() string { return e.Message }

// Unwrap returns the cause.
func (e *BodyError) Unwrap() error { return e.Cause }

const (
	maxDepth     = 32      // Rack's param_depth_limit
	maxPairs     = 4096    // Rack's params_limit
	maxElements  = 100_000 // of a JSON document, far above any request of a client
	maxMultipart = 1 << 20 // bytes of text fields; files are not kept
)

// The sentences of Grape's locale for requests that cannot be read.
const (
	invalidParameters = "query params contains invalid format or byte sequence"
	conflictingTypes  = "query params contains conflicting types"
	malformedJSON     = "\nProblem:\n  message body does not match declared format\nResolution:\n" +
		"  when specifying application/json as content-type, you must pass valid application/json in the request's 'body' "
)

func badRequest(message string) *BodyError {
	return &BodyError{Status: http.StatusBadRequest, Message: message}
}

func tooDeep() *BodyError {
	return badRequest("query params are recursively nested over the specified limit (" + strconv.Itoa(maxDepth) + ")")
}

// Read merges the parameters of r: a key of the body replaces the one of the
// query, and path replaces both. The caller limits the body with
// [http.MaxBytesReader]; that limit's error is returned as it is. A request
// that breaks a rule of its format is a [*BodyError].
//
// As in Grape, a form is read with any method, while any other body is read,
// or refused for its content type, only where a method gives it a meaning.
// JSON that is not an object carries no parameters.
func Read(r *http.Request, path map[string]string) (Params, error) {
	var p Params
	if r.URL.RawQuery != "" {
		p = make(Params)
		if err := readForm(p, r.URL.RawQuery); err != nil {
			return nil, err
		}
	}
	p, err := readBody(p, r)
	if err != nil {
		return nil, err
	}
	if p == nil {
		p = make(Params, len(path))
	}
	for k, v := range path {
		if !clean(v) {
			return nil, badRequest(invalidParameters)
		}
		p[k] = v
	}
	return p, nil
}

func readBody(p Params, r *http.Request) (Params, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return p, nil
	}
	header := r.Header.Get("Content-Type")
	media, _, _ := strings.Cut(header, ";")
	media = strings.ToLower(strings.TrimSpace(media))
	switch media {
	case "application/x-www-form-urlencoded":
		body, err := readAll(r)
		if err != nil {
			return nil, err
		}
		form := make(Params)
		if err := readForm(form, string(body)); err != nil {
			return nil, err
		}
		return merge(p, form), nil
	case "multipart/form-data":
		form, err := readMultipart(r.Body, header)
		if err != nil {
			return nil, err
		}
		return merge(p, form), nil
	}
	switch r.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
	default:
		return p, nil
	}
	if media != "application/json" {
		return p, refuse(r.Body, media)
	}
	body, err := readAll(r)
	if err != nil || len(body) == 0 {
		return p, err
	}
	object, err := readJSON(body)
	if err != nil {
		return nil, err
	}
	return merge(p, object), nil
}

// merge lays over over under. A hash replaces a hash: Rack merges only the
// outermost keys.
func merge(under, over Params) Params {
	if len(under) == 0 {
		return over
	}
	maps.Copy(under, over)
	return under
}

func readAll(r *http.Request) ([]byte, error) {
	var b bytes.Buffer
	if r.ContentLength > 0 {
		// The header is a hint only: it may promise more than ever arrives.
		b.Grow(int(min(r.ContentLength, 64<<10)) + bytes.MinRead)
	}
	if _, err := b.ReadFrom(r.Body); err != nil {
		return nil, readError(err)
	}
	return b.Bytes(), nil
}

// readError takes every failure but the caller's limit for a broken body: broken
// chunks, a boundary that does not come, or a connection that went away, where
// nobody reads the answer.
func readError(err error) error {
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge
	}
	return &BodyError{Status: http.StatusBadRequest, Message: invalidParameters, Cause: err}
}

// refuse rejects a body of a type that is not read. An empty body has no type
// to be wrong: clients label bodyless requests as they like.
func refuse(body io.Reader, media string) error {
	_, err := io.ReadFull(body, make([]byte, 1))
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return readError(err)
	}
	return &BodyError{
		Status:  http.StatusUnsupportedMediaType,
		Message: "The provided content-type '" + strings.ToValidUTF8(media, "?") + "' is not supported.",
	}
}

// clean reports whether s may enter the program: databases refuse NUL bytes
// and invalid UTF-8 much later and less politely.
func clean(s string) bool {
	return strings.IndexByte(s, 0) < 0 && utf8.ValidString(s)
}

// readJSON reads an object; any other JSON value has no parameters. Half a
// surrogate pair becomes U+FFFD, encoding/json's way to leave valid text.
func readJSON(body []byte) (Params, error) {
	if !utf8.Valid(body) {
		return nil, badRequest(invalidParameters)
	}
	if err := measure(body); err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber() // an id above 2^53 must survive
	var v any
	if dec.Decode(&v) != nil {
		return nil, badRequest(malformedJSON)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, badRequest(malformedJSON)
	}
	// The grammar forbids NUL in a string, so only its escape can smuggle one in.
	if bytes.Contains(body, []byte(`\u0000`)) && !cleanTree(v) {
		return nil, badRequest(invalidParameters)
	}
	object, _ := v.(map[string]any)
	return object, nil
}

// measure bounds depth and size of a JSON text before it costs memory: the
// tree of "[[],[],…" is many times larger than its text.
func measure(body []byte) error {
	depth, elements, quoted := 0, 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			if depth++; depth > maxDepth {
				return tooDeep()
			}
		case c == ']' || c == '}':
			depth--
		case c == ',':
			if elements++; elements > maxElements {
				return badRequest(invalidParameters)
			}
		}
	}
	return nil
}

func cleanTree(v any) bool {
	switch x := v.(type) {
	case string:
		return clean(x)
	case []any:
		for _, e := range x {
			if !cleanTree(e) {
				return false
			}
		}
	case map[string]any:
		for k, e := range x {
			if !clean(k) || !cleanTree(e) {
				return false
			}
		}
	}
	return true
}

// readMultipart reads the text fields of a form and passes over its files.
func readMultipart(body io.Reader, header string) (Params, error) {
	buffered := bufio.NewReader(body)
	if _, err := buffered.Peek(1); errors.Is(err, io.EOF) {
		return nil, nil
	}
	_, attributes, err := mime.ParseMediaType(header)
	if err != nil || attributes["boundary"] == "" {
		return nil, badRequest(invalidParameters)
	}
	p := make(Params)
	left := int64(maxMultipart)
	reader := multipart.NewReader(buffered, attributes["boundary"])
	for n := 0; ; n++ {
		part, err := reader.NextRawPart()
		if err == io.EOF { //nolint:errorlint // a wrapped io.EOF is a body that ends too early
			return p, nil
		}
		if err != nil {
			return nil, readError(err)
		}
		if n == maxPairs {
			return nil, badRequest(invalidParameters)
		}
		name := part.FormName()
		if name == "" || part.FileName() != "" {
			continue
		}
		value, err := io.ReadAll(io.LimitReader(part, left+1))
		if err != nil {
			return nil, readError(err)
		}
		if left -= int64(len(name) + len(value)); left < 0 {
			return nil, &http.MaxBytesError{Limit: maxMultipart}
		}
		if err := assign(p, name, string(value)); err != nil {
			return nil, err
		}
	}
}
