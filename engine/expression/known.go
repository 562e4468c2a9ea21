package expression

import (
	"slices"

	"github.com/expr-lang/expr/ast"
)

// known is what is known about a value, if it is not nil, before a record is read.
type known struct {
	kind Kind
	is   Type // its members or elements
	// likely means that it is true for most records but not for all: the member of an object
	// that also has other members.
	likely bool
}

func knownOf(t Type) known {
	switch {
	case t.text:
		return known{kind: TextKind, is: t}
	case t.element != nil:
		return known{kind: ListKind, is: t}
	case t.object:
		return known{kind: ObjectKind, is: t}
	}
	return known{}
}

// know returns more than kindOf: it trusts the model's types of members. The program itself
// does not, since a record may be wrong; only messages depend on it.
func (c *compilation) know(node ast.Node) known {
	switch n := node.(type) {
	case *ast.IdentifierNode:
		if t, ok := c.names[n.Value]; ok {
			return knownOf(t)
		}
	case *ast.MemberNode:
		return c.knowMember(n)
	case *ast.CallNode:
		what := c.calls[n]
		switch {
		case what.known.kind != AnyKind:
			return what.known
		case what.shape != otherShape && len(n.Arguments) > 1:
			argument := c.know(n.Arguments[1])
			switch {
			case what.shape == sameShape && argument.kind == ListKind:
				return argument
			case what.shape == elementShape && argument.is.element != nil:
				element := knownOf(*argument.is.element)
				element.likely = argument.likely
				return element
			}
		}
	}
	return known{kind: c.kindOf(node)}
}

func (c *compilation) knowMember(n *ast.MemberNode) known {
	base := c.know(n.Node)
	property, named := n.Property.(*ast.StringNode)
	var member known
	switch {
	case base.kind == ListKind && base.is.element != nil && !named:
		member = knownOf(*base.is.element)
	case base.kind != ObjectKind:
		return known{kind: c.kindOf(n)}
	case base.is.every != nil:
		member = knownOf(*base.is.every)
	case named:
		t, ok := base.is.members[property.Value]
		if !ok {
			return known{kind: c.kindOf(n)}
		}
		member = knownOf(t)
		member.likely = base.is.open
	default:
		return known{kind: c.kindOf(n)}
	}
	member.likely = member.likely || base.likely
	return member
}

// condition refuses what can never be true or false, and warns about what most likely is
// neither.
func (c *compilation) condition(node ast.Node) {
	k := c.know(node)
	if k.kind == AnyKind || k.kind == BoolKind || k.kind == NilKind {
		return
	}
	hint := "compare it, as in kind == \"Component\""
	if what := c.describe(node); k.kind == TextKind && what != thisValue {
		hint = "compare it with a text, or write " + what + " != nil for whether it is there"
	}
	c.mistake(k.likely, node, CodeNotACondition, hint, "a condition is true or false, but this is %s%s", k.mostly(),
		k.kind)
}

// mostly returns a qualifier for a kind that is not certain.
func (k known) mostly() string {
	if k.likely {
		return "most likely "
	}
	return ""
}

// mistake reports an error, or a warning when the mistake is only likely.
func (c *compilation) mistake(likely bool, node ast.Node, code, hint, format string, args ...any) {
	loc := node.Location()
	if _, operator := node.(*ast.BinaryNode); !operator {
		loc.From = leftmost(node).From
	}
	err := c.src.errorAt(loc, code, hint, format, args...)
	if likely {
		c.warnings = append(c.warnings, err)
		return
	}
	c.fail(err)
}

// operandCheck checks the operators of an expression with everything that is known about their
// operands, which is more than expr's checker knows.
type operandCheck struct{ c *compilation }

func (v operandCheck) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.UnaryNode:
		if n.Operator == "not" || n.Operator == "!" {
			v.c.condition(n.Node)
		}
	case *ast.ConditionalNode:
		v.c.condition(n.Cond)
	case *ast.MemberNode:
		v.member(n)
	case *ast.BinaryNode:
		switch n.Operator {
		case "and", "&&", "or", "||":
			v.c.condition(n.Left)
			v.c.condition(n.Right)
		case "+", "-", "*", "/", "%", "^", "**", "<", "<=", ">", ">=":
			v.calculation(n)
		}
	}
}

// calculation requires two numbers, or two texts for the operators that take them.
func (v operandCheck) calculation(n *ast.BinaryNode) {
	left, right := v.c.know(n.Left), v.c.know(n.Right)
	if !slices.Contains([]string{"+", "<", "<=", ">", ">="}, n.Operator) {
		v.number(n.Operator, n.Left, left)
		v.number(n.Operator, n.Right, right)
		return
	}
	simple := []Kind{TextKind, NumberKind}
	if left.kind == right.kind || !slices.Contains(simple, left.kind) || !slices.Contains(simple, right.kind) {
		return
	}
	hint := ""
	if n.Operator == "+" {
		hint = "wrap the number in text(…)"
	}
	v.c.mistake(left.likely || right.likely, n, CodeWrongType, hint, "%s does not take %s and %s", n.Operator, left.kind,
		right.kind)
}

func (v operandCheck) number(operator string, operand ast.Node, is known) {
	if is.kind == TextKind {
		v.c.mistake(is.likely, operand, CodeWrongType, "", "%s takes numbers, but this is %s%s",
			operator, is.mostly(),
			is.kind)
	}
}

// member refuses access to a member of a value without members.
func (v operandCheck) member(n *ast.MemberNode) {
	name, ok := n.Property.(*ast.StringNode)
	if base := v.c.know(n.Node); ok && base.kind == TextKind {
		hint := v.c.lengthHint(n.Node, name.Value)
		if what := v.c.describe(n.Node); v.c.functions["lookup"] != nil && what != thisValue &&
			slices.Contains([]string{"ref", "kind", "title", "email"}, name.Value) {
			hint = "if " + what + " is a ref, write lookup(" + what + ")." + name.Value // fields of an Entry
		}
		v.c.mistake(base.likely, n.Property, CodeWrongType, hint, "%s cannot be read from %s, which is text", name.Value,
			v.c.describe(n.Node))
	}
}
