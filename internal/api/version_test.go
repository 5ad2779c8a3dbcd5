package api

import (
	"encoding/json"
	"net/http"
	"testing"
)

func TestVersion(t *testing.T) {
	t.Parallel()
	k := newTalk(t)
	for _, path := range []string{"/version", "/metadata"} {
		k.ask("root", http.MethodGet, path, "")
		var got versionEntity
		if err := json.Unmarshal(k.last.Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if k.last.Code != http.StatusOK || got.Version != "18.11.0-ee" || !got.Enterprise || got.Kas.Enabled {
			t.Errorf("GET %s: %d %s, want GitLab 18.11.0-ee without agent server", path, k.last.Code, k.last.Body)
		}
		if got.Baton.Version == "" || got.Revision != got.Baton.Revision {
			t.Errorf("GET %s: %s, want Baton's own version beside it", path, k.last.Body)
		}
	}
}
