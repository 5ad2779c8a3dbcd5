package grape_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"baton.example/baton/internal/grape"
)

const (
	formType = "application/x-www-form-urlencoded"
	jsonType = "application/json"

	malformed = "\nProblem:\n  message body does not match declared format\nResolution:\n  when specifying application/json as content-type, you must pass valid application/json in the request's 'body' "
	unclean   = "query params contains invalid format or byte sequence"
	tooDeep   = "query params are recursively nested over the specified limit (32)"
	conflict  = "query params contains conflicting types"
)

func request(method, query, contentType, body string) *http.Request {
	r := httptest.NewRequest(method, "/", strings.NewReader(body))
	r.URL.RawQuery = query
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return r
}

func TestRead(t *testing.T) {
	type object = map[string]any
	tests := []struct {
		query, contentType, body string
		want                     grape.Params
	}{
		{"", "", "", grape.Params{}},
		{"", jsonType, "", grape.Params{}},
		{"", "text/plain", "", grape.Params{}},
		{"", "multipart/form-data", "", grape.Params{}},
		{"", jsonType, "null", grape.Params{}},
		{"", jsonType, "[1]", grape.Params{}},
		{"", jsonType, `"str"`, grape.Params{}},
		{"a=1&&b", "", "", grape.Params{"a": "1", "b": nil}},
		{"a=1&a=2", "", "", grape.Params{"a": "2"}},
		{"a=1+2%2B3&=x", "", "", grape.Params{"a": "1 2+3"}},
		{"a=b;c=d", "", "", grape.Params{"a": "b;c=d"}},
		{"a=1&b=1", formType, "b=2&c=3", grape.Params{"a": "1", "b": "2", "c": "3"}},
		{"", formType + "; charset=utf-8", "a=1", grape.Params{"a": "1"}},
		{"a=1&b=1", jsonType + ";charset=UTF-8", `{"b":2,"b":3,"c":null}`, grape.Params{"a": "1", "b": json.Number("3"), "c": nil}},
		{"", "Application/JSON", `{"a":9007199254740993}`, grape.Params{"a": json.Number("9007199254740993")}},
		{"i[a]=1&i[b]=1", formType, "i[b]=2", grape.Params{"i": object{"b": "2"}}},
		{"i[a][b]=1&i[a][c]=2", "", "", grape.Params{"i": object{"a": object{"b": "1", "c": "2"}}}},
		{"x[]=1&x[]=2&x[]", "", "", grape.Params{"x": []any{"1", "2", nil}}},
		{"x[][a]=1&x[][b]=2&x[][a]=3", "", "", grape.Params{"x": []any{object{"a": "1", "b": "2"}, object{"a": "3"}}}},
		{"x[=1&[=2&]=3&[a]=4&b[c=5&d[e]f=6&g[]h=7", "", "", grape.Params{
			"x[": "1", "[": "2", "]": "3", "[a]": "4", "b": object{"[c": "5"}, "d": object{"e": object{"f": "6"}}, "g": []any{object{"h": "7"}},
		}},
		{"a&a[b]=1&c&c[]=2", "", "", grape.Params{"a": object{"b": "1"}, "c": []any{"2"}}},
		{"", formType, `{"runner_type":"instance_type"}`, grape.Params{`{"runner_type":"instance_type"}`: nil}},
		{"a" + strings.Repeat("[]", 100_000) + "=1", "", "", grape.Params{"a": []any{object{}}}},
		{"a" + strings.Repeat("[a]", 31) + "=1", "", "", nil}, // as deep as it may be
	}
	for _, tt := range tests {
		got, err := grape.Read(request(http.MethodPost, tt.query, tt.contentType, tt.body), nil)
		if err != nil || tt.want != nil && !reflect.DeepEqual(got, tt.want) {
			t.Errorf("query %q, %s %q:\n got %#v, %v\nwant %#v", tt.query, tt.contentType, tt.body, got, err, tt.want)
		}
	}
}

