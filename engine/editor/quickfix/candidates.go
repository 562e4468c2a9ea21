package quickfix

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/editor/text"
)

// candidate is a change that may end a problem.
type candidate struct {
	title string
	edits []text.Edit
	guess bool // its author may have meant something else
}

// place is what a problem marks.
type place struct {
	d        *text.Document
	p        config.Problem
	from, to int // of the marked text
	line     int // from 0
	start    int // of the line
	end      int
}

func placeOf(d *text.Document, p config.Problem) place {
	l := place{d: d, p: p, from: d.OffsetOf(p.Line, p.Col), line: p.Line - 1}
	l.to = max(d.OffsetOf(p.Line, p.Col+max(p.Width, 1)), l.from)
	l.start, l.end = d.LineSpan(l.line)
	return l
}

func (l place) marked() string { return l.d.Text()[l.from:l.to] }
func (l place) text() string   { return l.d.Text()[l.start:l.end] }

// form is a form of hints.
type form struct {
	pattern *regexp.Regexp
	make    func(l place, found []string) []candidate
}

// forms are the hints that claim a fix, the special ones first. The first that matches decides.
var forms = []form{
	{regexp.MustCompile(`^did you mean (.+)\?$`), (place).meant},
	{regexp.MustCompile(`^write one of: ([\w.-]+(?:, [\w.-]+)*)$`), (place).oneOf},
	{regexp.MustCompile(`^start it in column (\d+)`), (place).indented},
	{regexp.MustCompile(`^indent with spaces$`), (place).spaces},
	{regexp.MustCompile(`^for the text write '(.+)'$`), (place).quoted},
	{regexp.MustCompile(`brackets: (.+)$`), (place).written},
	{regexp.MustCompile(`^if .+ is a ref, write (.+)$`), (place).guessed},
	{regexp.MustCompile(`or write (.+) for whether it is there$`), (place).guessed},
	{regexp.MustCompile(`^write https://;`), (place).https},
	{regexp.MustCompile(`^write http:// or https:// and a host`), (place).scheme},
	{regexp.MustCompile(`^write \w+: …$`), (place).colon},
	{regexp.MustCompile(`^write (\$\{\w+:)-…\}$`), (place).defaulted},
	{regexp.MustCompile(`write names without \{\{ \}\}$`), (place).braces},
	{regexp.MustCompile(`^for the values write (.+); put literal`), (place).value},
	{regexp.MustCompile(`^start each item with a dash: `), (place).dash},
	{regexp.MustCompile(`^write users: or groups: below allow`), (place).principals},
	{regexp.MustCompile(`^check for a missing bracket`), (place).brackets},
	{regexp.MustCompile(`^wrap the number in text\(…\)$`), (place).number},
	{regexp.MustCompile(`^wrap it in text\(…\)$`),
		func(l place, _ []string) []candidate { return l.wrapped("text(%)") }},
	{regexp.MustCompile(`^take one element with first\(…\)`), func(l place, _ []string) []candidate {
		return l.wrapped("first(%)", `join(%, ", ")`)
	}},
	{regexp.MustCompile(`^# is the element: write `), (place).lambda},
	{regexp.MustCompile(`^put quotes around an expression`), func(l place, _ []string) []candidate {
		_, value, _ := parts(l.text())
		return l.value([]string{"", "'" + value + "'"})
	}},
	{regexp.MustCompile(`^write (\d+)s for seconds, \d+m for minutes or \d+d for days$`), (place).units},
	{regexp.MustCompile(`^write (\d+)B for bytes, or use KB, KiB, MB`), (place).sizes},
	{regexp.MustCompile(`^write year, month and day, as `), (place).date},
	{regexp.MustCompile(`^define it under vars and write vars\.NAME here$`), (place).variable},
	{regexp.MustCompile(`^keep one of the two lines$`), (place).removed},
	{regexp.MustCompile(`, or remove the line$`), (place).removed},
	{regexp.MustCompile(`^add (\w+: [^…]+)$`), (place).added},
	{regexp.MustCompile(`^(?:.*: )?write ([^…]+)$`), (place).written},
}

// candidates returns the changes that a hint may mean.
func candidates(d *text.Document, p config.Problem) []candidate {
	l := placeOf(d, p)
	first, rest, _ := strings.Cut(p.Hint, "\n")
	switch {
	case first == "write one value per line:":
		return l.lines(rest)
	case rest != "" && strings.HasPrefix(first, "write ") && strings.HasSuffix(first, "|"):
		_, value, _ := parts(l.text())
		indent := strings.Repeat(" ", len(l.text())-len(strings.TrimLeft(l.text(), " -"))+2)
		return l.value([]string{"", "|" + l.d.EOL() + indent + value})
	}
	for _, f := range forms {
		if found := f.pattern.FindStringSubmatch(first); found != nil {
			return f.make(l, found)
		}
	}
	return nil
}

