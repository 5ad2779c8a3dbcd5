package maintain_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"baton.example/baton/internal/maintain"
)

func TestRunDoesDutiesAgainAndAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 150*time.Minute)
		defer cancel()
		hourly, daily, late := 0, 0, 0
		maintain.Run(
			ctx, slog.New(slog.DiscardHandler),
			maintain.Duty{Name: "hourly", Every: time.Hour, Do: func(context.Context) error { hourly++; return nil }},
			maintain.Duty{Name: "daily", Every: 24 * time.Hour, Do: func(context.Context) error { daily++; return nil }},
			maintain.Duty{Name: "late", After: 2 * time.Hour, Every: 20 * time.Minute, Do: func(context.Context) error { late++; return nil }},
			maintain.Duty{Name: "too late", After: 3 * time.Hour, Every: time.Minute, Do: func(context.Context) error {
				t.Error("a duty was done before its time")
				return nil
			}},
		)
		if hourly != 3 || daily != 1 || late != 2 {
			t.Errorf("in 150 minutes the hourly duty ran %d times, the daily one %d times and the late one %d times, want 3, 1 and 2", hourly, daily, late)
		}
	})
}

func TestRunGoesOnAfterAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Minute)
		defer cancel()
		var log bytes.Buffer
		rounds := 0
		maintain.Run(ctx, slog.New(slog.NewTextHandler(&log, nil)), maintain.Duty{
			Name: "forget", Every: time.Hour,
			Do: func(context.Context) error {
				if rounds++; rounds == 1 {
					return errors.New("the database is away")
				}
				return nil
			},
		})
		if rounds != 2 {
			t.Errorf("%d rounds, want 2", rounds)
		}
		if line := log.String(); strings.Count(line, "\n") != 1 || !strings.Contains(line, "duty=forget") {
			t.Errorf("log is %q, want one line about the duty", line)
		}
	})
}
