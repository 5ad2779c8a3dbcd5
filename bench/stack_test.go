package bench

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"testing"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/api"
	"baton.example/baton/internal/directory"
	"baton.example/baton/internal/dispatch"
	"baton.example/baton/internal/fleet"
	"baton.example/baton/internal/password"
	"baton.example/baton/internal/server"
	"baton.example/baton/internal/store"
	"baton.example/baton/internal/telemetry"
)

// rootToken is the access token of every benchmark's administrator.
const rootToken = "glpat-of-the-benchmark"

// localhost is where every request comes from.
func localhost(*http.Request) netip.Addr { return netip.AddrFrom4([4]byte{127, 0, 0, 1}) }

// serve puts a handler into Baton's HTTP server, with everything that this
// does around a request, and returns the address.
func serve(b *testing.B, handler http.Handler) string {
	b.Helper()
	l, err := server.Listen(b.Context(), "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	s, err := server.New(l, server.Config{
		ExternalURL: &url.URL{Scheme: "http", Host: l.Addr().String()},
		API:         handler, Pages: http.NotFoundHandler(),
		Ready:          func(context.Context) error { return nil },
		ClientIP:       localhost,
		MayReadMetrics: func(*http.Request) bool { return false },
		Metrics:        telemetry.NewMetrics(), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(b.Context()))
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx) }()
	b.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			b.Error(err)
		}
	})
	return l.Addr().String()
}

// baton returns the API on a new database, whose administrator is root.
func newAPI(b *testing.B, db store.Store) http.Handler {
	b.Helper()
	people := directory.New(db, password.NewHasher())
	if _, err := people.Bootstrap(b.Context(), time.Now(), baton.NewSecret(rootToken), baton.NewSecret("a password")); err != nil {
		b.Fatal(err)
	}
	return api.New(api.Config{
		Store: db, Fleet: fleet.New(db, time.Now), Directory: people, Tokens: access.NewTokens(db),
		Queue: dispatch.NewQueue(), ExternalURL: &url.URL{Scheme: "http", Host: "localhost"},
		ClientIP: localhost, Now: time.Now, Log: slog.New(slog.DiscardHandler),
	})
}
