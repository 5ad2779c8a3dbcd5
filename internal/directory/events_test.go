package directory

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"baton.example/baton"
	"baton.example/baton/internal/audit"
)

// Every field that a change can change has an attribute: a new one that nobody
// thought of here would be changed in silence.
func TestEveryAttributeIsTold(t *testing.T) {
	t.Parallel()
	told(t, settingAttributes)
	told(t, userAttributes, "ID", "State", "Bot", "BotOf", "CreatedBy", "LastActivityOn")
	told(t, groupAttributes, "ID", "Kind", "FullPath", "FullName", "ParentID", "OwnerID")
	told(t, projectAttributes, "ID", "NamespaceID", "FullPath", "FullName", "CreatorID")
	told(t, memberAttributes, "Source", "UserID", "CreatedBy")
}

// told changes each field of a T but the fixed ones and times, and expects that
// it is told.
func told[T any](t *testing.T, attributes []audit.Attribute[T], fixed ...string) {
	t.Helper()
	for field := range reflect.TypeFor[T]().Fields() {
		if slices.Contains(fixed, field.Name) || field.Type == reflect.TypeFor[time.Time]() {
			continue
		}
		var was, is T
		v := reflect.ValueOf(&is).Elem().FieldByIndex(field.Index)
		switch v.Kind() {
		case reflect.Bool:
			v.SetBool(true)
		case reflect.Int:
			v.SetInt(int64(baton.GuestAccess)) // any number will do, but for a role
		case reflect.String:
			v.SetString("x")
		case reflect.Slice:
			v.Set(reflect.ValueOf([]string{"x"}))
		case reflect.Pointer:
			v.Set(reflect.ValueOf(new(int)))
		case reflect.Struct:
			v.Field(0).SetBool(true)
		default:
			t.Errorf("%v.%s has a kind that this test does not know", reflect.TypeFor[T](), field.Name)
		}
		if changes := audit.Compare(attributes, &was, &is); len(changes) != 1 {
			t.Errorf("a change of %v.%s is told as %v", reflect.TypeFor[T](), field.Name, changes)
		}
	}
}
