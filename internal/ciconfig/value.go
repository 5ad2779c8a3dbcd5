package ciconfig

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// MaxNodes is how many nodes a configuration may come to once its aliases are
// followed. A few lines of aliases of aliases would otherwise grow without end.
const MaxNodes = 1 << 20

// MaxDepth is how deep values may stand in each other. An alias may lead back
// to what it stands in.
const MaxDepth = 100

// A reader collects what is wrong with one configuration.
type reader struct {
	errors Errors
	// nodes counts what was read, and tooLarge tells that it was too much.
	nodes    int
	tooLarge bool
}

// A value is a node with the place that it stands at.
type value struct {
	*reader
	node *yaml.Node
	// at is where to point: aliases lead the node elsewhere.
	at      *yaml.Node
	depth   int
	job     string
	keyword string
}

// step returns the value of a node below v, which is called name there; "" is a
// part of v without a name, such as an element of a list.
func (v value) step(n *yaml.Node, name string) value {
	at := n
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch v.nodes++; {
	case v.tooLarge:
	case v.nodes > MaxNodes:
		v.fail("is too large once its aliases are followed (maximum is %d values)", MaxNodes)
		v.tooLarge = true
	case v.depth > MaxDepth:
		v.fail("is nested too deep (maximum is %d levels)", MaxDepth)
		v.tooLarge = true
	}
	if v.tooLarge {
		n = &yaml.Node{Kind: yaml.ScalarNode, Line: n.Line, Column: n.Column}
	}
	keyword := v.keyword
	if name != "" && keyword != "" {
		keyword += ":" + name
	} else if name != "" {
		keyword = name
	}
	return value{reader: v.reader, node: n, at: at, depth: v.depth + 1, job: v.job, keyword: keyword}
}

// fail notes a problem with the value.
func (v value) fail(format string, args ...any) {
	if v.tooLarge || len(v.errors) >= MaxErrors {
		return // when it is too large everything is missing, which is no news
	}
	v.errors = append(v.errors, Error{
		Line: v.at.Line, Column: v.at.Column, Job: v.job, Keyword: v.keyword, Text: fmt.Sprintf(format, args...),
	})
}

func (v value) kind() kind { return kindOf(v.node) }

// An entry is one key of a hash with its value.
type entry struct {
	key   string
	value value
}

// entries returns the keys of a hash in their order. A key that is given twice
// has its last value, at its first place, as in Ruby. Merge keys bring in what
// the hash does not have itself.
func (v value) entries() []entry {
	if v.kind() != mapping {
		v.fail("config should be a hash")
		return nil
	}
	own, merged := entries{at: make(map[string]int)}, entries{at: make(map[string]int)}
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		key, n := v.node.Content[i], v.node.Content[i+1]
		if key.Kind == yaml.ScalarNode && key.Tag == "!!merge" {
			for _, e := range v.step(n, "").merged() {
				merged.add(e)
			}
			continue
		}
		if k := v.step(key, ""); k.node.Kind == yaml.ScalarNode {
			e := v.step(n, written(k.node))
			e.at = key // the line of the key is where people look
			own.set(entry{written(k.node), e})
		} else {
			k.fail("config has a key that is %s, should be a string", k.kind())
		}
	}
	for _, e := range merged.all {
		own.add(e)
	}
	return own.all
}

// entries are the keys of a hash, none twice.
type entries struct {
	all []entry
	at  map[string]int
}

// add adds an entry unless the key is there.
func (s *entries) add(e entry) {
	if _, there := s.at[e.key]; !there {
		s.at[e.key] = len(s.all)
		s.all = append(s.all, e)
	}
}

// set adds an entry, in the place of the one with that key.
func (s *entries) set(e entry) {
	s.add(e)
	s.all[s.at[e.key]] = e
}

// merged returns what a merge key brings: the entries of a hash, or of several,
// the first of which count most.
func (v value) merged() []entry {
	switch v.kind() {
	case mapping:
		return v.entries()
	case sequence:
		var all []entry
		for _, n := range v.node.Content {
			all = append(all, v.step(n, "").merged()...)
		}
		return all
	default:
		v.fail("config merges %s, should be a hash", v.kind())
		return nil
	}
}

