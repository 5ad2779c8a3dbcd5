package grape_test

import (
	"encoding/json"
	"errors"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"baton.example/baton/internal/grape"
)

type (
	runnerType string
	groupID    int64
	userID     int64
)

// createRunner has the parameters of POST /user/runners.
type createRunner struct {
	RunnerType      runnerType           `param:"runner_type" required:"true" values:"instance_type,group_type,project_type" doc:"The scope of the runner."`
	GroupID         grape.Opt[groupID]   `param:"group_id" required:"true" given:"runner_type=group_type"`
	ProjectID       grape.Opt[int64]     `param:"project_id" required:"true" given:"runner_type=project_type"`
	Description     grape.Opt[string]    `param:"description"`
	MaintenanceNote grape.Opt[string]    `param:"maintenance_note"`
	Paused          grape.Opt[bool]      `param:"paused"`
	Locked          grape.Opt[bool]      `param:"locked"`
	AccessLevel     grape.Opt[string]    `param:"access_level" values:"not_protected,ref_protected"`
	RunUntagged     grape.Opt[bool]      `param:"run_untagged"`
	TagList         []string             `param:"tag_list,csv"`
	MaximumTimeout  grape.Opt[int64]     `param:"maximum_timeout"`
	TokenExpiresAt  grape.Opt[time.Time] `param:"token_expires_at"`
}

type pagination struct {
	Page    int `param:"page" default:"1" min:"1"`
	PerPage int `param:"per_page" default:"20" except:"0" min:"1"`
}

type listRunners struct {
	Type          grape.Opt[runnerType] `param:"type" values:"instance_type,group_type,project_type"`
	Status        string                `param:"status" values:"online,offline"`
	Paused        grape.Opt[bool]       `param:"paused"`
	TagList       []string              `param:"tag_list,csv"`
	VersionPrefix string                `param:"version_prefix" match:"^[0-9.+]"`
	Sort          string                `param:"sort" values:"asc,desc" default:"desc"`
	pagination
}

type updateRunner struct {
	ID             int64               `param:"id" required:"true"`
	Description    grape.Opt[string]   `param:"description"`
	Active         grape.Opt[bool]     `param:"active"`
	Paused         grape.Opt[bool]     `param:"paused"`
	TagList        grape.Opt[[]string] `param:"tag_list,csv"`
	MaximumTimeout grape.Opt[int64]    `param:"maximum_timeout"`
	_              struct{}            `at_least_one:"description,active,paused,tag_list,maximum_timeout"`
	_              struct{}            `exclusive:"active,paused"`
}

type verifyRunner struct {
	Token string `param:"token" required:"true"`
	Info  struct {
		Name     string `param:"name"`
		Features struct {
			Refspecs bool `param:"refspecs"`
		} `param:"features"`
	} `param:"info"`
}

type settings struct {
	Registrars grape.Opt[[]string] `param:"valid_runner_registrars"`
	Shared     grape.Opt[bool]     `param:"shared_runners_enabled"`
	Text       string              `param:"shared_runners_text" required:"true" given:"shared_runners_enabled=true"`
}

type createUser struct {
	Email    string   `param:"email" required:"true"`
	Password string   `param:"password"`
	Reset    bool     `param:"reset_password"`
	Random   bool     `param:"force_random_password"`
	_        struct{} `at_least_one:"password,reset_password,force_random_password"`
	Name     string   `param:"name" required:"true"`
	Username string   `param:"username" required:"true"`
}

type createToken struct {
	Name      string            `param:"name" required:"true"`
	Scopes    []string          `param:"scopes,csv" required:"true" values:"api,create_runner"`
	ExpiresAt grape.Opt[string] `param:"expires_at,date"`
}

type addMember struct {
	AccessLevel int      `param:"access_level" required:"true"`
	UserIDs     []userID `param:"user_id,csv" required:"true"`
}

type choice struct {
	_  struct{} `exactly_one:"id,path"`
	ID int8     `param:"id" values:"1,2,127"`
	At struct {
		Line int    `param:"line" required:"true" values:"1,2"`
		Col  string `param:"col" required:"true"`
	} `param:"at" required:"true"`
	Path grape.Opt[struct {
		Dir string `param:"dir"`
	}] `param:"path"`
}