func change(title string, edits ...text.Edit) candidate { return candidate{title: title, edits: edits} }

// meant replaces a misspelt word.
func (l place) meant(found []string) []candidate {
	var out []candidate
	for word := range strings.SplitSeq(found[1], " or ") {
		out = append(out, change("Change to "+word, text.Edit{From: l.from, To: l.to, New: word}))
		if m := l.marked(); len(m) > 1 && strings.ContainsRune(`"'`, rune(m[0])) && m[0] == m[len(m)-1] {
			out = append(out, change("Change to "+word, text.Edit{From: l.from, To: l.to, New: m[:1] + word + m[:1]}))
		}
	}
	return out
}

// written puts a text in the place of the marked one, of a longer one around it, or of the line.
func (l place) written(found []string) []candidate {
	want := found[1]
	title := "Write " + want
	add := func(from, to int, new string) candidate {
		return change(title, text.Edit{From: from, To: to, New: new})
	}
	var out []candidate
	if strings.ContainsAny(l.marked(), "“”„‟«»‘’") {
		out = append(out, add(l.start, l.end, regexp.MustCompile(`[“”„‟«»‘’]`).ReplaceAllString(l.text(), want)))
	}
	if key := regexp.MustCompile(`^(?:- )*[\w.-]+: `).FindString(want); key != "" || strings.HasPrefix(want, "- ") {
		out = append(out, l.value([]string{"", want[len(key):]})...)
		for i := range out {
			out[i].title = title
		}
		return out
	}
	out = append(out, add(l.from, l.to, want))
	if m := l.marked(); len(m) > 1 && m[0] == '"' && m[len(m)-1] == '"' {
		out = append(out, add(l.from, l.to, `"`+want+`"`))
	}
	s := l.d.Text()
	if l.from > 0 && l.to < len(s) && s[l.from-1] == s[l.to] && strings.ContainsRune(`"'`, rune(s[l.to])) {
		out = append(out, add(l.from-1, l.to+1, want))
	}
	for _, call := range []bool{false, true} {
		from, to := l.around(strings.ContainsAny(want, "/"), call)
		out = append(out, add(from, to, want))
		if before, value, _ := parts(l.text()); strings.HasSuffix(before, " ") && !strings.Contains(want+value, "'") &&
			from == l.start+len(before) {
			end := from + len(value)
			out = append(out, add(from, end, "'"+want+s[to:max(to, end)]+"'"))
		}
	}
	return out
}

// quoted writes a text. As a whole value it needs the quotation marks of YAML, too.
func (l place) quoted(found []string) []candidate {
	_, value, _ := parts(l.text())
	if value == l.marked() || strings.Trim(value, `"'`) == l.marked() {
		found = []string{"", "'" + found[1] + "'"}
	}
	return l.written(found)
}

// guessed is written for a hint that begins with a condition.
func (l place) guessed(found []string) []candidate {
	out := l.written(found)
	for i := range out {
		out[i].guess = true
	}
	return out
}

// around extends the marked text over the path that leads to it, and with call over the
// arguments after it.
func (l place) around(slashes, call bool) (from, to int) {
	s := l.d.Text()
	from, to = l.from, l.to
	for from > l.start {
		c := s[from-1]
		switch {
		case c == ']' || c == ')':
			open := opening(s[l.start:from])
			if open < 0 {
				return from, to
			}
			from = l.start + open
			continue
		case c == '.' || c == '_' || c == '#' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
		case slashes && (c == '/' || c == '-'):
		default:
			return from, l.after(to, slashes, call)
		}
		from--
	}
	return from, l.after(to, slashes, call)
}

func (l place) after(to int, slashes, call bool) int {
	s := l.d.Text()
	for slashes && to < l.end && regexp.MustCompile(`[\w/.-]`).MatchString(s[to:to+1]) {
		to++
	}
	if call && to < l.end && s[to] == '(' {
		depth := 0
		for i := to; i < l.end; i++ {
			switch s[i] {
			case '(':
				depth++
			case ')':
				if depth--; depth == 0 {
					return i + 1
				}
			}
		}
	}
	return to
}

