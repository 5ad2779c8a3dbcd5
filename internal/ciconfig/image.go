package ciconfig

import "strings"

// image reads an image.
func (v value) image() *Image {
	var i Image
	if v.kind() == text {
		i.Name = v.node.Value
	} else {
		read(v, &i, imageWords())
	}
	v.named(i.Name)
	return &i
}

// named refuses an image without a name.
func (v value) named(name string) {
	if strings.TrimSpace(name) == "" {
		v.fail("name can't be blank")
	}
}

func imageWords() []keyword[Image] {
	return []keyword[Image]{
		{"name", func(v value, i *Image) { i.Name = v.string() }},
		{"entrypoint", func(v value, i *Image) { i.Entrypoint = v.strings() }},
		{"pull_policy", func(v value, i *Image) { i.PullPolicies = v.pullPolicies() }},
		{"docker", func(v value, i *Image) { i.Docker = v.options("platform", "user") }},
		{"kubernetes", func(v value, i *Image) { i.Kubernetes = v.options("user") }},
	}
}

// pullPolicies reads one or more of what gitlab-runner calls pull policies.
func (v value) pullPolicies() []string {
	policies := v.stringOrStrings()
	for _, p := range policies {
		switch p {
		case "always", "if-not-present", "never":
		default:
			v.fail("should be one of: always, if-not-present, never")
			return nil
		}
	}
	return policies
}

// options reads the options of an executor. gitlab-runner fails a job that has
// others than these.
func (v value) options(names ...string) map[string]string {
	options := make(map[string]string)
	words := make([]keyword[map[string]string], len(names))
	for i, name := range names {
		words[i] = keyword[map[string]string]{name, func(v value, into *map[string]string) {
			if s, ok := v.scalar(); ok && v.kind() != boolean {
				(*into)[name] = s
			} else {
				v.fail("should be a string")
			}
		}}
	}
	read(v, &options, words)
	return options
}

// services reads the list of services.
func (v value) services() []Service {
	if v.kind() != sequence {
		v.fail("config should be an array")
		return nil
	}
	all := []Service{}
	for _, e := range v.elements() {
		all = append(all, e.service())
	}
	return all
}

func (v value) service() Service {
	var s Service
	if v.kind() == text {
		s.Name = v.node.Value
	} else {
		read(v, &s, serviceWords())
	}
	v.named(s.Name)
	return s
}

func serviceWords() []keyword[Service] {
	words := []keyword[Service]{
		{"alias", func(v value, s *Service) { s.Alias = v.string() }},
		{"command", func(v value, s *Service) { s.Command = v.strings() }},
		{"variables", func(v value, s *Service) { s.Variables = v.variables(ofService()) }},
	}
	for _, w := range imageWords() {
		words = append(words, keyword[Service]{w.name, func(v value, s *Service) { w.read(v, &s.Image) }})
	}
	return words
}