// read reads a request with a JSON body, or a form when body has no brace.
func read(t testing.TB, body string) grape.Params {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if !strings.HasPrefix(body, "{") {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	p, err := grape.Read(r, nil)
	if err != nil {
		t.Fatalf("Read(%q): %v", body, err)
	}
	return p
}

// some returns an Opt that holds v.
func some[T any](v T) grape.Opt[T] { return grape.Opt[T]{Value: v, State: grape.Present} }

func TestBindErrors(t *testing.T) {
	const inst = `"runner_type":"instance_type",`
	tests := []struct {
		dst  any
		body string
		want string
	}{
		{&createRunner{}, ``, "runner_type is missing, runner_type does not have a valid value"},
		{&createRunner{}, `{}`, "runner_type is missing, runner_type does not have a valid value"},
		{&createRunner{}, `{"runner_type":null}`, "runner_type does not have a valid value"},
		{&createRunner{}, `{"runner_type":""}`, "runner_type does not have a valid value"},
		{&createRunner{}, `{"runner_type":"unknown","group_id":"abc"}`, "runner_type does not have a valid value"},
		{&createRunner{}, `{"runner_type":1}`, "runner_type does not have a valid value"},
		{&createRunner{}, `{"runner_type":["group_type"]}`, "runner_type is invalid"},
		{&createRunner{}, `{"runner_type":{"a":1}}`, "runner_type is invalid"},
		{&createRunner{}, `{"runner_type":"group_type"}`, "group_id is missing"},
		{&createRunner{}, `{"runner_type":"project_type"}`, "project_id is missing"},
		{&createRunner{}, `{"runner_type":"group_type","group_id":"abc"}`, "group_id is invalid"},
		{&createRunner{}, `{"runner_type":"group_type","group_id":"1.5"}`, "group_id is invalid"},
		{&createRunner{}, `{"runner_type":"group_type","group_id":"0x10"}`, "group_id is invalid"},
		{&createRunner{}, `{"runner_type":"group_type","group_id":true}`, "group_id is invalid"},
		{&createRunner{}, `{"runner_type":"group_type","group_id":[1]}`, "group_id is invalid"},
		{&createRunner{}, `{"runner_type":"group_type","group_id":null}`, ""},
		{&createRunner{}, `{"runner_type":"group_type","group_id":""}`, ""},
		{&createRunner{}, `{"runner_type":"project_type","project_id":"a/b","group_id":"abc"}`, "project_id is invalid"},
		{&createRunner{}, `{` + inst + `"group_id":"abc","project_id":[]}`, ""},
		{&createRunner{}, `{` + inst + `"access_level":"x"}`, "access_level does not have a valid value"},
		{&createRunner{}, `{` + inst + `"access_level":""}`, "access_level does not have a valid value"},
		{&createRunner{}, `{` + inst + `"access_level":null}`, ""},
		{&createRunner{}, `{` + inst + `"description":[]}`, "description is invalid"},
		{&createRunner{}, `{` + inst + `"description":{}}`, "description is invalid"},
		{&createRunner{}, `{` + inst + `"token_expires_at":"zz"}`, "token_expires_at is invalid"},
		{&createRunner{}, `{` + inst + `"token_expires_at":5}`, "token_expires_at is invalid"},
		{&createRunner{}, `{` + inst + `"paused":"maybe","access_level":"x","maximum_timeout":"1h"}`, "paused is invalid, access_level does not have a valid value, maximum_timeout is invalid"},
		{&createRunner{}, `runner_type=instance_type&unknown=1`, ""},

		{&listRunners{}, `type=`, "type does not have a valid value"},
		{&listRunners{}, `type=x&status=x&paused=x`, "type does not have a valid value, status does not have a valid value, paused is invalid"},
		{&listRunners{}, `paused=`, ""},
		{&listRunners{}, `version_prefix=v1`, "version_prefix is invalid"},
		{&listRunners{}, `version_prefix=`, "version_prefix is invalid"},
		{&listRunners{}, `version_prefix=%2B1`, ""},
		{&listRunners{}, `sort=up`, "sort does not have a valid value"},
		{&listRunners{}, `sort=`, "sort does not have a valid value"},
		{&listRunners{}, `per_page=0`, "per_page has a value not allowed"},
		{&listRunners{}, `per_page=-1`, "per_page does not have a valid value"},
		{&listRunners{}, `page=0`, "page does not have a valid value"},
		{&listRunners{}, `page=x&per_page=y`, "page is invalid, per_page is invalid"},
		{&listRunners{}, `page=&per_page=`, ""},

		{&updateRunner{}, `{"id":"abc","paused":true}`, "id is invalid"},
		{&updateRunner{}, `{"id":1}`, "description, active, paused, tag_list, maximum_timeout are missing, at least one parameter must be provided"},
		{&updateRunner{}, `{"id":1,"active":null,"paused":null}`, "active, paused are mutually exclusive"},
		{&updateRunner{}, `{"id":1,"description":null}`, ""},

		{&verifyRunner{}, `info=x`, "token is missing, info is invalid"},
		{&verifyRunner{}, `{"token":null}`, ""},
		{&verifyRunner{}, `token=`, ""},
		{&verifyRunner{}, `{"token":"","info":["a"]}`, "info is invalid"},
		{&verifyRunner{}, `{"token":"","info":{"name":[]}}`, "info[name] is invalid"},
		{&verifyRunner{}, `token=&info[features][refspecs]=2`, "info[features][refspecs] is invalid"},

		{&settings{}, `valid_runner_registrars=project,group`, "valid_runner_registrars is invalid"},
		{&settings{}, `{"valid_runner_registrars":[["project"]]}`, "valid_runner_registrars is invalid"},
		{&settings{}, `{"valid_runner_registrars":{}}`, "valid_runner_registrars is invalid"},
		{&settings{}, `shared_runners_enabled=yes`, "shared_runners_text is missing"},
		{&settings{}, `shared_runners_enabled=no`, ""},
		{&settings{}, `shared_runners_enabled=`, ""},

		{&createUser{}, `{}`, "email is missing, password, reset_password, force_random_password are missing, at least one parameter must be provided, name is missing, username is missing"},
		{&createToken{}, `{}`, "name is missing, scopes is missing"},
		{&createToken{}, `{"name":"a","scopes":["api","x"]}`, "scopes does not have a valid value"},
		{&createToken{}, `name=a&scopes=api&expires_at=2026-02-30`, "expires_at is invalid"},
		{&createToken{}, `name=a&scopes=api&expires_at=2026-02-03x`, "expires_at is invalid"},
		{&createToken{}, `{"name":"a","scopes":"api","expires_at":20260203}`, "expires_at is invalid"},
		{&addMember{}, `{}`, "access_level is missing, user_id is missing"},
		{&addMember{}, `access_level=10&user_id=1,x`, "user_id is invalid"},
		{&addMember{}, `{"access_level":10,"user_id":true}`, "user_id is invalid"},

		{&choice{}, `{"at":{"line":2,"col":"a"}}`, "id, path are missing, exactly one parameter must be provided"},
		{&choice{}, `{"id":1,"path":{},"at":{"line":3}}`, "id, path are mutually exclusive, at[line] does not have a valid value, at[col] is missing"},
		{&choice{}, `id=3`, "id does not have a valid value, at is missing, at[line] is missing, at[col] is missing"},
		{&choice{}, `{"path":{"dir":{}},"at":{"line":null,"col":""}}`, "path[dir] is invalid"},
	}
	for _, tt := range tests {
		dst := reflect.New(reflect.TypeOf(tt.dst).Elem()).Interface()
		got := ""
		if err := grape.Bind(read(t, tt.body), dst); err != nil {
			if _, ok := errors.AsType[*grape.ValidationError](err); !ok {
				t.Errorf("Bind(%T, %s) = %T, want *ValidationError", dst, tt.body, err)
			}
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("Bind(%T, %s)\n got %q\nwant %q", dst, tt.body, got, tt.want)
		}
	}
}

func TestBindInteger(t *testing.T) {
	const invalid = "x is invalid"
	tests := []struct {
		raw  any
		want grape.Opt[int64]
		err  string
	}{
		{json.Number("1"), some[int64](1), ""},
		{json.Number("-0"), some[int64](0), ""},
		{json.Number("1.5"), some[int64](1), ""},
		{json.Number("-1.5"), some[int64](-1), ""},
		{json.Number("600.0"), some[int64](600), ""},
		{json.Number("6e2"), some[int64](600), ""},
		{json.Number("9007199254740993"), some[int64](9007199254740993), ""},
		{json.Number("1e400"), some[int64](math.MaxInt64), ""},
		{json.Number("-1e30"), some[int64](math.MinInt64), ""},
		{json.Number("99999999999999999999"), some[int64](math.MaxInt64), ""},
		{" 12 ", some[int64](12), ""},
		{"\n12\t", some[int64](12), ""},
		{"010", some[int64](10), ""},
		{"1_000", some[int64](1000), ""},
		{"+5", some[int64](5), ""},
		{"-5", some[int64](-5), ""},
		{"9223372036854775807", some[int64](math.MaxInt64), ""},
		{"9223372036854775808", some[int64](math.MaxInt64), ""},
		{"-9223372036854775808", some[int64](math.MinInt64), ""},
		{"-99999999999999999999", some[int64](math.MinInt64), ""},
		{"", grape.Opt[int64]{State: grape.Null}, ""},
		{nil, grape.Opt[int64]{State: grape.Null}, ""},
		{" ", grape.Opt[int64]{}, invalid},
		{"1__0", grape.Opt[int64]{}, invalid},
		{"_1", grape.Opt[int64]{}, invalid},
		{"1_", grape.Opt[int64]{}, invalid},
		{"-", grape.Opt[int64]{}, invalid},
		{"- 5", grape.Opt[int64]{}, invalid},
		{"+-5", grape.Opt[int64]{}, invalid},
		{"1.5", grape.Opt[int64]{}, invalid},
		{"1e3", grape.Opt[int64]{}, invalid},
		{"0x10", grape.Opt[int64]{}, invalid},
		{"१", grape.Opt[int64]{}, invalid},
		{true, grape.Opt[int64]{}, invalid},
		{[]any{json.Number("1")}, grape.Opt[int64]{}, invalid},
		{map[string]any{}, grape.Opt[int64]{}, invalid},
	}
	for _, tt := range tests {
		var dst struct {
			X grape.Opt[int64] `param:"x"`
		}
		if got := bind(grape.Params{"x": tt.raw}, &dst); got != tt.err || dst.X != tt.want {
			t.Errorf("%#v: got %+v, %q, want %+v, %q", tt.raw, dst.X, got, tt.want, tt.err)
		}
	}

	var narrow struct {
		X int8  `param:"x"`
		Y int32 `param:"y"`
	}
	if got := bind(grape.Params{"x": "300", "y": "-9999999999"}, &narrow); got != "" || narrow.X != math.MaxInt8 || narrow.Y != math.MinInt32 {
		t.Errorf("narrow integers: got %+v, %q", narrow, got)
	}
}

func bind(p grape.Params, dst any) string {
	if err := grape.Bind(p, dst); err != nil {
		return err.Error()
	}
	return ""
}

func TestBindBoolean(t *testing.T) {
	type target struct {
		X grape.Opt[bool] `param:"x"`
	}
	rows := []struct {
		want   grape.Opt[bool]
		err    string
		inputs []any
	}{
		{some(true), "", []any{true, json.Number("1"), "1", "true", "True", "TRUE", "t", "T", "yes", "Yes", "YES", "y", "Y", "on", "On", "ON"}},
		{some(false), "", []any{false, json.Number("0"), "0", "false", "False", "FALSE", "f", "F", "no", "No", "NO", "n", "N", "off", "Off", "OFF"}},
		{grape.Opt[bool]{State: grape.Null}, "", []any{nil, ""}},
		{grape.Opt[bool]{}, "x is invalid", []any{json.Number("2"), json.Number("1.0"), "tRue", "maybe", " ", "true ", []any{}, map[string]any{}}},
	}
	for _, row := range rows {
		for _, raw := range row.inputs {
			var dst target
			if got := bind(grape.Params{"x": raw}, &dst); got != row.err || dst.X != row.want {
				t.Errorf("%#v: got %+v, %q, want %+v, %q", raw, dst.X, got, row.want, row.err)
			}
		}
	}
}

func TestBindString(t *testing.T) {
	tests := []struct {
		raw  any
		want grape.Opt[string]
	}{
		{"", some("")},
		{" a ", some(" a ")},
		{nil, grape.Opt[string]{State: grape.Null}},
		{true, some("true")},
		{false, some("false")},
		{json.Number("5"), some("5")},
		{json.Number("-0"), some("0")},
		{json.Number("123456789012345678901234567890"), some("123456789012345678901234567890")},
		{json.Number("1.50"), some("1.5")},
		{json.Number("1e3"), some("1000.0")},
		{json.Number("1e20"), some("1.0e+20")},
		{json.Number("1.25e-7"), some("1.25e-07")},
		{json.Number("0.0001"), some("0.0001")},
		{json.Number("0.0"), some("0.0")},
		{json.Number("-1e400"), some("-Infinity")},
		{json.Number("1e400"), some("Infinity")},
	}
	for _, tt := range tests {
		var dst struct {
			X grape.Opt[string] `param:"x"`
		}
		if got := bind(grape.Params{"x": tt.raw}, &dst); got != "" || dst.X != tt.want {
			t.Errorf("%#v: got %+v, %q, want %+v", tt.raw, dst.X, got, tt.want)
		}
	}
}

func TestBindTagList(t *testing.T) {
	tests := []struct {
		body string
		want []string
	}{
		{`tag_list=a,b , c,,`, []string{"a", "b", "c"}},
		{`{"tag_list":["a","b,c"]}`, []string{"a", "b", "c"}},
		{`tag_list[]=a&tag_list[]=b`, []string{"a", "b"}},
		{`tag_list%5B%5D=a&tag_list%5B%5D=b`, []string{"a", "b"}},
		{`{"tag_list":["a",1,null]}`, []string{"a", "1"}},
		{`{"tag_list":["Docker","docker","docker "]}`, []string{"Docker", "docker"}},
		{`{"tag_list":["a",{},["b"]]}`, []string{"a"}},
		{`{"tag_list":[]}`, []string{}},
		{`tag_list=`, []string{}},
		{`tag_list`, []string{}},
		{`{"tag_list":null}`, []string{}},
		{`{"tag_list":5}`, []string{}},
		{`{"tag_list":{"a":"b"}}`, []string{}},
		{`tag_list[]=`, []string{}},
		{`tag_list=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,1,16,18,18,17`, strings.Split("1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18", ",")},
	}
	for _, tt := range tests {
		var dst updateRunner
		p := read(t, tt.body)
		p["id"] = "1"
		if got := bind(p, &dst); got != "" || !dst.TagList.Valid() || !slices.Equal(dst.TagList.Value, tt.want) || dst.TagList.Value == nil {
			t.Errorf("%s: got %#v, %q, want %q", tt.body, dst.TagList, got, tt.want)
		}
	}
}

func TestBindStrictArray(t *testing.T) {
	tests := []struct {
		body string
		want grape.Opt[[]string]
	}{
		{`{"valid_runner_registrars":["project",1]}`, some([]string{"project", "1"})},
		{`valid_runner_registrars[]=project&valid_runner_registrars[]=group`, some([]string{"project", "group"})},
		{`valid_runner_registrars[]=`, some([]string{})},
		{`valid_runner_registrars[]`, some([]string{})},
		{`valid_runner_registrars=`, some([]string{})},
		{`{"valid_runner_registrars":[]}`, some([]string{})},
		{`{"valid_runner_registrars":null}`, grape.Opt[[]string]{State: grape.Null}},
		{`{}`, grape.Opt[[]string]{}},
	}
	for _, tt := range tests {
		var dst settings
		if got := bind(read(t, tt.body), &dst); got != "" || !reflect.DeepEqual(dst.Registrars, tt.want) {
			t.Errorf("%s: got %#v, %q, want %#v", tt.body, dst.Registrars, got, tt.want)
		}
	}
}

func TestBindIntegerList(t *testing.T) {
	for body, want := range map[string][]userID{
		`access_level=10&user_id=1, 2`:                   {1, 2},
		`access_level=10&user_id[]=1&user_id[]=2`:        {1, 2},
		`{"access_level":10,"user_id":7}`:                {7},
		`{"access_level":10,"user_id":["1,2",3]}`:        {1, 2, 3},
		`{"access_level":10,"user_id":null}`:             {},
		`{"access_level":10.0,"user_id":"1_0,+2"}`:       {10, 2},
		`{"access_level":10,"user_id":"7,1,0_7,007,+1"}`: {7, 1},
	} {
		var dst addMember
		if got := bind(read(t, body), &dst); got != "" || !slices.Equal(dst.UserIDs, want) || dst.AccessLevel != 10 {
			t.Errorf("%s: got %+v, %q, want %v", body, dst, got, want)
		}
	}
}

func TestBindTime(t *testing.T) {
	want := time.Date(2026, 10, 6, 9, 30, 12, 418e6, time.UTC)
	for _, tt := range []struct {
		raw  string
		want time.Time
	}{
		{"2026-10-06T09:30:12.418Z", want},
		{"2026-10-06T11:30:12.418+02:00", want},
		{"2026-10-06T11:30:12.418+0200", want},
		{"2026-10-06T09:30:12.418", want},
		{"2026-10-06 09:30:12.418", want},
		{"2026-10-06 09:30:12.418 UTC", want},
		{"2026-10-06 07:30:12.418 -0200", want},
		{"2026-10-06", want.Truncate(24 * time.Hour)},
		{"20261006T093000Z", want.Truncate(time.Minute)},
	} {
		var dst struct {
			X grape.Opt[time.Time] `param:"x"`
		}
		if got := bind(grape.Params{"x": tt.raw}, &dst); got != "" || !dst.X.Valid() || dst.X.Value != tt.want {
			t.Errorf("%s: got %v, %q, want %v", tt.raw, dst.X, got, tt.want)
		}
	}
	for raw, want := range map[any]grape.Opt[string]{
		"2026-02-03":                some("2026-02-03"),
		"2026-02-03T23:00:00-05:00": some("2026-02-03"),
		"":                          {State: grape.Null},
		nil:                         {State: grape.Null},
	} {
		dst := createToken{}
		p := grape.Params{"name": "a", "scopes": "api", "expires_at": raw}
		if got := bind(p, &dst); got != "" || dst.ExpiresAt != want {
			t.Errorf("date %v: got %v, %q, want %v", raw, dst.ExpiresAt, got, want)
		}
	}
}

func TestBindStates(t *testing.T) {
	var dst updateRunner
	if got := bind(read(t, `{"id":"7","description":"","maximum_timeout":"","paused":null}`), &dst); got != "" {
		t.Fatal(got)
	}
	want := updateRunner{
		ID:             7,
		Description:    some(""),
		Paused:         grape.Opt[bool]{State: grape.Null},
		MaximumTimeout: grape.Opt[int64]{State: grape.Null},
	}
	if !reflect.DeepEqual(dst, want) {
		t.Errorf("got %+v, want %+v", dst, want)
	}
	if dst.Active.Given() || !dst.Paused.Given() || dst.Paused.Valid() || !dst.Description.Valid() {
		t.Error("Given and Valid disagree with the states")
	}
	if dst.Paused.Or(true) != true || dst.Description.Or("x") != "" {
		t.Error("Or does not prefer a value")
	}
}

func TestBindDefaultsAndEmbedded(t *testing.T) {
	var tags struct {
		X []string `param:"x,csv" default:"a,b"`
		Y []string `param:"y,csv" default:"a,b"`
	}
	if got := bind(grape.Params{"y": ""}, &tags); got != "" || !slices.Equal(tags.X, []string{"a", "b"}) || len(tags.Y) != 0 {
		t.Errorf("lists: got %+v, %q", tags, got)
	}
	for body, want := range map[string]listRunners{
		`{}`:                         {Sort: "desc", pagination: pagination{1, 20}},
		`page=&per_page=&sort`:       {Sort: "desc", pagination: pagination{1, 20}},
		`{"page":2,"per_page":"50"}`: {Sort: "desc", pagination: pagination{2, 50}},
	} {
		var dst listRunners
		if got := bind(read(t, body), &dst); got != "" || !reflect.DeepEqual(dst, want) {
			t.Errorf("%s: got %+v, %q, want %+v", body, dst, got, want)
		}
	}
}

func TestBindObject(t *testing.T) {
	for _, body := range []string{
		`token=a&info[name]=n&info[features][refspecs]=1`,
		`{"token":"a","info":{"name":"n","features":{"refspecs":true},"other":[1]}}`,
	} {
		var dst verifyRunner
		if got := bind(read(t, body), &dst); got != "" || dst.Token != "a" || dst.Info.Name != "n" || !dst.Info.Features.Refspecs {
			t.Errorf("%s: got %+v, %q", body, dst, got)
		}
	}
	for body, want := range map[string]grape.State{
		`{"id":1,"at":{"line":1,"col":""}}`:              grape.Absent,
		`{"path":null,"at":{"line":1,"col":""}}`:         grape.Null,
		`{"path":"","at":{"line":1,"col":""}}`:           grape.Null,
		`{"path":{"dir":1},"at":{"line":"1","col":"c"}}`: grape.Present,
	} {
		var dst choice
		if got := bind(read(t, body), &dst); got != "" || dst.Path.State != want || dst.At.Line != 1 {
			t.Errorf("%s: got %+v, %q, want state %v", body, dst, got, want)
		}
	}
}

func TestBindRulesOnEveryKind(t *testing.T) {
	type rules struct {
		Level  int          `param:"level"`
		Note   string       `param:"note" required:"true" given:"level=10"`
		Accept bool         `param:"accept" values:"true"`
		Types  []runnerType `param:"types" values:"a,b"`
		Levels []int        `param:"levels,csv" except:"0" values:"10,20"`
	}
	for body, want := range map[string]string{
		`{}`:                        "",
		`level=10`:                  "note is missing",
		`level=20&accept=no`:        "accept does not have a valid value",
		`types[]=a&types[]=c`:       "types does not have a valid value",
		`levels=10,0`:               "levels has a value not allowed",
		`{"levels":[10,30]}`:        "levels does not have a valid value",
		`{"levels":[],"types":[]}`:  "",
		`levels=10,20&types[]=b`:    "",
		`level[a]=1&accept[]=1`:     "level is invalid, accept is invalid",
		`{"types":"a","levels":{}}`: "types is invalid, levels is invalid",
	} {
		var dst rules
		if got := bind(read(t, body), &dst); got != want {
			t.Errorf("%s: got %q, want %q", body, got, want)
		}
	}
	var dst rules
	if got := bind(read(t, `types[]=b&types[]=a`), &dst); got != "" || !slices.Equal(dst.Types, []runnerType{"b", "a"}) {
		t.Errorf("named strings: got %+v, %q", dst, got)
	}
}

func TestAtLeastOneIsContentWithWhatItDoesNotName(t *testing.T) {
	type rules struct {
		Name  string   `param:"name"`
		Path  string   `param:"path"`
		Other string   `param:"other"`
		_     struct{} `at_least_one:"name,path" or:"other"`
	}
	for body, want := range map[string]string{
		`{}`:      "name, path are missing, at least one parameter must be provided",
		`path=x`:  "",
		`other=x`: "",
	} {
		if got := bind(read(t, body), new(rules)); got != want {
			t.Errorf("%s: got %q, want %q", body, got, want)
		}
	}
}

func TestBadDeclarationsPanic(t *testing.T) {
	for name, dst := range map[string]any{
		"not a pointer": createRunner{},
		"not a struct":  new(int),
		"nil":           (*createRunner)(nil),
		"unsigned": &struct {
			X uint `param:"x"`
		}{},
		"unnamed": &struct {
			X int `param:",csv"`
		}{},
		"twice": &struct {
			X int `param:"x"`
			Y int `param:"x"`
		}{},
		"given": &struct {
			X int `param:"x" given:"y=1"`
			Y int `param:"y"`
		}{},
		"rule": &struct {
			_ struct{} `exclusive:"x,y"`
			X int      `param:"x"`
		}{},
		"given list": &struct {
			X []string `param:"x"`
			Y int      `param:"y" given:"x=1"`
		}{},
		"no rule": &struct {
			_ struct{} `at_leastone:"x"`
			X int      `param:"x"`
		}{},
		"required": &struct {
			X int `param:"x" required:"yes"`
		}{},
		"values of time": &struct {
			X time.Time `param:"x" values:"2026"`
		}{},
		"min": &struct {
			X string `param:"x" min:"1"`
		}{},
		"match": &struct {
			X string `param:"x" match:"("`
		}{},
		"default": &struct {
			X int `param:"x" default:"a"`
		}{},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			_ = grape.Bind(nil, dst)
		})
	}
}

