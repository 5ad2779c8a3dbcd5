package directory_test

import (
	"testing"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/directory"
)

// token makes a token of a group with the role of an Owner, which ends on a day.
func (w *town) token(by *access.Actor, in directory.Ref, until baton.Date) directory.IssuedResourceToken {
	w.t.Helper()
	made, err := w.CreateResourceToken(w.t.Context(), by, directory.Place{Group: in}, directory.NewResourceToken{
		NewAccessToken: access.NewAccessToken{Name: "ci", Scopes: []baton.Scope{baton.ScopeCreateRunner}, ExpiresAt: until},
		AccessLevel:    baton.OwnerAccess, Host: "ci.example.com",
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return made
}

func TestForgetBots(t *testing.T) {
	w := newTown(t)
	alice := w.person("alice")
	alice.Settings.RequirePersonalAccessTokenExpiry = false
	tools := w.group(alice, "tools", "")
	place := directory.Place{Group: tools}
	bots := map[string]directory.IssuedResourceToken{
		"endless": w.token(alice, tools, ""),
		"ended":   w.token(alice, tools, "2026-01-06"),
		"revoked": w.token(alice, tools, "2027-01-01"),
		"rotated": w.token(alice, tools, "2026-01-06"),
	}
	if err := w.RevokeResourceToken(t.Context(), later(alice, 2), place, bots["revoked"].ID); err != nil {
		t.Fatal(err)
	}
	if _, err := w.RotateResourceToken(t.Context(), alice, place, bots["rotated"].ID, "2026-02-01"); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		days int
		keep int // the setting
		gone []string
	}{
		{30, 30, nil},
		{31, 30, []string{"ended"}},
		{32, 30, []string{"ended", "revoked"}},
		{1000, 0, []string{"ended", "revoked"}},
		{33, 7, []string{"ended", "revoked"}},
		{34, 7, []string{"ended", "revoked", "rotated"}},
		{1000, 30, []string{"ended", "revoked", "rotated"}},
	} {
		if _, err := w.UpdateSettings(t.Context(), w.admin, directory.SettingsChange{
			InactiveResourceAccessTokensDeleteAfterDays: &step.keep,
		}); err != nil {
			t.Fatal(err)
		}
		if err := w.ForgetBots(t.Context(), monday.AddDate(0, 0, step.days)); err != nil {
			t.Fatal(err)
		}
		gone := map[string]bool{}
		for _, name := range step.gone {
			gone[name] = true
		}
		for name, made := range bots {
			_, err := w.User(t.Context(), alice, made.UserID)
			if baton.IsNotFound(err) != gone[name] {
				t.Errorf("after %d days, of which %d are kept, the bot that was %s: %v", step.days, step.keep, name, err)
			}
		}
	}
	if _, err := w.User(t.Context(), alice, alice.User.ID); err != nil {
		t.Errorf("a person without a token was forgotten: %v", err)
	}
}

// A bot that is an Owner does not count where somebody has to be one.
func TestGroupsNeedAPerson(t *testing.T) {
	w := newTown(t)
	alice := w.person("alice")
	tools := w.group(alice, "tools", "")
	made := w.token(alice, tools, "")

	err := w.DeleteUser(t.Context(), w.admin, alice.User.ID, false)
	wantCode(t, "delete the only person who owns a group", err, baton.CodeConflict)
	err = w.RemoveMember(t.Context(), alice, directory.Place{Group: tools}, alice.User.ID)
	wantCode(t, "leave as the only person", err, baton.CodeDenied)

	// Where no person is one, the group does not go with the bot.
	other := w.group(w.admin, "other", "")
	bot := w.token(w.admin, other, "")
	for _, id := range []baton.UserID{made.UserID, bot.UserID} {
		if err := w.DeleteUser(t.Context(), w.admin, id, true); err != nil {
			t.Errorf("delete a bot: %v", err)
		}
	}
	for _, ref := range []directory.Ref{tools, other} {
		if _, err := w.Group(t.Context(), w.admin, ref); err != nil {
			t.Errorf("the group went with its bot: %v", err)
		}
	}
}
