package expression

import (
	"reflect"
	"regexp"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/vm/runtime"
)

func unaryClosure(n *ast.UnaryNode) closure {
	a := closureOf(n.Node)
	if a == nil {
		return nil
	}
	switch n.Operator {
	case "!", "not":
		return func(r *Run) any { return !a(r).(bool) }
	case "-":
		return func(r *Run) any { return runtime.Negate(a(r)) }
	case "+":
		return a
	}
	return nil
}

func binaryClosure(n *ast.BinaryNode) closure {
	a, b := closureOf(n.Left), closureOf(n.Right)
	if a == nil || b == nil {
		return nil
	}
	switch n.Operator {
	case "==", "!=":
		return equalClosure(n, a, b)
	case "and", "&&":
		return func(r *Run) any {
			if !a(r).(bool) {
				return false
			}
			return b(r)
		}
	case "or", "||":
		return func(r *Run) any {
			if a(r).(bool) {
				return true
			}
			return b(r)
		}
	case "??":
		return func(r *Run) any {
			if v := a(r); v != nil && !runtime.IsNil(v) {
				return v
			}
			return b(r)
		}
	case "in":
		return func(r *Run) any { v := a(r); return in(v, b(r)) }
	case "matches":
		return matchClosure(n.Right, a)
	}
	if onTexts := textOperator(n.Operator); onTexts != nil {
		return func(r *Run) any { v := a(r); return onTexts(v.(string), b(r).(string)) }
	}
	if apply := operator(n.Operator); apply != nil {
		return func(r *Run) any { v := a(r); return apply(v, b(r)) }
	}
	return nil
}

// equalClosure compares two values. When the checker has determined two texts or two integers,
// the closure fails on anything else, as the machine does.
func equalClosure(n *ast.BinaryNode, a, b closure) closure {
	negated := n.Operator == "!="
	if t := n.Left.Type(); t == n.Right.Type() {
		switch t {
		case reflect.TypeFor[string]():
			return func(r *Run) any { x := a(r).(string); return (x == b(r).(string)) != negated }
		case reflect.TypeFor[int]():
			return func(r *Run) any { x := a(r).(int); return (x == b(r).(int)) != negated }
		}
	}
	return func(r *Run) any { x := a(r); return equal(x, b(r)) != negated }
}

func equal(a, b any) bool {
	if x, ok := a.(string); ok {
		if y, ok := b.(string); ok {
			return x == y
		}
	}
	return runtime.Equal(a, b)
}

// in is the machine's operator for operands that passed the guard.
func in(needle, holder any) bool {
	list, ok := holder.([]any)
	if !ok {
		return runtime.In(needle, holder)
	}
	for _, element := range list {
		if equal(element, needle) {
			return true
		}
	}
	return false
}

// matchClosure matches with a constant pattern.
func matchClosure(pattern ast.Node, a closure) closure {
	text := ""
	switch p := pattern.(type) {
	case *ast.StringNode:
		text = p.Value
	case *ast.ConstantNode:
		text, _ = p.Value.(string)
	}
	re, err := regexp.Compile(text)
	if err != nil || !isText(pattern) {
		return nil
	}
	return func(r *Run) any { return re.MatchString(a(r).(string)) }
}

func textOperator(name string) func(a, b string) bool {
	switch name {
	case "contains":
		return strings.Contains
	case "startsWith":
		return strings.HasPrefix
	case "endsWith":
		return strings.HasSuffix
	}
	return nil
}

func operator(name string) func(a, b any) any {
	switch name {
	case "+":
		return func(a, b any) any { return runtime.Add(a, b) }
	case "-":
		return func(a, b any) any { return runtime.Subtract(a, b) }
	case "*":
		return func(a, b any) any { return runtime.Multiply(a, b) }
	case "/":
		return func(a, b any) any { return runtime.Divide(a, b) }
	case "%":
		return func(a, b any) any { return runtime.Modulo(a, b) }
	case "<":
		return func(a, b any) any { return runtime.Less(a, b) }
	case ">":
		return func(a, b any) any { return runtime.More(a, b) }
	case "<=":
		return func(a, b any) any { return runtime.LessOrEqual(a, b) }
	case ">=":
		return func(a, b any) any { return runtime.MoreOrEqual(a, b) }
	}
	return nil
}
