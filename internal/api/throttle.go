package api

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/go-chi/httprate"

	"baton.example/baton/internal/store"
)

// A limiter holds requests to the throttles of the application settings, which
// are off by default. Each process counts for itself.
// https://docs.gitlab.com/security/rate_limits/.
type limiter struct {
	mu sync.Mutex
	// counters are by the length of their window: a changed setting starts to
	// count afresh.
	counters map[time.Duration]httprate.LimitCounter
}

func newLimiter() *limiter {
	return &limiter{counters: map[time.Duration]httprate.LimitCounter{}}
}

// admit counts the request and says in headers how many are left, if a
// throttle is on; one too many is refused.
func (l *limiter) admit(c *call, p store.Principal) error {
	name, throttle := "throttle_unauthenticated_api", p.Settings.UnauthenticatedThrottle
	key := "ip " + c.ip.String()
	if p.Token != nil && p.Token.Active(c.now) {
		name, throttle = "throttle_authenticated_api", p.Settings.AuthenticatedThrottle
		key = "user " + strconv.FormatInt(int64(p.Token.UserID), 10)
	}
	if !throttle.Enabled {
		return nil
	}
	period := time.Duration(throttle.Period) * time.Second
	window := c.now.Truncate(period)
	seen, err := l.count(key, period, window)
	if err != nil {
		return err
	}
	reset := window.Add(period)
	header := map[string]string{
		// A minute, whatever the period: GitLab's client for Go paces itself by it.
		// https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/
		"RateLimit-Limit":     strconv.Itoa((throttle.Requests*60 + throttle.Period - 1) / throttle.Period),
		"RateLimit-Name":      name,
		"RateLimit-Observed":  strconv.Itoa(seen),
		"RateLimit-Remaining": strconv.Itoa(max(0, throttle.Requests-seen)),
		"RateLimit-Reset":     strconv.FormatInt(reset.Unix(), 10),
	}
	if seen > throttle.Requests {
		header["RateLimit-ResetTime"] = reset.UTC().Format(http.TimeFormat)
		header["Retry-After"] = strconv.Itoa(int(reset.Sub(c.now).Seconds()) + 1)
		return &failure{status: http.StatusTooManyRequests, body: plainText("Retry later"), header: header}
	}
	for name, value := range header {
		c.reply.Set(name, value)
	}
	return nil
}

// count adds one to the key's requests in the window and returns how many
// there are.
func (l *limiter) count(key string, period time.Duration, window time.Time) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	counter := l.counters[period]
	if counter == nil {
		counter = httprate.NewLocalLimitCounter(period)
		l.counters[period] = counter
	}
	if err := counter.Increment(key, window); err != nil {
		return 0, err
	}
	seen, _, err := counter.Get(key, window, window.Add(-period))
	return seen, err
}
