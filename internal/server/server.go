// Package server is the HTTP server that Baton's adapters hang in: it listens,
// speaks TLS if asked to, limits what a request may cost, names and logs every
// request, answers the health and metrics endpoints, and drains on the way
// out. What the paths mean is for the handlers that it is given.
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"baton.example/baton/internal/telemetry"
)

// The limits of every request. Handlers that stream lift them for themselves.
const (
	headerTimeout = 10 * time.Second
	readTimeout   = 60 * time.Second
	writeTimeout  = 90 * time.Second
	// requestTimeout ends what a handler waits for, early enough for it to
	// answer before the connection is cut.
	requestTimeout = 60 * time.Second
	// readyTimeout is how long the database may take to show that it answers.
	readyTimeout = 2 * time.Second
	idleTimeout  = 2 * time.Minute
	maxHeader    = 64 << 10
	maxBody      = 1 << 20
)

// drainTimeout is how long requests that run may take to end at shutdown.
const drainTimeout = 30 * time.Second

// Listen opens a TCP listener at host:port; port 0 chooses a free one. A port
// that is taken is an error that says what to do.
func Listen(ctx context.Context, addr string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is taken by another program: stop that, or choose another address with --listen or BATON_LISTEN", addr)
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %s (choose another address with --listen or BATON_LISTEN): %w", addr, err)
	}
	return l, nil
}

// A Config is what a server needs. Every field without a remark is required.
type Config struct {
	// CertFile and KeyFile, PEM, make the server speak TLS; empty for HTTP.
	CertFile, KeyFile string
	// ExternalURL is the address that clients use. Its path may stand in
	// front of every request's path, or may have been cut by a proxy.
	ExternalURL *url.URL
	// API answers paths below /api, Pages everything else.
	API, Pages http.Handler
	// Ready returns an error while requests cannot be answered.
	Ready func(context.Context) error
	// ClientIP tells the address that a request came from.
	ClientIP func(*http.Request) netip.Addr
	// MayReadMetrics tells who may.
	MayReadMetrics func(*http.Request) bool
	Metrics        *telemetry.Metrics
	Log            *slog.Logger
}

// A Server serves what its Config says.
type Server struct {
	config   Config
	listener net.Listener
	http     *http.Server
	draining atomic.Bool
}

// New returns a server on the listener. A certificate that is not one is an
// error.
func New(l net.Listener, c Config) (*Server, error) {
	s := &Server{config: c, listener: l}
	s.http = &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(c.Log.Handler(), slog.LevelDebug),
	}
	if c.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("read the TLS certificate %s and its key %s: %w", c.CertFile, c.KeyFile, err)
		}
		s.http.TLSConfig = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	return s, nil
}

// Addr returns the address that the server listens on.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Serve answers requests until ctx ends, then lets those that run end, for
// [drainTimeout] at most, and returns nil.
func (s *Server) Serve(ctx context.Context) error {
	failed := make(chan error, 1)
	go func() {
		if s.http.TLSConfig != nil {
			failed <- s.http.ServeTLS(s.listener, "", "")
			return
		}
		failed <- s.http.Serve(s.listener)
	}()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	s.draining.Store(true)
	s.config.Log.InfoContext(ctx, "shutting down; a second signal does not wait for requests that run", "wait_at_most", drainTimeout)
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	if err := s.http.Shutdown(drain); err != nil {
		s.config.Log.Warn("requests were cut short", "error", err)
		return s.http.Close()
	}
	return nil
}

// handler routes by the first part of the path. It is not a [http.ServeMux]
// because that would redirect the escaped paths of groups and projects.
func (s *Server) handler() http.Handler {
	prefix := strings.TrimSuffix(s.config.ExternalURL.Path, "/")
	route := func(w http.ResponseWriter, r *http.Request) {
		switch path := r.URL.Path; {
		case strings.HasPrefix(path, "/api/"):
			s.config.API.ServeHTTP(w, r)
		case strings.HasPrefix(path, "/-/"):
			s.operations(w, r)
		default:
			s.config.Pages.ServeHTTP(w, r)
		}
	}
	return s.observe(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
		defer cancel()
		r = r.WithContext(ctx)
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		if prefix != "" && (r.URL.Path == prefix || strings.HasPrefix(r.URL.Path, prefix+"/")) {
			clone := *r
			clone.URL = new(url.URL)
			*clone.URL = *r.URL
			clone.URL.Path = "/" + strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, prefix), "/")
			if r.URL.RawPath != "" {
				clone.URL.RawPath = "/" + strings.TrimPrefix(strings.TrimPrefix(r.URL.RawPath, prefix), "/")
			}
			r = &clone
		}
		route(w, r)
	}))
}
