package api

import (
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A comment is what stands above a declaration, without the name with which
// Go's comments begin.
type comment struct {
	text          string
	summary, rest string // its first sentence, and the others
	page          string // GitLab's documentation of the same
}

// comments is what the source of this package and of the root says, and
// reflection cannot.
type comments struct {
	functions map[string]comment // by name, with the receiver's type
	tables    []table            // of routes
	types     map[string]comment
	fields    map[string]string // by type and field
	constants map[string][]any  // by their type, in order
}

// A table is a method of routes.go that returns rows.
type table struct {
	name, about string
	// mentions are the names in it, those of the rows' functions among them.
	mentions map[string]bool
}

// readComments reads the source.
func readComments() (*comments, error) {
	c := &comments{
		functions: map[string]comment{}, types: map[string]comment{},
		fields: map[string]string{}, constants: map[string][]any{},
	}
	for _, pattern := range []string{"../../*.go", "*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			return nil, err
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
			if err != nil {
				return nil, err
			}
			c.file(file)
		}
	}
	return c, nil
}

func (c *comments) file(file *ast.File) {
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			about := newComment(d.Name.Name, d.Doc)
			c.functions[receiver(d)+d.Name.Name] = about
			if name, ok := strings.CutSuffix(d.Name.Name, "Routes"); ok {
				c.tables = append(c.tables, newTable(name, about.text, d.Body))
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					c.typeSpec(spec, d)
				case *ast.ValueSpec:
					c.constant(spec)
				}
			}
		}
	}
}

// hump finds where a word begins in a name.
var hump = regexp.MustCompile(`[A-Z]`)

func newTable(name, about string, body *ast.BlockStmt) table {
	words := hump.ReplaceAllStringFunc(name, func(letter string) string { return " " + strings.ToLower(letter) })
	t := table{name: words, about: about, mentions: map[string]bool{}}
	ast.Inspect(body, func(n ast.Node) bool {
		if selector, ok := n.(*ast.SelectorExpr); ok {
			t.mentions[selector.Sel.Name] = true
		}
		return true
	})
	return t
}

// receiver is the type that a method belongs to, as it is before its name.
func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return ""
	}
	t := f.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	name, _ := t.(*ast.Ident)
	if name == nil {
		return ""
	}
	return name.Name + "."
}

func (c *comments) typeSpec(spec *ast.TypeSpec, d *ast.GenDecl) {
	text := spec.Doc
	if text == nil && len(d.Specs) == 1 {
		text = d.Doc
	}
	name := spec.Name.Name
	c.types[name] = newComment(name, text)
	s, ok := spec.Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, f := range s.Fields.List {
		text := f.Doc
		if text == nil {
			text = f.Comment
		}
		for _, field := range f.Names {
			c.fields[name+"."+field.Name] = newComment(field.Name, text).text
		}
	}
}

// constant adds a constant of a type of its own with a literal value.
func (c *comments) constant(spec *ast.ValueSpec) {
	of, _ := spec.Type.(*ast.Ident)
	if of == nil || len(spec.Values) != 1 {
		return
	}
	literal, _ := spec.Values[0].(*ast.BasicLit)
	switch {
	case literal == nil:
	case literal.Kind == token.STRING:
		if text, err := strconv.Unquote(literal.Value); err == nil {
			c.constants[of.Name] = append(c.constants[of.Name], text)
		}
	case literal.Kind == token.INT:
		if n, err := strconv.ParseInt(literal.Value, 0, 64); err == nil {
			c.constants[of.Name] = append(c.constants[of.Name], n)
		}
	}
}

var (
	gitlabPage = regexp.MustCompile(`https://docs\.gitlab\.com/[^\s,]*[^\s,.]`)
	// neighbor is a link to another type, whose name says enough.
	neighbor = regexp.MustCompile(`\[(\w+)\]`)
	// opening is how comments begin: with a name, and an article before a
	// type's.
	opening = regexp.MustCompile(`^(?:(?:A|An|The) )?(\w+) (?:(?:is|are) )?`)
)

// newComment reads a comment on name.
func newComment(name string, group *ast.CommentGroup) comment {
	var out comment
	var paragraphs []string
	for paragraph := range strings.SplitSeq(neighbor.ReplaceAllString(group.Text(), "$1"), "\n\n") {
		for _, page := range gitlabPage.FindAllString(paragraph, -1) {
			if out.page == "" {
				out.page = page
			}
			paragraph = strings.ReplaceAll(paragraph, page, "")
		}
		if paragraph = strings.Trim(strings.Join(strings.Fields(paragraph), " "), " ,"); strings.Trim(paragraph, ".") != "" {
			paragraphs = append(paragraphs, strings.TrimSuffix(paragraph, " ."))
		}
	}
	if len(paragraphs) == 0 {
		return out
	}
	first := paragraphs[0]
	if found := opening.FindStringSubmatch(first); found != nil && found[1] == name {
		first = first[len(found[0]):]
		first = strings.ToUpper(first[:1]) + first[1:]
	}
	paragraphs[0] = first
	out.text = strings.Join(paragraphs, "\n\n")
	out.summary = new(doc.Package).Synopsis(first)
	out.rest = strings.TrimSpace(strings.TrimPrefix(out.text, out.summary))
	return out
}

// function returns the comment on the function of a row and the table that the
// row is in. The name is the one that the runtime has: that of a method which
// was made a value ends in "-fm".
func (c *comments) function(name string) (comment, string, error) {
	name = name[strings.LastIndexByte(name, '/')+1:]
	name = strings.TrimSuffix(strings.TrimPrefix(name, "api."), "-fm")
	name = strings.NewReplacer("(*", "", ")", "").Replace(name)
	about, found := c.functions[name]
	in := slices.IndexFunc(c.tables, func(t table) bool { return t.mentions[name[strings.LastIndexByte(name, '.')+1:]] })
	switch {
	case !found || in < 0:
		return comment{}, "", fmt.Errorf("%s is no function with a comment: a row needs one by itself, and not a closure", name)
	case about.summary == "":
		return comment{}, "", fmt.Errorf("%s has no comment, which is what its clients are told", name)
	case strings.ContainsAny(about.text, "[]"):
		return comment{}, "", fmt.Errorf("the comment on %s links to other code, which is nothing to its clients", name)
	}
	return about, c.tables[in].name, nil
}
