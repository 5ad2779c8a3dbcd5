package api

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"baton.example/baton"
	"baton.example/baton/internal/grape"
)

// A schema is one of JSON Schema 2020-12, as far as it takes.
type schema struct {
	Ref         string        `yaml:"$ref,omitempty"`
	Type        any           `yaml:"type,omitempty,flow"` // a name, or several
	Format      string        `yaml:"format,omitempty"`
	Description string        `yaml:"description,omitempty"`
	Enum        []any         `yaml:"enum,omitempty,flow"`
	Not         *schema       `yaml:"not,omitempty"`
	Minimum     *int64        `yaml:"minimum,omitempty"`
	Pattern     string        `yaml:"pattern,omitempty"`
	Default     any           `yaml:"default,omitempty"`
	Items       *schema       `yaml:"items,omitempty"`
	AnyOf       []*schema     `yaml:"anyOf,omitempty"`
	Required    []string      `yaml:"required,omitempty,flow"`
	Properties  yaml.MapSlice `yaml:"properties,omitempty"`
	// Additional describes the values of a map.
	Additional *schema `yaml:"additionalProperties,omitempty"`
}

// schemas makes schemas of types and collects those that have a name.
type schemas struct {
	comment *comments
	named   map[string]*schema
	// owner tells whose name it is, to find two that have the same.
	owner map[string]reflect.Type
	clash error
}

func newSchemas(c *comments) *schemas {
	return &schemas{comment: c, named: map[string]*schema{}, owner: map[string]reflect.Type{}}
}

// all returns the schemas with names, by name.
func (s *schemas) all() (yaml.MapSlice, error) {
	var out yaml.MapSlice
	for _, name := range slices.Sorted(maps.Keys(s.named)) {
		out = append(out, yaml.MapItem{Key: name, Value: s.named[name]})
	}
	return out, s.clash
}

// name reserves a name for a type's schema and tells whether it was made
// before.
func (s *schemas) name(name string, t reflect.Type) (ref *schema, made bool) {
	if other := s.owner[name]; other != nil && other != t {
		s.clash = fmt.Errorf("%v and %v would both be called %s", other, t, name)
	}
	made = s.owner[name] != nil
	s.owner[name] = t
	return &schema{Ref: "#/components/schemas/" + name}, made
}

// of describes how encoding/json writes a value of type t.
func (s *schemas) of(t reflect.Type) *schema {
	switch t {
	case reflect.TypeFor[timestamp]():
		return &schema{Type: []string{"string", "null"}, Format: "date-time"}
	case reflect.TypeFor[baton.Date]():
		return &schema{Type: "string", Format: "date"}
	}
	if values := s.values(t); values != nil {
		ref, made := s.name(t.Name(), t)
		if !made {
			description := s.comment.types[t.Name()].text
			s.named[t.Name()] = &schema{Type: kindName(t), Description: description, Enum: values}
		}
		return ref
	}
	switch t.Kind() {
	case reflect.Pointer:
		return nullable(s.of(t.Elem()))
	case reflect.Slice:
		return &schema{Type: "array", Items: s.of(t.Elem())}
	case reflect.Map:
		return &schema{Type: "object", Additional: s.of(t.Elem())}
	case reflect.Struct:
		if t.Name() == "" {
			return &schema{Type: "object"}
		}
		return s.entity(t)
	case reflect.Int64:
		return &schema{Type: "integer", Format: "int64"}
	default:
		return &schema{Type: kindName(t)}
	}
}

// values are those that a type of ours can have, nil for no limit.
func (s *schemas) values(t reflect.Type) []any {
	if t == reflect.TypeFor[baton.Scope]() {
		var all []any // there are more than constants
		for _, scope := range baton.Scopes() {
			all = append(all, string(scope))
		}
		return all
	}
	if t.PkgPath() != reflect.TypeFor[baton.Scope]().PkgPath() {
		return nil
	}
	return s.comment.constants[t.Name()]
}

// kindName is JSON Schema's name for a type that is none of ours.
func kindName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "boolean"
	case reflect.Int, reflect.Int64:
		return "integer"
	case reflect.Float64:
		return "number"
	default:
		panic(fmt.Sprintf("no schema for %v", t))
	}
}

// entity describes a struct under its own name.
func (s *schemas) entity(t reflect.Type) *schema {
	name := strings.TrimSuffix(t.Name(), "Entity")
	name = strings.ToUpper(name[:1]) + name[1:]
	ref, made := s.name(name, t)
	if !made {
		out := &schema{Type: "object", Description: s.comment.types[t.Name()].text}
		s.named[name] = out
		s.fields(out, t)
	}
	return ref
}

