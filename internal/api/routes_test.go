package api

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/access"
	"baton.example/baton/internal/directory"
	"baton.example/baton/internal/dispatch"
	"baton.example/baton/internal/fleet"
	"baton.example/baton/internal/password"
	"baton.example/baton/internal/seal"
	"baton.example/baton/internal/store"
	"baton.example/baton/internal/store/sqlite"
)

// Whatever a row is for and whatever else is wrong with a request, who has no
// token hears 401 and who has too small a one 403.
func TestEveryRouteChecksTheCaller(t *testing.T) {
	t.Parallel()
	log := slog.New(slog.DiscardHandler)
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "baton.db"), log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	people := directory.New(db, password.NewHasher())
	if _, err := people.Bootstrap(t.Context(), time.Now(), baton.Secret{}, baton.Secret{}); err != nil {
		t.Fatal(err)
	}
	// A scope of root's that opens nothing here.
	const scope = "ai_features"
	small := baton.NewToken(baton.AccessTokenPrefix)
	err = db.Tx(t.Context(), func(ctx context.Context, tx store.Tx) error {
		_, err := tx.InsertAccessToken(ctx, baton.AccessToken{
			UserID: 1, Name: "small", Scopes: []baton.Scope{scope}, CreatedAt: time.Now(),
		}, small.Digest())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	s := New(Config{
		Store: db, Fleet: fleet.New(db, newKeys(t), time.Now), Directory: people, Tokens: access.NewTokens(db),
		Queue: dispatch.NewQueue(db, nil, &url.URL{}, time.Now), Log: log, Now: time.Now,
		ExternalURL: &url.URL{Scheme: "https", Host: "ci.example.com"},
		ClientIP:    func(*http.Request) netip.Addr { return netip.MustParseAddr("192.0.2.7") },
	})

	params := regexp.MustCompile(`\{\w+\}`)
	for _, rt := range s.routes() {
		if rt.caller.scopes == nil || rt.caller.optional {
			continue
		}
		ask := func(token string) (int, string) {
			r := httptest.NewRequest(rt.method, apiRoot+params.ReplaceAllString(rt.pattern, "1"), nil)
			r.Header.Set("Private-Token", token)
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			return w.Code, w.Body.String()
		}
		code, body := ask("")
		if code != http.StatusUnauthorized || body != `{"message":"401 Unauthorized"}` {
			t.Errorf("%s %s without a token: %d %s", rt.method, rt.pattern, code, body)
		}
		if slices.Contains(rt.caller.scopes, scope) {
			continue // a token may see and end itself
		}
		code, body = ask(small.Reveal())
		if code != http.StatusForbidden || !strings.HasPrefix(body, `{"error":"insufficient_scope",`) {
			t.Errorf("%s %s with too small a token: %d %s", rt.method, rt.pattern, code, body)
		}
	}
}

// newKeys makes a secret key.
func newKeys(t testing.TB) *seal.Keyring {
	t.Helper()
	keys, err := seal.Create(filepath.Join(t.TempDir(), "secret.key"))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}
