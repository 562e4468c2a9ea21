package quickfix

import (
	"regexp"
	"strings"

	"github.com/pipe-engine/pipe/engine/editor/text"
)

// suffixed returns a change for each unit that a number may have.
func (l place) suffixed(number string, units ...string) []candidate {
	var out []candidate
	for _, unit := range units {
		out = append(out, change("Write "+number+unit, text.Edit{From: l.from, To: l.to, New: number + unit}))
	}
	return out
}

// oneOf writes one of a few words.
func (l place) oneOf(found []string) []candidate {
	return l.meant([]string{"", strings.ReplaceAll(found[1], ", ", " or ")})
}

// units are the units that a duration may have.
func (l place) units(found []string) []candidate { return l.suffixed(found[1], "s", "m", "d") }

// sizes are the units that a size may have.
func (l place) sizes(found []string) []candidate {
	return l.suffixed(found[1], "B", "KiB", "MiB", "GiB")
}

var (
	dotted  = regexp.MustCompile(`^(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})$`)
	slashed = regexp.MustCompile(`^(\d{1,2})/(\d{1,2})/(\d{4})$`)
	ordered = regexp.MustCompile(`^(\d{4})[./ ](\d{1,2})[./ ](\d{1,2})$`)
)

// date writes the date of another form: 31.01.2027, 1/31/2027, 31/1/2027 or 2027/01/31.
func (l place) date([]string) []candidate {
	var out []candidate
	add := func(year, month, day string) {
		want := year + "-" + two(month) + "-" + two(day)
		out = append(out, change("Write "+want, text.Edit{From: l.from, To: l.to, New: want}))
	}
	written := strings.Trim(l.marked(), `"'`)
	if m := dotted.FindStringSubmatch(written); m != nil {
		add(m[3], m[2], m[1])
	}
	if m := slashed.FindStringSubmatch(written); m != nil {
		add(m[3], m[1], m[2])
		add(m[3], m[2], m[1])
	}
	if m := ordered.FindStringSubmatch(written); m != nil {
		add(m[1], m[2], m[3])
	}
	return out
}

func two(digits string) string {
	if len(digits) == 1 {
		return "0" + digits
	}
	return digits
}

var (
	aVariable = regexp.MustCompile(`^\$\{([A-Z][A-Z0-9_]*)(?::-[^{}]*)?\}$`)
	varsLine  = regexp.MustCompile(`(?m)^vars:[ \t]*(?:#.*)?\r?$`)
	firstLine = regexp.MustCompile(`(?m)^source:`)
)

// variable reads a variable in an expression from vars, which gets it unless it has it. A variable
// within a longer text stays.
func (l place) variable([]string) []candidate {
	m := aVariable.FindStringSubmatch(l.marked())
	if m == nil {
		return nil
	}
	s := l.d.Text()
	from, to := l.from, l.to
	if from > 0 && to < len(s) && s[from-1] == '"' && s[to] == '"' {
		from, to = from-1, to+1
	} else if strings.Count(s[l.start:from], `"`)%2 == 1 {
		return nil
	}
	had := regexp.MustCompile(`(?m)^ +(\w+): *["']?` + regexp.QuoteMeta(l.marked()) + `["']?[ \t]*\r?$`)
	var out []candidate
	read := func(name string) text.Edit { return text.Edit{From: from, To: to, New: "vars." + name} }
	if found := had.FindStringSubmatch(s); found != nil {
		out = append(out, change("Write vars."+found[1], read(found[1])))
	}
	for _, name := range []string{strings.ToLower(m[1]), strings.ToLower(m[1]) + "_variable"} {
		if define, ok := l.define(name + ": " + l.marked()); ok {
			out = append(out, change("Define it under vars", define, read(name)))
		}
	}
	return out
}

// define adds a line to vars.
func (l place) define(line string) (text.Edit, bool) {
	s, eol := l.d.Text(), l.d.EOL()
	if at := varsLine.FindStringIndex(s); at != nil {
		n := l.d.LineAt(at[0]) + 1
		from, _ := l.d.LineSpan(n)
		indent := "  "
		if own := indentation(l.d.Line(n)); own > 0 {
			indent = strings.Repeat(" ", own)
		}
		return text.Edit{From: from, To: from, New: indent + line + eol}, n < l.d.Lines()
	}
	if at := firstLine.FindStringIndex(s); at != nil {
		return text.Edit{From: at[0], To: at[0], New: "vars:" + eol + "  " + line + eol}, true
	}
	return text.Edit{}, false
}
