package web

import (
	"strings"
	"testing"
)

// A template that does not fit its struct is found before anybody is served.
func TestTemplatesAreChecked(t *testing.T) {
	type misspelt struct {
		Frame frame
		Redy  bool
	}
	if _, err := parse[misspelt]("home"); err == nil || !strings.Contains(err.Error(), "Ready") {
		t.Errorf("parse a page whose struct lacks Ready: %v", err)
	}
	if _, err := parse[homePage]("nothing"); err == nil {
		t.Error("parse a page without a template: no error")
	}
}

func TestStaticFilesHaveAKind(t *testing.T) {
	a, err := loadAssets("")
	if err != nil {
		t.Fatal(err)
	}
	for name, asset := range a.byName {
		if asset.kind == "" {
			t.Errorf("%s has no media type", name)
		}
	}
}
