package grape

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Kind says how a parameter is read.
type Kind string

// The kinds of parameters.
const (
	String   Kind = "string"
	Integer  Kind = "integer"
	Boolean  Kind = "boolean"
	Date     Kind = "date"
	DateTime Kind = "date-time"
	Strings  Kind = "strings"  // an array of strings
	Integers Kind = "integers" // an array of integers
	Object   Kind = "object"
	Objects  Kind = "objects" // an array of hashes
)

// Field describes a parameter, for the description of an endpoint.
type Field struct {
	Name     string
	Kind     Kind
	Optional bool // an [Opt]: null differs from absent
	CSV      bool // an array that may be one comma-separated string
	Required bool
	Given    string // "y=v": exists only then
	Values   []string
	Except   []string
	Min      string // "" when there is none
	Match    string // a regular expression, "" when there is none
	Default  string // "" when there is none
	Doc      string
	Fields   []Field // of an Object, or of each of Objects
}

// Fields describes the parameters of t, a struct type, in declaration order.
func Fields(t reflect.Type) []Field {
	var out []Field
	for _, s := range planOf(t) {
		if s.field == nil {
			continue
		}
		f := s.field.Field
		switch f.Kind {
		case Object:
			f.Fields = Fields(s.field.goType)
		case Objects:
			f.Fields = Fields(s.field.goType.Elem())
		default:
		}
		out = append(out, f)
	}
	return out
}

// step is one declaration of a struct: a field or a rule about several.
type step struct {
	field *field
	rule  *rule
}

type field struct {
	Field
	index  []int
	goType reflect.Type // without Opt
	given  *field
	want   string // of given
	min    int64
	match  *regexp.Regexp
	preset any // the default, nil when there is none
}

type rule struct {
	// silent are names that content the rule and are not in its sentence.
	silent  []string
	names   []string
	atMost1 bool
	atLeast bool
}

// plans holds what tags say, read once per type: requests are many, types few.
var plans sync.Map // reflect.Type → []step

func planOf(t reflect.Type) []step {
	if p, ok := plans.Load(t); ok {
		return p.([]step)
	}
	if t.Kind() != reflect.Struct {
		panic(fmt.Sprintf("grape: %v is not a struct", t))
	}
	c := compiler{root: t, fields: make(map[string]*field)}
	c.compile(t, nil)
	for _, s := range c.steps {
		if s.rule == nil {
			continue
		}
		for _, name := range s.rule.names {
			if c.fields[name] == nil {
				c.fail("rule about undeclared parameter " + name)
			}
		}
	}
	p, _ := plans.LoadOrStore(t, c.steps)
	return p.([]step)
}

type compiler struct {
	root   reflect.Type
	steps  []step
	fields map[string]*field
}

func (c *compiler) fail(why string) { panic(fmt.Sprintf("grape: %v: %s", c.root, why)) }

func (c *compiler) compile(t reflect.Type, index []int) {
	for i := range t.NumField() {
		sf := t.Field(i)
		at := append(slices.Clip(index), i)
		tag, tagged := sf.Tag.Lookup("param")
		switch {
		case sf.Name == "_":
			c.rules(sf.Tag)
		case tagged:
			c.field(sf, tag, at)
		case sf.Anonymous && sf.Type.Kind() == reflect.Struct:
			c.compile(sf.Type, at)
		}
	}
}

func (c *compiler) rules(tag reflect.StructTag) {
	known := false
	for _, r := range []struct {
		key  string
		rule rule
	}{
		{"exclusive", rule{atMost1: true}},
		{"at_least_one", rule{atLeast: true}},
		{"exactly_one", rule{atMost1: true, atLeast: true}},
	} {
		if names, ok := tag.Lookup(r.key); ok {
			r.rule.names, r.rule.silent = strings.Split(names, ","), list(tag, "or")
			c.steps = append(c.steps, step{rule: &r.rule})
			known = true
		}
	}
	if !known {
		c.fail("blank field without a rule")
	}
}

