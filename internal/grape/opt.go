package grape

// State tells what a request said about a parameter.
type State uint8

// The states of a parameter.
const (
	Absent  State = iota // the key was not there
	Null                 // null, or blank for a type that has no blank value
	Present              // a value
)

// Opt is a parameter that knows whether it was given. An update leaves a field
// alone when it is absent and clears it when it is null.
type Opt[T any] struct {
	Value T
	State State
}

// Given reports whether the key was in the request, even as null.
func (o Opt[T]) Given() bool { return o.State != Absent }

// Valid reports whether there is a value.
func (o Opt[T]) Valid() bool { return o.State == Present }

// Or returns the value, or def when there is none.
func (o Opt[T]) Or(def T) T {
	if o.State == Present {
		return o.Value
	}
	return def
}

// optional marks Opt for the plan, which cannot name every instance of it.
func (Opt[T]) optional() {}
