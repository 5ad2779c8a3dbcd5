package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"baton.example/baton/internal/client"
)

type apiCmd struct {
	serverFlags
	Method    string   `arg:"" enum:"GET,HEAD,POST,PUT,PATCH,DELETE" help:"GET, HEAD, POST, PUT, PATCH or DELETE."`
	Path      string   `arg:"" help:"Path below /api/v4, with a query if need be."`
	Field     []string `short:"f" sep:"none" placeholder:"NAME=VALUE" help:"Parameter; NAME[]=VALUE for an element of a list."`
	FieldFile []string `sep:"none" placeholder:"NAME=FILE" help:"Parameter whose value is in a file, for what must not be seen in the list of processes."`
	Input     string   `xor:"input" placeholder:"FILE" help:"File that is sent as it is, as JSON unless --header says otherwise; - is standard input."`
	Header    []string `short:"H" sep:"none" placeholder:"NAME:VALUE" help:"Header to send."`
	Paginate  bool     `xor:"whole" help:"Ask for all pages of a list and print them as one."`
	Include   bool     `short:"i" xor:"whole" help:"Print the status and the headers before the body."`
}

// Help is the long help of the command.
func (apiCmd) Help() string {
	return `
For what has no command of its own. Parameters go into the query of GET, HEAD and DELETE, and into
the body of the others. What the server answers is printed as it is, or laid out on a terminal, errors
too; the exit code tells them apart.

Examples:

  baton api GET /version
  baton api GET "/runners/all?type=instance_type" --paginate
  baton api POST /groups -f name=Builders -f path=builders
  baton api PUT /application/settings -f runner_token_overlap=3600 -f "valid_runner_registrars[]=group"
  echo '{"paused": true}' | baton api PUT /runners/1 --input -
  baton api GET /runners -i -f status=online`
}

// Validate implements kong's check of a command line.
func (c *apiCmd) Validate() error {
	for _, field := range slices.Concat(c.Field, c.FieldFile) {
		if name, _, found := strings.Cut(field, "="); !found || name == "" {
			return fmt.Errorf("%q is no parameter: write NAME=VALUE", field)
		}
	}
	for _, header := range c.Header {
		if name, _, found := strings.Cut(header, ":"); !found || strings.TrimSpace(name) == "" {
			return fmt.Errorf("%q is no header: write NAME:VALUE", header)
		}
	}
	if c.Input != "" && len(c.Field)+len(c.FieldFile) > 0 {
		return errors.New("--input is the whole body: it can't be used together with --field and --field-file")
	}
	if c.Paginate && c.Method != http.MethodGet {
		return errors.New("--paginate is for GET")
	}
	return nil
}

// request returns what is asked.
func (c *apiCmd) request(std Stdio) (*client.Request, error) {
	path, query, _ := strings.Cut(c.Path, "?")
	if strings.Contains(path, "://") {
		return nil, usagef("%q is an address: write the path that it has below /api/v4, and say which server with --server or %s", c.Path, urlEnv)
	}
	path = "/" + strings.TrimPrefix(strings.TrimPrefix(path, "/"), "api/v4/")
	params, err := url.ParseQuery(query)
	if err != nil {
		return nil, usagef("the query of %q: %v", c.Path, err)
	}
	r := &client.Request{Method: c.Method, Path: path, Query: params, Header: http.Header{}}
	for _, header := range c.Header {
		name, value, _ := strings.Cut(header, ":")
		r.Header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	if r.Method == http.MethodPost && r.Path == "/user/runners" {
		r.Key = r.Header.Get("Idempotency-Key") // Baton knows it there, and nowhere else
	}
	fields, err := c.fields()
	if err != nil {
		return nil, err
	}
	switch c.Method {
	case http.MethodGet, http.MethodHead, http.MethodDelete:
		for name, values := range fields {
			r.Query[name] = append(r.Query[name], values...)
		}
	default:
		if len(fields) > 0 {
			r.Body, r.ContentType = []byte(fields.Encode()), "application/x-www-form-urlencoded"
		}
	}
	if c.Input != "" {
		r.ContentType = "application/json"
		r.Body, err = std.read(c.Input)
	}
	return r, err
}

// fields returns the parameters.
func (c *apiCmd) fields() (url.Values, error) {
	fields := url.Values{}
	for _, field := range c.Field {
		name, value, _ := strings.Cut(field, "=")
		fields.Add(name, value)
	}
	for _, field := range c.FieldFile {
		name, file, _ := strings.Cut(field, "=")
		value, err := readFile(file)
		if err != nil {
			return nil, err
		}
		fields.Add(name, strings.TrimSuffix(string(value), "\n"))
	}
	return fields, nil
}

// read returns the content of a file, or of standard input for "-".
func (std Stdio) read(file string) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(std.In)
	}
	return readFile(file)
}

// Run asks and prints the answer.
func (c *apiCmd) Run(ctx context.Context, std Stdio) error {
	request, err := c.request(std)
	if err != nil {
		return err
	}
	s, err := c.open(std)
	if err != nil {
		return err
	}
	if c.Paginate {
		return s.whole(ctx, request)
	}
	resp, err := s.Send(ctx, request)
	if refused, ok := errors.AsType[*client.Error](err); ok {
		if len(refused.Body) > 0 {
			err = errors.Join(s.advise(err), printBody(std, refused.Body))
			return err
		}
		return s.advise(err)
	}
	if err != nil {
		return s.advise(err)
	}
	defer resp.Body.Close()
	if c.Include {
		printHead(std, resp)
	}
	if _, person := terminal(std.Out); !person {
		_, err = io.Copy(std.Out, resp.Body)
		return err
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil || len(body) == 0 {
		return err
	}
	return printBody(std, body)
}

// whole asks for all pages of a list and prints them as one.
func (s *session) whole(ctx context.Context, request *client.Request) error {
	show := lister[struct{}]{s: s, f: &listFlags{outputFlags: outputFlags{Output: "json"}}}
	bar := s.std.progress(-1, "reading")
	for answer, err := range s.Pages(ctx, request) {
		if err != nil {
			_ = bar.Exit() // a screen that cannot be cleared
			return s.advise(err)
		}
		if rows, err := show.page(answer); err == nil {
			_ = bar.Add(rows) // likewise
		} else {
			return fmt.Errorf("%s is no list: %w", request.Path, err)
		}
	}
	_ = bar.Finish() // likewise
	return show.end()
}

// printHead prints the status and the headers of an answer.
func printHead(std Stdio, resp *http.Response) {
	fmt.Fprintf(std.Out, "%s %s\n", resp.Proto, resp.Status)
	for _, name := range slices.Sorted(maps.Keys(resp.Header)) {
		for _, value := range resp.Header[name] {
			fmt.Fprintf(std.Out, "%s: %s\n", name, harmless(value))
		}
	}
	fmt.Fprintln(std.Out)
}

// printBody prints a body: laid out on a terminal, elsewhere as it is.
func printBody(std Stdio, body []byte) error {
	_, person := terminal(std.Out)
	switch {
	case person && json.Valid(body):
		return writeJSON(std.Out, body)
	case person:
		body = []byte(shown(body))
	}
	_, err := std.Out.Write(body)
	return err
}

// readFile reads a file that the command line names.
func readFile(file string) ([]byte, error) {
	content, err := os.ReadFile(file)
	switch pathErr, _ := errors.AsType[*fs.PathError](err); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no file %s", file)
	case pathErr != nil:
		return nil, fmt.Errorf("%s cannot be read: %w", file, pathErr.Err)
	}
	return content, err
}
