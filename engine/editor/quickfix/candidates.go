package quickfix

import (
	"regexp"
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
