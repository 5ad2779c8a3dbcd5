package api_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Beyond ten thousand rows GitLab does not tell how many there are. Whether
// another page follows is told all the same.
func TestListsOfMoreThanIsCounted(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			w := kind.open(t)
			digest := "sha256(i::text::bytea)"
			if w.store.Kind() == "SQLite" {
				digest = "randomblob(32)"
			}
			if _, err := w.database.ExecContext(t.Context(), `INSERT INTO runners (type, description, maintenance_note, paused, locked,
					run_untagged, access_level, token_digest, token_created_at, asked_for_jobs, created_at, updated_at)
				WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10250)
				SELECT 'instance_type', '', '', i > 10000, false, true, 'not_protected', `+digest+`, $1, false, $1, $1 FROM n`, w.clock()); err != nil {
				t.Fatal(err)
			}
			const first = `<https://ci.example.com/api/v4/runners/all?page=1&per_page=100>; rel="first"`
			link := func(page, rel string) string {
				return "<https://ci.example.com/api/v4/runners/all?page=" + page + `&per_page=100>; rel="` + rel + `"`
			}
			for query, want := range map[string]map[string]string{
				"per_page=100":          {"X-Next-Page": "2", "Link": link("2", "next") + ", " + first},
				"per_page=100&page=102": {"X-Next-Page": "103", "X-Prev-Page": "101", "Link": link("101", "prev") + ", " + link("103", "next") + ", " + first},
				"per_page=100&page=103": {"X-Prev-Page": "102", "Link": link("102", "prev") + ", " + first},
				"per_page=100&paused=false": {
					"X-Next-Page": "2", "X-Total": "10000", "X-Total-Pages": "100",
				},
			} {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+w.Addr()+"/api/v4/runners/all?"+query, nil)
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Private-Token", w.Vars()["root"])
				response, err := w.client.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				_ = response.Body.Close()
				got := map[string]string{}
				for _, name := range []string{"X-Next-Page", "X-Prev-Page", "X-Total", "X-Total-Pages", "Link"} {
					if value := response.Header.Get(name); value != "" && (name != "Link" || want["Link"] != "") {
						got[name] = value
					}
				}
				if diff := cmp.Diff(want, got); response.StatusCode != http.StatusOK || diff != "" {
					t.Errorf("%s: %d, headers (-want +got):\n%s", query, response.StatusCode, diff)
				}
			}
		})
	}
}