func TestReadErrors(t *testing.T) {
	deep := strings.Repeat("[", 33)
	tests := []struct {
		query, contentType, body string
		status                   int
		want                     string
	}{
		{"", jsonType, "{", 400, malformed},
		{"", jsonType, " ", 400, malformed},
		{"", jsonType, `{"a":1} x`, 400, malformed},
		{"", jsonType, `{"a":1}{}`, 400, malformed},
		{"", jsonType, "runner_type=instance_type", 400, malformed},
		{"", jsonType, `{"a":"` + "\x00" + `"}`, 400, malformed},
		{"", "text/plain", "a", 415, "The provided content-type 'text/plain' is not supported."},
		{"", "Application/XML; charset=utf-8", "a", 415, "The provided content-type 'application/xml' is not supported."},
		{"", "application/vnd.api+json", "{}", 415, "The provided content-type 'application/vnd.api+json' is not supported."},
		{"", "", "{}", 415, "The provided content-type '' is not supported."},
		{"a=%zz", "", "", 400, unclean},
		{"%=1", "", "", 400, unclean},
		{"a=%00", "", "", 400, unclean},
		{"%ff=1", "", "", 400, unclean},
		{"", formType, "a=\xff", 400, unclean},
		{"", jsonType, "{\"a\":\"\xff\"}", 400, unclean},
		{"", jsonType, `{"a":["\u0000"]}`, 400, unclean},
		{"", jsonType, `{"a":{"\u0000":1}}`, 400, unclean},
		{"a=1&a[b]=2", "", "", 400, conflict},
		{"a=1&a[]=2", "", "", 400, conflict},
		{"a[]=1&a[b]=2", "", "", 400, conflict},
		{"a" + strings.Repeat("[a]", 32) + "=1", "", "", 400, tooDeep},
		{"", jsonType, deep, 400, tooDeep},
		{"", jsonType, `{"a":` + deep, 400, tooDeep},
		{"", formType, strings.Repeat("&", 5000), 400, unclean},
		{"", jsonType, "[1" + strings.Repeat(",1", 100_001) + "]", 400, unclean},
		{"", "multipart/form-data", "a", 400, unclean},
		{"", "multipart/form-data; boundary=b", "a", 400, unclean},
		{"", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1", 400, unclean},
		{"", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\x00\r\n--b--", 400, unclean},
	}
	for _, tt := range tests {
		_, err := grape.Read(request(http.MethodPost, tt.query, tt.contentType, tt.body), nil)
		body, ok := errors.AsType[*grape.BodyError](err)
		if !ok || body.Status != tt.status || err.Error() != tt.want {
			t.Errorf("query %.40q, %s %.40q:\n got %#v\nwant %d %q", tt.query, tt.contentType, tt.body, err, tt.status, tt.want)
		}
	}
	if _, err := grape.Read(request(http.MethodGet, "", "", ""), map[string]string{"id": "a\x00"}); err == nil || err.Error() != unclean {
		t.Errorf("NUL in the path: got %v", err)
	}
}

// Quotes and escapes inside strings do not count as nesting or elements.
func TestReadJSONMeasuresOnlyStructure(t *testing.T) {
	s := strings.Repeat(`[{,\"`, 200_000)
	got, err := grape.Read(request(http.MethodPost, "", jsonType, `{"a":"`+s+`\\u0000"}`), nil)
	if want := strings.ReplaceAll(s, `\"`, `"`) + `\u0000`; err != nil || got["a"] != want {
		t.Errorf("got %v", err)
	}
}

func TestReadByMethod(t *testing.T) {
	for _, tt := range []struct {
		method, contentType, body, want string
	}{
		{http.MethodGet, "text/plain", "x", "map[]"},
		{http.MethodGet, jsonType, "{", "map[]"},
		{http.MethodGet, formType, "a=1", "map[a:1]"},
		{http.MethodDelete, jsonType, `{"token":"t"}`, "map[token:t]"},
		{http.MethodPatch, jsonType, `{"a":1}`, "map[a:1]"},
	} {
		p, err := grape.Read(request(tt.method, "", tt.contentType, tt.body), nil)
		if got := fmt.Sprint(p); err != nil || got != tt.want {
			t.Errorf("%s %s: got %s, %v, want %s", tt.method, tt.contentType, got, err, tt.want)
		}
	}
	r := request(http.MethodPost, "a=1", "", "")
	r.Body = nil
	if p, err := grape.Read(r, nil); err != nil || p["a"] != "1" {
		t.Errorf("nil body: got %v, %v", p, err)
	}
}

func TestReadMultipart(t *testing.T) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, field := range [][2]string{{"a", "1"}, {"a", "2"}, {"tag_list[]", "x"}, {"tag_list[]", "y"}, {"info[name]", "n\r\n"}} {
		if err := w.WriteField(field[0], field[1]); err != nil {
			t.Fatal(err)
		}
	}
	file, err := w.CreateFormFile("file", "f.bin")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Write(make([]byte, 2<<20)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := grape.Read(request(http.MethodPost, "a=0&q=1", w.FormDataContentType(), b.String()), nil)
	want := grape.Params{"a": "2", "q": "1", "tag_list": []any{"x", "y"}, "info": map[string]any{"name": "n\r\n"}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %#v, %v, want %#v", got, err, want)
	}

	part := "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n%s\r\n"
	large := fmt.Sprintf(part, strings.Repeat("x", 1<<20)) + "--b--"
	_, err = grape.Read(request(http.MethodPost, "", "multipart/form-data; boundary=b", large), nil)
	if _, ok := errors.AsType[*http.MaxBytesError](err); !ok {
		t.Errorf("large field: got %v, want *http.MaxBytesError", err)
	}
	many := strings.Repeat(fmt.Sprintf(part, ""), 4097) + "--b--"
	if _, err = grape.Read(request(http.MethodPost, "", "multipart/form-data; boundary=b", many), nil); err == nil {
		t.Error("many fields: no error")
	}
}

func TestReadPassesTheCallersLimitOn(t *testing.T) {
	for _, contentType := range []string{formType, jsonType, "multipart/form-data; boundary=b"} {
		r := request(http.MethodPost, "", contentType, strings.Repeat("-", 100_000))
		r.Body = http.MaxBytesReader(nil, r.Body, 10)
		_, err := grape.Read(r, nil)
		if tooLarge, ok := err.(*http.MaxBytesError); !ok || tooLarge.Limit != 10 { //nolint:errorlint // unwrapped is the promise
			t.Errorf("%s: got %#v", contentType, err)
		}
	}
	for _, contentType := range []string{formType, jsonType, "text/plain"} {
		r := request(http.MethodPost, "", contentType, "a")
		r.Body = io.NopCloser(iotest.ErrReader(io.ErrUnexpectedEOF))
		if _, err := grape.Read(r, nil); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: lost connection: got %v", contentType, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("a=1&b[]=2&c[d]=3", formType, "x[][y]=1&%zz")
	f.Add("", jsonType, `{"a":[1,{"b":null}],"c":"\u0000"}`)
	f.Add("", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"a[b]\"\r\n\r\n1\r\n--b--")
	f.Add("a[[]]=1&a]=2&[]=3", "text/plain", "x")
	f.Fuzz(func(t *testing.T, query, contentType, body string) {
		p, err := grape.Read(request(http.MethodPost, query, contentType, body), map[string]string{"id": "1"})
		if err != nil {
			e, ok := errors.AsType[*grape.BodyError](err)
			if ok && e.Status != 400 && e.Status != 415 || !utf8.ValidString(err.Error()) {
				t.Fatalf("error %#v", err)
			}
			return
		}
		if p["id"] != "1" {
			t.Fatalf("path lost: %v", p)
		}
		inspect(t, map[string]any(p), 0)
	})
}

// inspect checks that v holds only what Params promises.
func inspect(t *testing.T, v any, depth int) {
	t.Helper()
	if depth > 33 {
		t.Fatal("too deep")
	}
	switch x := v.(type) {
	case nil, bool, json.Number:
	case string:
		if strings.Contains(x, "\x00") || !utf8.ValidString(x) {
			t.Fatalf("unclean %q", x)
		}
	case []any:
		for _, e := range x {
			inspect(t, e, depth+1)
		}
	case map[string]any:
		for k, e := range x {
			inspect(t, k, depth)
			inspect(t, e, depth+1)
		}
	default:
		t.Fatalf("unexpected %T", v)
	}
}

func FuzzBind(f *testing.F) {
	f.Add(`{"runner_type":"group_type","group_id":" 1_0 ","page":1.9}`)
	f.Add(`{"at":{"line":"x"},"id":99999999999999999999,"user_id":[1,"2,3"],"maximum_timeout":"-9223372036854775809"}`)
	f.Add("info[name]=a&info[features][refspecs]=yes&token=&at[line]=1e3&x[]=")
	f.Add(`{"token_expires_at":"2026-10-06T09:30:12Z","expires_at":"2026-10-06","paused":"on","active":1.0}`)
	f.Fuzz(func(t *testing.T, body string) {
		contentType := formType
		if strings.HasPrefix(body, "{") {
			contentType = jsonType
		}
		p, err := grape.Read(request(http.MethodPost, "", contentType, body), nil)
		if err != nil {
			return
		}
		for _, dst := range []any{
			&createRunner{}, &listRunners{}, &updateRunner{}, &verifyRunner{}, &settings{},
			&createUser{}, &createToken{}, &addMember{}, &choice{},
		} {
			if err := grape.Bind(p, dst); err != nil && strings.ContainsAny(err.Error(), "\r\n") {
				t.Fatalf("newline in %q", err)
			}
		}
		// What binds as an integer binds to the same integer from its decimal text.
		for _, raw := range p {
			var first, second struct {
				X grape.Opt[int64] `param:"x"`
			}
			if grape.Bind(grape.Params{"x": raw}, &first) != nil || !first.X.Valid() {
				continue
			}
			if err := grape.Bind(grape.Params{"x": fmt.Sprint(first.X.Value)}, &second); err != nil || first != second {
				t.Fatalf("%#v binds to %+v, its decimal text to %+v, %v", raw, first, second, err)
			}
		}
	})
}

func BenchmarkBind(b *testing.B) {
	p := grape.Params{"runner_type": "group_type", "group_id": json.Number("12"), "tag_list": []any{"docker", "linux"}}
	b.ReportAllocs()
	for b.Loop() {
		var dst createRunner
		if err := grape.Bind(p, &dst); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadAndBind(b *testing.B) {
	for name, body := range map[string]string{
		"form": "runner_type=group_type&group_id=12&tag_list=docker,linux",
		"json": `{"runner_type":"group_type","group_id":12,"tag_list":["docker","linux"]}`,
	} {
		b.Run(name, func(b *testing.B) {
			r := request(http.MethodPost, "", map[string]string{"form": formType, "json": jsonType}[name], body)
			reader := strings.NewReader(body)
			r.Body = io.NopCloser(reader)
			b.ReportAllocs()
			for b.Loop() {
				reader.Reset(body)
				p, err := grape.Read(r, nil)
				if err != nil {
					b.Fatal(err)
				}
				var dst createRunner
				if err := grape.Bind(p, &dst); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
