package condition

import (
	"slices"

	"github.com/expr-lang/expr/ast"
)

// MayHold reports whether a condition can be true for records whose member `name` is `value`.
// It examines the comparisons of that member with constants, and returns true when that is
// uncertain.
func MayHold(condition, name, value string) bool {
	return Parse(condition).MayHold(name, value)
}

type verdict uint8

const (
	unknown verdict = iota
	yes
	no
)

type member struct{ name, value string }

func (m member) holds(n ast.Node) verdict {
	switch n := n.(type) {
	case *ast.UnaryNode:
		if n.Operator == "not" || n.Operator == "!" {
			return not(m.holds(n.Node))
		}
	case *ast.BinaryNode:
		switch n.Operator {
		case "and", "&&":
			a, b := m.holds(n.Left), m.holds(n.Right)
			return both(a, b, no, yes)
		case "or", "||":
			a, b := m.holds(n.Left), m.holds(n.Right)
			return both(a, b, yes, no)
		case "==":
			return m.equals(n)
		case "!=":
			return not(m.equals(n))
		case "in":
			return m.among(n.Left, n.Right)
		}
	}
	return unknown
}

func not(v verdict) verdict {
	return [...]verdict{unknown: unknown, yes: no, no: yes}[v]
}

// both combines two verdicts: a single `strong` is sufficient, two `weak` are needed.
func both(a, b, strong, weak verdict) verdict {
	switch {
	case a == strong || b == strong:
		return strong
	case a == weak && b == weak:
		return weak
	}
	return unknown
}

// equals compares the member, on either side, with a constant.
func (m member) equals(n *ast.BinaryNode) verdict {
	for _, constant := range []ast.Node{n.Left, n.Right} {
		if _, list := constant.(*ast.ArrayNode); list {
			return unknown
		}
	}
	if v := m.among(n.Left, n.Right); v != unknown {
		return v
	}
	return m.among(n.Right, n.Left)
}

// among reports whether the member is one of the constants on the right.
func (m member) among(left, right ast.Node) verdict {
	id, isName := left.(*ast.IdentifierNode)
	constants, ok := texts(right)
	switch {
	case !isName || id.Value != m.name || !ok:
		return unknown
	case slices.Contains(constants, m.value):
		return yes
	}
	return no
}

func texts(n ast.Node) ([]string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return []string{n.Value}, true
	case *ast.ConstantNode:
		s, ok := n.Value.(string)
		return []string{s}, ok
	case *ast.ArrayNode:
		var out []string
		for _, e := range n.Nodes {
			s, ok := e.(*ast.StringNode)
			if !ok {
				return nil, false
			}
			out = append(out, s.Value)
		}
		return out, true
	}
	return nil, false
}
