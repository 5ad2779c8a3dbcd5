package grape

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ValidationError holds every failure of a request's parameters, in the order
// in which the struct declares them.
type ValidationError struct {
	Messages []string
}

// Error joins the messages as Grape does.
func (e *ValidationError) Error() string { return strings.Join(e.Messages, ", ") }

// Bind fills dst, a pointer to a zero struct, from p by the rules of its tags.
// When a parameter breaks one the error is a [*ValidationError] and dst is
// of no use.
func Bind(p Params, dst any) error {
	v := reflect.ValueOf(dst)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		panic(fmt.Sprintf("grape: Bind needs a pointer to a struct, not %T", dst))
	}
	v = v.Elem()
	var b binder
	b.bind(planOf(v.Type()), p, v, "")
	if b.messages != nil {
		return &ValidationError{Messages: b.messages}
	}
	return nil
}

type binder struct {
	messages []string
}

func (b *binder) fail(prefix, name, what string) {
	b.messages = append(b.messages, fullName(prefix, name)+" "+what)
}

func fullName(prefix, name string) string {
	if prefix == "" {
		return name
	}
	return prefix + "[" + name + "]"
}

// bind fills v, whose parameters are called prefix[name] when prefix is set.
func (b *binder) bind(steps []step, p map[string]any, v reflect.Value, prefix string) {
	for i := range steps {
		switch s := &steps[i]; {
		case s.rule != nil:
			b.check(s.rule, p, prefix)
		case s.field.exists(v):
			b.field(s.field, p, v, prefix)
		}
	}
}

// exists reports whether the parameter that this field depends on was bound to
// the value it depends on. One that failed was not bound.
func (f *field) exists(v reflect.Value) bool {
	if f.given == nil {
		return true
	}
	other := v.FieldByIndex(f.given.index)
	if f.given.Optional {
		if State(other.Field(1).Uint()) != Present {
			return false
		}
		other = other.Field(0)
	}
	switch f.given.Kind {
	case Boolean:
		return strconv.FormatBool(other.Bool()) == f.want
	case Integer:
		return strconv.FormatInt(other.Int(), 10) == f.want
	default:
		return other.String() == f.want
	}
}

func (b *binder) check(r *rule, p map[string]any, prefix string) {
	for _, name := range r.silent {
		if _, ok := p[name]; ok {
			return
		}
	}
	var present []string
	for _, name := range r.names {
		if _, ok := p[name]; ok {
			present = append(present, name)
		}
	}
	switch {
	case len(present) == 0 && r.atLeast && r.atMost1:
		b.failAll(prefix, r.names, "are missing, exactly one parameter must be provided")
	case len(present) == 0 && r.atLeast:
		b.failAll(prefix, r.names, "are missing, at least one parameter must be provided")
	case len(present) > 1 && r.atMost1:
		b.failAll(prefix, present, "are mutually exclusive")
	}
}

func (b *binder) failAll(prefix string, names []string, what string) {
	full := make([]string, len(names))
	for i, name := range names {
		full[i] = fullName(prefix, name)
	}
	b.messages = append(b.messages, strings.Join(full, ", ")+" "+what)
}

func (b *binder) field(f *field, p map[string]any, v reflect.Value, prefix string) {
	raw, present := p[f.Name]
	if !present {
		if f.Required {
			b.fail(prefix, f.Name, "is missing")
		} else if f.preset == nil {
			return
		}
	}
	switch f.Kind {
	case Object:
		b.object(f, raw, present, v, prefix)
		return
	case Objects:
		b.objects(f, raw, v, prefix)
		return
	default:
	}
	if raw == nil && f.preset != nil {
		raw = f.preset
	}
	value, state, ok := f.coerce(raw)
	if ok && state != Present && f.preset != nil {
		value, state, ok = f.coerce(f.preset)
	}
	if !ok {
		b.fail(prefix, f.Name, "is invalid")
		return
	}
	if state != Present {
		// Grape lets null pass for an optional field, and inside a hash.
		if f.Required && f.Values != nil && prefix == "" {
			b.fail(prefix, f.Name, "does not have a valid value")
		}
		if present {
			f.set(v, scalar{}, Null)
		}
		return
	}
	if what := f.judge(&value); what != "" {
		b.fail(prefix, f.Name, what)
		return
	}
	f.set(v, value, Present)
}

