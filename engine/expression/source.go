package expression

import (
	"errors"
	"fmt"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
)

// source is the text of one expression. It converts the offsets of nodes to positions when an
// error needs one.
type source struct {
	define string
	text   string
}

func (s *source) position(offset int) (line, col int) { return Position(s.text, offset) }

// Position returns the line (1-based) and the column (0-based) of a rune offset in the text of
// an expression.
func Position(text string, offset int) (line, col int) {
	line = 1
	for _, r := range text {
		if offset == 0 {
			break
		}
		offset--
		if r == '\n' {
			line, col = line+1, 0
		} else {
			col++
		}
	}
	return line, col
}

func (s *source) errorAt(loc file.Location, code, hint, format string, args ...any) *Error {
	line, col := s.position(loc.From)
	return &Error{
		Define: s.define, Line: line, Col: col, Width: max(1, loc.To-loc.From),
		Code: code, Message: fmt.Sprintf(format, args...), Hint: hint,
	}
}

// place is a node's position, kept for the errors of records.
type place struct {
	src    *source
	offset int
}

func (s *source) at(node ast.Node) place { return place{s, leftmost(node).From} }

func (p place) errorf(format string, args ...any) *RuntimeError {
	line, col := p.src.position(p.offset)
	e := &RuntimeError{Define: p.src.define, Line: line, Col: col, Message: fmt.Sprintf(format, args...)}
	for _, arg := range args {
		var limit limitError
		if err, ok := arg.(error); ok && errors.As(err, &limit) {
			e.limit = true
		}
	}
	return e
}

// leftmost returns where the text of a node begins; expr positions an operator's node at the
// operator and a member at its name.
func leftmost(node ast.Node) file.Location {
	switch n := node.(type) {
	case *ast.BinaryNode:
		return leftmost(n.Left)
	case *ast.MemberNode:
		return leftmost(n.Node)
	case *ast.ChainNode:
		return leftmost(n.Node)
	case *ast.SliceNode:
		return leftmost(n.Node)
	case *ast.ConditionalNode:
		return leftmost(n.Cond)
	}
	return node.Location()
}
