package ciconfig

import (
	"math/big"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A kind is what a node is to GitLab.
type kind int

const (
	null kind = iota
	boolean
	integer
	float
	text
	// moment is a date or a time, which GitLab refuses to load.
	moment
	sequence
	mapping
)

// How people call the kinds.
func (k kind) String() string {
	return [...]string{"nothing", "a boolean", "a whole number", "a number", "a string", "a date", "a list", "a hash"}[k]
}

// What a plain scalar may look like to Psych, the YAML reader of Ruby. In this
// order: what is a boolean is no string, and what is an integer is no float.
var (
	plainNull      = regexp.MustCompile(`^(~|null|Null|NULL)?$`)
	plainTrue      = regexp.MustCompile(`^(?i:yes|true|on)$`)
	plainFalse     = regexp.MustCompile(`^(?i:no|false|off)$`)
	plainMoment    = regexp.MustCompile(`^\d{4}-(1[012]|0\d|\d)-([12]\d|3[01]|0\d|\d)(([Tt]|\s+)\d{1,2}:\d\d:\d\d.*)?$`)
	plainBinary    = regexp.MustCompile(`^[-+]?0b[01_,]+$`)
	plainOctal     = regexp.MustCompile(`^[-+]?0[0-7_,]+$`)
	plainDecimal   = regexp.MustCompile(`^[-+]?(0|[1-9]([0-9]|[,_][0-9])*)$`)
	plainHex       = regexp.MustCompile(`^[-+]?0x[0-9a-fA-F_,]+$`)
	plainBase60    = regexp.MustCompile(`^[-+]?[0-9][0-9_]*(:[0-5]?[0-9]){1,2}$`)
	plainFloat     = regexp.MustCompile(`^[-+]?([0-9][0-9_,]*)?\.[0-9]*([eE][-+][0-9]+)?$`)
	plainFloat60   = regexp.MustCompile(`^[-+]?[0-9][0-9_]*(:[0-5]?[0-9]){1,2}\.[0-9_]*$`)
	plainUnbounded = regexp.MustCompile(`^([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$`)
	digits         = regexp.MustCompile(`[0-9]`)
)

// kindOf returns what a node is, aliases followed.
func kindOf(n *yaml.Node) kind {
	if n.Kind == yaml.SequenceNode {
		return sequence
	}
	if n.Kind == yaml.MappingNode {
		return mapping
	}
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return text
	}
	if n.Style&yaml.TaggedStyle != 0 {
		return tagged(n.ShortTag())
	}
	s := n.Value
	switch {
	case plainNull.MatchString(s):
		return null
	case plainTrue.MatchString(s), plainFalse.MatchString(s):
		return boolean
	case plainMoment.MatchString(s):
		return moment
	case !digits.MatchString(s) && !plainUnbounded.MatchString(s):
		return text
	case plainBinary.MatchString(s), plainOctal.MatchString(s), plainDecimal.MatchString(s), plainHex.MatchString(s), plainBase60.MatchString(s):
		return integer
	case plainFloat.MatchString(s), plainFloat60.MatchString(s), plainUnbounded.MatchString(s):
		return float
	default:
		return text
	}
}

// tagged returns the kind that a tag gives a scalar.
func tagged(tag string) kind {
	switch tag {
	case "!!null":
		return null
	case "!!bool":
		return boolean
	case "!!int":
		return integer
	case "!!float":
		return float
	case "!!timestamp":
		return moment
	default:
		return text
	}
}

// isTrue returns the value of a boolean.
func isTrue(n *yaml.Node) bool { return plainTrue.MatchString(n.Value) }

// number returns the value of an integer, however large.
func number(n *yaml.Node) (*big.Int, bool) {
	s := strings.NewReplacer("_", "", ",", "").Replace(n.Value)
	sign := int64(1)
	switch {
	case strings.HasPrefix(s, "-"):
		sign, s = -1, s[1:]
	case strings.HasPrefix(s, "+"):
		s = s[1:]
	}
	var value *big.Int
	var ok bool
	if first, rest, isBase60 := strings.Cut(s, ":"); isBase60 {
		value, ok = new(big.Int).SetString(first, 10)
		for part := range strings.SplitSeq(rest, ":") {
			n, err := strconv.ParseInt(part, 10, 64)
			ok = ok && err == nil
			if ok {
				value.Mul(value, big.NewInt(60)).Add(value, big.NewInt(n))
			}
		}
	} else {
		value, ok = new(big.Int).SetString(octal(s), 0)
	}
	if !ok {
		return nil, false
	}
	return value.Mul(value, big.NewInt(sign)), true
}

// octal writes 0755 as big.Int reads it; 0x and 0b are the same there.
func octal(s string) string {
	if len(s) > 1 && s[0] == '0' && s[1] >= '0' && s[1] <= '7' {
		return "0o" + s[1:]
	}
	return s
}

// written returns a scalar as Ruby writes it into a string: 0x10 as 16, 1.50 as
// 1.5.
func written(n *yaml.Node) string {
	plain := strings.NewReplacer("_", "", ",", "")
	switch kindOf(n) { //nolint:exhaustive // the others are written as they stand
	case integer:
		if value, ok := number(n); ok {
			return value.String()
		}
	case float:
		if value, err := strconv.ParseFloat(plain.Replace(n.Value), 64); err == nil {
			if s := strconv.FormatFloat(value, 'f', -1, 64); strings.Contains(s, ".") {
				return s
			}
			return strconv.FormatFloat(value, 'f', 1, 64)
		}
	}
	return n.Value
}
