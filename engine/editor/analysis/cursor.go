package analysis

import (
	"regexp"
	"strings"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/editor/text"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/engine/suite"
)

// cursor is what is at a place of a file. It is found by lines and indentation, which half-written
// YAML has, too.
type cursor struct {
	d      *text.Document
	offset int
	// path are the keys that lead to the place, item for an item of a list. With onKey, its last
	// is the key at the place, which may be half written.
	path  []string
	onKey bool
	// from and to are the value without the quotation marks of YAML, or the key with onKey. A
	// block has its lines with their indentation.
	from, to int
	block    bool
}

const item = "[]"

// token is a dash or a key with its column, in bytes from 0.
type token struct {
	col, end int
	name     string
}

var (
	lineKey     = regexp.MustCompile(`^([\w./-]+|"[^"]*"|'[^']*')\s*:(?:\s|$)`)
	blockHeader = regexp.MustCompile(`^[|>][-+0-9]*(\s+#.*)?$`)
	aComment    = regexp.MustCompile(`(^|\s)#.*$`)
)

// tokens returns the dashes and the key of a line, and where its value begins.
func tokens(line string) (out []token, value int) {
	at := indentation(line)
	for strings.HasPrefix(line[at:], "- ") || line[at:] == "-" {
		next := at + 1
		for next < len(line) && line[next] == ' ' {
			next++
		}
		out = append(out, token{at, at + 1, item})
		at = next
	}
	if m := lineKey.FindStringSubmatchIndex(line[at:]); m != nil {
		out = append(out, token{at, at + m[3], strings.Trim(line[at:at+m[3]], `"'`)})
		at += m[1]
		for at < len(line) && line[at] == ' ' {
			at++
		}
	}
	return out, at
}

