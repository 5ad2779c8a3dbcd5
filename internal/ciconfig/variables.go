package ciconfig

import (
	"slices"
	"strings"
)

// A draftVariable is a variable while it is read.
type draftVariable struct {
	Variable
	valueGiven bool
}

// The words that a variable may consist of, by where it stands.
func ofService() []keyword[draftVariable] { return nil }

func ofJob() []keyword[draftVariable] {
	return []keyword[draftVariable]{
		{"value", func(v value, d *draftVariable) { d.Value, d.valueGiven = v.variable(), true }},
		{"expand", func(v value, d *draftVariable) { d.Raw = !v.bool() }},
	}
}

func ofPipeline() []keyword[draftVariable] {
	return append(
		ofJob(),
		keyword[draftVariable]{"description", func(v value, d *draftVariable) { d.Description = v.string() }},
		keyword[draftVariable]{"options", func(v value, d *draftVariable) { d.Options = v.strings() }},
	)
}

// variables reads a hash of variables, each a value or a hash of words.
func (v value) variables(words []keyword[draftVariable]) []Variable {
	if v.kind() != mapping {
		v.fail("config should be a hash")
		return nil
	}
	all := []Variable{}
	for _, e := range v.entries() {
		all = append(all, e.variable(words))
	}
	return all
}

func (e entry) variable(words []keyword[draftVariable]) Variable {
	d := draftVariable{Variable: Variable{Key: e.key}}
	v := e.value
	if strings.TrimSpace(e.key) == "" || strings.ContainsAny(e.key, "=\x00") {
		v.fail("is no name of a variable")
	}
	if v.kind() != mapping || words == nil {
		d.Value = v.variable()
		return d.Variable
	}
	read(v, &d, words)
	if d.Options != nil && (!d.valueGiven || !slices.Contains(d.Options, d.Value)) {
		v.fail("value should be one of the options")
	}
	return d.Variable
}

// variable reads the value of a variable.
func (v value) variable() string {
	s, ok := v.scalar()
	if !ok {
		v.fail("variable definition must be either a string or a hash")
	}
	if strings.ContainsRune(s, 0) {
		v.fail("may not contain a null byte")
	}
	return s
}
