package api

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestAnySettingComesAlone holds the rule of PUT /application/settings to its
// parameters: one that the rule forgets cannot be set by itself.
func TestAnySettingComesAlone(t *testing.T) {
	t.Parallel()
	var params, rule []string
	for field := range reflect.TypeFor[updateSettingsParams]().Fields() {
		if name, ok := field.Tag.Lookup("param"); ok {
			params = append(params, name)
		} else {
			rule = strings.Split(field.Tag.Get("at_least_one"), ",")
		}
	}
	if !slices.Equal(params, rule) {
		t.Errorf("the parameters are\n%v\nand of these one is needed:\n%v", params, rule)
	}
}