// opening returns the index of the bracket that the last byte closes, -1 for none.
func opening(s string) int {
	depth := 0
	for i := len(s) - 1; i >= 0; i-- {
		switch s[i] {
		case ')', ']':
			depth++
		case '(', '[':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

var lineParts = regexp.MustCompile(`^(\s*(?:- +)*(?:[\w./-]+: +|"[^"]*": +)?)(.*?)(\s+#.*)?$`)

// parts splits a line into what is before its value, the value, and the comment after it.
func parts(line string) (before, value, comment string) {
	m := lineParts.FindStringSubmatch(line)
	if m == nil {
		return "", line, ""
	}
	return m[1], m[2], m[3]
}

// value replaces the value of the line. The comment stays, unless the new value has it inside.
func (l place) value(found []string) []candidate {
	before, _, comment := parts(l.text())
	want := found[1]
	if strings.Contains(want, strings.TrimSpace(comment)) {
		comment = ""
	}
	title, _, _ := strings.Cut("Write "+strings.TrimSpace(before)+" "+want, "\n")
	return []candidate{change(title, text.Edit{From: l.start + len(before), To: l.end, New: want + comment})}
}

// indented moves the line, alone or with what is below it.
func (l place) indented(found []string) []candidate {
	col, err := strconv.Atoi(found[1])
	if err != nil || col > 1000 {
		return nil
	}
	own := indentation(l.text())
	move := func(n int) text.Edit {
		from, _ := l.d.LineSpan(n)
		had := indentation(l.d.Line(n))
		return text.Edit{From: from, To: from + had, New: strings.Repeat(" ", max(0, had+col-1-own))}
	}
	title := "Start the line in column " + found[1]
	edits := []text.Edit{move(l.line)}
	out := []candidate{change(title, edits...)}
	for n := l.line + 1; n < l.d.Lines(); n++ {
		if line := l.d.Line(n); strings.TrimSpace(line) == "" || indentation(line) > own {
			edits = append(edits, move(n))
			continue
		}
		break
	}
	return append(out, change(title, edits...))
}

func indentation(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

// spaces replaces the tabs before the text of the line.
func (l place) spaces([]string) []candidate {
	white := len(l.text()) - len(strings.TrimLeft(l.text(), " \t"))
	var out []candidate
	widths := []int{4, 2, 8}
	for n := l.line - 1; n >= 0; n-- {
		if strings.TrimSpace(l.d.Line(n)) != "" {
			widths = append([]int{-indentation(l.d.Line(n))}, widths...)
			break
		}
	}
	for _, w := range widths {
		indent := strings.Repeat(" ", max(0, -w))
		if w > 0 {
			indent = strings.ReplaceAll(l.text()[:white], "\t", strings.Repeat(" ", w))
		}
		out = append(out, change("Indent with spaces", text.Edit{From: l.start, To: l.start + white, New: indent}))
	}
	return out
}

func (l place) https([]string) []candidate {
	return []candidate{change("Write https://", text.Edit{From: l.from, To: l.to,
		New: strings.Replace(l.marked(), "http://", "https://", 1)})}
}

func (l place) scheme([]string) []candidate {
	return []candidate{change("Write https:// before it", text.Edit{From: l.from, To: l.from, New: "https://"})}
}

func (l place) colon([]string) []candidate {
	return []candidate{change("Write the colon", text.Edit{From: l.to, To: l.to, New: ":"})}
}

// defaulted writes :- between a variable and its default.
func (l place) defaulted(found []string) []candidate {
	return []candidate{change("Write :- before the default", text.Edit{From: l.from, To: l.to,
		New: strings.Replace(l.marked(), found[1], found[1]+"-", 1)})}
}

// braces removes the {{ }} of a template.
func (l place) braces([]string) []candidate {
	new := regexp.MustCompile(`\{\{\s*(.*?)\s*\}\}`).ReplaceAllString(l.text(), "$1")
	return []candidate{change("Remove the braces", text.Edit{From: l.start, To: l.end, New: new})}
}

// dash makes a mapping the only item of a list.
func (l place) dash([]string) []candidate {
	own := indentation(l.text())
	edits := []text.Edit{{From: l.start + own, To: l.start + own, New: "- "}}
	for n := l.line + 1; n < l.d.Lines(); n++ {
		line := l.d.Line(n)
		if strings.TrimSpace(line) == "" {
			continue
		}
		if indentation(line) < own {
			break
		}
		from, _ := l.d.LineSpan(n)
		edits = append(edits, text.Edit{From: from, To: from, New: "  "})
	}
	return []candidate{change("Make it an item of a list", edits...)}
}

// principals puts groups: or users: before a list.
func (l place) principals([]string) []candidate {
	_, value, _ := parts(l.text())
	var out []candidate
	for _, key := range []string{"groups", "users"} {
		if strings.Contains(value, strings.TrimSuffix(key, "s")+":") {
			out = append(out, l.value([]string{"", "{" + key + ": " + value + "}"})...)
		}
	}
	return out
}

// brackets closes what is open at the end of the line.
func (l place) brackets([]string) []candidate {
	var open []byte
	quote := byte(0)
	before, value, _ := parts(l.text())
	for _, c := range []byte(value) {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"':
			quote = c
		case c == '(':
			open = append(open, ')')
		case c == '[':
			open = append(open, ']')
		case (c == ')' || c == ']') && len(open) > 0:
			open = open[:len(open)-1]
		}
	}
	close := ""
	for i := len(open) - 1; i >= 0; i-- {
		close += string(open[i])
	}
	at := l.start + len(before) + len(value)
	return []candidate{change("Close it with "+close, text.Edit{From: at, To: at, New: close})}
}

// number makes text of a number next to a plus sign.
func (l place) number([]string) []candidate {
	s := l.d.Text()
	var out []candidate
	if m := regexp.MustCompile(`^\s*(\d+(?:\.\d+)?)`).FindStringSubmatchIndex(s[l.to:l.end]); m != nil {
		n := s[l.to+m[2] : l.to+m[3]]
		out = append(out, change("Write text("+n+")", text.Edit{From: l.to + m[2], To: l.to + m[3], New: "text(" + n + ")"}))
	}
	if m := regexp.MustCompile(`(\d+(?:\.\d+)?)\s*$`).FindStringSubmatchIndex(s[l.start:l.from]); m != nil {
		n := s[l.start+m[2] : l.start+m[3]]
		out = append(out, change("Write text("+n+")",
			text.Edit{From: l.start + m[2], To: l.start + m[3], New: "text(" + n + ")"}))
	}
	return out
}

// wrapped puts the value of the line into calls.
func (l place) wrapped(calls ...string) []candidate {
	_, value, _ := parts(l.text())
	var out []candidate
	for _, call := range calls {
		out = append(out, l.value([]string{"", strings.Replace(call, "%", value, 1)})...)
	}
	return out
}

// lambda writes # for the parameter of a function.
func (l place) lambda([]string) []candidate {
	_, value, _ := parts(l.text())
	m := regexp.MustCompile(`(\w+)\s*=>\s*`).FindStringSubmatch(value)
	if m == nil {
		return nil
	}
	new := regexp.MustCompile(`\b`+m[1]+`\b`).ReplaceAllString(strings.Replace(value, m[0], "", 1), "#")
	if strings.Contains(new, " #") && !strings.Contains(new, "'") {
		new = "'" + new + "'"
	}
	return l.value([]string{"", new})
}

// removed removes the entry that begins on the line.
func (l place) removed([]string) []candidate {
	own, to := indentation(l.text()), len(l.d.Text())
	for n := l.line + 1; n < l.d.Lines(); n++ {
		if line := l.d.Line(n); strings.TrimSpace(line) != "" && indentation(line) <= own {
			to, _ = l.d.LineSpan(n)
			break
		}
	}
	c := change("Remove the line", text.Edit{From: l.start, To: to})
	c.guess = true
	return []candidate{c}
}

// added adds a field to the next fields.
func (l place) added(found []string) []candidate {
	for n := l.line; n+1 < l.d.Lines() && n < l.line+20; n++ {
		if strings.TrimLeft(strings.TrimSpace(l.d.Line(n)), "- ") != "fields:" {
			continue
		}
		from, _ := l.d.LineSpan(n + 1)
		indent := strings.Repeat(" ", indentation(l.d.Line(n+1)))
		return []candidate{change("Add "+found[1], text.Edit{From: from, To: from, New: indent + found[1] + l.d.EOL()})}
	}
	return nil
}

// lines writes the lines of a hint in the place of the line.
func (l place) lines(lines string) []candidate {
	indent := strings.Repeat(" ", indentation(l.text()))
	new := indent + strings.ReplaceAll(strings.ReplaceAll(lines, "\n", "\n"+indent), "\n", l.d.EOL())
	return []candidate{change("Write one value per line", text.Edit{From: l.start, To: l.end, New: new})}
}
