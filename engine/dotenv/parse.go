package dotenv

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// File is the content of a file of variables.
type File struct {
	Path   string
	values map[string]string
	lines  map[string]int
	names  []string
}

// Lookup returns the value of a variable and whether the file sets it. A nil File sets none.
func (f *File) Lookup(name string) (string, bool) {
	if f == nil {
		return "", false
	}
	v, ok := f.values[name]
	return v, ok
}

// Names returns the distinct variables in the order of the file.
func (f *File) Names() []string {
	if f == nil {
		return nil
	}
	return f.names
}

// Line returns the line that last sets a variable, from 1.
func (f *File) Line(name string) int { return f.lines[name] }

// Error reports a line that cannot be read.
type Error struct {
	Path          string
	Line          int
	Message, Hint string
}

// Error returns the position and the message.
func (e *Error) Error() string { return fmt.Sprintf("%s:%d: %s", e.Path, e.Line, e.Message) }

// Parse parses the text of a file; path is its name in errors. environment provides the value
// of a ${NAME} that no earlier line sets; nil provides none. As everywhere else, the
// environment takes precedence over the file.
func Parse(path string, text []byte, environment func(string) (string, bool)) (*File, error) {
	p := &parser{
		file:        &File{Path: path, values: map[string]string{}, lines: map[string]int{}},
		environment: environment,
	}
	if err := p.open(text); err != nil {
		return nil, err
	}
	for p.rest != "" {
		if err := p.assignment(); err != nil {
			return nil, err
		}
	}
	return p.file, nil
}

type parser struct {
	file        *File
	environment func(string) (string, bool)
	rest        string
	line        int // of the start of rest
}

func (p *parser) wrong(line int, message, hint string) error {
	return &Error{p.file.Path, line, message, hint}
}

// open removes the byte order mark of Windows editors, and refuses what is not text.
func (p *parser) open(text []byte) error {
	p.line = 1
	if bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")) {
		return p.wrong(1, "the file is UTF-16 text", "save it as UTF-8")
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0 {
		line := 1
		for len(text) > 0 {
			r, size := utf8.DecodeRune(text)
			if r == 0 || r == utf8.RuneError && size == 1 {
				break
			}
			if r == '\n' {
				line++
			}
			text = text[size:]
		}
		return p.wrong(line, "this line is not UTF-8 text", "save the file as UTF-8")
	}
	p.rest = strings.ReplaceAll(strings.ReplaceAll(string(text), "\r\n", "\n"), "\r", "\n")
	return nil
}

var (
	assignment = regexp.MustCompile(`^[ \t]*(?:export[ \t]+)?([^=\n]*?)[ \t]*=[ \t]*`)
	name       = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)
)

// assignment parses one line, or several for a value in double quotes.
func (p *parser) assignment() error {
	first, _, _ := strings.Cut(p.rest, "\n")
	if trimmed := strings.TrimSpace(first); trimmed == "" || trimmed[0] == '#' {
		p.advance(len(first))
		return nil
	}
	m := assignment.FindStringSubmatch(p.rest)
	switch {
	case m == nil:
		return p.wrong(p.line, "this line has no =", "write NAME=VALUE; a comment starts with #")
	case !name.MatchString(m[1]):
		return p.wrong(p.line, "the text before the = is not a variable name",
			"use letters, digits and _, as in SOURCE_TOKEN=…")
	}
	line := p.line
	p.rest = p.rest[len(m[0]):]
	value, err := p.value(strings.HasSuffix(m[0], " ") || strings.HasSuffix(m[0], "\t"))
	if err != nil {
		return err
	}
	if _, twice := p.file.values[m[1]]; !twice {
		p.file.names = append(p.file.names, m[1])
	}
	p.file.values[m[1]], p.file.lines[m[1]] = value, line
	return nil
}

// advance skips n bytes and a line break after them.
func (p *parser) advance(n int) {
	p.line += strings.Count(p.rest[:n], "\n")
	p.rest = p.rest[n:]
	if strings.HasPrefix(p.rest, "\n") {
		p.line++
		p.rest = p.rest[1:]
	}
}

// value parses the text after the = and the spaces after it.
func (p *parser) value(spaced bool) (string, error) {
	switch {
	case strings.HasPrefix(p.rest, "'"), strings.HasPrefix(p.rest, `"`):
		return p.quoted(p.rest[0])
	case spaced && strings.HasPrefix(p.rest, "#"):
		line, _, _ := strings.Cut(p.rest, "\n")
		p.advance(len(line))
		return "", nil
	}
	text, _, _ := strings.Cut(p.rest, "\n")
	line := p.line
	p.advance(len(text))
	if at := comment.FindStringIndex(text); at != nil {
		text = text[:at[0]]
	}
	return p.expand(strings.TrimSpace(text), line, false)
}

// comment matches the end of a value without quotes.
var comment = regexp.MustCompile(`[ \t]+#`)

// quoted parses a value in quotes and refuses other text after it on its line.
func (p *parser) quoted(quote byte) (string, error) {
	line, end := p.line, 1
	for end < len(p.rest) && p.rest[end] != quote && (quote == '"' || p.rest[end] != '\n') {
		if quote == '"' && p.rest[end] == '\\' {
			end++
		}
		end++
	}
	if end >= len(p.rest) || p.rest[end] != quote {
		return "", p.wrong(line, "the quotation mark at the start of the value is not closed",
			"close it, or use the other "+
				"kind of quotes for a value that contains this one")
	}
	text := p.rest[1:end]
	after, _, _ := strings.Cut(p.rest[end+1:], "\n")
	if trimmed := strings.TrimSpace(after); trimmed != "" &&
		(trimmed[0] != '#' || after == strings.TrimLeft(after, " \t")) {
		if strings.Contains(text, "\n") {
			return "",
				p.wrong(line, "the quotation mark at the start of the value is not closed on this line",
					"close it; a value of several lines ends with the closing quotation mark")
		}
		return "", p.wrong(line, "there is text after the closing quotation mark", "remove it, or put the whole "+
			"value into quotes; a comment needs a space before the #")
	}
	p.advance(end + 1 + len(after))
	if quote == '\'' {
		return text, nil
	}
	return p.expand(text, line, true)
}
