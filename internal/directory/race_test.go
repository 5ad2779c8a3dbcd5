package directory_test

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/directory"
	"baton.example/baton/internal/store"
	"baton.example/baton/internal/store/postgres"
	"baton.example/baton/internal/store/sqlite"
	"baton.example/baton/internal/testkit/pgtest"
)

// rounds is how often two who do something at once are let go. Without
// isolation a few rounds are enough for each of the races.
const rounds = 60

// TestAtOnce lets two do what must not happen half: whatever the order, the
// outcome is that of one after the other.
func TestAtOnce(t *testing.T) {
	quiet := slog.New(slog.DiscardHandler)
	for name, open := range map[string]func(t *testing.T) (store.Store, error){
		"SQLite": func(t *testing.T) (store.Store, error) {
			t.Helper()
			return sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "baton.db"), quiet)
		},
		"PostgreSQL": func(t *testing.T) (store.Store, error) {
			t.Helper()
			return postgres.Open(t.Context(), pgtest.URL(t), quiet)
		},
	} {
		for _, race := range []struct {
			name string
			run  func(t *testing.T, w *town, round int)
		}{
			{"block and change", blockAndChange},
			{"two settings", changeTwoSettings},
			{"rotate and rotate", rotateTwice},
			{"rotate and revoke the family", rotateAndRevoke},
			{"two owners leave", leaveTogether},
		} {
			t.Run(name+"/"+race.name, func(t *testing.T) {
				t.Parallel()
				db, err := open(t)
				if err != nil {
					t.Fatal(err)
				}
				w := newTownOn(t, db)
				for round := range rounds {
					race.run(t, w, round)
				}
			})
		}
	}
}

// atOnce runs both and returns their errors.
func atOnce(one, other func() error) (oneErr, otherErr error) {
	var group sync.WaitGroup
	ready := make(chan bool)
	group.Go(func() { <-ready; oneErr = one() })
	group.Go(func() { <-ready; otherErr = other() })
	close(ready)
	group.Wait()
	return oneErr, otherErr
}

func blockAndChange(t *testing.T, w *town, round int) {
	t.Helper()
	u := w.person(fmt.Sprint("u", round)).User
	note := "a note"
	blocked, changed := atOnce(
		func() error { return w.BlockUser(t.Context(), w.admin, u.ID) },
		func() error {
			_, err := w.UpdateUser(t.Context(), w.admin, u.ID, directory.UserChange{Note: &note})
			return err
		})
	is, err := w.User(t.Context(), w.admin, u.ID)
	if blocked != nil || changed != nil || err != nil {
		t.Fatal(blocked, changed, err)
	}
	if is.State != baton.UserBlocked || is.Note != note {
		t.Errorf("the user is %q with the note %q, and both changes were answered", is.State, is.Note)
	}
}

func changeTwoSettings(t *testing.T, w *town, round int) {
	t.Helper()
	mode, text := round%2 == 0, fmt.Sprint("text ", round)
	change := func(c directory.SettingsChange) func() error {
		return func() error {
			_, err := w.UpdateSettings(t.Context(), w.admin, c)
			return err
		}
	}
	one, other := atOnce(change(directory.SettingsChange{AdminMode: &mode}), change(directory.SettingsChange{SharedRunnersText: &text}))
	is, err := w.Settings(t.Context(), w.admin)
	if one != nil || other != nil || err != nil {
		t.Fatal(one, other, err)
	}
	if is.AdminMode != mode || is.SharedRunnersText != text {
		t.Errorf("admin mode %v and text %q, want %v and %q: both were answered", is.AdminMode, is.SharedRunnersText, mode, text)
	}
}

// issue makes a token of a new user.
func (w *town) issue(round int) (*access.Tokens, *access.Actor, access.IssuedToken) {
	w.t.Helper()
	u := w.person(fmt.Sprint("u", round))
	tokens := access.NewTokens(w.db)
	made, err := tokens.CreateOwn(w.t.Context(), u, access.NewAccessToken{Name: "ci", Scopes: []baton.Scope{baton.ScopeSelfRotate}})
	if err != nil {
		w.t.Fatal(err)
	}
	return tokens, u, made
}

// working returns how many tokens of the user work.
func (w *town) working(u *access.Actor) int {
	w.t.Helper()
	yes := true
	n, err := w.db.CountAccessTokens(w.t.Context(), store.AccessTokenFilter{UserID: u.User.ID, Active: &yes, Today: u.Today()})
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

func rotateTwice(t *testing.T, w *town, round int) {
	t.Helper()
	tokens, u, made := w.issue(round)
	rotate := func() error {
		_, err := tokens.Rotate(t.Context(), u, made.ID, "")
		return err
	}
	one, other := atOnce(rotate, rotate)
	if (one == nil) == (other == nil) {
		t.Errorf("of two rotations of a token, one works: %v, %v", one, other)
	}
	if n := w.working(u); n != 0 {
		t.Errorf("%d tokens work after a rotation of one that was rotated before, want none", n)
	}
}

func rotateAndRevoke(t *testing.T, w *town, round int) {
	t.Helper()
	tokens, u, made := w.issue(round)
	_, revoked := atOnce(
		func() error { _, err := tokens.Rotate(t.Context(), u, made.ID, ""); return err },
		func() error { return tokens.RevokeFamily(t.Context(), &made.AccessToken, &u.User, "", u.Now) })
	if revoked != nil {
		t.Fatal(revoked)
	}
	if n := w.working(u); n != 0 {
		t.Errorf("%d tokens of the revoked family work, want none", n)
	}
}

func leaveTogether(t *testing.T, w *town, round int) {
	t.Helper()
	one, other := w.person(fmt.Sprint("one", round)), w.person(fmt.Sprint("other", round))
	g := w.group(one, fmt.Sprint("group", round), "")
	w.join(one, g, other, "")
	in := directory.Place{Group: g}
	leave := func(a *access.Actor) func() error {
		return func() error { return w.RemoveMember(t.Context(), a, in, a.User.ID) }
	}
	oneErr, otherErr := atOnce(leave(one), leave(other))
	if (oneErr == nil) == (otherErr == nil) {
		t.Errorf("of the last two Owners one may leave: %v, %v", oneErr, otherErr)
	}
	if _, total, err := w.Members(t.Context(), w.admin, in, store.Page{Limit: 10}); err != nil || total != 1 {
		t.Errorf("%d members are left, want 1 (%v)", total, err)
	}
}
