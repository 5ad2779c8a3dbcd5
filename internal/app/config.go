package app

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/clientip"
	"baton.example/baton/internal/password"
)

// A Config says how one Baton is run. docs/running.md explains the settings.
type Config struct {
	// Listen is host:port; port 0 chooses a free one.
	Listen string
	// Listener, unless nil, is listened on instead of Listen.
	Listener net.Listener
	// DataDir holds the SQLite database and, unless SecretKeyFile says
	// otherwise, the secret key.
	DataDir string
	// DatabaseURL is postgres://…, or "" for SQLite in the data directory.
	DatabaseURL baton.Secret
	// ExternalURL is the address that people and clients use, "" for the
	// address that Baton listens on.
	ExternalURL string
	// SecretKeyFile holds the key that secrets are sealed under, "" for
	// secret.key in the data directory. With PostgreSQL it has to be named:
	// every replica needs the same.
	SecretKeyFile string
	// RootToken and RootPassword are taken at the first start only; what is
	// not given is made.
	RootToken, RootPassword baton.Secret
	// TrustedProxies may say for whom they call; MetricsFrom may read the
	// metrics, as may who calls from the machine itself.
	TrustedProxies, MetricsFrom clientip.List
	// CertFile and KeyFile make Baton speak TLS itself.
	CertFile, KeyFile string
	Log               *slog.Logger
	// Now tells the time; nil for the clock.
	Now func() time.Time
}

// minRootToken is how long a root token must be: tokens are stored as plain
// digests, which only chance protects (see [baton.Digest]).
const minRootToken = 20

// Validate returns every problem of the configuration at once.
func (c *Config) Validate() error {
	var problems []error
	fail := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if (c.CertFile == "") != (c.KeyFile == "") {
		fail("TLS needs both --tls-cert-file and --tls-key-file")
	}
	if u := c.DatabaseURL.Reveal(); u != "" {
		if !strings.HasPrefix(u, "postgres://") && !strings.HasPrefix(u, "postgresql://") {
			fail("BATON_DATABASE_URL must begin with postgres://, or be left out for SQLite in the data directory")
		}
		if c.SecretKeyFile == "" {
			fail("with PostgreSQL, name the secret key with BATON_SECRET_KEY_FILE: every replica needs the same one " +
				"(make it with: (umask 077; openssl rand -base64 32 > secret.key))")
		}
	}
	if c.ExternalURL != "" {
		u, err := url.Parse(c.ExternalURL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
			shown := c.ExternalURL
			if err == nil {
				shown = u.Redacted()
			}
			fail("the external URL %q must look like https://ci.example.com or https://example.com/baton", shown)
		}
	}
	if t := c.RootToken.Reveal(); t != "" && (len(t) < minRootToken || strings.ContainsAny(t, " \t\r\n")) {
		fail("BATON_ROOT_TOKEN must be at least %d characters without spaces: it opens everything", minRootToken)
	}
	if p := c.RootPassword.Reveal(); p != "" {
		if err := password.Validate(p); err != nil {
			fail("BATON_ROOT_PASSWORD: %v", err) // in these words, not the domain's alone
		}
	}
	return errors.Join(problems...)
}

// externalURL returns the address that clients use, given the one that the
// server listens on.
func (c *Config) externalURL(addr string) (*url.URL, error) {
	if c.ExternalURL != "" {
		u, err := url.Parse(strings.TrimSuffix(c.ExternalURL, "/"))
		if err != nil {
			return nil, fmt.Errorf("external URL: %w", err)
		}
		return u, nil
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("listen address: %w", err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost" // an address that means "all of this machine" cannot be called
	}
	u := &url.URL{Scheme: "http", Host: net.JoinHostPort(host, port)}
	if c.CertFile != "" {
		u.Scheme = "https"
	}
	return u, nil
}