// elements returns the values of a list.
func (v value) elements() []value {
	all := make([]value, len(v.node.Content))
	for i, n := range v.node.Content {
		all[i] = v.step(n, "")
	}
	return all
}

// A keyword is a word that may stand at some place, with the function that
// reads its value into a T.
type keyword[T any] struct {
	name string
	read func(v value, into *T)
}

// read reads a hash of keywords. Nothing that it does not know is passed over.
func read[T any](v value, into *T, words []keyword[T]) {
	for _, e := range v.entries() {
		i := slices.IndexFunc(words, func(w keyword[T]) bool { return w.name == e.key })
		if i < 0 {
			e.value.keyword = v.keyword
			e.value.fail("config contains unknown keys: %s", e.key)
			continue
		}
		words[i].read(e.value, into)
	}
}

// string reads a string.
func (v value) string() string {
	if v.kind() != text {
		v.fail("should be a string")
		return ""
	}
	return v.node.Value
}

// bool reads a boolean.
func (v value) bool() bool {
	if v.kind() != boolean {
		v.fail("should be a boolean value")
		return false
	}
	return isTrue(v.node)
}

// oneOf reads one of some words.
func (v value) oneOf(words ...string) string {
	if v.kind() != text || !slices.Contains(words, v.node.Value) {
		v.fail("should be one of: %s", strings.Join(words, ", "))
		return ""
	}
	return v.node.Value
}

// int reads a whole number from low to high.
func (v value) int(low, high int) int {
	if v.kind() == integer {
		if n, ok := number(v.node); ok && n.IsInt64() && n.Int64() >= int64(low) && n.Int64() <= int64(high) {
			return int(n.Int64())
		}
	}
	v.fail("should be a whole number from %d to %d", low, high)
	return low
}

// strings reads a list of strings.
func (v value) strings() []string {
	if v.kind() == sequence {
		all := []string{}
		for _, e := range v.elements() {
			if e.kind() != text {
				v.fail("should be an array of strings")
				return nil
			}
			all = append(all, e.node.Value)
		}
		return all
	}
	v.fail("should be an array of strings")
	return nil
}

// stringOrStrings reads a list of strings, or one string as a list of it.
func (v value) stringOrStrings() []string {
	switch v.kind() {
	case text:
		return []string{v.node.Value}
	case sequence:
		return v.strings()
	default:
		v.fail("should be an array of strings or a string")
		return nil
	}
}

// scriptDepth is how deep lists in a script may stand in each other, for
// aliases of whole scripts.
const scriptDepth = 10

// script reads a string or a list of strings and lists.
func (v value) script() []string {
	if v.kind() == text {
		return []string{v.node.Value}
	}
	lines := []string{}
	v.lines(&lines, scriptDepth)
	return lines
}

func (v value) lines(into *[]string, depth int) {
	if v.kind() != sequence || depth == 0 {
		v.fail("config should be a string or a nested array of strings up to %d levels deep%s", scriptDepth, hint(v.kind()))
		return
	}
	for _, e := range v.elements() {
		if e.kind() == text {
			*into = append(*into, e.node.Value)
		} else {
			e.lines(into, depth-1)
		}
	}
}

// hint says how a line of a script became something else: mostly unnoticed.
func hint(k kind) string {
	switch k {
	case mapping:
		return "; this is a hash, because of a colon: write the line in quotes"
	case null, boolean, integer, float, moment:
		return "; this is " + k.String() + ": write it in quotes"
	default:
		return ""
	}
}

// scalar reads a string, a number or a boolean as the string that Ruby makes
// of it.
func (v value) scalar() (string, bool) {
	switch v.kind() {
	case text, integer, float:
		return written(v.node), true
	case boolean:
		return map[bool]string{true: "true", false: "false"}[isTrue(v.node)], true
	default:
		return "", false
	}
}
