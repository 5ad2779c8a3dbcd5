package telemetry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"baton.example/baton"
)

// logger returns a JSON logger and a function that returns the records so far
// without their times.
func logger(t *testing.T) (*slog.Logger, func() []map[string]any) {
	t.Helper()
	var buf bytes.Buffer
	log, err := NewLogger(&buf, JSONLog, slog.LevelInfo)
	if err != nil {
		t.Fatal(err)
	}
	return log, func() (records []map[string]any) {
		for line := range strings.Lines(buf.String()) {
			var r map[string]any
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				t.Fatal(err)
			}
			delete(r, "time")
			records = append(records, r)
		}
		return records
	}
}

func TestRecordsCarryTheContext(t *testing.T) {
	log, records := logger(t)
	request := With(t.Context(), slog.String("request_id", "r1"))
	runner := With(request, slog.Int("runner_id", 7), slog.Int("job_id", 8))

	log.InfoContext(t.Context(), "start")
	log.InfoContext(request, "request", "status", 200)
	log.With("part", "api").WarnContext(runner, "runner")
	log.WithGroup("db").InfoContext(request, "query", "rows", 1)
	log.DebugContext(request, "below the level")
	log.InfoContext(request, "request again")

	want := []map[string]any{
		{"level": "INFO", "msg": "start"},
		{"level": "INFO", "msg": "request", "status": 200.0, "request_id": "r1"},
		{"level": "WARN", "msg": "runner", "part": "api", "request_id": "r1", "runner_id": 7.0, "job_id": 8.0},
		{"level": "INFO", "msg": "query", "db": map[string]any{"rows": 1.0, "request_id": "r1"}},
		{"level": "INFO", "msg": "request again", "request_id": "r1"},
	}
	if diff := cmp.Diff(want, records()); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

func TestTwoContextsFromOneDoNotMix(t *testing.T) {
	log, records := logger(t)
	parent := With(With(t.Context(), slog.Int("a", 1)), slog.Int("b", 2), slog.Int("c", 3))
	left, right := With(parent, slog.Int("d", 4)), With(parent, slog.Int("e", 5))
	log.InfoContext(left, "left")
	log.InfoContext(right, "right")
	want := []map[string]any{
		{"level": "INFO", "msg": "left", "a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0},
		{"level": "INFO", "msg": "right", "a": 1.0, "b": 2.0, "c": 3.0, "e": 5.0},
	}
	if diff := cmp.Diff(want, records()); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

func TestTokensAreMasked(t *testing.T) {
	const body = "AbCdEfGhIj0123_-4567"
	tests := []struct{ text, want string }{
		{"glpat-" + body, "glpat-[hidden]"},
		{"glrt-" + body, "glrt-[hidden]"},
		{"glrt-t1_" + body, "glrt-[hidden]"},
		{"glrtr-" + body, "glrtr-[hidden]"},
		{"glcbt-64_" + body, "glcbt-[hidden]"},
		{"GR1348941" + body, "GR1348941[hidden]"},
		{"glpat-" + body + ".01.0z1abcdef", "glpat-[hidden]"},
		{"GET /x?private_token=glpat-" + body + "&page=2", "GET /x?private_token=glpat-[hidden]&page=2"},
		{"GET /x?token=glrt%2D" + body, "GET /x?token=glrt%2D[hidden]"},
		{"glpat-" + body + ", glrt-" + body, "glpat-[hidden], glrt-[hidden]"},
		{`{"token":"glrt-` + body + `"}`, `{"token":"glrt-[hidden]"}`},
		{"the prefix glpat- alone", "the prefix glpat- alone"},
		{"glrt is a prefix", "glrt is a prefix"},
		{"nothing", "nothing"},
	}
	for _, test := range tests {
		log, records := logger(t)
		log.With("with", test.text).WithGroup("group").Error(test.text, //nolint:sloglint // the message is the subject
			"text", test.text,
			"error", fmt.Errorf("wrapped: %w", errors.New(test.text)),
			slog.Group("inner", "list", []string{test.text}))
		want := []map[string]any{{
			"level": "ERROR", "msg": test.want, "with": test.want,
			"group": map[string]any{
				"text": test.want, "error": "wrapped: " + test.want,
				"inner": map[string]any{"list": []any{test.want}},
			},
		}}
		if diff := cmp.Diff(want, records()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.text, diff)
		}
	}
}

// Whatever tokens are made of, the mask has to know it.
func TestTokensThatBatonMakesAreMasked(t *testing.T) {
	for _, prefix := range []string{baton.RunnerTokenPrefix, baton.AccessTokenPrefix} {
		for range 100 {
			var buf bytes.Buffer
			log, err := NewLogger(&buf, TextLog, slog.LevelInfo)
			if err != nil {
				t.Fatal(err)
			}
			token := baton.NewToken(prefix).Reveal()
			log.Info("made", "token", token)
			if !strings.HasSuffix(buf.String(), "token="+prefix+"[hidden]\n") {
				t.Fatalf("%s is logged as %s", token, buf.String())
			}
		}
	}
}

func TestFormats(t *testing.T) {
	var buf bytes.Buffer
	log, err := NewLogger(&buf, TextLog, slog.LevelWarn)
	if err != nil {
		t.Fatal(err)
	}
	log.Info("below the level")
	log.Warn("kept", "n", 1)
	if got := buf.String(); strings.Count(got, "\n") != 1 || !strings.HasSuffix(got, "level=WARN msg=kept n=1\n") {
		t.Errorf("text log is %q", got)
	}
	if _, err := NewLogger(&buf, "xml", slog.LevelInfo); err == nil {
		t.Error("the format xml was accepted")
	}
}

func TestMaskedPassesErrorsOn(t *testing.T) {
	full := errors.New("disk full")
	for _, line := range []string{"plain\n", "glpat-x\n"} {
		if _, err := (masked{failing{full}}).Write([]byte(line)); !errors.Is(err, full) {
			t.Errorf("%q: error is %v", line, err)
		}
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func BenchmarkLog(b *testing.B) {
	log, err := NewLogger(discard{}, JSONLog, slog.LevelInfo)
	if err != nil {
		b.Fatal(err)
	}
	ctx := With(b.Context(), slog.String("request_id", "01JD8M8Y2X6Q0ZJ3N5V7T9R1AB"))
	for b.Loop() {
		log.InfoContext(ctx, "request", "method", "POST", "route", "/api/v4/user/runners", "status", 201, "duration", 1234)
	}
}

// discard throws lines away after they were made.
type discard struct{}

func (discard) Write(line []byte) (int, error) { return len(line), nil }
