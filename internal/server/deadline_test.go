package server

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"baton.example/baton/internal/telemetry"
)

// waiting returns a server whose database and API never answer by themselves.
func waiting(t *testing.T) http.Handler {
	t.Helper()
	wait := func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
	s, err := New(nil, Config{
		ExternalURL: new(url.URL), Ready: wait, Metrics: telemetry.NewMetrics(), Log: slog.New(slog.DiscardHandler),
		ClientIP: func(*http.Request) netip.Addr { return netip.Addr{} },
		Pages:    http.NotFoundHandler(),
		API: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if errors.Is(wait(r.Context()), context.DeadlineExceeded) {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return s.handler()
}

func TestNobodyWaitsForever(t *testing.T) {
	for _, tt := range []struct {
		path  string
		after time.Duration
	}{
		{"/-/readiness", readyTimeout},
		{"/-/health", readyTimeout},
		{"/api/v4/version", requestTimeout},
	} {
		t.Run(tt.path, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				answer := httptest.NewRecorder()
				waiting(t).ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, tt.path, nil))
				if answer.Code != http.StatusServiceUnavailable {
					body, _ := io.ReadAll(answer.Body)
					t.Errorf("status %d, want 503: %s", answer.Code, body)
				}
				if took := time.Since(began); took != tt.after {
					t.Errorf("answered after %v, want %v", took, tt.after)
				}
			})
		})
	}
	if requestTimeout >= writeTimeout {
		t.Error("the connection is cut before a handler is told to end")
	}
}
