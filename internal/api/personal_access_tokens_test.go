package api

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"baton.example/baton"
	"baton.example/baton/internal/grape"
)

// The values that a tag must spell out are the domain's.
func TestScopesOfNewTokens(t *testing.T) {
	t.Parallel()
	want := map[string]bool{}
	for _, s := range baton.Scopes() {
		want[string(s)] = true
	}
	for _, f := range grape.Fields(reflect.TypeFor[newAccessTokenParams]()) {
		if f.Name != "scopes" {
			continue
		}
		got := map[string]bool{}
		for _, s := range f.Values {
			got[s] = true
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("scopes (-domain +parameter):\n%s", diff)
		}
		return
	}
	t.Error("there is no parameter scopes")
}
