package config

import (
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

var yamlPrefix = regexp.MustCompile(`^yaml: (line \d+: )?`)

// syntaxProblem reports the text that YAML could not read and returns the file's text without
// it, or "" when the rest cannot be read.
func (p *parser) syntaxProblem(err error, text string) (rest string) {
	message := yamlPrefix.ReplaceAllString(err.Error(), "")
	consumed := consumedUntilError(text)
	number := strings.Count(text[:consumed], "\n") + 1
	lines := splitLines(text)
	number = min(number, len(lines))
	if strings.TrimSpace(lines[number-1]) == "" && number > 1 {
		number = lastText(lines, number)
	}
	if strings.Contains(message, "mapping values") {
		number = lineOf(text, strings.LastIndexByte(text[:consumed], ':'))
	}
	if strings.Contains(message, "end of stream") {
		number = unclosedQuote(lines, number)
	}
	if rest := p.cutBlock(lines, number); rest != "" {
		return rest
	}
	if missing := withoutColon(lines, number); missing > 0 {
		return p.missingColon(lines, missing)
	}
	if strings.Contains(message, "mapping values") && !strings.Contains(splitLine(lines[number-1]).value, ": ") {
		if rest := p.misindented(lines, number); rest != "" {
			return rest
		}
	}
	trapped, t, ok := findTrap(lines, number, message)
	if !ok || t.code == codeTrapHash || t.code == codeTrapIndicator { // a wrongly indented line may cause these too
		if rest := p.astray(lines, number); rest != "" {
			return rest
		}
	}
	if ok {
		p.trap(t, trapped, t.col)
		return p.mask(lines, trapped)
	}
	p.plainSyntax(message, number, lines[number-1])
	if structural(message) { // the lines below would get wrong parents
		l := splitLine(p.doc.line(number)) // its value may be a secret
		p.doc.hideFrom(number, 1+utf8.RuneCountInString(l.prefix), l.indent)
		p.masked = map[int]bool{0: true}
		return ""
	}
	return p.mask(lines, number)
}

// structural reports whether an error of YAML is about the structure of lines rather than the
// value of one.
func structural(message string) bool {
	return strings.Contains(message, "expected key") || strings.Contains(message, "'-' indicator") ||
		strings.Contains(message, "document start") || strings.Contains(message, "mapping values")
}

var keyWithoutColon = regexp.MustCompile(`^\s*([a-z_][A-Za-z0-9_]*)(\s+[^\s#:|>&*!\[{"'-][^:]*)?$`)

// withoutColon returns the last line up to number with text, when it reads as a key without
// its colon, else 0.
func withoutColon(lines []string, number int) int {
	for n := number; n > 0; n-- {
		line := lines[n-1]
		text := strings.TrimSpace(line)
		if text == "" || strings.HasPrefix(text, "#") || n == number && strings.Contains(text, ":") {
			continue
		}
		m := keyWithoutColon.FindStringSubmatch(line)
		if m != nil &&
			(indentation(line) == indentation(lines[number-1]) ||
				m[2] == "" && indentation(line) < indentation(lines[number-1])) {
			return n
		}
		return 0
	}
	return 0
}

// missingColon reports a key without its colon and returns the text with the colon added.
func (p *parser) missingColon(lines []string, number int) string {
	line := lines[number-1]
	m := keyWithoutColon.FindStringSubmatch(line)
	p.hideSecretLine(number)
	at := Problem{Pos: Pos{p.doc.file, number, 1 + indentation(line)}, Width: len(m[1])}
	p.add(at, codeSyntax, "a colon is missing after "+m[1], "write "+m[1]+": …")
	lines[number-1] = strings.Repeat(" ", indentation(line)) + m[1] + ":" + m[2]
	return strings.Join(lines, "\n")
}

// misindented reports a key that is indented less or more than the keys around it. It returns
// the text with the indentation corrected, or "" when the indentation is not the fault.
func (p *parser) misindented(lines []string, number int) string {
	isKey := func(n int) bool { return splitLine(lines[n-1]).key != "" && splitLine(lines[n-1]).dashes == "" }
	above := lastText(lines, number-1)
	before := lastText(lines, above-1)
	below := nextText(lines, number+1)
	own := indentation(lines[number-1])
	if above < 1 || !isKey(number) || !isKey(above) || indentation(lines[above-1]) >= own {
		return ""
	}
	wrong, right, how := 0, 0, ""
	switch {
	case before > 0 && isKey(before) && indentation(lines[before-1]) == own:
		wrong, right, how = above, own, "less"
	case below == 0 || indentation(lines[below-1]) <= indentation(lines[above-1]):
		wrong, right, how = number, indentation(lines[above-1]), "more"
	default:
		return ""
	}
	return p.move(lines, wrong, right, how)
}

// move reports a line with the wrong indentation and returns the text with the indentation
// corrected, or "" when the line was moved before.
func (p *parser) move(lines []string, wrong, right int, how string) string {
	line := lines[wrong-1]
	p.hideSecretLine(wrong)
	if p.shift[wrong] != 0 {
		return ""
	}
	p.doc.misplaced = true
	l := splitLine(line)
	at := Problem{Pos: Pos{p.doc.file, wrong, 1 + indentation(line)}, Width: len(l.dashes) + utf8.RuneCountInString(l.key)}
	p.add(at, codeSyntax, "this line is indented "+how+" than the lines next to it",
		"start it in column "+strconv.Itoa(right+1)+", like them")
	if p.shift == nil {
		p.shift = map[int]int{}
	}
	p.shift[wrong] += right - indentation(line)
	lines[wrong-1] = moved(line, right)
	return strings.Join(lines, "\n")
}

func moved(line string, indent int) string {
	return strings.Repeat(" ", indent) + strings.TrimLeft(line, " ")
}

// astray searches for a line at, above or around the line where YAML gave up that makes the
// text readable when it is moved by up to 3 spaces. It reports the line and returns the
// corrected text, or "" when there is no such line or both directions are equally likely.
func (p *parser) astray(lines []string, number int) string {
	const most = 3 // spaces
	size := 0
	for _, line := range lines {
		size += len(line)
	}
	if size > mostMoved {
		return ""
	}
	for by := 1; by <= most; by++ {
		for _, n := range suspects(lines, number) {
			line := lines[n-1]
			if p.shift[n] != 0 {
				continue
			}
			left, right := indentation(line)-by, indentation(line)+by
			less, more := fits(lines, n, left) && readable(lines, n, -by), fits(lines, n, right) && readable(lines, n, by)
			if less && more {
				less, more = aligned(lines, n, left), aligned(lines, n, right)
				if less == more { // ambiguous
					return ""
				}
			}
			switch {
			case less:
				return p.move(lines, n, left, "more")
			case more:
				return p.move(lines, n, right, "less")
			}
		}
	}
	return ""
}

// mostMoved is the size in bytes up to which astray tries other indentations: each try parses
// the whole file.
const mostMoved = 256 << 10

// suspects returns the lines that may be wrongly indented when YAML gave up at line number:
// that line, a few lines above it, and the keys around it, nearest first.
func suspects(lines []string, number int) (out []int) {
	const back, outer = 3, 60
	least := indentation(lines[number-1]) + 4
	for n := number; n >= max(1, number-outer); n-- {
		text := strings.TrimSpace(lines[n-1])
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		around := indentation(lines[n-1]) < least
		if around {
			least = max(indentation(lines[n-1]), 1)
		}
		if around || n >= number-back {
			out = append(out, n)
		}
	}
	return out
}

// fits reports whether the next line allows a line to have an indentation: below a key without
// a value it must be indented further, and below a key with a value it must not.
func fits(lines []string, number, indent int) bool {
	l := splitLine(lines[number-1])
	below := nextText(lines, number+1)
	if l.key == "" || below == 0 || strings.HasPrefix(l.value, "|") || strings.HasPrefix(l.value, ">") {
		return true
	}
	indent += len(l.prefix) - len(strings.TrimLeft(l.prefix, " -")) // dashes and the spaces after them
	indent -= indentation(lines[number-1])
	next := indentation(lines[below-1])
	if l.value == "" {
		return next > indent || next == indent && strings.HasPrefix(strings.TrimSpace(lines[below-1]), "- ")
	}
	return next <= indent
}

// aligned reports whether a line with an indentation would start in the same column as the
// line before or after it.
func aligned(lines []string, number, indent int) bool {
	for _, n := range []int{lastText(lines, number-1), nextText(lines, number+1)} {
		if n > 0 && indentation(lines[n-1]) == indent {
			return true
		}
	}
	return false
}

// readable reports whether YAML can read the text with one line moved by a number of spaces.
func readable(lines []string, number, by int) bool {
	line := lines[number-1]
	if indentation(line)+by < 0 {
		return false
	}
	lines[number-1] = moved(line, indentation(line)+by)
	_, err := decode(strings.NewReader(strings.Join(lines, "\n")))
	lines[number-1] = line
	return err == nil
}

// plainSyntax reports a syntax problem that no trap explains.
func (p *parser) plainSyntax(message string, number int, line string) {
	at := Problem{Pos: Pos{p.doc.file, number, 1 + indentation(line) - p.shift[number]}}
	p.hideSecretLine(number)
	tab := strings.IndexByte(line, '\t')
	switch {
	case tab >= 0 && strings.TrimSpace(line[:tab]) == "":
		at.Col = tab + 1
		p.add(at, codeTab, "a tab indents this line", "indent with spaces")
	case strings.Contains(message, "mapping values"):
		p.add(at, codeSyntax, "this line is indented as a part of the value above",
			"use the indentation of the key above; a value of several lines starts with | after its key")
	case strings.Contains(message, "end of stream"):
		p.add(at, codeSyntax, "a quotation mark or bracket is not closed", "close it")
	case strings.Contains(message, "expected key"), strings.Contains(message, "'-' indicator"),
		strings.Contains(message, "document start"):
		p.add(at, codeSyntax, "this line does not match the lines above it",
			"use the indentation of the lines next to it and write key: value or - item")
	default:
		p.add(at, codeSyntax, "this line is not valid YAML: "+message, "")
	}
}

// mask removes the value of a line and the lines that continue it from the text. A line
// without a key or a value is removed whole. It then marks line 0 as masked too, because
// missing keys can no longer be reported.
func (p *parser) mask(lines []string, number int) string {
	if p.masked == nil {
		p.masked = map[int]bool{}
	}
	line := lines[number-1]
	if strings.TrimSpace(line) == "" {
		return ""
	}
	l := splitLine(line)
	keep := l.prefix
	if l.key == "" && !strings.HasSuffix(strings.TrimSpace(l.prefix), "-") || l.value == "" {
		p.masked[0] = true
		keep = ""
	}
	p.masked[number] = true
	lines[number-1] = keep
	for i := number; i < len(lines) && keep != "" &&
		(strings.TrimSpace(lines[i]) == "" || indentation(lines[i]) > l.indent); i++ {
		lines[i] = ""
	}
	return strings.Join(lines, "\n")
}

// hideSecretLine removes a line from Document.Source when its key or text looks like that of
// a secret, and reports whether it did.
func (p *parser) hideSecretLine(number int) bool {
	line := p.doc.line(number)
	l := splitLine(line)
	flow := strings.HasPrefix(l.value, "{") || strings.HasPrefix(l.value, "[")
	if !looksSecret(l.key) && !(flow && looksSecret(line)) && !strings.Contains(line, "Bearer ") {
		return false
	}
	p.doc.hideFrom(number, 1+utf8.RuneCountInString(l.prefix), l.indent)
	return true
}

// consumedUntilError returns the number of bytes that YAML read before it gave up. The errors
// of YAML name the line where a block starts, or no line.
func consumedUntilError(text string) int {
	r := &byteReader{text: text}
	_, _ = decode(r)
	return r.at
}

type byteReader struct {
	text string
	at   int
}

func (r *byteReader) Read(buf []byte) (int, error) {
	if r.at >= len(r.text) || len(buf) == 0 {
		return 0, io.EOF
	}
	buf[0] = r.text[r.at]
	r.at++
	return 1, nil
}

func lineOf(text string, offset int) int { return strings.Count(text[:max(0, offset)], "\n") + 1 }

// unclosedQuote returns the last line up to number whose value starts with a quotation mark
// that is not closed on that line, or number when there is none.
func unclosedQuote(lines []string, number int) int {
	for n := number; n > 0; n-- {
		value := splitLine(lines[n-1]).value
		if (strings.HasPrefix(value, `"`) || strings.HasPrefix(value, "'")) && closing(value) < 0 {
			return n
		}
	}
	return number
}

// nextText returns the first line from number on that is not blank, or 0 when there is none.
func nextText(lines []string, number int) int {
	for n := number; n <= len(lines); n++ {
		if strings.TrimSpace(lines[n-1]) != "" {
			return n
		}
	}
	return 0
}

// lastText returns the last line up to number that is not blank.
func lastText(lines []string, number int) int {
	for number > 1 && strings.TrimSpace(lines[number-1]) == "" {
		number--
	}
	return number
}
