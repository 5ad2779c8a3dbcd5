package api

import (
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"baton.example/baton/internal/access"
	"baton.example/baton/internal/directory"
	"baton.example/baton/internal/dispatch"
	"baton.example/baton/internal/fleet"
	"baton.example/baton/internal/idempotency"
	"baton.example/baton/internal/pipeline"
	"baton.example/baton/internal/store"
	"baton.example/baton/internal/vault"
)

// A Config is what the API stands on. Every field is required.
type Config struct {
	Store     store.Store
	Fleet     *fleet.Service
	Directory *directory.Directory
	Tokens    *access.Tokens
	Queue     *dispatch.Queue
	Pipelines *pipeline.Service
	Vault     *vault.Service
	Log       *slog.Logger
	// ExternalURL is the address that people and clients use, without a slash
	// at the end.
	ExternalURL *url.URL
	// ClientIP tells the address that a request came from.
	ClientIP func(*http.Request) netip.Addr
	// Now tells the time.
	Now func() time.Time
}

// A Server answers requests below /api.
type Server struct {
	Config
	policy  access.Policy
	running idempotency.Running
	limits  *limiter
	base    string
	handler http.Handler
}

// New returns the API as a handler for the paths /api/v3… and /api/v4….
func New(c Config) *Server {
	s := &Server{
		Config: c,
		policy: access.Policy{Members: c.Store},
		limits: newLimiter(),
		base:   strings.TrimSuffix(c.ExternalURL.String(), "/"),
	}
	s.handler = s.router(s.routes())
	return s
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.handler.ServeHTTP(w, r)
}
