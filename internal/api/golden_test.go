package api_test

import (
	"path/filepath"
	"strings"
	"testing"

	"baton.example/baton/internal/testkit/golden"
)

// TestGolden holds the API to the conversations in testdata, on both databases.
// Each directory there is a subject; a file is written as package golden says,
// in the words of [world].
func TestGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no conversations: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.ToSlash(file), "testdata/"), ".txt")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for i, kind := range kinds {
				if i > 0 && golden.Updating() {
					break
				}
				t.Run(kind.name, func(t *testing.T) { golden.Run(t, file, kind.open(t)) })
			}
		})
	}
}