type protect struct {
	Levels []struct {
		Level int             `param:"level" required:"true" values:"30,40"`
		ID    grape.Opt[int]  `param:"id"`
		Gone  grape.Opt[bool] `param:"gone"`
	} `param:"levels"`
}

func TestObjects(t *testing.T) {
	for query, want := range map[string]string{
		"levels[][level]=30&levels[][id]=1&levels[][level]=40": "",
		"levels=":                               "",
		"levels[][level]=30&levels[][level]=50": "levels[1][level] does not have a valid value",
		"levels[][id]=1":                        "levels[0][level] is missing",
		"levels=x":                              "levels is invalid",
		"levels[]=x":                            "levels is invalid",
		"levels[level]=30":                      "levels is invalid",
	} {
		p, err := grape.Read(httptest.NewRequest(http.MethodGet, "/?"+query, nil), nil)
		if err != nil {
			t.Fatal(err)
		}
		var got protect
		err = grape.Bind(p, &got)
		if want == "" && err != nil || want != "" && (err == nil || err.Error() != want) {
			t.Errorf("%s: error %v, want %q", query, err, want)
		}
	}
	var got protect
	p, err := grape.Read(httptest.NewRequest(http.MethodGet, "/?levels[][level]=30&levels[][id]=1&levels[][level]=40", nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := grape.Bind(p, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Levels) != 2 || got.Levels[0].Level != 30 || got.Levels[0].ID.Value != 1 || got.Levels[1].Level != 40 || got.Levels[1].ID.Given() {
		t.Errorf("bound %+v", got)
	}
	if f := grape.Fields(reflect.TypeFor[protect]())[0]; f.Kind != grape.Objects || f.Fields[0].Name != "level" {
		t.Errorf("array of objects: %+v", f)
	}
}

func TestFields(t *testing.T) {
	got := grape.Fields(reflect.TypeFor[createRunner]())
	if want := (grape.Field{
		Name: "runner_type", Kind: grape.String, Required: true,
		Values: []string{"instance_type", "group_type", "project_type"}, Doc: "The scope of the runner.",
	}); !reflect.DeepEqual(got[0], want) {
		t.Errorf("got %+v, want %+v", got[0], want)
	}
	if want := (grape.Field{Name: "group_id", Kind: grape.Integer, Optional: true, Required: true, Given: "runner_type=group_type"}); !reflect.DeepEqual(got[1], want) {
		t.Errorf("got %+v, want %+v", got[1], want)
	}
	list := grape.Fields(reflect.TypeFor[listRunners]())
	if last := list[len(list)-1]; last.Name != "per_page" || last.Default != "20" || last.Min != "1" || last.Except[0] != "0" {
		t.Errorf("embedded field: %+v", last)
	}
	if info := grape.Fields(reflect.TypeFor[verifyRunner]())[1]; info.Kind != grape.Object || info.Fields[1].Fields[0].Name != "refspecs" {
		t.Errorf("object: %+v", info)
	}
}

func TestPathWins(t *testing.T) {
	r := httptest.NewRequest(http.MethodPut, "/?id=1&page=1&a=q", strings.NewReader(`{"id":2,"page":2}`))
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	got, err := grape.Read(r, map[string]string{"id": "3"})
	want := grape.Params{"id": "3", "page": json.Number("2"), "a": "q"}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}
