package api_test

import (
	"context"
	"errors"
	"flag"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// A contract is openapi.yaml as a test reads it.
type contract struct {
	router routers.Router

	mu sync.Mutex
	// unseen are the operations that no conversation has seen succeed.
	unseen map[string]bool
}

// described is the one contract of all worlds.
var described = sync.OnceValues(func() (*contract, error) {
	doc, err := openapi3.NewLoader().LoadFromFile("openapi.yaml")
	if err != nil {
		return nil, err
	}
	doc.Servers = nil // every world is at an address of its own
	for _, s := range doc.Components.Schemas {
		// Clients have to put up with new keys, and so the description lets
		// them in. Here each of them must have been described.
		if len(s.Value.Properties) > 0 {
			s.Value.AdditionalProperties = openapi3.BoolSchema{Has: new(false)}
		}
	}
	c := &contract{unseen: map[string]bool{}}
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			c.unseen[method+" "+path] = true
		}
	}
	c.router, err = gorillamux.NewRouter(doc)
	return c, err
})

// Check implements golden.World: it holds every answer to its description, what
// is not described to not being there, and every change to the audit log.
func (w *world) Check(answer *http.Response) error {
	request := answer.Request
	if err := w.watch(request); err != nil {
		return err
	}
	if request.URL == nil || request.Method == http.MethodOptions {
		return nil
	}
	c, err := described()
	if err != nil {
		return err
	}
	at := *request.URL
	for _, ending := range []string{"/", ".json"} { // which Grape lets every path have
		at.Path, at.RawPath = strings.TrimSuffix(at.Path, ending), strings.TrimSuffix(at.RawPath, ending)
	}
	plain := http.Request{Method: request.Method, URL: &at}
	if plain.Method == http.MethodHead {
		plain.Method = http.MethodGet
	}
	route, params, err := c.router.FindRoute(&plain)
	if err != nil {
		if answer.StatusCode == http.StatusNotFound || answer.StatusCode == http.StatusGone {
			return nil
		}
		return errors.New("openapi.yaml does not have the path and method")
	}
	if answer.StatusCode < http.StatusMultipleChoices || route.Operation.Responses.Status(http.StatusNotImplemented) != nil {
		c.see(plain.Method + " " + route.Path)
	}
	return openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: &plain, PathParams: params, Route: route},
		Status:                 answer.StatusCode,
		Header:                 answer.Header,
		Body:                   answer.Body,
		Options: &openapi3filter.Options{
			IncludeResponseStatus: true, ExcludeResponseBody: request.Method == http.MethodHead,
		},
	})
}

func (c *contract) see(operation string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.unseen, operation)
}

// seesEverything fails the test if there is an operation that it has not seen
// succeed: what is said of that one, nobody has compared. A test that runs in
// part cannot tell.
func seesEverything(t *testing.T) {
	t.Helper()
	if flag.Lookup("test.run").Value.String() != "" {
		return
	}
	c, err := described()
	if err != nil {
		t.Fatal(err)
	}
	for _, operation := range slices.Sorted(maps.Keys(c.unseen)) {
		if strings.Contains(operation, " /api/") {
			t.Errorf("no conversation shows %s succeed", operation)
		}
	}
}

// What operators ask is answered in front of the API, without the headers that
// a conversation expects.
func TestOperationsAreAsDescribed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	for _, path := range []string{"/-/liveness", "/-/readiness", "/-/health", "/-/metrics"} {
		t.Run(path, func(t *testing.T) {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+w.Addr()+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := w.client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			if err := w.Check(answer); err != nil {
				t.Errorf("%s: %v", answer.Status, err)
			}
		})
	}
}
