package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Pos is a place in a file, 1-based, the column in runes. Line 0 means that
// File names something else than a file, such as a flag.
type Pos struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Col  int    `json:"col"`
}

// String is file:line:col, or File alone when there is no line.
func (p Pos) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}

func (p Pos) compare(q Pos) int {
	return cmp.Or(cmp.Compare(p.File, q.File), cmp.Compare(p.Line, q.Line), cmp.Compare(p.Col, q.Col))
}

// Problem is one thing wrong with a file. Neither Message nor Hint quotes a
// secret or a value that came from a variable.
type Problem struct {
	Pos
	Code    string `json:"code"` // stable, see Codes
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"` // what to do, "" when there is nothing to add
	Warning bool   `json:"warning,omitzero"`
	// Transient means that the file may be right: a service that it needs did not answer.
	Transient bool `json:"-"`
	Width     int  `json:"-"` // how many runes the caret line marks; less than 1 counts as 1
}

// String is the problem in one line: file:line:col: code: message.
func (p Problem) String() string {
	if p.Warning {
		return fmt.Sprintf("%s: warning: %s: %s", p.Pos, p.Code, p.Message)
	}
	return fmt.Sprintf("%s: %s: %s", p.Pos, p.Code, p.Message)
}

// Problems are all that is wrong with a file. Those returned by this package
// are sorted; after joining several, call Sorted.
type Problems []Problem

// Sorted gives the problems in the order of the file, each once.
func (ps Problems) Sorted() Problems {
	out := slices.Clone(ps)
	slices.SortStableFunc(out, func(a, b Problem) int {
		return cmp.Or(a.Pos.compare(b.Pos), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Message, b.Message))
	})
	unset := map[string]bool{} // a variable that is not set is one problem, wherever it is used
	return slices.DeleteFunc(slices.Compact(out), func(p Problem) bool {
		again := p.Code == codeUndefined && unset[p.Message]
		unset[p.Message] = unset[p.Message] || p.Code == codeUndefined
		return again
	})
}

// Errors are the problems that are not warnings.
func (ps Problems) Errors() Problems {
	return slices.DeleteFunc(slices.Clone(ps), func(p Problem) bool { return p.Warning })
}

// HasErrors says whether any problem is more than a warning.
func (ps Problems) HasErrors() bool {
	return slices.ContainsFunc(ps, func(p Problem) bool { return !p.Warning })
}

// Transient reports whether there are errors and another try may have none of them.
func (ps Problems) Transient() bool {
	return ps.HasErrors() && !slices.ContainsFunc(ps, func(p Problem) bool { return !p.Warning && !p.Transient })
}

// Error is one line per problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps.Sorted() {
		lines[i] = p.String()
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}