type optional interface{ optional() }

func (c *compiler) field(sf reflect.StructField, tag string, index []int) {
	name, option, _ := strings.Cut(tag, ",")
	if name == "" || !sf.IsExported() {
		c.fail("field " + sf.Name + " is unexported or has no name")
	}
	f := &field{index: index, goType: sf.Type}
	f.Name = name
	f.Doc = sf.Tag.Get("doc")
	if sf.Type.Implements(reflect.TypeFor[optional]()) {
		f.Optional = true
		f.goType = sf.Type.Field(0).Type
	}
	f.Kind, f.CSV = kindOf(f.goType, option)
	if f.Kind == "" {
		c.fail(fmt.Sprintf("%s cannot be read into %v with option %q", name, f.goType, option))
	}
	if required, ok := sf.Tag.Lookup("required"); ok {
		if required != "true" {
			c.fail(name + ": required is true or left out")
		}
		f.Required = true
	}
	f.Values = list(sf.Tag, "values")
	f.Except = list(sf.Tag, "except")
	var err error
	if f.Min = sf.Tag.Get("min"); f.Min != "" {
		if f.min, err = strconv.ParseInt(f.Min, 10, 64); err != nil || f.Kind != Integer {
			c.fail(name + ": min must be an integer, on an integer")
		}
	}
	if f.Match = sf.Tag.Get("match"); f.Match != "" {
		if f.match, err = regexp.Compile(f.Match); err != nil {
			c.fail(name + ": " + err.Error())
		}
	}
	if (f.Kind == DateTime || f.Kind == Object || f.Kind == Objects) && (f.Values != nil || f.Except != nil || f.match != nil) {
		c.fail(name + " has a rule that needs text or a number")
	}
	if f.Given = sf.Tag.Get("given"); f.Given != "" {
		other, want, _ := strings.Cut(f.Given, "=")
		f.given, f.want = c.fields[other], want
		if f.given == nil {
			c.fail(name + ": given must name a parameter declared before")
		}
		switch f.given.Kind {
		case String, Date, Integer, Boolean:
		default:
			c.fail(name + ": given cannot depend on " + string(f.given.Kind))
		}
	}
	if f.Default = sf.Tag.Get("default"); f.Default != "" {
		if _, state, ok := f.coerce(f.Default); !ok || state != Present {
			c.fail(name + ": unusable default")
		}
		f.preset = f.Default
	}
	if c.fields[name] != nil {
		c.fail(name + " is declared twice")
	}
	switch f.Kind {
	case Object:
		planOf(f.goType)
	case Objects:
		if f.Optional {
			c.fail(name + ": an array of hashes cannot be optional")
		}
		planOf(f.goType.Elem())
	default:
	}
	c.fields[name] = f
	c.steps = append(c.steps, step{field: f})
}

func list(tag reflect.StructTag, key string) []string {
	if s := tag.Get(key); s != "" {
		return strings.Split(s, ",")
	}
	return nil
}

// kindOf returns "" for a type that no parameter can be read into.
func kindOf(t reflect.Type, option string) (kind Kind, csv bool) {
	switch {
	case option == "date" && t.Kind() == reflect.String:
		return Date, false
	case option == "csv" && t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.String:
		return Strings, true
	case option == "csv" && t.Kind() == reflect.Slice && isInt(t.Elem()):
		return Integers, true
	case option != "":
		return "", false
	case t == reflect.TypeFor[time.Time]():
		return DateTime, false
	case t.Kind() == reflect.String:
		return String, false
	case t.Kind() == reflect.Bool:
		return Boolean, false
	case isInt(t):
		return Integer, false
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.String:
		return Strings, false
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct:
		return Objects, false
	case t.Kind() == reflect.Struct:
		return Object, false
	}
	return "", false
}

func isInt(t reflect.Type) bool {
	return reflect.Int <= t.Kind() && t.Kind() <= reflect.Int64
}
