package directory

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"baton.example/baton"
)

// problems collects broken rules in the words of ActiveModel.
type problems []baton.FieldError

func (p *problems) add(field, problem string) {
	*p = append(*p, baton.FieldError{Field: field, Problem: problem})
}

// The words that more than one rule ends with.
const (
	taken   = "has already been taken"
	blank   = "can't be blank"
	unknown = "is not included in the list"
	// tooLarge belongs to [maxSeconds].
	tooLarge = "must be less than or equal to 2147483647"
)

// present adds a problem when there is nothing but space.
func (p *problems) present(field, value string) {
	if strings.TrimSpace(value) == "" {
		p.add(field, blank)
	}
}

// atMost adds a problem when the value has more characters than limit.
func (p *problems) atMost(field, value string, limit int) {
	if utf8.RuneCountInString(value) > limit {
		p.add(field, fmt.Sprintf("is too long (maximum is %d characters)", limit))
	}
}

// oneOf adds a problem when the value is none of those allowed.
func oneOf[T comparable](p *problems, field string, value T, allowed ...T) {
	if !slices.Contains(allowed, value) {
		p.add(field, unknown)
	}
}

// The limits of lengths, in characters.
const (
	maxName               = 255
	maxPath               = 255
	maxEmail              = 254 // RFC 5321's path without its brackets
	maxGroupDescription   = 500
	maxProjectDescription = 2000
)

// The forms of names and paths, and what is said of what has another one.
// https://docs.gitlab.com/user/reserved_names/#limitations-on-usernames-project-and-group-names-and-slugs.
var (
	namespacePathForm = regexp.MustCompile(`^(?:[a-zA-Z0-9_.][a-zA-Z0-9_.-]*[a-zA-Z0-9_-]|[a-zA-Z0-9_])$`)
	projectPathForm   = regexp.MustCompile(`^[a-zA-Z0-9_.][a-zA-Z0-9_.-]*$`)
	groupNameForm     = regexp.MustCompile(`^[\p{L}\p{N}\x{A9}-\x{1F9FF}_][\p{L}\p{N}\x{A9}-\x{1F9FF}_.()\s-]*$`)
	projectNameForm   = regexp.MustCompile(`^[\p{L}\p{N}\x{A9}-\x{1F9FF}_][\p{L}\p{N}\x{A9}-\x{1F9FF}_.+ -]*$`)
)

const (
	namespacePathHint = "can contain only letters, digits, '_', '-' and '.'. Cannot start with '-' or end in '.', '.git' or '.atom'."
	projectPathHint   = "can contain only letters, digits, '_', '-' and '.'. Cannot start with '-', end in '.git' or end in '.atom'"
	groupNameHint     = "can contain only letters, digits, emoji, '_', '.', dash, space, parenthesis. It must start with letter, digit, emoji or '_'."
	projectNameHint   = "can contain only letters, digits, emoji, '_', '.', '+', dashes, or spaces. It must start with a letter, digit, emoji, or '_'."
)

// topLevelNames and projectNames are GitLab's reserved names: those that would
// stand in the way of a page at the top level, or of one below a project.
// https://docs.gitlab.com/user/reserved_names/.
var (
	topLevelNames = []string{
		"-", ".well-known", "404.html", "422.html", "500.html", "502.html", "503.html", "admin", "api",
		"apple-touch-icon.png", "assets", "dashboard", "deploy.html", "explore", "favicon.ico",
		"favicon.png", "files", "groups", "health_check", "help", "import", "jwt", "login", "metrics",
		"oauth", "profile", "projects", "public", "robots.txt", "s", "search", "sitemap", "sitemap.xml",
		"sitemap.xml.gz", "slash-command-logo.png", "snippets", "static", "unsubscribes", "uploads",
		"users", "v2",
	}
	projectNames = []string{
		"-", "badges", "blame", "blob", "builds", "commits", "create", "create_dir", "edit",
		"environments/folders", "files", "find_file", "gitlab-lfs/objects", "info/lfs/objects", "new",
		"preview", "raw", "refs", "tree", "update", "wikis",
	}
)