func indentation(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

// at returns what is at a byte of a text.
func at(d *text.Document, offset int) cursor {
	n := d.LineAt(offset)
	start, end := d.LineSpan(n)
	line := d.Line(n)
	c := cursor{d: d, offset: offset, from: offset, to: offset}
	own, value := tokens(line)
	column := offset - start
	limit := column + 1 // the column that ancestors are left of
	if strings.TrimSpace(line) != "" {
		limit = indentation(line)
	}
	up, header := ancestors(d, n, limit, strings.TrimSpace(line) == "")
	if header >= 0 {
		c.path, c.block = up, true
		c.from, c.to = blockSpan(d, header)
		return c
	}
	c.path = up
	if strings.TrimSpace(line) == "" {
		c.onKey = true
		return c
	}
	for _, t := range own {
		c.path = append(c.path, t.name)
	}
	last := len(own) - 1
	hasKey := last >= 0 && own[last].name != item
	switch {
	case hasKey && column <= own[last].end:
		c.onKey, c.from, c.to = true, start+own[last].col, start+own[last].end
		return c
	case !hasKey && regexp.MustCompile(`^[\w./-]*$`).MatchString(line[value:]):
		c.onKey, c.from, c.to = true, start+value, end
		c.path = append(c.path, line[value:])
		return c
	}
	c.from, c.to = start+value, end
	c.unquote()
	return c
}

// unquote leaves out the quotation marks and the comment of a value.
func (c *cursor) unquote() {
	s := c.d.Text()[c.from:c.to]
	if s != "" && (s[0] == '\'' || s[0] == '"') {
		quote := s[:1]
		c.from++
		if i := strings.LastIndex(s[1:], quote); i >= 0 {
			c.to = c.from + i
		}
		return
	}
	if m := aComment.FindStringIndex(s); m != nil {
		c.to = c.from + m[0]
	}
	c.to = c.from + len(strings.TrimRight(c.d.Text()[c.from:max(c.from, c.to)], " \t"))
}

// ancestors returns the keys that a place is below, and the line of the block of text that it is
// in, -1 for none.
func ancestors(d *text.Document, n, limit int, blank bool) (path []string, header int) {
	header = -1
	for i := n - 1; i >= 0 && limit > 0; i-- {
		line := d.Line(i)
		if trimmed := strings.TrimSpace(line); trimmed == "" || strings.HasPrefix(trimmed, "#") {
			continue
		}
		all, value := tokens(line)
		keyed := len(all) > 0 && all[len(all)-1].name != item
		if keyed && blockHeader.MatchString(line[value:]) && all[len(all)-1].col < limit {
			path, header = nil, i
		}
		for k := len(all) - 1; k >= 0; k-- {
			t := all[k]
			under := t.col < limit || t.col == limit && t.name != item && (len(path) > 0 && path[0] == item)
			if !under {
				continue
			}
			path = append([]string{t.name}, path...)
			limit = t.col
		}
		if len(all) == 0 && indentation(line) < limit {
			limit = max(indentation(line), 1) // text of a block or a value of several lines
		}
	}
	_ = blank
	return path, header
}

func blockSpan(d *text.Document, header int) (from, to int) {
	all, _ := tokens(d.Line(header))
	own := all[len(all)-1].col
	from, to = -1, 0
	for n := header + 1; n < d.Lines(); n++ {
		line := d.Line(n)
		if strings.TrimSpace(line) == "" {
			continue
		}
		if indentation(line) <= own {
			break
		}
		start, end := d.LineSpan(n)
		if from < 0 {
			from = start
		}
		to = end
	}
	if from < 0 {
		_, to = d.LineSpan(header)
		from = to
	}
	return from, to
}

// value returns the text of the value.
func (c cursor) value() string { return c.d.Text()[c.from:c.to] }

// root returns the description of a file.
func (w *Workspace) root(path string) config.Field {
	if suite.IsTestFile(path) {
		return suite.Describe(w.Registry)
	}
	return pipeline.Describe(w.Registry)
}

// field returns the description of what a path leads to.
func field(root config.Field, path []string) (config.Field, bool) {
	f := root
	for _, step := range path {
		switch inner, ok := f.Field(step); {
		case step == item:
			f.Type = strings.TrimPrefix(f.Type, "list of ")
		case ok:
			f = inner
		case strings.HasPrefix(f.Type, "map of "):
			f = config.Field{Name: step, Type: strings.TrimPrefix(f.Type, "map of "), Fields: f.Fields, Doc: f.Doc}
		default:
			return config.Field{}, false
		}
	}
	return f, true
}

// expression reports whether the place is in an expression.
func (w *Workspace) expression(path string, c cursor) bool {
	f, ok := field(w.root(path), c.path)
	return ok && !c.onKey && strings.HasPrefix(f.Type, "expression") && c.path[len(c.path)-1] != item
}

var word = regexp.MustCompile(`[A-Za-z_]\w*`)

// names returns the places of the names in an expression that are no members, texts or calls,
// with how each goes on: owner in owner, vars in vars.x.
func names(s string) (out [][2]int) {
	quote := byte(0)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quote != 0:
			if c == '\\' {
				i++
			} else if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'' || c == '`':
			quote = c
		case c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			m := word.FindStringIndex(s[i:])
			if i == 0 || s[i-1] != '.' && s[i-1] != '#' {
				out = append(out, [2]int{i, i + m[1]})
			}
			i += m[1] - 1
		case c >= '0' && c <= '9':
			for i+1 < len(s) && (s[i+1] == '_' || s[i+1] >= '0' && s[i+1] <= '9' || s[i+1] >= 'a' && s[i+1] <= 'z') {
				i++
			}
		}
	}
	return out
}

// pathAt returns the dotted path of names whose member is at a byte of an expression, up to that
// member, such as metadata.name.
func pathAt(s string, offset int) (from, to int) {
	isWord := func(i int) bool { return i >= 0 && i < len(s) && regexp.MustCompile(`\w`).MatchString(s[i:i+1]) }
	from, to = offset, offset
	for isWord(to) {
		to++
	}
	for isWord(from-1) || from > 0 && s[from-1] == '.' && isWord(from-2) {
		from--
	}
	return from, to
}
