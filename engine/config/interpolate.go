package config

import (
	"context"
	"regexp"
	"strings"
	"unicode/utf8"
)

// part is a piece of a scalar: text, ${NAME}, ${NAME:-default}, ${file:PATH} or
// ${secret:NAME}.
type part struct {
	text       string // literal text; set when nothing else is
	name       string
	file       []part // the path of a ${file:…}
	secret     string // the name of a ${secret:…}
	fallback   []part
	hasDefault bool
	start, end int // byte offsets in the scalar's text
}

// badVariable is a ${…} that is none.
type badVariable struct {
	start, end    int
	message, hint string
}

const maxVariableDepth = 20

var (
	variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*`)
	secretName   = regexp.MustCompile(`^[A-Za-z0-9/][^\s${}]*`)
)

// parseTemplate splits a scalar's text into parts. $${ is the escape for ${.
func parseTemplate(text string) ([]part, *badVariable) {
	s := &templateScanner{text: text}
	parts := s.parts(false)
	return parts, s.bad
}

type templateScanner struct {
	text  string
	at    int
	depth int
	bad   *badVariable
}

// parts reads to the end, or inside a ${…} to its closing brace.
func (s *templateScanner) parts(inside bool) []part {
	var out []part
	var lit strings.Builder
	start := s.at
	flush := func() {
		if lit.Len() > 0 {
			out = append(out, part{text: lit.String(), start: start, end: s.at})
			lit.Reset()
		}
	}
	for s.at < len(s.text) && s.bad == nil {
		rest := s.text[s.at:]
		switch {
		case inside && rest[0] == '}':
			flush()
			return out
		case strings.HasPrefix(rest, "$${"):
			lit.WriteString("${")
			s.at += 3
		case strings.HasPrefix(rest, "${"):
			flush()
			out = append(out, s.variable())
			start = s.at
		default:
			lit.WriteByte(rest[0])
			s.at++
		}
	}
	flush()
	return out
}

// variable reads one ${…}; the scanner is at its dollar sign.
func (s *templateScanner) variable() part {
	p := part{start: s.at}
	s.depth++
	defer func() { s.depth-- }()
	s.at += 2
	rest := s.text[s.at:]
	if s.depth > maxVariableDepth {
		s.fail(p.start, "variables are nested more than 20 levels deep", "use fewer defaults inside defaults")
		return p
	}
	if path, ok := strings.CutPrefix(rest, "file:"); ok {
		s.at += len(rest) - len(path)
		if p.file = s.parts(true); p.file == nil {
			p.file = []part{}
		}
		return s.close(p)
	}
	if name, ok := strings.CutPrefix(rest, "secret:"); ok {
		p.secret = secretName.FindString(name)
		s.at += len("secret:") + len(p.secret)
		if p.secret == "" || !strings.HasPrefix(s.text[s.at:], "}") {
			s.fail(p.start, "this is not the name of a secret",
				"write ${secret:NAME}, where NAME begins with a letter, a digit or / and has no spaces or braces")
		}
		return s.close(p)
	}
	p.name = variableName.FindString(rest)
	s.at += len(p.name)
	rest = s.text[s.at:]
	switch {
	case p.name != "" && strings.HasPrefix(rest, ":-"):
		s.at += 2
		p.hasDefault = true
		p.fallback = s.parts(true)
	case p.name == "" && strings.HasPrefix(rest, "}"):
		s.fail(p.start, "${} has no variable name", "write ${NAME}, or $${ for the text ${")
	case p.name != "" && strings.HasPrefix(rest, ":"):
		s.fail(p.start, "the default of a variable follows :-", "write ${"+p.name+":-…}")
	case !strings.HasPrefix(rest, "}"):
		if strings.ContainsRune(rest, '}') {
			s.fail(p.start, "this is not a variable",
				"write ${NAME} or ${NAME:-default}, where NAME has letters, digits and _; or $${ for the text ${")
		}
	}
	return s.close(p)
}

// close reads the closing brace.
func (s *templateScanner) close(p part) part {
	if s.bad == nil && s.at >= len(s.text) {
		s.fail(p.start, "the closing } of this variable is missing",
			"write ${NAME} or ${NAME:-default}, or $${ for the text ${")
	}
	if s.bad == nil {
		s.at++
		p.end = s.at
	}
	return p
}

func (s *templateScanner) fail(start int, message, hint string) {
	if s.bad != nil {
		return
	}
	end := len(s.text)
	if i := strings.IndexByte(s.text[start:], '}'); i >= 0 {
		end = start + i + 1
	}
	s.bad = &badVariable{start, end, message, hint}
}

// resolved is a scalar's text after interpolation.
type resolved struct {
	text     string
	variable bool                                  // a variable has a part in it: never quote it
	written  bool                                  // a part of it, other than white space, is written in the file
	read     func(context.Context) (string, error) // resolves it again; nil without a file or a provider
	file     string                                // the file whose text it is, "" when it is more than that
	stored   string                                // the ${secret:NAME} whose text it is, "" when it is more than that
	limits   []*limit                              // of the stored secrets in it
	unread   bool                                  // the text is not known, and it is not empty
}

// bareVariable is a variable as a shell has it, without braces.
var bareVariable = regexp.MustCompile(`^\$[A-Za-z_][A-Za-z0-9_]*$`)

// resolve replaces the variables of a scalar. ok is false when the value is
// unresolved or a problem was reported.
func (d *Decoder) resolve(n *Node, secret bool) (r resolved, ok bool) {
	if n.kind != Scalar {
		d.wrongKind(n, "text")
		return r, false
	}
	if n.fixed {
		return resolved{text: n.text}, true
	}
	if bareVariable.MatchString(n.text) {
		d.fail(n.span(0, len([]rune(n.text))), n, codeBadVariable, "a variable needs braces",
			"write ${"+n.text[1:]+"}")
		return r, false
	}
	parts, bad := parseTemplate(n.text)
	if bad != nil {
		if secret {
			n.hide()
		}
		d.fail(n.span(bad.start, bad.end), n, codeBadVariable, bad.message, bad.hint)
		return r, false
	}
	in := &interpolation{d: d, node: n, secret: secret, ctx: d.vars.context()}
	in.note(parts, false)
	r.written = secret && in.written
	r.text = in.text(parts)
	r.variable = in.variable
	if in.failed {
		return r, false
	}
	if in.skipped {
		d.skip(n)
	}
	if in.unresolved || d.vars.Lenient && r.text == "" && in.unset {
		d.leave(n)
		r.unread = in.unresolved
		return r, false
	}
	r.limits = in.limits
	if in.files {
		again := *in
		r.read = func(ctx context.Context) (string, error) { return again.reread(ctx, parts) }
		if r.text == in.content {
			r.file, r.stored = in.path, in.stored
		}
	}
	return r, true
}

// emptyVariable is the variable that a node consists of, when it has no value and
// its default is empty; "" otherwise.
func (d *Decoder) emptyVariable(n *Node) string {
	name := n.Variable()
	if name == "" || !strings.HasSuffix(n.text, ":-}") {
		return ""
	}
	if value, _ := d.vars.lookup(name); value != "" {
		return ""
	}
	return name
}

// Variable is the variable that a scalar consists of, "" when there is none or
// more than it.
func (n *Node) Variable() string {
	if n == nil || n.kind != Scalar || n.fixed {
		return ""
	}
	parts, bad := parseTemplate(n.text)
	if bad != nil || len(parts) != 1 {
		return ""
	}
	return parts[0].name
}

// span is the place of text[start:end] of a scalar.
func (n *Node) span(start, end int) Problem {
	before := n.text[:start]
	line := strings.Count(before, "\n") + 1
	col := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
	return Problem{Pos: n.at(line, col), Width: utf8.RuneCountInString(n.text[start:end])}
}
