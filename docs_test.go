package baton_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var (
	codeBlock = regexp.MustCompile("(?ms)^```.*?^```$|^    .*?$")
	codeSpan  = regexp.MustCompile("`[^`\n]*`")
	link      = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	heading   = regexp.MustCompile(`(?m)^#{1,6} +(.*)$`)
	// unsaid is what of a heading is not in its anchor.
	unsaid = regexp.MustCompile(`\]\([^()]*\)|[^\p{L}\p{N} _-]`)
)

// TestLinks follows every link from one of our pages to another, to the heading
// where it names one.
func TestLinks(t *testing.T) {
	t.Parallel()
	links, anchors := map[string][]string{}, map[string]map[string]bool{}
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && file != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules"):
			return fs.SkipDir
		case d.IsDir() || filepath.Ext(file) != ".md":
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		page := codeBlock.ReplaceAllString(string(text), "")
		anchors[file] = anchorsOf(page)
		for _, m := range link.FindAllStringSubmatch(codeSpan.ReplaceAllString(page, ""), -1) {
			links[file] = append(links[file], m[1])
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	followed := 0
	for file, targets := range links {
		for _, target := range targets {
			if strings.Contains(target, "://") {
				continue
			}
			followed++
			to, anchor, _ := strings.Cut(target, "#")
			page := file
			if to != "" {
				page = filepath.Join(filepath.Dir(file), to)
			}
			if _, err := os.Stat(page); err != nil {
				t.Errorf("%s links to %s: %v", file, target, err)
			} else if anchor != "" && !anchors[page][anchor] {
				t.Errorf("%s links to %s: there is no such heading", file, target)
			}
		}
	}
	if followed == 0 {
		t.Error("no page links to another: are links still written so?")
	}
}

// anchorsOf returns what leads to the headings of a page: in lower case, with
// hyphens for spaces and without other signs, and numbered where it comes again.
// https://docs.github.com/get-started/writing-on-github/getting-started-with-writing-and-formatting-on-github/basic-writing-and-formatting-syntax#section-links
func anchorsOf(page string) map[string]bool {
	anchors, times := map[string]bool{}, map[string]int{}
	for _, m := range heading.FindAllStringSubmatch(page, -1) {
		anchor := strings.ReplaceAll(unsaid.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-")
		n := times[anchor]
		times[anchor]++
		if n > 0 {
			anchor += "-" + strconv.Itoa(n)
		}
		anchors[anchor] = true
	}
	return anchors
}
