package ciconfig

import (
	"net/url"
	"strings"
)

// maxCaches is how many caches a job may have.
const maxCaches = 4

// keptWhen reads when files are kept.
func (v value) keptWhen() When {
	return When(v.oneOf(string(OnSuccess), string(OnFailure), string(Always)))
}

// artifacts reads what a job keeps.
func (v value) artifacts() *Artifacts {
	a := Artifacts{When: OnSuccess}
	read(v, &a, []keyword[Artifacts]{
		{"name", func(v value, a *Artifacts) { a.Name = v.string() }},
		{"paths", func(v value, a *Artifacts) { a.Paths = v.strings() }},
		{"exclude", func(v value, a *Artifacts) { a.Exclude = v.strings() }},
		{"when", func(v value, a *Artifacts) { a.When = v.keptWhen() }},
		{"expire_in", func(v value, a *Artifacts) { a.ExpireIn = v.expiry() }},
	})
	return &a
}

// expiry reads how long files are kept, as it stands there.
func (v value) expiry() string {
	if v.kind() != text || v.node.Value != never {
		v.duration()
	}
	return v.node.Value
}

// caches reads a cache or a list of them.
func (v value) caches() []Cache {
	if v.kind() != sequence {
		return []Cache{v.cache()}
	}
	all := []Cache{}
	for _, e := range v.elements() {
		all = append(all, e.cache())
	}
	if len(all) > maxCaches {
		v.fail("config no more than %d caches can be created", maxCaches)
	}
	return all
}

func (v value) cache() Cache {
	c := Cache{Policy: "pull-push", When: OnSuccess}
	read(v, &c, []keyword[Cache]{
		{"key", func(v value, c *Cache) { c.Key = v.cacheKey() }},
		{"fallback_keys", func(v value, c *Cache) { c.FallbackKeys = v.strings() }},
		{"paths", func(v value, c *Cache) { c.Paths = v.strings() }},
		{"untracked", func(v value, c *Cache) { c.Untracked = v.bool() }},
		{"unprotect", func(v value, c *Cache) { c.Unprotect = v.bool() }},
		{"policy", func(v value, c *Cache) { c.Policy = v.oneOf("pull-push", "pull", "push") }},
		{"when", func(v value, c *Cache) { c.When = v.keptWhen() }},
	})
	return c
}

// cacheKey reads the name of a cache, which becomes part of a path.
func (v value) cacheKey() string {
	key := v.string()
	unescaped, err := url.QueryUnescape(key)
	switch {
	case err != nil: // gitlab-runner takes it as it is
	case strings.Contains(unescaped, "/"):
		v.fail(`cannot contain the "/" character`)
	case unescaped == ".", unescaped == "..":
		v.fail(`cannot be "." or ".."`)
	}
	return key
}
