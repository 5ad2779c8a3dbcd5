package server

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestSizes sends as much as may be sent, and a little more.
func TestSizes(t *testing.T) {
	t.Parallel()
	b := newBench(t, "http://x", func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			if _, ok := errors.AsType[*http.MaxBytesError](err); !ok {
				t.Errorf("a large body is %v", err)
			}
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		}
	})
	server := httptest.NewUnstartedServer(nil)
	server.Config = b.http
	server.Start()
	defer server.Close()
	tests := []struct {
		name         string
		header, body int
		want         int
	}{
		{"all that headers may have", maxHeader - 1<<10, 0, http.StatusOK},
		{"more headers", maxHeader + 8<<10, 0, http.StatusRequestHeaderFieldsTooLarge}, // net/http adds 4 KiB
		{"all that a body may have", 0, maxBody, http.StatusOK},
		{"more body", 0, maxBody + 1, http.StatusRequestEntityTooLarge},
	}
	for _, tt := range tests {
		for _, chunked := range []bool{false, true} {
			var body io.Reader = strings.NewReader(strings.Repeat("x", tt.body))
			if chunked {
				body = struct{ io.Reader }{body} // of a length that is not known
			}
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/api/v4/user", body)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("X-Large", strings.Repeat("x", tt.header))
			resp, err := server.Client().Do(r)
			if err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
			resp.Body.Close()
			if resp.StatusCode != tt.want {
				t.Errorf("%s, chunked %v: %d, want %d", tt.name, chunked, resp.StatusCode, tt.want)
			}
		}
	}
}

func TestMetricsAreForWhoMay(t *testing.T) {
	t.Parallel()
	b := newBench(t, "http://x/ci", nil)
	b.config.MayReadMetrics = func(r *http.Request) bool { return r.Header.Get("X-May") != "" }
	if w := b.ask(http.MethodGet, "/ci/-/metrics", "X-May", "yes"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "baton_build_info") {
		t.Errorf("metrics for who may read them: %d %s", w.Code, w.Body)
	}
	if w := b.ask(http.MethodGet, "/ci/-/metrics"); w.Code != http.StatusNotFound || strings.Contains(w.Body.String(), "baton_") {
		t.Errorf("metrics for who may not: %d %s", w.Code, w.Body)
	}
}
