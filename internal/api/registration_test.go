package api_test

import (
	"net/http"
	"sync"
	"testing"
)

// runnersToken asks as root for the registration token of something.
func (w *world) runnersToken(t *testing.T, path string) (status int, token string) {
	t.Helper()
	var entity struct {
		RunnersToken string `json:"runners_token"`
	}
	status = w.ask(t, http.MethodGet, path, "", &entity)
	return status, entity.RunnersToken
}

// All who are the first to look at a registration token see the same one.
func TestRegistrationTokenIsMadeOnce(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			w := kind.open(t)
			if _, err := w.Do("group tools"); err != nil {
				t.Fatal(err)
			}
			seen := make([]string, 8)
			var group sync.WaitGroup
			for i := range seen {
				group.Go(func() { _, seen[i] = w.runnersToken(t, "/groups/tools") })
			}
			group.Wait()
			for _, text := range seen {
				if !token.MatchString(text) || text != seen[0] {
					t.Fatalf("tokens %q", seen)
				}
			}
		})
	}
}

// Who can write to the database, and does not have the secret key, cannot make
// a project show the token of a group.
func TestSealedRegistrationTokenOpensInItsPlaceAlone(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			w := kind.open(t)
			for _, line := range []string{"group tools", "project tools/app"} {
				if _, err := w.Do(line); err != nil {
					t.Fatal(err)
				}
			}
			_, ofGroup := w.runnersToken(t, "/groups/tools")
			_, ofProject := w.runnersToken(t, "/projects/tools%2Fapp")
			if !token.MatchString(ofGroup) || !token.MatchString(ofProject) || ofGroup == ofProject {
				t.Fatalf("tokens %q and %q", ofGroup, ofProject)
			}
			const move = `UPDATE registration_tokens SET sealed = (SELECT sealed FROM registration_tokens WHERE namespace_id IS NOT NULL)
				WHERE project_id IS NOT NULL`
			if _, err := w.database.ExecContext(t.Context(), move); err != nil {
				t.Fatal(err)
			}
			if status, text := w.runnersToken(t, "/projects/tools%2Fapp"); status != http.StatusInternalServerError || text != "" {
				t.Errorf("the project answers %d with %q", status, text)
			}
			w.keepsNone(t, []string{ofGroup, ofProject})
		})
	}
}
