package storetest

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

// Parallel runs do b.N times from so many goroutines. It reports the
// processor's time too, which says more than the clock on a busy machine.
func Parallel(b *testing.B, goroutines int, do func() error) {
	b.Helper()
	b.ReportAllocs()
	b.SetParallelism(max(1, goroutines/runtime.GOMAXPROCS(0)))
	before := processorTime()
	defer func() { b.ReportMetric(float64(processorTime()-before)/float64(b.N), "cpu-ns/op") }()
	b.ResetTimer()
	if goroutines == 1 {
		for range b.N {
			if err := do(); err != nil {
				b.Fatal(err)
			}
		}
		return
	}
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := do(); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// NewCreation returns a creation as the API makes them: an instance runner
// without tags, and its audit event.
func NewCreation(creator baton.UserID) store.RunnerCreation {
	var digest baton.Digest
	for i := 0; i < len(digest); i += 8 {
		binary.LittleEndian.PutUint64(digest[i:], rand.Uint64())
	}
	return store.RunnerCreation{
		Runner: baton.Runner{
			Type: baton.InstanceRunner, CreatorID: creator, Description: "a runner of the benchmark", RunUntagged: true,
			AccessLevel: baton.NotProtected, CreatedAt: kept, UpdatedAt: kept,
		},
		Token: digest,
		Audit: func(id baton.RunnerID) baton.AuditEvent {
			return baton.AuditEvent{
				Name: "ci_runner_created", AuthorID: creator, AuthorName: "Administrator", IP: "127.0.0.1", TargetType: "Ci::Runner",
				TargetID: int64(id), TargetDetails: "/admin/runners/1", Message: "Created instance runner", CreatedAt: kept,
			}
		},
	}
}

// BenchCreateRunner measures CreateRunner from one goroutine and from 64.
func BenchCreateRunner(b *testing.B, open func(b *testing.B) store.Store) {
	b.Helper()
	for _, n := range []int{1, 64} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			s := open(b)
			creator := insertUser(b, s)
			Parallel(b, n, func() error {
				_, err := s.CreateRunner(context.Background(), NewCreation(creator))
				return err
			})
		})
	}
}

func insertUser(b *testing.B, s store.Store) (id baton.UserID) {
	b.Helper()
	err := s.Tx(b.Context(), func(ctx context.Context, tx store.Tx) (err error) {
		id, err = tx.InsertUser(ctx, baton.User{Username: "u", Name: "U", Email: "u@example.com", State: baton.UserActive, CreatedAt: kept, UpdatedAt: kept})
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return id
}

func processorTime() time.Duration {
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used) // fails for other processes only
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
