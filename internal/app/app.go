// Package app puts the parts together: a [Config] becomes a store, the
// capabilities on it, the API and the pages on those, and a server around them.
// It is the wiring alone, used by the command line and by tests of the whole.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"baton.example/baton/internal/access"
	"baton.example/baton/internal/api"
	"baton.example/baton/internal/audit"
	"baton.example/baton/internal/clientip"
	"baton.example/baton/internal/directory"
	"baton.example/baton/internal/dispatch"
	"baton.example/baton/internal/fleet"
	"baton.example/baton/internal/idempotency"
	"baton.example/baton/internal/maintain"
	"baton.example/baton/internal/password"
	"baton.example/baton/internal/pipeline"
	"baton.example/baton/internal/server"
	"baton.example/baton/internal/telemetry"
	"baton.example/baton/internal/vault"
	"baton.example/baton/internal/web"
)

// An App is one Baton that listens.
type App struct {
	// lock keeps other servers out of the data directory; nil for PostgreSQL.
	lock   *flock.Flock
	store  *Database
	people *directory.Directory
	server *server.Server
	queue  *dispatch.Queue
	fleet  *fleet.Service
	url    *url.URL
	first  *directory.FirstStart
	log    *slog.Logger
	now    func() time.Time
}

// Open listens, opens the database, and makes the administrator root if this
// is the first start. When it returns, requests queue; [App.Serve] answers
// them.
//
// The order matters: a program that is started beside a running one by mistake
// finds the port taken before it touches that one's database, whose schema it
// might change; and before it makes root, whose secrets are shown once.
func Open(ctx context.Context, c Config) (*App, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	listener := c.Listener
	if listener == nil {
		var err error
		if listener, err = server.Listen(ctx, c.Listen); err != nil {
			return nil, err
		}
	}
	a := &App{log: c.Log, now: c.Now}
	if err := a.open(ctx, &c, listener); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return a, nil
}

// open opens the store and builds everything above it.
func (a *App) open(ctx context.Context, c *Config, l net.Listener) (err error) {
	if c.DatabaseURL.IsZero() {
		if a.lock, err = lockDataDir(c.DataDir); err != nil {
			return err
		}
	}
	if a.store, err = OpenStore(ctx, c); err != nil {
		return errors.Join(err, a.unlock())
	}
	if err := a.build(ctx, c, l); err != nil {
		return errors.Join(err, a.Close())
	}
	return nil
}

func (a *App) build(ctx context.Context, c *Config, l net.Listener) (err error) {
	if a.url, err = c.externalURL(l.Addr().String()); err != nil {
		return err
	}
	a.people = directory.New(a.store, password.NewHasher())
	a.fleet = fleet.New(a.store, a.store.Keys, c.Now)
	clientIP := func(r *http.Request) netip.Addr {
		addr, _ := clientip.Of(r, c.TrustedProxies)
		return addr
	}
	pages, err := web.New(web.Config{
		ExternalURL: a.url, Version: telemetry.Build().Version, Database: a.store.Kind(),
		Started: c.Now(), Now: c.Now, Ready: a.store.Ping,
	})
	if err != nil {
		return fmt.Errorf("prepare the pages: %w", err)
	}
	metrics := telemetry.NewMetrics()
	metrics.WatchSealing(a.store.AuditWaiting, c.Now)
	a.queue = dispatch.NewQueue(a.store, a.store.Keys, a.url, c.Now)
	a.server, err = server.New(l, server.Config{
		CertFile: c.CertFile, KeyFile: c.KeyFile,
		ExternalURL: a.url,
		API: api.New(api.Config{
			Store: a.store, Fleet: a.fleet, Directory: a.people,
			Vault:  vault.New(a.store, a.store.Keys),
			Tokens: access.NewTokens(a.store), Queue: a.queue, Pipelines: pipeline.New(a.store, c.Now, a.queue.Wake),
			ExternalURL: a.url, ClientIP: clientIP, Now: c.Now, Log: c.Log,
		}),
		Pages: pages,
		Ready: a.store.Ping, ClientIP: clientIP,
		MayReadMetrics: func(r *http.Request) bool {
			addr, certain := clientip.Of(r, c.TrustedProxies)
			return certain && (addr.IsLoopback() || c.MetricsFrom.Contains(addr))
		},
		Metrics: metrics, Log: c.Log,
	})
	if err != nil {
		return err
	}
	a.first, err = a.people.Bootstrap(ctx, c.Now(), c.RootToken, c.RootPassword)
	if err != nil {
		return fmt.Errorf("make the administrator root: %w", err)
	}
	return nil
}

// Addr returns the address that the server listens on.
func (a *App) Addr() net.Addr { return a.server.Addr() }

// URL returns the external URL.
func (a *App) URL() string { return a.url.String() }

// FirstStart returns what the first start made, nil for every later start.
func (a *App) FirstStart() *directory.FirstStart { return a.first }

// Serve answers requests and does what is due until ctx ends, then lets those
// that run end.
func (a *App) Serve(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var duties sync.WaitGroup
	duties.Go(func() {
		maintain.Run(ctx, a.log, maintain.Duty{
			Name: "forget stored answers", Every: time.Hour,
			Do: func(ctx context.Context) error { return idempotency.Forget(ctx, a.store, a.now()) },
		}, maintain.Duty{
			Name: "forget bots", Every: 24 * time.Hour,
			Do: func(ctx context.Context) error { return a.people.ForgetBots(ctx, a.now()) },
		}, maintain.Duty{
			// Whatever was silent because Baton was away has called again by then.
			Name: "apply stale runner policies", After: time.Hour, Every: 24 * time.Hour, Do: a.fleet.RunAutomaticStale,
		})
	})
	duties.Go(func() { audit.Seal(ctx, a.store, a.log) })
	defer context.AfterFunc(ctx, a.queue.Drain)()
	a.log.InfoContext(ctx, "listening", "address", a.Addr().String(), "external_url", a.URL(),
		"database", a.store.Kind(), "version", telemetry.Build().Version)
	err := a.server.Serve(ctx)
	stop()
	duties.Wait()
	return err
}

// Close closes the database.
func (a *App) Close() error { return errors.Join(a.store.Close(), a.unlock()) }

func (a *App) unlock() error {
	if a.lock == nil {
		return nil
	}
	return a.lock.Unlock()
}
