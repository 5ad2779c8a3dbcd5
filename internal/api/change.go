package api

import (
	"baton.example/baton/internal/directory"
	"baton.example/baton/internal/grape"
)

// given returns what a parameter changes its field to: nothing when it is
// absent or null, as for fields that cannot be empty.
func given[T any](o grape.Opt[T]) *T {
	if !o.Valid() {
		return nil
	}
	return &o.Value
}

// cleared returns what a parameter changes its field to: nothing when it is
// absent, and the empty value when it is null.
func cleared[T any](o grape.Opt[T]) *T {
	if !o.Given() {
		return nil
	}
	return &o.Value
}

// interval returns what a parameter changes a lifetime of tokens to; null ends
// the limit.
func interval(o grape.Opt[int]) *directory.Interval {
	if !o.Given() {
		return nil
	}
	return &directory.Interval{None: !o.Valid(), Seconds: o.Value}
}