// fields adds the fields of a struct, in the order in which they are written.
func (s *schemas) fields(out *schema, t reflect.Type) {
	for f := range t.Fields() {
		if f.Anonymous {
			embedded := f.Type
			if embedded.Kind() == reflect.Pointer {
				embedded = embedded.Elem()
			}
			s.fields(out, embedded)
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		var property *schema
		switch {
		case t == messageBody && f.Type.Kind() == reflect.Interface:
			property = brokenRules()
		case options == "":
			property = s.of(f.Type)
			out.Required = append(out.Required, name)
		case f.Type.Kind() == reflect.Pointer:
			property = s.of(f.Type.Elem()) // nil is left out, and so never null
		default:
			property = s.of(f.Type)
		}
		property.Description = cmp.Or(s.comment.fields[t.Name()+"."+f.Name], property.Description)
		out.Properties = append(out.Properties, yaml.MapItem{Key: name, Value: property})
	}
}

// brokenRules is what GitLab has for a message: a sentence, a list of them, or
// for every field what is wrong with it.
func brokenRules() *schema {
	text := &schema{Type: "string"}
	return &schema{AnyOf: []*schema{
		text, {Type: "array", Items: text}, {Type: "object", Additional: &schema{Type: "array", Items: text}},
	}}
}

// nullable lets null in.
func nullable(s *schema) *schema {
	switch kind := s.Type.(type) {
	case string:
		s.Type = []string{kind, "null"}
	case nil:
		return &schema{AnyOf: []*schema{s, {Type: "null"}}}
	}
	return s
}

// oneOrAny is one schema or whichever fits.
func oneOrAny(all []*schema) *schema {
	if len(all) == 1 {
		return all[0]
	}
	return &schema{AnyOf: all}
}

// parameters describes the fields of a body under the name of their struct,
// as JSON or as a form.
func (s *schemas) parameters(in reflect.Type, fields []grape.Field, form bool) *schema {
	name := strings.TrimSuffix(in.Name(), "Params")
	name = strings.ToUpper(name[:1]) + name[1:] + "Parameters"
	if form {
		name += "Form"
	}
	ref, made := s.name(name, in)
	if !made {
		s.named[name] = object(fields, form)
	}
	return ref
}

func object(fields []grape.Field, form bool) *schema {
	out := &schema{Type: "object"}
	for i := range fields {
		f := &fields[i]
		name := f.Name
		if form {
			name = formName(f)
		}
		if f.Required && f.Given == "" {
			out.Required = append(out.Required, name)
		}
		property := parameterSchema(f)
		property.Description = fieldSentence(f)
		if f.Optional && f.Values == nil {
			property = nullable(property)
		}
		out.Properties = append(out.Properties, yaml.MapItem{Key: name, Value: property})
	}
	return out
}

// parameterSchema describes what a parameter may be.
func parameterSchema(f *grape.Field) *schema {
	var out *schema
	one := &schema{Type: "string"}
	switch f.Kind {
	case grape.Integers:
		one = &schema{Type: "integer", Format: "int64"}
		out = &schema{Type: "array", Items: one}
	case grape.Strings:
		out = &schema{Type: "array", Items: one}
	case grape.Object:
		return object(f.Fields, false)
	case grape.Objects:
		return &schema{Type: "array", Items: object(f.Fields, false)}
	case grape.Date, grape.DateTime:
		one.Format = string(f.Kind)
		out = one
	case grape.String, grape.Integer, grape.Boolean:
		one.Type = string(f.Kind)
		out = one
	}
	one.Enum = typed(one, f.Values)
	if f.Except != nil {
		one.Not = &schema{Enum: typed(one, f.Except)}
	}
	if f.Min != "" {
		least, _ := typed(one, []string{f.Min})[0].(int64)
		one.Minimum = &least
	}
	one.Pattern = f.Match
	if f.Default != "" {
		out.Default = typed(one, []string{f.Default})[0]
	}
	return out
}

// typed returns texts from tags as values of a schema's type. That they can be
// read so, package grape has made sure of.
func typed(s *schema, texts []string) []any {
	var out []any
	for _, text := range texts {
		switch s.Type {
		case "integer":
			n, _ := strconv.ParseInt(text, 10, 64)
			out = append(out, n)
		case "boolean":
			b, _ := strconv.ParseBool(text)
			out = append(out, b)
		default:
			out = append(out, text)
		}
	}
	return out
}

// fieldSentence is what is said of a parameter.
func fieldSentence(f *grape.Field) string {
	if f.Given == "" {
		return f.Doc
	}
	other, value, _ := strings.Cut(f.Given, "=")
	sentence := "Ignored unless %s is %s."
	if f.Required {
		sentence = "Needed if %s is %s, else ignored."
	}
	return f.Doc + " " + fmt.Sprintf(sentence, other, value)
}

// ruleSentences says the rules about several parameters in words: in a schema
// they would be unions, of which generators of clients make a type for every
// combination.
func ruleSentences(in reflect.Type) string {
	var sentences []string
	for _, f := range reflect.VisibleFields(in) {
		for _, rule := range []struct{ tag, sentence string }{
			{"exclusive", "At most one of these may be given: %s."},
			{"at_least_one", "At least one of these is needed: %s."},
			{"exactly_one", "Exactly one of these is needed: %s."},
		} {
			if names := f.Tag.Get(rule.tag); names != "" {
				sentences = append(sentences, fmt.Sprintf(rule.sentence, strings.ReplaceAll(names, ",", ", ")))
			}
		}
	}
	return strings.Join(sentences, " ")
}
