package telemetry

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/-/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func TestMetrics(t *testing.T) {
	m := NewMetrics()
	for _, r := range []struct {
		route, method string
		status        int
	}{
		{"/api/v4/runners/{id}", "GET", 200},
		{"/api/v4/runners/{id}", "GET", 204},
		{"/api/v4/runners/{id}", "GET", 404},
		{"/api/v4/user/runners", "POST", 201},
		{"", "BREW", 999},
	} {
		m.StartRequest()
		m.ObserveRequest(r.route, r.method, r.status, 3*time.Millisecond)
	}
	m.StartRequest()
	m.StartRequest()

	text := scrape(t, m)
	for _, want := range []string{
		`baton_http_request_duration_seconds_count{method="GET",route="/api/v4/runners/{id}",status="2xx"} 2`,
		`baton_http_request_duration_seconds_count{method="GET",route="/api/v4/runners/{id}",status="4xx"} 1`,
		`baton_http_request_duration_seconds_bucket{method="POST",route="/api/v4/user/runners",status="2xx",le="0.0025"} 0`,
		`baton_http_request_duration_seconds_bucket{method="POST",route="/api/v4/user/runners",status="2xx",le="0.005"} 1`,
		`baton_http_request_duration_seconds_count{method="other",route="none",status="other"} 1`,
		`baton_http_requests_in_flight 2`,
		`version="` + version + `"} 1`,
		"go_goroutines ",
		"process_resident_memory_bytes ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
}

func TestSealingIsWatched(t *testing.T) {
	now := time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name   string
		n      int
		oldest time.Time
		err    error
		want   []string
	}{
		{"nothing waits", 0, time.Time{}, nil, []string{"baton_audit_unsealed_events 0", "baton_audit_oldest_unsealed_seconds 0"}},
		{"some wait", 3, now.Add(-90 * time.Second), nil, []string{"baton_audit_unsealed_events 3", "baton_audit_oldest_unsealed_seconds 90"}},
		{"another clock is ahead", 1, now.Add(time.Second), nil, []string{"baton_audit_unsealed_events 1", "baton_audit_oldest_unsealed_seconds 0"}},
		{"nobody knows", 0, time.Time{}, errors.New("the database is away"), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := NewMetrics()
			m.WatchSealing(func(context.Context) (int, time.Time, error) { return c.n, c.oldest, c.err }, func() time.Time { return now })
			text := scrape(t, m)
			for _, want := range append(c.want, "baton_http_requests_in_flight 0") {
				if !strings.Contains(text, "\n"+want+"\n") {
					t.Errorf("metrics lack %s", want)
				}
			}
			if c.want == nil && strings.Contains(text, "unsealed") {
				t.Errorf("metrics tell what nobody knows")
			}
		})
	}
}

func TestMetricsAreTheProgramsOwn(t *testing.T) {
	one, other := NewMetrics(), NewMetrics()
	one.StartRequest()
	if text := scrape(t, other); !strings.Contains(text, "baton_http_requests_in_flight 0") {
		t.Error("two Metrics share a gauge")
	}
}

func BenchmarkObserveRequest(b *testing.B) {
	m := NewMetrics()
	for b.Loop() {
		m.StartRequest()
		m.ObserveRequest("/api/v4/user/runners", http.MethodPost, http.StatusCreated, time.Millisecond)
	}
}
