package runnerclient

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// The defaults of what a config may leave out.
const (
	DefaultConcurrent             = 1
	DefaultCheckInterval          = 3 * time.Second
	DefaultRequestConcurrency     = 1
	DefaultUnhealthyRequestsLimit = 3
	DefaultUnhealthyInterval      = time.Hour
)

// The feature flags that this package knows.
const (
	// FFAdaptiveRequests, on unless it is set to false, varies how many requests
	// of an entry may be open at once, up to its RequestConcurrency.
	FFAdaptiveRequests = "FF_USE_ADAPTIVE_REQUEST_CONCURRENCY"
	// FFNoRotation leaves tokens to end.
	FFNoRotation = "FF_DISABLE_AUTOMATIC_TOKEN_ROTATION"
	// FFDirectDownload, on unless it is set to false, asks the server first where
	// artifacts are, and not for their bytes.
	FFDirectDownload = "FF_USE_DIRECT_DOWNLOAD"
)

// A Runner is an entry of a config, [[runners]] in the program's file.
type Runner struct {
	Name string `json:"name,omitempty"`
	URL  string `json:"url"`
	ID   int64  `json:"id"`
	// Token is the runner's authentication token.
	Token           string    `json:"token"`
	TokenObtainedAt time.Time `json:"token_obtained_at,omitzero"`
	// TokenExpiresAt is zero for a token that has no end.
	TokenExpiresAt time.Time `json:"token_expires_at,omitzero"`

	// Limit is how many jobs of the entry may run at once, 0 for any number.
	Limit int `json:"limit,omitempty"`
	// RequestConcurrency is how many requests for jobs may be open at once.
	RequestConcurrency int `json:"request_concurrency,omitempty"`
	// UnhealthyRequestsLimit is how many refusals in a row make the entry
	// unhealthy, UnhealthyInterval for how long.
	UnhealthyRequestsLimit int           `json:"unhealthy_requests_limit,omitempty"`
	UnhealthyInterval      time.Duration `json:"unhealthy_interval,omitempty"`
	// StrictCheckInterval waits for its turn after a job too.
	StrictCheckInterval bool            `json:"strict_check_interval,omitempty"`
	FeatureFlags        map[string]bool `json:"feature_flags,omitempty"`

	// key tells the entry from others, whatever its token is by now.
	key int
}

// Credentials returns what the server is called with.
func (r *Runner) Credentials() Credentials { return Credentials{URL: r.URL, Token: r.Token} }

// flag returns whether a feature flag is on.
func (r *Runner) flag(name string, otherwise bool) bool {
	if on, set := r.FeatureFlags[name]; set {
		return on
	}
	return otherwise
}

// rotationDue returns when the token is to be replaced, zero for never: when
// three quarters of its life are over.
func (r *Runner) rotationDue() time.Time {
	if r.TokenExpiresAt.IsZero() || r.TokenObtainedAt.IsZero() || r.flag(FFNoRotation, false) {
		return time.Time{}
	}
	life := r.TokenExpiresAt.Sub(r.TokenObtainedAt)
	return r.TokenObtainedAt.Add(life / 4 * 3)
}

// A Config is what the program keeps: config.toml and the file beside it that
// holds the system id, as one document. It may be used by several goroutines.
type Config struct {
	mu      sync.Mutex
	path    string // "" keeps it in memory
	kept    kept
	changed chan struct{} // has room for one that was not taken yet
}

type kept struct {
	// SystemID tells the machine from others that hold the same tokens.
	SystemID      string        `json:"system_id"`
	Concurrent    int           `json:"concurrent,omitempty"`
	CheckInterval time.Duration `json:"check_interval,omitempty"`
	Runners       []Runner      `json:"runners"`

	keys int // that were given to entries
}

// add appends an entry.
func (k *kept) add(r Runner) {
	k.keys++
	r.key = k.keys
	k.Runners = append(k.Runners, r)
}

// NewConfig returns a config in memory, for a machine with a new system id.
func NewConfig() *Config {
	return &Config{kept: kept{SystemID: newSystemID()}, changed: make(chan struct{}, 1)}
}

// OpenConfig reads the config in a file, which is made when there is none, and
// is written at every change.
func OpenConfig(path string) (*Config, error) {
	c := NewConfig()
	c.path = path
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, c.change(func(*kept) {})
	}
	if err == nil {
		c.kept = kept{}
		err = json.Unmarshal(text, &c.kept)
	}
	if err != nil {
		return nil, fmt.Errorf("read the config: %w", err)
	}
	read := c.kept.Runners
	c.kept.Runners = nil
	for _, r := range read {
		c.kept.add(r)
	}
	return c, nil
}

// newSystemID returns a system id of the kind that is not worked out from the
// machine: a test has many machines on one.
func newSystemID() string { return "r_" + rand.Text()[:12] }

// SystemID returns the machine's system id.
func (c *Config) SystemID() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.kept.SystemID
}

// Runners returns the entries.
func (c *Config) Runners() []Runner {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.kept.Runners)
}

// SetPace sets how many jobs the whole process runs at once, and how long a
// round through all entries takes.
func (c *Config) SetPace(concurrent int, checkInterval time.Duration) error {
	return c.change(func(k *kept) { k.Concurrent, k.CheckInterval = concurrent, checkInterval })
}

func (c *Config) concurrent() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return orDefault(c.kept.Concurrent, DefaultConcurrent)
}

func (c *Config) checkInterval() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return orDefault(c.kept.CheckInterval, DefaultCheckInterval)
}

// orDefault returns v, or what is meant where nothing was said.
func orDefault[N int | time.Duration](v, otherwise N) N {
	if v <= 0 {
		return otherwise
	}
	return v
}

// Add appends an entry.
func (c *Config) Add(r Runner) error {
	return c.change(func(k *kept) { k.add(r) })
}

// current returns an entry as it is by now, if it is still there.
func (c *Config) current(key int) (Runner, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.kept.Runners, func(r Runner) bool { return r.key == key })
	if i < 0 {
		return Runner{}, false
	}
	return c.kept.Runners[i], true
}

// Update changes the entry with the credentials, if there is one.
func (c *Config) Update(of Credentials, change func(*Runner)) error {
	return c.change(func(k *kept) {
		for i := range k.Runners {
			if k.Runners[i].Credentials() == of {
				change(&k.Runners[i])
			}
		}
	})
}

// Remove drops the entry with the credentials.
func (c *Config) Remove(of Credentials) error {
	return c.change(func(k *kept) {
		k.Runners = slices.DeleteFunc(k.Runners, func(r Runner) bool { return r.Credentials() == of })
	})
}

// change changes what is kept and writes it.
func (c *Config) change(fn func(*kept)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := c.kept
	next.Runners = slices.Clone(c.kept.Runners)
	fn(&next)
	if c.path != "" {
		text, err := json.MarshalIndent(next, "", "  ")
		if err == nil {
			// Beside it and then in its place, so that no half is ever read.
			part := c.path + ".new"
			err = errors.Join(os.WriteFile(part, text, 0o600), os.Rename(part, c.path))
		}
		if err != nil {
			return fmt.Errorf("write the config: %w", err)
		}
	}
	c.kept = next
	select {
	case c.changed <- struct{}{}:
	default:
	}
	return nil
}

// isRunnerToken reports whether a token is one of a runner that was created
// beforehand. The program decides by nothing else.
func isRunnerToken(token string) bool { return strings.HasPrefix(token, "glrt-") }
