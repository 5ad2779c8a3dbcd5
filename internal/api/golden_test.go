package api_test

import (
	"path/filepath"
	"strings"
	"testing"

	"baton.example/baton/internal/testkit/golden"
)

// TestGolden holds the API to the conversations in testdata, on both databases.
// Each directory there is a subject; a file is written as package golden says,
// in the words of [world]. No token of any of them may be left behind, and every
// answer has to be one that openapi.yaml describes.
func TestGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no conversations: %v", err)
	}
	t.Cleanup(func() { seesEverything(t) })
	for _, file := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.ToSlash(file), "testdata/"), ".txt")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for i, kind := range kinds {
				if i > 0 && golden.Updating() {
					break
				}
				t.Run(kind.name, func(t *testing.T) {
					w := kind.open(t)
					var secrets []string
					for _, value := range golden.Run(t, file, w) {
						if token.MatchString(value) {
							secrets = append(secrets, value)
						}
					}
					w.keepsNone(t, secrets)
				})
			}
		})
	}
}
