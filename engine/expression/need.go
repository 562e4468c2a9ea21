package expression

import (
	"reflect"

	"github.com/expr-lang/expr/ast"
)

// need is what an operator or a predicate accepts.
type need struct {
	kinds  uint8 // one bit per Kind
	phrase string
	remedy func(operand string) string // for a missing value
}

func kinds(all ...Kind) (set uint8) {
	for _, k := range all {
		set |= 1 << k
	}
	return set
}

func orText(operand string) string   { return "coalesce(" + operand + `, "")` }
func orNumber(operand string) string { return "(" + operand + " ?? 0)" }
func orFalse(operand string) string  { return operand + " == true, or " + operand + " != nil" }

var (
	needBool    = need{kinds(BoolKind), "true or false", orFalse}
	needNumber  = need{kinds(NumberKind), "a number", orNumber}
	needText    = need{kinds(TextKind), "text", orText}
	needAddend  = need{kinds(NumberKind, TextKind), "text or a number", orText}
	needSummand = need{kinds(NumberKind, TextKind), "text or a number", orNumber}
	needList    = need{kinds(ListKind, NilKind), "a list", nil}
	needHolder  = need{kinds(ListKind, ObjectKind, NilKind), "a list or an object", nil}
	needAny     = need{kinds: 0xff}
)

func (n *need) takes(k Kind) bool { return n.kinds&(1<<k) != 0 }

// problem returns one sentence that says why a value is not accepted.
func (n *need) problem(operand string, v any) string {
	if kind := kindOfValue(v); kind != NilKind {
		return operand + " is " + kind.String() + " here, but " + n.phrase + " is expected"
	}
	if operand == thisValue || operand == "the condition" {
		return operand + " is missing here, but " + n.phrase + " is expected"
	}
	return operand + " is missing here; write " + n.remedy(operand[1:len(operand)-1])
}

// guard adds a check to an operand: a value of the wrong kind is an error of the record, with a
// message and a position of its own.
func (c *compilation) guard(node *ast.Node, n need) {
	if kind := c.kindOf(*node); kind != AnyKind && !n.takes(kind) {
		code := CodeWrongType
		if n.kinds == needBool.kinds {
			code = CodeNotACondition
		}
		c.fail(c.src.errorAt(leftmost(*node), code, "", "%s is expected here, but this is %s", n.phrase, kind))
		return
	}
	if certain(*node) {
		return
	}
	operand, at := c.operand(*node), c.src.at(*node)
	c.wrap(node, func(env, v any) any {
		if !n.takes(kindOfValue(v)) {
			panic(at.errorf("%s", n.problem(operand, v)))
		}
		return v
	})
}

// each adds a check to the result of a predicate, and counts the element.
func (c *compilation) each(node *ast.Node, n need) {
	kind := c.kindOf(*node)
	if kind != AnyKind && !n.takes(kind) {
		c.fail(c.src.errorAt(leftmost(*node), CodeNotACondition, "", "%s is expected here, but this is %s",
			n.phrase, kind))
		return
	}
	operand, at := c.operand(*node), c.src.at(*node)
	c.wrap(node, func(env, v any) any {
		if err := env.(*Run).budget.look(1); err != nil {
			panic(at.errorf("%v", err))
		}
		if !n.takes(kindOfValue(v)) {
			panic(at.errorf("%s", n.problem(operand, v)))
		}
		return v
	})
}

// account counts the text that a node creates.
func (c *compilation) account(node *ast.Node) {
	at := c.src.at(*node)
	c.wrap(node, func(env, v any) any {
		if text, ok := v.(string); ok {
			if err := env.(*Run).budget.write(len(text)); err != nil {
				panic(at.errorf("%v", err))
			}
		}
		return v
	})
}

func (c *compilation) wrap(node *ast.Node, fn func(env, v any) any) {
	what := call{gives: c.kindOf(*node), name: c.describe(*node)}
	opaque(c.replace(node, what, fn, environment(), *node))
}

// opaque prevents the machine's compiler from dereferencing a value, with a type that is
// neither an interface nor one that it compares in a special way.
func opaque(node ast.Node) { node.SetType(reflect.TypeFor[struct{}]()) }

// certain reports whether a node certainly has its apparent kind and is never nil.
func certain(node ast.Node) bool {
	switch n := node.(type) {
	case *ast.ConstantNode, *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.ArrayNode, *ast.MapNode,
		*ast.UnaryNode:
		return true
	case *ast.BinaryNode:
		return n.Operator != "??"
	case *ast.BuiltinNode:
		return n.Name != "find" && n.Name != "sum"
	}
	return false
}

const thisValue = "this value"

// operand returns the name of a node in messages.
func (c *compilation) operand(node ast.Node) string {
	if text := c.describe(node); text != thisValue {
		return quoted(text)
	}
	return thisValue
}

// describe returns the text of names, members and calls.
func (c *compilation) describe(node ast.Node) string {
	switch n := node.(type) {
	case *ast.IdentifierNode:
		return n.Value
	case *ast.PointerNode:
		return "#" + n.Name
	case *ast.MemberNode:
		base := c.describe(n.Node)
		if base == thisValue {
			return base
		}
		if p, ok := n.Property.(*ast.StringNode); ok && wordPattern.MatchString(p.Value) {
			if base == "#" {
				base = ""
			}
			return base + "." + p.Value
		}
		switch p := n.Property.(type) {
		case *ast.ConstantNode, *ast.StringNode, *ast.IntegerNode:
			return base + "[" + p.String() + "]"
		}
		if key := c.describe(n.Property); key != thisValue {
			return base + "[" + key + "]"
		}
	case *ast.CallNode:
		if name := c.calls[n].name; name != "" {
			return name
		}
	}
	return thisValue
}
