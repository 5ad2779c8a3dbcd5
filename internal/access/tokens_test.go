package access_test

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/directory"
	"baton.example/baton/internal/password"
	"baton.example/baton/internal/store"
	"baton.example/baton/internal/store/sqlite"
)

// newTokens returns the tokens of an instance with a user, and that user.
func newTokens(t *testing.T) (*access.Tokens, store.Store, *access.Actor) {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "baton.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	now := time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
	admin := &access.Actor{Admin: true, Settings: baton.DefaultSettings(), Now: now}
	u, err := directory.New(db, password.NewHasher()).CreateUser(t.Context(), admin, directory.UserChange{
		Username: new("alice"), Name: new("Alice"), Email: new("alice@example.com"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return access.NewTokens(db), db, &access.Actor{User: u, Settings: baton.DefaultSettings(), Now: now}
}

func TestTokenIsStoredAsDigest(t *testing.T) {
	tokens, db, alice := newTokens(t)
	made, err := tokens.CreateOwn(t.Context(), alice, access.NewAccessToken{
		Name: "ci", Scopes: []baton.Scope{baton.ScopeCreateRunner},
	})
	if err != nil {
		t.Fatal(err)
	}
	p, err := db.Principal(t.Context(), made.Text.Digest())
	if err != nil || p.Token == nil {
		t.Fatalf("principal %v, %v", p, err)
	}
	if diff := cmp.Diff(made.AccessToken, *p.Token); diff != "" {
		t.Errorf("the token as made and as found (-made +found):\n%s", diff)
	}
}

func TestTokenLife(t *testing.T) {
	tests := []struct {
		name     string
		required bool
		asked    baton.Date
		want     baton.Date
		wantErr  bool
	}{
		{"the longest, where tokens must end", true, "", "2027-01-05", false},
		{"none, where they need not", false, "", "", false},
		{"as asked", true, "2026-02-01", "2026-02-01", false},
		{"up to the longest", true, "2027-01-05", "2027-01-05", false},
		{"not longer", true, "2027-01-06", "", true},
		{"longer, where they need not end", false, "2099-01-01", "2099-01-01", false},
		{"in the past: a token that never works", true, "2026-01-01", "2026-01-01", false},
	}
	tokens, _, alice := newTokens(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := *alice
			a.Settings.RequirePersonalAccessTokenExpiry = test.required
			made, err := tokens.CreateOwn(t.Context(), &a, access.NewAccessToken{
				Name: "ci", Scopes: []baton.Scope{baton.ScopeK8sProxy}, ExpiresAt: test.asked,
			})
			if made.ExpiresAt != test.want || (err != nil) != test.wantErr {
				t.Errorf("ends on %q, %v; want %q, error %t", made.ExpiresAt, err, test.want, test.wantErr)
			}
		})
	}
}

// Whichever token of a chain of rotations turns up again, all of them end, and
// no others do.
func TestReusedTokenEndsItsFamily(t *testing.T) {
	for reused := range 2 {
		tokens, db, alice := newTokens(t)
		ctx := t.Context()
		create := func() access.IssuedToken {
			made, err := tokens.CreateOwn(ctx, alice, access.NewAccessToken{
				Name: "ci", Scopes: []baton.Scope{baton.ScopeSelfRotate},
			})
			if err != nil {
				t.Fatal(err)
			}
			return made
		}
		chain, other := []access.IssuedToken{create()}, create()
		for range 2 {
			next, err := tokens.Rotate(ctx, alice, chain[len(chain)-1].ID, "")
			if err != nil {
				t.Fatal(err)
			}
			chain = append(chain, next)
		}
		if _, err := tokens.Rotate(ctx, alice, chain[reused].ID, ""); baton.CodeOf(err) != baton.CodeInvalid {
			t.Errorf("rotate token %d again: %v", reused, err)
		}
		for i, tok := range append(chain, other) {
			got, err := db.AccessToken(ctx, tok.ID)
			if want := i < len(chain); err != nil || got.Revoked != want {
				t.Errorf("token %d revoked: %t, %v; want %t", i, got.Revoked, err, want)
			}
		}
	}
}

func TestOwnScopes(t *testing.T) {
	little := []baton.Scope{baton.ScopeK8sProxy, baton.ScopeSelfRotate}
	more := append(little, baton.ScopeCreateRunner, baton.ScopeManageRunner)
	for _, test := range []struct {
		token *baton.AccessToken
		want  []baton.Scope
	}{
		{nil, more},
		{&baton.AccessToken{Scopes: []baton.Scope{baton.ScopeAPI}}, more},
		{&baton.AccessToken{Scopes: []baton.Scope{baton.ScopeSudo}}, little},
	} {
		if diff := cmp.Diff(test.want, access.OwnScopes(&access.Actor{Token: test.token})); diff != "" {
			t.Errorf("with %v (-want +got):\n%s", test.token, diff)
		}
	}
}
