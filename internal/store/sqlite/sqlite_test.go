package sqlite_test

import (
	"log/slog"
	"path/filepath"
	"testing"

	"baton.example/baton/internal/store"
	"baton.example/baton/internal/store/sqlite"
	"baton.example/baton/internal/store/storetest"
)

func open(t *testing.T) store.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "baton.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestConformance(t *testing.T) { storetest.Run(t, open) }
