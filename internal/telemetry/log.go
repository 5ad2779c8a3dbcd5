package telemetry

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"slices"
)

// A LogFormat is how log lines are written. The zero value is no format.
type LogFormat string

// The formats.
const (
	TextLog LogFormat = "text"
	JSONLog LogFormat = "json"
)

// NewLogger returns a logger that writes records of level and above to w, one
// Write each, with the attributes that [With] put into their context and
// without tokens.
func NewLogger(w io.Writer, format LogFormat, level slog.Leveler) (*slog.Logger, error) {
	options := &slog.HandlerOptions{Level: level}
	w = masked{w}
	switch format {
	case TextLog:
		return slog.New(contextual{slog.NewTextHandler(w, options)}), nil
	case JSONLog:
		return slog.New(contextual{slog.NewJSONHandler(w, options)}), nil
	default:
		return nil, fmt.Errorf("log format %q is neither text nor json", format)
	}
}

// attrsKey is the key of the attributes in a context.
type attrsKey struct{}

// With returns a context whose log records carry attrs, after those that ctx
// has already.
func With(ctx context.Context, attrs ...slog.Attr) context.Context {
	return context.WithValue(ctx, attrsKey{}, slices.Concat(attrsOf(ctx), attrs))
}

func attrsOf(ctx context.Context) []slog.Attr {
	attrs, _ := ctx.Value(attrsKey{}).([]slog.Attr)
	return attrs
}

// contextual adds the attributes of the context to each record, in the group
// that the logger is in.
type contextual struct{ slog.Handler }

// Handle implements [slog.Handler].
func (h contextual) Handle(ctx context.Context, r slog.Record) error {
	if attrs := attrsOf(ctx); len(attrs) > 0 {
		r = r.Clone() // another handler may have the record too
		r.AddAttrs(attrs...)
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements [slog.Handler].
func (h contextual) WithAttrs(attrs []slog.Attr) slog.Handler {
	return contextual{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements [slog.Handler].
func (h contextual) WithGroup(name string) slog.Handler {
	return contextual{h.Handler.WithGroup(name)}
}

// masked hides tokens in finished lines, where nothing is left that could be
// overlooked: not the message, not an attribute's name, not a field deep in a
// value. It is the last safety net and knows GitLab's prefixes only; a token
// with a prefix of the administrator's own has to be kept out of the log by
// the code that holds it, as all should.
type masked struct{ w io.Writer }

// tokens matches a token from its prefix on, also inside an escaped URL.
var tokens = regexp.MustCompile(`(glpat(?:-|%2[Dd])|glrtr?(?:-|%2[Dd])|glcbt(?:-|%2[Dd])|GR1348941)[0-9A-Za-z_.%-]+`)

// signs are parts of which every token has one. To look for them is some
// hundred times quicker than to match.
var signs = [][]byte{[]byte("glpat"), []byte("glrt"), []byte("glcbt"), []byte("GR1348941")}

// Write implements [io.Writer] for whole lines.
func (m masked) Write(line []byte) (int, error) {
	if !slices.ContainsFunc(signs, func(sign []byte) bool { return bytes.Contains(line, sign) }) {
		return m.w.Write(line)
	}
	if _, err := m.w.Write(tokens.ReplaceAll(line, []byte("${1}[hidden]"))); err != nil {
		return 0, err
	}
	return len(line), nil
}
