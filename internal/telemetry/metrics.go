package telemetry

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are the program's metrics. Its methods are safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	inFlight prometheus.Gauge
	duration *prometheus.HistogramVec
}

// NewMetrics returns the metrics of a program that has done nothing yet.
func NewMetrics() *Metrics {
	build := Build()
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "baton_build_info",
		Help:        "Which Baton this is; always 1.",
		ConstLabels: prometheus.Labels{"version": build.Version, "revision": build.Revision, "goversion": build.Go},
	})
	info.Set(1)
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "baton_http_requests_in_flight",
			Help: "Requests that are being answered.",
		}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "baton_http_request_duration_seconds",
			Help: "Time from a request's headers to the end of its answer, by route, method and class of status.",
			// From a cached read to a long poll, which waits for 50 seconds.
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10, 60},
		}, []string{"route", "method", "status"}),
	}
	m.registry.MustRegister(info, m.inFlight, m.duration,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// A Backlog tells how many audit events wait to be sealed, and when the oldest
// of them was written, zero if there is none.
type Backlog func(ctx context.Context) (n int, oldest time.Time, err error)

// WatchSealing adds what waits to be sealed to the metrics: it is asked for when
// somebody reads them. While it cannot be told it is missing, and the others are
// there.
func (m *Metrics) WatchSealing(backlog Backlog, now func() time.Time) {
	m.registry.MustRegister(&sealing{
		backlog: backlog, now: now,
		waiting: prometheus.NewDesc("baton_audit_unsealed_events", "Audit events that wait to be sealed.", nil, nil),
		age:     prometheus.NewDesc("baton_audit_oldest_unsealed_seconds", "Time since the oldest audit event that waits to be sealed was written; 0 if none waits.", nil, nil),
	})
}

// sealing is the collector of what waits to be sealed.
type sealing struct {
	backlog      Backlog
	now          func() time.Time
	waiting, age *prometheus.Desc
}

// Describe implements [prometheus.Collector].
func (s *sealing) Describe(to chan<- *prometheus.Desc) {
	to <- s.waiting
	to <- s.age
}

// Collect implements [prometheus.Collector].
func (s *sealing) Collect(to chan<- prometheus.Metric) {
	// Who reads metrics does not wait for a database that is away.
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	n, oldest, err := s.backlog(ctx)
	if err != nil {
		return // readiness tells, and logs, that the database does not answer
	}
	age := time.Duration(0)
	if n > 0 {
		age = max(s.now().Sub(oldest), 0)
	}
	to <- prometheus.MustNewConstMetric(s.waiting, prometheus.GaugeValue, float64(n))
	to <- prometheus.MustNewConstMetric(s.age, prometheus.GaugeValue, age.Seconds())
}

// Handler serves the metrics to Prometheus. Who may ask is the caller's to say.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// StartRequest counts a request as being answered until [Metrics.ObserveRequest]
// is called for it.
func (m *Metrics) StartRequest() { m.inFlight.Inc() }

// ObserveRequest records an answered request. The route is [Request.Route]: a
// pattern, never a path, and "" for none. Clients choose paths and methods, and
// each label value takes memory for good, so an uncommon method is "other".
func (m *Metrics) ObserveRequest(route, method string, status int, d time.Duration) {
	m.inFlight.Dec()
	if route == "" {
		route = "none"
	}
	m.duration.WithLabelValues(route, knownMethod(method), class(status)).Observe(d.Seconds())
}

func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	default:
		return "other"
	}
}

// class returns the class of a status: "2xx" for 201.
func class(status int) string {
	if status < 100 || status > 599 {
		return "other"
	}
	return strconv.Itoa(status/100) + "xx"
}
