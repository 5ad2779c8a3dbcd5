package golden

import (
	"fmt"
	"strings"
)

// A kind says what a step is.
type kind int

const (
	text      kind = iota // comments and blank lines
	directive             // a line to the world
	request               // lines to the server
	question              // a line to the world, with an answer
	each                  // steps for several values
)

// A step is a part of a file.
type step struct {
	kind   kind
	number int // of its first line
	// title is the comment before a request.
	title string
	// lines are what is sent, without the marks; the values of an each; the
	// text of anything else.
	lines  []string
	answer []string
	// head, names and body are those of an each.
	head  string
	names []string
	body  []*step
}

// A parser reads a file line by line.
type parser struct {
	lines []string
	at    int
	title string
}

// parse returns the steps of a file.
func parse(content string) ([]*step, error) {
	p := &parser{lines: strings.Split(strings.TrimSuffix(content, "\n"), "\n")}
	steps, err := p.steps(false)
	if err != nil {
		return nil, err
	}
	return steps, nil
}

func (p *parser) steps(inside bool) ([]*step, error) {
	var steps []*step
	for p.at < len(p.lines) {
		line := p.lines[p.at]
		s := &step{number: p.at + 1, title: p.title}
		word, rest, _ := strings.Cut(line, " ")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
			s.kind, s.lines = text, []string{line}
			if line == "" {
				p.title = ""
			} else {
				p.title = strings.TrimSpace(p.title + " " + strings.TrimSpace(strings.TrimLeft(line, "#")))
			}
			p.at++
		case line[0] == '>':
			s.kind = request
			s.lines = p.take(">")
			s.answer = p.take("<")
		case line[0] == '?':
			s.kind = question
			s.lines = p.take("?")
			s.answer = p.take("<")
		case line[0] == '<':
			return nil, fmt.Errorf("%d: a response without a request", p.at+1)
		case word == "each":
			s.kind, s.head = each, line
			for name := range strings.SplitSeq(rest, "|") {
				s.names = append(s.names, strings.TrimSpace(name))
			}
			for p.at++; p.at < len(p.lines) && strings.HasPrefix(p.lines[p.at], "  "); p.at++ {
				s.lines = append(s.lines, p.lines[p.at][2:])
			}
			var err error
			if s.body, err = p.steps(true); err != nil {
				return nil, err
			}
			if p.at == len(p.lines) {
				return nil, fmt.Errorf("%d: each without end", s.number)
			}
			p.at++
		case line == "end" && inside:
			return steps, nil
		case line[0] == '+':
			s.kind, s.lines = directive, []string{strings.TrimSpace(line[1:])}
			p.at++
		default:
			return nil, fmt.Errorf("%d: what is %q?", p.at+1, line)
		}
		steps = append(steps, s)
	}
	return steps, nil
}

// take reads the lines that begin with the mark, without it and one space.
func (p *parser) take(mark string) []string {
	var lines []string
	for ; p.at < len(p.lines); p.at++ {
		line, ok := strings.CutPrefix(p.lines[p.at], mark)
		if !ok {
			break
		}
		lines = append(lines, strings.TrimPrefix(line, " "))
	}
	return lines
}

// parseAnswer reads what a step expects.
func parseAnswer(s *step) answer {
	if s.kind == question {
		return answer{body: strings.Join(s.answer, "\n")}
	}
	var a answer
	rest := s.answer
	if len(rest) > 0 {
		a.status, rest = rest[0], rest[1:]
	}
	for len(rest) > 0 && headerLine.MatchString(rest[0]) {
		name, value, _ := strings.Cut(rest[0], ":")
		a.headers, rest = append(a.headers, header{name, strings.TrimSpace(value)}), rest[1:]
	}
	a.body = strings.Join(rest, "\n")
	return a
}

// format writes steps as a file.
func format(steps []*step) string {
	var b strings.Builder
	write(&b, steps)
	return b.String()
}

func write(b *strings.Builder, steps []*step) {
	marked := func(mark string, lines []string) {
		for _, line := range lines {
			if line != "" {
				line = " " + line
			}
			b.WriteString(mark + line + "\n")
		}
	}
	for _, s := range steps {
		switch s.kind {
		case text:
			b.WriteString(s.lines[0] + "\n")
		case directive:
			marked("+", s.lines)
		case request:
			marked(">", s.lines)
			marked("<", s.answer)
		case question:
			marked("?", s.lines)
			marked("<", s.answer)
		case each:
			b.WriteString(s.head + "\n")
			for _, value := range s.lines {
				b.WriteString("  " + value + "\n")
			}
			write(b, s.body)
			b.WriteString("end\n")
		}
	}
}
