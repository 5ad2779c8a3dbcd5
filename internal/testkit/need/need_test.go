package need_test

import (
	"runtime"
	"testing"

	"baton.example/baton/internal/testkit/need"
)

// outcome records how a test would have ended, by standing in for its
// testing.TB.
type outcome struct {
	testing.TB
	got string
}

func (o *outcome) Helper() {}

func (o *outcome) Skip(...any) {
	o.got = "skip"
	runtime.Goexit()
}

func (o *outcome) Fatalf(string, ...any) {
	o.got = "fatal"
	runtime.Goexit()
}

func TestProgram(t *testing.T) {
	tests := []struct {
		require, program string
		from             need.Source
		want             string
	}{
		{"", "go", need.Debian, "found"},
		{"all", "go", need.Optional, "found"},
		{"", "no-such-program", need.Debian, "skip"},
		{"", "no-such-program", need.Npm, "skip"},
		{"", "no-such-program", need.Optional, "skip"},
		{"all", "no-such-program", need.Debian, "fatal"},
		{"all", "no-such-program", need.Npm, "fatal"},
		{"all", "no-such-program", need.Optional, "skip"},
		{"some", "no-such-program", need.Optional, "fatal"},
	}
	for _, tt := range tests {
		t.Run(tt.require+"/"+tt.program, func(t *testing.T) {
			t.Setenv(need.RequireVar, tt.require)
			o := &outcome{TB: t}
			done := make(chan struct{})
			go func() { // Goexit must end this goroutine, not the test's
				defer close(done)
				if need.Program(o, tt.program, tt.from) != "" {
					o.got = "found"
				}
			}()
			<-done
			if o.got != tt.want {
				t.Errorf("got %s, want %s", o.got, tt.want)
			}
		})
	}
}