// object reads a hash. The fields of an absent one are looked at only when the
// hash itself is required.
func (b *binder) object(f *field, raw any, present bool, v reflect.Value, prefix string) {
	hash, ok := raw.(map[string]any)
	if !ok && raw != nil && raw != "" {
		b.fail(prefix, f.Name, "is invalid")
		return
	}
	dst, state := v.FieldByIndex(f.index), Present
	if !ok {
		state = Null
	}
	if f.Optional {
		if present {
			dst.Field(1).SetUint(uint64(state))
		}
		dst = dst.Field(0)
	}
	if ok || f.Required {
		b.bind(planOf(f.goType), hash, dst, fullName(prefix, f.Name))
	}
}

// objects reads an array of hashes. Their parameters are called x[0][y].
func (b *binder) objects(f *field, raw any, v reflect.Value, prefix string) {
	list, ok := raw.([]any)
	if !ok && raw != nil && raw != "" {
		b.fail(prefix, f.Name, "is invalid")
		return
	}
	dst := v.FieldByIndex(f.index)
	dst.Set(reflect.MakeSlice(f.goType, len(list), len(list)))
	for i, raw := range list {
		hash, ok := raw.(map[string]any)
		if !ok {
			b.fail(prefix, f.Name, "is invalid")
			return
		}
		b.bind(planOf(f.goType.Elem()), hash, dst.Index(i), fullName(prefix, f.Name)+"["+strconv.Itoa(i)+"]")
	}
}

// scalar carries a value of any kind from reading to checking to setting
// without a place on the heap.
type scalar struct {
	text    string
	number  int64
	flag    bool
	time    time.Time
	strings []string
	numbers []int64
}

// coerce reads raw as the field's kind, with ok false when it is none.
func (f *field) coerce(raw any) (value scalar, state State, ok bool) {
	switch f.Kind {
	case String:
		if raw == nil {
			return value, Null, true
		}
		value.text, ok = text(raw)
		return value, Present, ok
	case Integer:
		value.number, state, ok = integer(raw, f.goType.Bits())
	case Boolean:
		value.flag, state, ok = boolean(raw)
	case Date:
		value.text, state, ok = date(raw)
	case DateTime:
		value.time, state, ok = timestamp(raw)
	case Strings:
		if f.CSV {
			value.strings = commaSeparated(raw)
			return value, Present, true
		}
		value.strings, state, ok = strictArray(raw)
	case Integers:
		value.numbers, ok = commaSeparatedIntegers(raw, f.goType.Elem().Bits())
		state = Present
	case Object, Objects: // have no value, only fields
	}
	return value, state, ok
}

// judge returns what is wrong with a value, or "".
func (f *field) judge(value *scalar) string {
	if f.Except == nil && f.Values == nil && f.Min == "" && f.match == nil {
		return ""
	}
	var one [1]string
	texts := one[:]
	switch f.Kind {
	case Integer:
		if f.Except != nil || f.Values != nil || f.match != nil {
			one[0] = strconv.FormatInt(value.number, 10)
		}
	case Boolean:
		one[0] = strconv.FormatBool(value.flag)
	case Strings:
		texts = value.strings
	case Integers:
		texts = make([]string, len(value.numbers))
		for i, n := range value.numbers {
			texts[i] = strconv.FormatInt(n, 10)
		}
	default:
		one[0] = value.text
	}
	for _, s := range texts {
		if slices.Contains(f.Except, s) {
			return "has a value not allowed"
		}
	}
	if f.Min != "" && value.number < f.min {
		return "does not have a valid value"
	}
	for _, s := range texts {
		if f.Values != nil && !slices.Contains(f.Values, s) {
			return "does not have a valid value"
		}
	}
	for _, s := range texts {
		if f.match != nil && !f.match.MatchString(s) {
			return "is invalid"
		}
	}
	return ""
}

func (f *field) set(v reflect.Value, value scalar, state State) {
	dst := v.FieldByIndex(f.index)
	if f.Optional {
		dst.Field(1).SetUint(uint64(state))
		dst = dst.Field(0)
	}
	if state != Present {
		return
	}
	switch f.Kind {
	case String, Date:
		dst.SetString(value.text)
	case Integer:
		dst.SetInt(value.number)
	case Boolean:
		dst.SetBool(value.flag)
	case DateTime:
		*dst.Addr().Interface().(*time.Time) = value.time
	case Strings:
		if s, ok := reflect.TypeAssert[*[]string](dst.Addr()); ok {
			*s = value.strings
			return
		}
		dst.Set(reflect.MakeSlice(f.goType, len(value.strings), len(value.strings)))
		for i, s := range value.strings {
			dst.Index(i).SetString(s)
		}
	case Integers:
		dst.Set(reflect.MakeSlice(f.goType, len(value.numbers), len(value.numbers)))
		for i, n := range value.numbers {
			dst.Index(i).SetInt(n)
		}
	case Object, Objects: // have no value, only fields
	}
}
