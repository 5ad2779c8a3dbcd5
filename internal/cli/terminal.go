package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"baton.example/baton"
)

// terminal returns the file that a stream is if a person sits at it.
func terminal(stream any) (*os.File, bool) {
	f, ok := stream.(*os.File)
	return f, ok && term.IsTerminal(int(f.Fd()))
}

// harmless returns a text that a terminal shows as it stands: control
// characters, those that turn the direction of writing around and other
// invisible ones are written as \u001b, so that nobody's description can
// repaint the screen or show other than it is. Joiners stay: words of some
// languages need them.
func harmless(text string) string {
	if !slices.ContainsFunc([]rune(text), invisible) {
		return text
	}
	var safe strings.Builder
	for _, r := range text {
		escape(&safe, r)
	}
	return safe.String()
}

func invisible(r rune) bool {
	const zeroWidthNonJoiner, zeroWidthJoiner = '\u200c', '\u200d'
	return !unicode.IsPrint(r) && r != zeroWidthNonJoiner && r != zeroWidthJoiner
}

// escape writes a rune as JSON may, so that what was JSON still is.
func escape(to *strings.Builder, r rune) {
	switch {
	case !invisible(r):
		to.WriteRune(r)
	case r > 0xffff:
		high, low := (r-0x10000)>>10+0xd800, (r-0x10000)&0x3ff+0xdc00
		fmt.Fprintf(to, `\u%04x\u%04x`, high, low)
	default:
		fmt.Fprintf(to, `\u%04x`, r)
	}
}

// shown returns a text of several lines for a terminal.
func shown(text []byte) string {
	var safe strings.Builder
	for _, r := range string(bytes.ToValidUTF8(text, []byte(string(utf8.RuneError)))) {
		if r == '\n' || r == '\t' {
			safe.WriteRune(r)
		} else {
			escape(&safe, r)
		}
	}
	return safe.String()
}

// writeJSON writes a server's JSON with its fields in their order: as it is
// for a program, laid out for a person.
func writeJSON(out io.Writer, text []byte) error {
	text = bytes.TrimSpace(text)
	if _, person := terminal(out); person {
		var laidOut bytes.Buffer
		if json.Indent(&laidOut, text, "", "  ") == nil {
			text = laidOut.Bytes()
		}
		text = []byte(shown(text))
	}
	_, err := fmt.Fprintf(out, "%s\n", text)
	return err
}

// The colours that tables have on a terminal, as SGR parameters.
const (
	plainText = ""
	boldText  = "1"
	faintText = "2"
	redText   = "31"
	greenText = "32"
	amberText = "33"
)

// A cell is a text of a table with its colour.
type cell struct{ text, colour string }

// column is a cell that needs no colour.
func text(s string) cell { return cell{text: s} }

// texts returns cells without colours.
func texts(all ...string) []cell {
	cells := make([]cell, len(all))
	for i, s := range all {
		cells[i] = text(s)
	}
	return cells
}

// table writes rows under a heading, with colours if a person looks who has
// not turned them off (https://no-color.org). What a server said is made
// harmless.
func (std Stdio) table(heading []string, rows [][]cell) error {
	_, person := terminal(std.Out)
	colours := person && std.Getenv("NO_COLOR") == "" && std.Getenv("TERM") != "dumb"
	all := rows
	if heading != nil {
		head := make([]cell, len(heading))
		for i, title := range heading {
			head[i] = cell{title, boldText}
		}
		all = slices.Insert(slices.Clone(rows), 0, head)
	}
	var widths []int
	for _, row := range all {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], uniseg.StringWidth(harmless(c.text)))
		}
	}
	w := bufio.NewWriter(std.Out)
	const gap = 2
	for _, row := range all {
		space := 0
		for i, c := range row {
			safe := harmless(c.text)
			if safe != "" {
				fmt.Fprintf(w, "%*s", space, "")
				space = 0
				if colours && c.colour != plainText {
					safe = "\x1b[" + c.colour + "m" + safe + "\x1b[0m"
				}
				fmt.Fprint(w, safe)
			}
			space += widths[i] - uniseg.StringWidth(harmless(c.text)) + gap
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}

// note tells something besides the answer.
func (std Stdio) note(format string, args ...any) {
	fmt.Fprintln(std.Err, harmless(fmt.Sprintf(format, args...)))
}

// progress shows how far work of so many steps is, -1 if nobody knows, to a
// person who waits for it.
func (std Stdio) progress(steps int, what string) *progressbar.ProgressBar {
	_, person := terminal(std.Err)
	return progressbar.NewOptions(steps,
		progressbar.OptionSetWriter(std.Err),
		progressbar.OptionSetVisibility(person && steps != 1),
		progressbar.OptionSetDescription(what),
		progressbar.OptionShowCount(),
		progressbar.OptionSetWidth(20),
		progressbar.OptionClearOnFinish(),
	)
}

// confirm asks a person before something that cannot be undone.
func (std Stdio) confirm(question string) error {
	if _, person := terminal(std.In); !person {
		return usagef("%s Nobody is there to answer: say --yes if that is meant", question)
	}
	fmt.Fprint(std.Err, question+" [y/N] ")
	answer, err := bufio.NewReader(std.In).ReadString('\n')
	if err != nil {
		return fmt.Errorf("no answer: %w", err)
	}
	if word := strings.ToLower(strings.TrimSpace(answer)); word != "y" && word != "yes" {
		return errDeclined
	}
	return nil
}

// askSecret asks a person for a secret, which the screen does not show.
func (std Stdio) askSecret(prompt string) (baton.Secret, error) {
	f, person := terminal(std.In)
	if !person {
		return baton.Secret{}, usagef("nobody is there to ask for an access token: give it with --token-stdin, --token-file or BATON_TOKEN")
	}
	fmt.Fprint(std.Err, prompt)
	typed, err := term.ReadPassword(int(f.Fd()))
	fmt.Fprintln(std.Err)
	if err != nil {
		return baton.Secret{}, fmt.Errorf("read the access token: %w", err)
	}
	return baton.NewSecret(strings.TrimSpace(string(typed))), nil
}
