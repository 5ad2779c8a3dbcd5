package server

import (
	"context"
	"encoding/json"
	"net/http"

	"baton.example/baton/internal/telemetry"
)

// operations answers what operators and their tools ask, at GitLab's paths:
// https://docs.gitlab.com/administration/monitoring/health_check/.
func (s *Server) operations(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "Method Not Allowed", http.StatusMethodNotAllowed)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	answer, known := map[string]http.HandlerFunc{
		"/-/liveness":  s.liveness,
		"/-/readiness": s.readiness,
		"/-/health":    s.health,
		"/-/metrics":   s.metrics,
	}[r.URL.Path]
	if !known {
		http.NotFound(w, r)
		return
	}
	telemetry.SetRoute(r.Context(), r.URL.Path)
	answer(w, r)
}

// health is the answer of liveness and readiness.
type health struct {
	Status   string        `json:"status"`
	Database []healthCheck `json:"db_check,omitempty"`
}

type healthCheck struct {
	Status  string `json:"status"`
	Message string `json:"message,omitempty"`
}

// liveness tells that the program runs, whatever its database does.
func (s *Server) liveness(w http.ResponseWriter, _ *http.Request) {
	writeHealth(w, http.StatusOK, health{Status: "ok"})
}

// readiness tells whether requests should be sent here: not while the database
// does not answer, and not to a server that is on its way out.
func (s *Server) readiness(w http.ResponseWriter, r *http.Request) {
	if s.draining.Load() {
		writeHealth(w, http.StatusServiceUnavailable, health{Status: "failed"})
		return
	}
	if err := s.ready(r.Context()); err != nil {
		s.config.Log.WarnContext(r.Context(), "not ready", "error", err)
		writeHealth(w, http.StatusServiceUnavailable, health{
			Status:   "failed",
			Database: []healthCheck{{Status: "failed", Message: "the database does not answer"}},
		})
		return
	}
	writeHealth(w, http.StatusOK, health{Status: "ok", Database: []healthCheck{{Status: "ok"}}})
}

// ready asks whether requests can be answered, and does not wait long.
func (s *Server) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	return s.config.Ready(ctx)
}

// health is readiness in words, for load balancers that look for text.
func (s *Server) health(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if s.draining.Load() || s.ready(r.Context()) != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte("Baton is not ready\n"))
		return
	}
	_, _ = w.Write([]byte("Baton OK\n"))
}

// metrics are for who may read them. Others are told nothing, not even that
// they are here.
func (s *Server) metrics(w http.ResponseWriter, r *http.Request) {
	if !s.config.MayReadMetrics(r) {
		http.NotFound(w, r)
		return
	}
	s.config.Metrics.Handler().ServeHTTP(w, r)
}

func writeHealth(w http.ResponseWriter, status int, h health) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(h)
}
