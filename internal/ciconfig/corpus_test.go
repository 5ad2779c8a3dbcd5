package ciconfig_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"baton.example/baton/internal/ciconfig"
)

var update = flag.Bool("update", false, "write what the configurations of testdata mean anew")

// TestCorpus reads the configurations of testdata. Each file says what it is
// about, then pairs of a configuration and what it means: the jobs, with what
// they inherit and without what they do not say, or the problems.
func TestCorpus(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in testdata (%v)", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var read txtar.Archive
			read.Comment = archive.Comment
			for _, f := range archive.Files {
				name, isConfig := strings.CutSuffix(f.Name, ".yml")
				if !isConfig {
					continue
				}
				c, err := ciconfig.Parse(string(f.Data))
				read.Files = append(read.Files, f, txtar.File{Name: name + ".is", Data: []byte(describe(c, err))})
			}
			got := string(txtar.Format(&read))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(txtar.Format(archive)), got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// describe returns what a configuration means.
func describe(c *ciconfig.Config, err error) string {
	var b strings.Builder
	var problems ciconfig.Errors
	switch {
	case errors.As(err, &problems):
		for _, p := range problems {
			fmt.Fprintln(&b, p)
		}
		return b.String()
	case err != nil:
		return err.Error() + "\n"
	}
	if stages := strings.Join(c.Stages, " "); stages != ".pre build test deploy .post" {
		fmt.Fprintln(&b, "stages", stages)
	}
	for _, v := range c.Variables {
		fmt.Fprintf(&b, "variable %s\n", said(v))
	}
	for _, j := range c.Jobs {
		fmt.Fprintf(&b, "%s\n", j.Name)
		v := reflect.ValueOf(j)
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if f.Name == "Name" || f.Name == "Line" || v.Field(i).IsZero() {
				continue
			}
			fmt.Fprintf(&b, "  %s: %s\n", f.Name, said(v.Field(i).Interface()))
		}
	}
	return b.String()
}

// said writes a value without what is zero in it.
func said(v any) string {
	if s, ok := v.(fmt.Stringer); ok {
		return s.String()
	}
	return string(compact(reflect.ValueOf(v)))
}

func compact(v reflect.Value) []byte {
	switch v.Kind() {
	case reflect.Pointer:
		return compact(v.Elem())
	case reflect.Slice:
		parts := make([]string, v.Len())
		for i := range parts {
			parts[i] = string(compact(v.Index(i)))
		}
		return []byte("[" + strings.Join(parts, ", ") + "]")
	case reflect.Struct:
		var parts []string
		for i := range v.NumField() {
			switch f := v.Type().Field(i); {
			case v.Field(i).IsZero():
			case f.Anonymous:
				parts = append(parts, strings.Trim(string(compact(v.Field(i))), "{}"))
			default:
				parts = append(parts, f.Name+": "+string(compact(v.Field(i))))
			}
		}
		return []byte("{" + strings.Join(parts, ", ") + "}")
	default:
		text, err := json.Marshal(v.Interface())
		if err != nil {
			panic(err)
		}
		return text
	}
}
