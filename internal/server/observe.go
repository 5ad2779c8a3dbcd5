package server

import (
	"crypto/rand"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"baton.example/baton/internal/telemetry"
)

// observe names, times, logs and counts every request, and turns a panic into
// a 500 that tells nothing.
func (s *Server) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		ctx, info := telemetry.WithRequest(r.Context(), requestID(r))
		out := &response{ResponseWriter: w, began: began, id: info.ID}
		ctx = telemetry.With(ctx, slog.String("request_id", info.ID))
		s.config.Metrics.StartRequest()
		defer func() {
			failure := recover()
			aborted := failure == http.ErrAbortHandler //nolint:errorlint // a panic's value is this or is not, as for net/http
			if failure != nil && !aborted {
				s.config.Log.ErrorContext(ctx, "a request panicked", "panic", failure, "stack", string(debug.Stack()))
				if out.status == 0 {
					out.Header().Set("Content-Type", "application/json")
					out.WriteHeader(http.StatusInternalServerError)
					_, _ = out.Write([]byte(`{"message":"500 Internal Server Error"}`))
				}
			}
			took := time.Since(began)
			s.config.Metrics.ObserveRequest(info.Route(), r.Method, out.code(), took)
			s.logRequest(r.WithContext(ctx), out, info, took)
			if aborted {
				panic(failure)
			}
		}()
		next.ServeHTTP(out, r.WithContext(ctx))
	})
}

// logRequest writes the one line of a request. The query stays out of it: it
// may hold a token.
func (s *Server) logRequest(r *http.Request, out *response, info *telemetry.Request, took time.Duration) {
	level := slog.LevelInfo
	if strings.HasPrefix(r.URL.Path, "/-/") {
		level = slog.LevelDebug // load balancers ask every few seconds
	}
	if !s.config.Log.Enabled(r.Context(), level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("method", r.Method),
		slog.String("path", r.URL.Path),
		slog.Int("status", out.code()),
		slog.Int64("bytes", out.bytes),
		slog.Duration("took", took),
		slog.String("remote_ip", s.config.ClientIP(r).String()),
	}
	if user := info.User(); user != 0 {
		attrs = append(attrs, slog.Int64("user_id", user))
	}
	if agent := r.UserAgent(); agent != "" {
		attrs = append(attrs, slog.String("user_agent", agent))
	}
	s.config.Log.LogAttrs(r.Context(), level, "request", attrs...)
}

// safeID is what a caller's request id may look like, as Rails wants it.
var safeID = regexp.MustCompile(`^[A-Za-z0-9_@-]{1,255}$`)

// requestID returns the caller's id of the request, so that its log and ours
// can be laid side by side, or a new one.
func requestID(r *http.Request) string {
	if id := r.Header.Get("X-Request-Id"); safeID.MatchString(id) {
		return id
	}
	return rand.Text()
}

// A response remembers what was answered.
type response struct {
	http.ResponseWriter
	began  time.Time
	id     string
	status int
	bytes  int64
}

// Unwrap lets [http.ResponseController] through.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader implements [http.ResponseWriter]. It adds what GitLab says of
// the request itself.
func (w *response) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK {
		w.status = status
		h := w.Header()
		h["X-Request-Id"] = []string{w.id}
		h["X-Gitlab-Meta"] = []string{`{"correlation_id":"` + w.id + `","version":"1"}`}
		h["X-Runtime"] = []string{strconv.FormatFloat(time.Since(w.began).Seconds(), 'f', 6, 64)}
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (w *response) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// code returns the status that the client saw.
func (w *response) code() int {
	if w.status == 0 {
		return http.StatusOK
	}
	return w.status
}
