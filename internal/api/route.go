package api

import (
	"context"
	"net/http"
	"net/url"
	"reflect"
	"runtime"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"baton.example/baton"
	"baton.example/baton/internal/grape"
)

// A route is one row of the table in routes.go.
type route struct {
	method  string
	pattern string
	caller  caller
	status  int
	// rotates tells that the row rotates access tokens.
	rotates bool
	// in and out are the types of the row's function.
	in, out reflect.Type
	// guard, unless nil, is asked before the parameters are looked at.
	guard func(context.Context, *call) error
	run   func(context.Context, *call) (any, error)

	// What follows is for the description of the row, see openapi.go.

	// name is that of the row's function.
	name string
	// entities are the types that an out of any stands for.
	entities []reflect.Type
	// refusals are statuses besides those that every such row may answer with.
	refusals []int
	// repeatable tells that the row takes an Idempotency-Key.
	repeatable bool
}

// A caller says who may call a route.
type caller struct {
	// scopes are those of which an access token needs one; nil lets everyone
	// in, since the parameters hold what proves the caller.
	scopes []baton.Scope
	// named are the scopes that a refusal lists: GitLab names all that any
	// route of the same class takes, whether or not they open this one.
	named []baton.Scope
	// optional lets a caller without a token in as nobody in particular.
	optional bool
}

// anyone is for routes that a parameter authenticates.
func anyone() caller { return caller{} }

// with is for routes that need an access token with one of the scopes.
func with(scopes ...baton.Scope) caller {
	return caller{scopes: scopes, named: withRoot(scopes)}
}

// naming adds scopes of the route's class that do not open the route itself.
func (c caller) naming(scopes ...baton.Scope) caller {
	c.named = withRoot(scopes)
	return c
}

// withRoot appends the scopes of GitLab's API root.
func withRoot(scopes []baton.Scope) []baton.Scope {
	all := slices.Clone(scopes)
	for _, root := range []baton.Scope{baton.ScopeAPI, baton.ScopeReadAPI} {
		all = slices.DeleteFunc(all, func(s baton.Scope) bool { return s == root })
	}
	return append(all, baton.ScopeAPI, baton.ScopeReadAPI)
}

// get, post, put, patch and del make rows with the statuses that GitLab gives to
// the verbs: 200, 201, 200, 200 and 204.
func get[In, Out any](pattern string, who caller, fn func(context.Context, *call, In) (Out, error)) route {
	return newRoute(http.MethodGet, http.StatusOK, pattern, who, fn)
}

func post[In, Out any](pattern string, who caller, fn func(context.Context, *call, In) (Out, error)) route {
	return newRoute(http.MethodPost, http.StatusCreated, pattern, who, fn)
}

func put[In, Out any](pattern string, who caller, fn func(context.Context, *call, In) (Out, error)) route {
	return newRoute(http.MethodPut, http.StatusOK, pattern, who, fn)
}

func patch[In, Out any](pattern string, who caller, fn func(context.Context, *call, In) (Out, error)) route {
	return newRoute(http.MethodPatch, http.StatusOK, pattern, who, fn)
}

func del[In, Out any](pattern string, who caller, fn func(context.Context, *call, In) (Out, error)) route {
	return newRoute(http.MethodDelete, http.StatusNoContent, pattern, who, fn)
}

func newRoute[In, Out any](method string, status int, pattern string, who caller, fn func(context.Context, *call, In) (Out, error)) route {
	return route{
		method: method, pattern: pattern, caller: who, status: status,
		in: reflect.TypeFor[In](), out: reflect.TypeFor[Out](),
		name: runtime.FuncForPC(reflect.ValueOf(fn).Pointer()).Name(),
		run: func(ctx context.Context, c *call) (any, error) {
			var in In
			if err := grape.Bind(c.params, &in); err != nil {
				return nil, err
			}
			return fn(ctx, c, in)
		},
	}
}

// answering changes the status of success.
func (r route) answering(status int) route {
	r.status = status
	return r
}

// guarded makes a row whose permission comes ahead of its parameters.
func (r route) guarded(guard func(context.Context, *call) error) route {
	r.guard = guard
	return r
}

// rotating marks a row that rotates access tokens.
func (r route) rotating() route {
	r.rotates = true
	return r
}

// returning names the entities of a row whose Out is any: which of them it is
// depends on the caller or on the parameters.
func (r route) returning(entities ...any) route {
	for _, e := range entities {
		r.entities = append(r.entities, reflect.TypeOf(e))
	}
	return r
}

// refusing adds statuses with which rows like this one do not refuse, or with
// which this one has nothing to give.
func (r route) refusing(statuses ...int) route {
	r.refusals = append(r.refusals, statuses...)
	return r
}

// conditional marks a row that minds If-Unmodified-Since.
func (r route) conditional() route { return r.refusing(http.StatusPreconditionFailed) }

// repeating marks a row that takes an Idempotency-Key.
func (r route) repeating() route {
	r.repeatable = true
	return r.refusing(http.StatusUnprocessableEntity)
}

// apiRoot is below which the table's patterns are.
const apiRoot = "/api/v4"

// router turns a table into a handler.
func (s *Server) router(routes []route) http.Handler {
	mux := chi.NewRouter()
	methods := map[string][]string{}
	for _, r := range routes {
		pattern := apiRoot + r.pattern
		mux.Method(r.method, pattern, s.endpoint(r))
		methods[pattern] = append(methods[pattern], r.method)
		if r.method == http.MethodGet {
			mux.Method(http.MethodHead, pattern, s.endpoint(r))
			methods[pattern] = append(methods[pattern], http.MethodHead)
		}
	}
	for pattern, allowed := range methods {
		allow := strings.Join(append([]string{http.MethodOptions}, allowed...), ", ")
		mux.Options(pattern, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Allow", allow)
			w.WriteHeader(http.StatusNoContent)
		})
	}
	unknown := func(w http.ResponseWriter, r *http.Request) { s.fail(w, r, errUnknownRoute) }
	mux.NotFound(unknown)
	mux.MethodNotAllowed(unknown)
	mux.HandleFunc("/api/v3", s.goneV3)
	mux.HandleFunc("/api/v3/*", s.goneV3)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin(w)
		mux.ServeHTTP(w, routable(r))
	})
}

func (s *Server) goneV3(w http.ResponseWriter, r *http.Request) { s.fail(w, r, errV3) }

// routable returns r with the path that the router matches: still escaped,
// since the %2F of a group's or project's path is no separator, and without
// the slash and the format suffix that Grape lets every path end in.
func routable(r *http.Request) *http.Request {
	path := r.URL.EscapedPath()
	path = strings.TrimSuffix(path, "/")
	path = strings.TrimSuffix(path, ".json")
	clone := *r
	clone.URL = &url.URL{Path: r.URL.Path, RawPath: path, RawQuery: r.URL.RawQuery}
	return &clone
}

// pathParams returns the parameters in the path, unescaped.
func pathParams(r *http.Request) map[string]string {
	params := chi.RouteContext(r.Context()).URLParams
	if len(params.Keys) == 0 {
		return nil
	}
	values := make(map[string]string, len(params.Keys))
	for i, key := range params.Keys {
		value, err := url.PathUnescape(params.Values[i])
		if err != nil {
			value = params.Values[i]
		}
		values[key] = value
	}
	return values
}
