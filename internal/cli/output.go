package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/dustin/go-humanize"

	"baton.example/baton/internal/client"
)

// outputFlags say how an answer is written.
type outputFlags struct {
	Output string `short:"o" enum:"table,json" default:"table" placeholder:"FORMAT" help:"How the answer is written: table, for people, or json, as the server sent it."`
}

func (f *outputFlags) json() bool { return f.Output == "json" }

// quietly checks that the answer is to be written in one way.
func (f *outputFlags) quietly(quiet bool) error {
	if quiet && f.json() {
		return errors.New("--quiet and --output=json can't be used together")
	}
	return nil
}

// A fact is a row of what is shown of one thing.
type fact struct {
	name  string
	value cell
}

// facts writes what is known of one thing.
func (std Stdio) facts(facts ...fact) error {
	rows := make([][]cell, len(facts))
	for i, f := range facts {
		rows[i] = []cell{{f.name, boldText}, f.value}
	}
	return std.table(nil, rows)
}

// listFlags say how much of a list is shown.
type listFlags struct {
	outputFlags
	All     bool `xor:"page" help:"Show all pages."`
	Page    int  `xor:"page" placeholder:"N" help:"Page to show; the first unless given."`
	PerPage int  `default:"50" placeholder:"N" help:"Rows on a page, at most 100."`
	Quiet   bool `short:"q" help:"Print ids alone, a line each."`
}

// Validate implements kong's check of a command line.
func (f *listFlags) Validate() error { return f.quietly(f.Quiet) }

// A column is a heading and what stands below it for a row.
type column[Row any] struct {
	heading string
	cell    func(*Row) cell
}

// list asks for a list and writes it. Rows are read from the server's JSON,
// which is handed on as it is if a program reads.
func list[Row any](ctx context.Context, s *session, f *listFlags, request *client.Request, id func(*Row) int64, columns []column[Row]) error {
	const mostPerPage = "100"
	request.Query.Set("per_page", strconv.Itoa(f.PerPage))
	if f.All {
		request.Query.Set("per_page", mostPerPage)
	} else {
		request.Query.Set("page", strconv.Itoa(max(f.Page, 1)))
	}
	show := lister[Row]{s: s, f: f, id: id, columns: columns}
	bar := s.std.progress(-1, "reading")
	first := true
	for answer, err := range s.Pages(ctx, request) {
		if err != nil {
			_ = bar.Exit() // a screen that cannot be cleared
			return s.advise(err)
		}
		if total, told := answer.Total(); told && first && f.All {
			bar.ChangeMax(total)
		}
		first = false
		rows, err := show.page(answer)
		if err != nil {
			return err
		}
		if !f.All {
			defer s.std.moreOf(answer, rows)
			break
		}
		_ = bar.Add(rows) // likewise
	}
	_ = bar.Finish() // likewise
	return show.end()
}

// moreOf tells that a list goes on, to who did not ask for a certain page.
func (std Stdio) moreOf(answer *client.Answer, rows int) {
	if !answer.More() {
		return
	}
	if total, told := answer.Total(); told {
		std.note("%d of %d are shown; --all shows the others too.", rows, total)
	} else {
		std.note("%d are shown; --all shows the others too.", rows)
	}
}

// A lister writes a list page by page.
type lister[Row any] struct {
	s       *session
	f       *listFlags
	id      func(*Row) int64
	columns []column[Row]

	cells [][]cell
	raw   []json.RawMessage
}

func (l *lister[Row]) page(answer *client.Answer) (rows int, err error) {
	var raw []json.RawMessage
	if err := answer.Decode(&raw); err != nil {
		return 0, err
	}
	if l.f.json() {
		l.raw = append(l.raw, raw...)
		return len(raw), nil
	}
	for _, text := range raw {
		var row Row
		if err := json.Unmarshal(text, &row); err != nil {
			return 0, fmt.Errorf("the server answered with a row that cannot be read: %w", err)
		}
		if l.f.Quiet {
			if _, err := fmt.Fprintln(l.s.std.Out, l.id(&row)); err != nil {
				return 0, err
			}
			continue
		}
		cells := make([]cell, len(l.columns))
		for i, c := range l.columns {
			cells[i] = c.cell(&row)
		}
		l.cells = append(l.cells, cells)
	}
	return len(raw), nil
}

func (l *lister[Row]) end() error {
	switch {
	case l.f.json():
		return writeArray(l.s.std.Out, l.raw)
	case l.f.Quiet:
		return nil
	}
	headings := make([]string, len(l.columns))
	for i, c := range l.columns {
		headings[i] = c.heading
	}
	return l.s.std.table(headings, l.cells)
}

// writeArray writes what the server sent, element by element, as one array.
func writeArray(out io.Writer, elements []json.RawMessage) error {
	var array bytes.Buffer
	array.WriteByte('[')
	for i, element := range elements {
		if i > 0 {
			array.WriteByte(',')
		}
		array.Write(element)
	}
	array.WriteByte(']')
	return writeJSON(out, array.Bytes())
}

// since writes a time for people: how long ago on a terminal, otherwise the
// time itself.
func (s *session) since(t time.Time) string {
	if t.IsZero() {
		return when(t)
	}
	if _, person := terminal(s.std.Out); person {
		return humanize.RelTime(t, s.now, "ago", "from now")
	}
	return when(t)
}

// newTokenFlags say where a new token goes.
type newTokenFlags struct {
	outputFlags
	Quiet     bool   `short:"q" help:"Print the token alone; the id alone with --token-file."`
	TokenFile string `placeholder:"FILE" help:"Write the token to a file that only you can read, instead of printing it."`
}

// Validate implements kong's check of a command line.
func (f *newTokenFlags) Validate() error {
	if f.TokenFile != "" && f.json() {
		return errors.New("--token-file keeps the token out of what is printed, and --output=json prints it: leave one out (--quiet prints the id alone)")
	}
	return f.quietly(f.Quiet)
}

// A made thing has a token that is shown once.
type made struct {
	id     int64
	token  string
	ends   string // the day on which an access token ends, or never; "" for a runner's
	answer []byte // the server's
}

// keep makes something and puts its token where it belongs. Where that is a
// file, it is opened before: what is shown once must not be made for a place
// where it cannot be kept. The text for people gets the token as a shell would
// be given it; again is the command for another token if this one gets lost.
func (f *newTokenFlags) keep(std Stdio, create func() (made, error), text func(m made, token string) string, again func(m made) string) error {
	var file *secretFile
	if f.TokenFile != "" {
		var err error
		if file, err = newSecretFile(f.TokenFile); err != nil {
			return err
		}
	}
	m, err := create()
	if err != nil {
		if file != nil {
			err = errors.Join(err, file.drop())
		}
		return err
	}
	token := m.token
	if file != nil {
		err = file.write([]byte(token + "\n"))
		token = fmt.Sprintf(`"$(cat %s)"`, f.TokenFile)
	}
	if err == nil {
		switch {
		case f.json():
			err = writeJSON(std.Out, m.answer)
		case f.Quiet && file != nil:
			_, err = fmt.Fprintln(std.Out, m.id)
		case f.Quiet:
			_, err = fmt.Fprintln(std.Out, token)
		default:
			_, err = fmt.Fprint(std.Out, text(m, token))
		}
	}
	return hint(err, "%d was made, and its token is lost: %s makes another", m.id, again(m))
}
