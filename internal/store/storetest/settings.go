package storetest

import (
	"context"
	"reflect"

	"baton.example/baton"
	"baton.example/baton/internal/store"
)

var settingsTests = []test{
	{"Settings/Default", func(s *suite) {
		same(s, must(s.Settings(s.Context())), baton.DefaultSettings())
	}},
	{"Settings/RoundTrip", func(s *suite) {
		var want baton.Settings
		fill(reflect.ValueOf(&want).Elem())
		s.tx(func(ctx context.Context, tx store.Tx) error { return tx.SetSettings(ctx, want) })
		same(s, must(s.Settings(s.Context())), want)

		none := baton.Settings{ValidRunnerRegistrars: []string{}}
		s.tx(func(ctx context.Context, tx store.Tx) error {
			if err := tx.SetSettings(ctx, baton.Settings{}); err != nil {
				return err
			}
			same(s, must(tx.Settings(ctx)), none)
			return nil
		})
		same(s, must(s.Settings(s.Context())), none)
	}},
	{"Settings/CallersMayChangeThem", func(s *suite) {
		first := must(s.Settings(s.Context()))
		first.ValidRunnerRegistrars[0] = "changed"
		same(s, must(s.Settings(s.Context())), baton.DefaultSettings())
	}},
}

// fill gives every field a value that is not zero, so that one which storage
// forgot is missed.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for _, field := range v.Fields() {
			fill(field)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.String:
		v.SetString("seven")
	default:
		panic("settings have a field of an unexpected kind: " + v.Kind().String())
	}
}
