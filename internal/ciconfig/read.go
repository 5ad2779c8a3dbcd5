package ciconfig

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Parse reads a configuration. The error, if there is one, is [Errors].
func Parse(config string) (*Config, error) {
	if len(config) > MaxSize {
		return nil, Errors{{Text: fmt.Sprintf("the configuration is too long (maximum is %d bytes)", MaxSize)}}
	}
	root, problem := document(config)
	if problem != nil {
		return nil, Errors{*problem}
	}
	r := &reader{}
	c := r.config(root)
	if len(r.errors) > 0 {
		r.errors.sort()
		return nil, r.errors
	}
	return c, nil
}

// atLine finds the line in an error of the yaml package.
var atLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// document returns the one document of a text.
func document(config string) (*yaml.Node, *Error) {
	var doc, second yaml.Node
	decoder := yaml.NewDecoder(strings.NewReader(config))
	switch err := decoder.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, &Error{Text: "Please provide content of .gitlab-ci.yml"}
	case err != nil:
		return nil, syntax(err)
	}
	if err := decoder.Decode(&second); err == nil {
		return nil, &Error{Line: second.Line, Column: second.Column, Text: "a second document begins here, but a configuration is one document"}
	} else if !errors.Is(err, io.EOF) {
		return nil, syntax(err)
	}
	return doc.Content[0], nil
}

// syntax returns an error of the yaml package as a problem.
func syntax(err error) *Error {
	p := Error{Text: "Invalid YAML syntax: " + strings.TrimPrefix(err.Error(), "yaml: ")}
	if found := atLine.FindStringSubmatch(err.Error()); found != nil && found[1] != "" {
		p.Line, _ = strconv.Atoi(found[1])
		p.Column = 1
		p.Text = "Invalid YAML syntax: " + found[2]
	}
	return &p
}

// A draft is a configuration while it is read.
type draft struct {
	stages    []string
	variables []Variable
	defaults  draftJob
}

// outside are the keywords outside of jobs.
func outside() []keyword[draft] {
	words := []keyword[draft]{
		{"stages", func(v value, d *draft) { d.stages = v.strings() }},
		{"variables", func(v value, d *draft) { d.variables = v.variables(ofPipeline()) }},
		{"default", func(v value, d *draft) { read(v, &d.defaults, inherited()) }},
	}
	// Before there was default these stood by themselves, and still may.
	for _, w := range inherited() {
		if slices.Contains([]string{"image", "services", "cache", "before_script", "after_script"}, w.name) {
			words = append(words, keyword[draft]{w.name, func(v value, d *draft) { w.read(v, &d.defaults) }})
		}
	}
	return words
}

// reserved are keywords outside of jobs that Baton does not have, and that
// would be jobs if they were not named here.
func reserved() []string { return []string{"include", "pages", "spec", "type", "types", "workflow"} }

// config reads everything.
func (r *reader) config(root *yaml.Node) *Config {
	top := value{reader: r, at: root}.step(root, "")
	if top.kind() != mapping {
		top.fail("Invalid configuration format")
		return nil
	}
	var d draft
	var jobs []entry
	words := outside()
	for _, e := range top.entries() {
		i := slices.IndexFunc(words, func(w keyword[draft]) bool { return w.name == e.key })
		switch {
		case i >= 0:
			words[i].read(e.value, &d)
		case slices.Contains(reserved(), e.key):
			e.value.fail("is not supported")
		case !Hidden(e.key):
			jobs = append(jobs, e)
		}
	}
	switch {
	case len(jobs) == 0:
		top.fail("jobs config should contain at least one visible job")
	case len(jobs) > MaxJobs:
		jobs[MaxJobs].value.fail("is one job too many (maximum is %d)", MaxJobs)
		return nil
	}
	c := Config{Stages: withEdges(d.stages), Variables: d.variables}
	k := checker{stages: c.Stages}
	for _, e := range jobs {
		k.jobs = append(k.jobs, e.job(&d.defaults))
	}
	if len(r.errors) == 0 {
		k.check()
	}
	for i := range k.jobs {
		c.Jobs = append(c.Jobs, k.jobs[i].Job)
	}
	return &c
}
