package ciconfig_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"baton.example/baton/internal/ciconfig"
)

// TestHostileConfigs gives configurations that would grow, go deep or be long
// to read. Each has to end in one problem.
func TestHostileConfigs(t *testing.T) {
	var laughs strings.Builder
	laughs.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := range 9 {
		fmt.Fprintf(&laughs, "a%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i), 10), ", "))
	}
	laughs.WriteString("job: {script: *a9}\n")
	var many strings.Builder
	for i := range ciconfig.MaxJobs + 1 {
		fmt.Fprintf(&many, "job%d: {script: x}\n", i)
	}
	var manyKeys strings.Builder
	manyKeys.WriteString("job:\n")
	for i := range 60_000 {
		fmt.Fprintf(&manyKeys, "  k%d: 1\n", i)
	}
	for name, tt := range map[string]struct{ config, want string }{
		"aliases of aliases": {".x: 1\n" + laughs.String(), "too large"},
		"an alias in itself": {"job: {script: &a [*a]}", "levels deep"},
		"merged with itself": {"job: &a {script: x, <<: *a}", "nested too deep"},
		"too long":           {"# " + strings.Repeat("x", ciconfig.MaxSize), "too long"},
		"too many jobs":      {many.String(), "one job too many"},
		"many keys":          {manyKeys.String(), "unknown keys"},
		"deep":               {"job: " + strings.Repeat("[", 20_000), "Invalid YAML syntax"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ciconfig.Parse(tt.config)
			var problems ciconfig.Errors
			if !errors.As(err, &problems) {
				t.Fatalf("got %v, want problems", err)
			}
			found := false
			for _, p := range problems {
				found = found || strings.Contains(p.Text, tt.want)
			}
			if !found || len(problems) > ciconfig.MaxErrors {
				t.Errorf("%d problems, the first %q, want one with %q", len(problems), problems[0].Text, tt.want)
			}
		})
	}
}

// FuzzParse finds panics and endless loops, and configurations that are neither
// right nor wrong.
func FuzzParse(f *testing.F) {
	f.Add("job: {script: x}")
	f.Add("stages: [a]\n.h: &h {stage: a}\njob: {<<: *h, script: [x, [y]], needs: [job]}")
	f.Add("variables: {A: {value: 1, options: [a]}}\njob: {script: x, retry: {max: 1}, timeout: 1h 30m}")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ciconfig.Parse(text)
		var problems ciconfig.Errors
		switch {
		case err == nil && len(c.Jobs) == 0:
			t.Error("a configuration without jobs passed")
		case err != nil && (!errors.As(err, &problems) || len(problems) == 0):
			t.Errorf("error without a problem: %v", err)
		}
	})
}

func TestParseDuration(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"3 hours": 3 * time.Hour, "1h 30m": 90 * time.Minute, "1h30m": 90 * time.Minute,
		"2 weeks and 1 day": 15 * day, "1 day, 2 hours": 26 * time.Hour, "90": 90 * time.Second,
		"1:30": 90 * time.Second, "1:30:00": 90 * time.Minute, "1.5 hours": 90 * time.Minute,
		"3 mins 4 sec": 184 * time.Second, "6 mos 1 day": 181 * day, "2 HRS": 2 * time.Hour,
		"": 0, "soon": 0, "1 parsec": 0, "-1 hour": 0, "0": 0, "1 hour later": 0, "999999 years": 0,
	} {
		if got, ok := ciconfig.ParseDuration(text); got != want || ok != (want > 0) {
			t.Errorf("ParseDuration(%q) = %v, %t, want %v", text, got, ok, want)
		}
	}
}
