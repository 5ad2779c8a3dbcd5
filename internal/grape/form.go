package grape

import (
	"net/url"
	"strings"
)

// readForm adds the pairs of a query or form to p. It stands in for
// [url.ParseQuery] because Rack builds arrays and hashes from brackets, takes
// the last of repeated keys, and gives a key without "=" the value null.
func readForm(p Params, s string) error {
	if strings.Count(s, "&") >= maxPairs {
		return badRequest(invalidParameters)
	}
	for pair := range strings.SplitSeq(s, "&") {
		name, text, given := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		if err != nil {
			return badRequest(invalidParameters)
		}
		if text, err = url.QueryUnescape(text); err != nil {
			return badRequest(invalidParameters)
		}
		var value any
		if given {
			value = text
		}
		if err := assign(p, name, value); err != nil {
			return err
		}
	}
	return nil
}

// assign puts value under name, which may have brackets.
func assign(p Params, name string, value any) error {
	text, _ := value.(string)
	if !clean(name) || !clean(text) {
		return badRequest(invalidParameters)
	}
	key, rest := name, ""
	if name != "" {
		// A bracket in front belongs to the key.
		if i := strings.IndexByte(name[1:], '['); i >= 0 {
			key, rest = name[:i+1], name[i+1:]
		}
	}
	return nest(p, name, key, rest, value, 1)
}

// nest follows Rack's QueryParser: rest is what stands behind key in name.
// Brackets that make no sense become part of a key, never an error; a name that
// is used as two different things is one.
func nest(m map[string]any, name, key, rest string, value any, depth int) error {
	switch {
	case depth > maxDepth:
		return tooDeep()
	case key == "":
		return nil
	case rest == "":
		m[key] = value
		return nil
	case rest == "[":
		m[name] = value
		return nil
	case strings.HasPrefix(rest, "[]"):
		list, ok := m[key].([]any)
		if !ok && m[key] != nil {
			return badRequest(conflictingTypes)
		}
		if rest == "[]" {
			m[key] = append(list, value)
			return nil
		}
		return nestInList(m, key, list, rest[2:], value, depth)
	}
	hash, ok := m[key].(map[string]any)
	if !ok {
		if m[key] != nil {
			return badRequest(conflictingTypes)
		}
		hash = make(map[string]any)
		m[key] = hash
	}
	key, after := inner(rest)
	return nest(hash, rest, key, after, value, depth+1)
}

// nestInList reads x[][y]: the pair joins the last hash of the list until its
// key repeats, which starts the next hash. No parameter is a list of lists, so
// x[][] only leaves an empty hash, which every list of scalars refuses.
func nestInList(m map[string]any, key string, list []any, rest string, value any, depth int) error {
	child, after := inner(rest)
	var hash map[string]any
	if len(list) > 0 {
		hash, _ = list[len(list)-1].(map[string]any)
	}
	if _, repeated := hash[child]; hash == nil || repeated {
		hash = make(map[string]any)
		m[key] = append(list, hash)
	}
	return nest(hash, rest, child, after, value, depth+1)
}

// inner splits "[y]…" into y and what follows.
func inner(s string) (key, rest string) {
	if strings.HasPrefix(s, "[") {
		if i := strings.IndexByte(s, ']'); i > 0 {
			return s[1:i], s[i+1:]
		}
	}
	return s, ""
}
