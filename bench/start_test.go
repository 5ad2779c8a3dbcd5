package bench

import (
	"net/http"
	"testing"
	"time"

	"baton.example/baton/internal/testkit/load"
)

// BenchmarkReady is the time from the start of the process to the first
// /-/readiness that says yes: on an empty data directory, where the schema,
// the secret key and the administrator are made, and on one with 10,000
// runners.
func BenchmarkReady(b *testing.B) {
	if _, err := build(); err != nil {
		b.Fatal(err)
	}
	b.Run("first start", func(b *testing.B) {
		for b.Loop() {
			dir := b.TempDir()
			began := time.Now()
			p := start(b, dir)
			b.ReportMetric(float64(time.Since(began).Milliseconds()), "ms")
			p.stop(b)
		}
	})
	dir := withRunners(b, 10_000)
	b.Run("10000 runners", func(b *testing.B) {
		for b.Loop() {
			began := time.Now()
			p := start(b, dir)
			b.ReportMetric(float64(time.Since(began).Milliseconds()), "ms")
			p.stop(b)
		}
	})
}

// BenchmarkMemory is the resident memory of the process after a restart with
// 10,000 runners: as it stands there, and after the fleet was listed.
func BenchmarkMemory(b *testing.B) {
	dir := withRunners(b, 10_000)
	p := start(b, dir)
	defer p.stop(b)
	b.ReportMetric(p.resident(b), "MB-idle")
	for range 10 {
		if status := p.get(b, "/api/v4/runners/all?per_page=100&page=50"); status != http.StatusOK {
			b.Fatal(status)
		}
	}
	b.ReportMetric(p.resident(b), "MB-listed")
	b.ReportMetric(0, "ns/op")
}

// withRunners returns a data directory with so many runners.
func withRunners(b *testing.B, n int) string {
	b.Helper()
	dir := b.TempDir()
	p := start(b, dir)
	defer p.stop(b)
	load.Load{
		Addr: p.addr(), Conns: 64, Want: http.StatusCreated,
		Request: load.Post("/api/v4/user/runners", rootToken, "runner_type=instance_type&tag_list=linux,docker"),
	}.Send(b, n)
	return dir
}
