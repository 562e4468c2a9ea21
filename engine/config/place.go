package config

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// at returns the position in the file of a line (from 1) and rune column (from 0) of a
// scalar's text. Expression.Pos documents how exact it is.
func (n *Node) at(line, col int) Pos {
	if n == nil {
		return Pos{}
	}
	pos := n.pos
	switch {
	case pos.Line == 0 || line < 1:
	case n.style == folded:
		return n.folded(line, col)
	case n.style == literal:
		pos.Line += line
		pos.Col = n.blockIndent() + col + 1
	case line == 1:
		return n.flowed(col)
	}
	return pos
}

// blockIndent returns the indentation that YAML removed from each line of a | block.
func (n *Node) blockIndent() int {
	for i, line := range strings.Split(n.text, "\n") {
		if strings.TrimSpace(line) != "" {
			return max(0, indentation(n.doc.line(n.pos.Line+i+1))-indentation(line))
		}
	}
	return n.pos.Col
}

// folded is at for a > block. Folding changes only white space, therefore folded counts the
// other characters.
func (n *Node) folded(line, col int) Pos {
	ahead := 0 // characters other than white space before the place
	for _, r := range n.text {
		if line == 1 && col == 0 {
			break
		}
		switch {
		case r == '\n':
			line--
			continue
		case line == 1:
			col--
		}
		if !unicode.IsSpace(r) {
			ahead++
		}
	}
	for number := n.pos.Line + 1; number <= len(n.doc.lines); number++ {
		for i, r := range []rune(n.doc.line(number)) {
			switch {
			case unicode.IsSpace(r):
			case ahead == 0:
				return Pos{n.pos.File, number, i + 1}
			default:
				ahead--
			}
		}
	}
	return n.pos
}

// flowed is at for a column of a plain or quoted text, whose line breaks YAML replaces by
// spaces.
func (n *Node) flowed(col int) Pos {
	pos := n.pos
	if n.style == quoted {
		pos.Col++
	}
	for {
		runes := []rune(n.doc.line(pos.Line))
		rest := ""
		if pos.Col <= len(runes) {
			rest = strings.TrimRight(string(runes[pos.Col-1:]), " \t")
		}
		length := utf8.RuneCountInString(rest)
		next := n.doc.line(pos.Line + 1)
		if col <= length || strings.TrimSpace(next) == "" || !strings.Contains(n.text, " ") ||
			pos.Line-n.pos.Line > strings.Count(n.text, " ") {
			pos.Col += col
			return pos
		}
		col -= length + 1
		pos.Line++
		pos.Col = indentation(next) + 1
	}
}