// namespacePath adds what is wrong with the path of a group or a username.
func (p *problems) namespacePath(field, path string, topLevel bool) {
	p.present(field, path)
	p.atMost(field, path, maxPath)
	reserved := projectNames
	if topLevel {
		reserved = topLevelNames
	}
	p.path(field, path, namespacePathForm, namespacePathHint, reserved)
}

// projectPath adds what is wrong with the path of a project.
func (p *problems) projectPath(field, path string) {
	p.present(field, path)
	p.atMost(field, path, maxPath)
	p.path(field, path, projectPathForm, projectPathHint, projectNames)
}

// pathIsFree adds a problem when there is something at a path in a namespace,
// or at the top level in the zero namespace: groups, users and projects share
// one space of paths.
func (p *problems) pathIsFree(ctx context.Context, r reader, field string, in baton.Namespace, path string) error {
	full := path
	if in.ID != 0 {
		full = in.FullPath + "/" + path
	}
	_, err := r.NamespaceByPath(ctx, full)
	if baton.IsNotFound(err) {
		_, err = r.ProjectByPath(ctx, full)
	}
	if baton.IsNotFound(err) {
		return nil
	}
	if err == nil {
		p.add(field, taken)
	}
	return err
}

func (p *problems) path(field, path string, form *regexp.Regexp, hint string, reserved []string) {
	lower := strings.ToLower(path)
	switch {
	case path == "":
		return
	case !form.MatchString(path), strings.HasSuffix(lower, ".git"), strings.HasSuffix(lower, ".atom"):
		p.add(field, hint)
	case slices.Contains(reserved, lower):
		p.add(field, path+" is a reserved name")
	}
}

// name adds what is wrong with the name of a group or project.
func (p *problems) name(field, name string, form *regexp.Regexp, hint string) {
	p.present(field, name)
	p.atMost(field, name, maxName)
	if name != "" && !form.MatchString(name) {
		p.add(field, hint)
	}
}

// An Interval is what a lifetime of tokens is changed to.
type Interval struct {
	// None ends the limit; Seconds then says nothing.
	None    bool
	Seconds int
}

// maxSeconds is the largest lifetime of tokens, and the largest period of a
// throttle: GitLab keeps both in 32 bits.
const maxSeconds = 1<<31 - 1

// setInterval changes a lifetime of tokens to v, unless v is nil, less than
// least, or more than [maxSeconds].
func (p *problems) setInterval(field string, dst *int, v *Interval, least int) {
	switch {
	case v == nil:
	case v.None:
		*dst = 0
	case v.Seconds < least:
		p.add(field, fmt.Sprintf("must be greater than or equal to %d", least))
	case v.Seconds > maxSeconds:
		p.add(field, tooLarge)
	default:
		*dst = v.Seconds
	}
}

// setOverlap changes how long tokens work on after they were replaced to v,
// unless v is nil or out of bounds; none leaves it to what is above.
func (p *problems) setOverlap(field string, dst **int, v *Interval) {
	if v == nil || v.None {
		if v != nil {
			*dst = nil
		}
		return
	}
	var seconds int
	p.setInterval(field, &seconds, v, 0)
	*dst = &seconds
}

// visibilityOrder ranks the visibilities from the closest to the most open.
var visibilityOrder = []baton.Visibility{baton.Private, baton.Internal, baton.Public}

// moreVisible reports whether more people see v than w.
func moreVisible(v, w baton.Visibility) bool {
	return slices.Index(visibilityOrder, v) > slices.Index(visibilityOrder, w)
}

// pathOf derives a project's path from its name: the name itself if it can be
// a path, else its words in lower case, joined by dashes.
func pathOf(name string) string {
	if projectPathForm.MatchString(name) {
		return name
	}
	var b strings.Builder
	dash := false
	for _, c := range strings.ToLower(name) {
		if c == '_' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			if dash && b.Len() > 0 {
				b.WriteByte('-')
			}
			b.WriteRune(c)
			dash = false
			continue
		}
		dash = true
	}
	return b.String()
}
