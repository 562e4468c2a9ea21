package expression

import (
	"reflect"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/conf"
)

// closure evaluates one node. It returns the same value as the virtual machine, and panics
// where the machine returns an error. The machine then provides the error (see Run.run).
type closure func(r *Run) any

// errMachine is the panic of a closure where the machine returns an error of its own.
const errMachine = limitError("fails in the machine")

// closureOf returns a closure for a lowered node; nil when it contains a node that only the
// machine evaluates, such as let and sortBy.
func closureOf(node ast.Node) closure {
	switch n := node.(type) {
	case *ast.NilNode:
		return always(nil)
	case *ast.BoolNode:
		return always(n.Value)
	case *ast.StringNode:
		return always(n.Value)
	case *ast.FloatNode:
		return always(n.Value)
	case *ast.IntegerNode:
		return integerClosure(n)
	case *ast.ConstantNode:
		return always(n.Value)
	case *ast.IdentifierNode:
		if n.Value == "$env" {
			return func(r *Run) any { return r }
		}
	case *ast.PointerNode:
		if n.Name == "" {
			return func(r *Run) any { return r.item }
		}
	case *ast.PredicateNode:
		return closureOf(n.Node)
	case *ast.CallNode:
		return callClosure(n)
	case *ast.UnaryNode:
		return unaryClosure(n)
	case *ast.BinaryNode:
		return binaryClosure(n)
	case *ast.ConditionalNode:
		return conditionalClosure(n)
	case *ast.ArrayNode:
		return listClosure(n)
	case *ast.MapNode:
		return objectClosure(n)
	case *ast.BuiltinNode:
		return predicateClosure(n)
	}
	return nil
}

func always(v any) closure { return func(*Run) any { return v } }

// integerClosure returns an integer of the type that the checker has chosen.
func integerClosure(n *ast.IntegerNode) closure {
	t := n.Type()
	switch {
	case t == nil || t.Kind() == reflect.Int:
		return always(n.Value)
	case t.Kind() == reflect.Float64:
		return always(float64(n.Value))
	}
	return nil
}

// closuresOf returns the closures of nodes; ok is false when one has none.
func closuresOf(nodes []ast.Node) (all []closure, ok bool) {
	for _, node := range nodes {
		one := closureOf(node)
		if one == nil {
			return nil, false
		}
		all = append(all, one)
	}
	return all, true
}

func callClosure(n *ast.CallNode) closure {
	callee, isConstant := n.Callee.(*ast.ConstantNode)
	arguments, ok := closuresOf(n.Arguments)
	if !isConstant || !ok {
		return nil
	}
	switch fn := callee.Value.(type) {
	case func(any) any:
		if len(arguments) != 1 {
			return nil
		}
		a := arguments[0]
		return func(r *Run) any { return fn(a(r)) }
	case func(any, any) any:
		if len(arguments) != 2 {
			return nil
		}
		a, b := arguments[0], arguments[1]
		return func(r *Run) any { return fn(a(r), b(r)) }
	case func(...any) any:
		return func(r *Run) any {
			base := len(r.stack)
			r.pushAll(arguments)
			v := fn(r.stack[base:]...)
			r.drop(base)
			return v
		}
	}
	return nil
}

// pushAll pushes the values of closures on the stack.
func (r *Run) pushAll(all []closure) {
	for _, one := range all {
		v := one(r)
		r.stack = append(r.stack, v)
	}
}

// drop removes everything from base upwards from the stack.
func (r *Run) drop(base int) {
	clear(r.stack[base:])
	r.stack = r.stack[:base]
}

func conditionalClosure(n *ast.ConditionalNode) closure {
	condition, a, b := closureOf(n.Cond), closureOf(n.Exp1), closureOf(n.Exp2)
	if condition == nil || a == nil || b == nil {
		return nil
	}
	return func(r *Run) any {
		if condition(r).(bool) {
			return a(r)
		}
		return b(r)
	}
}

// grow counts created elements, as the machine does.
func (r *Run) grow(elements int) {
	if r.grown += elements; r.grown >= int(conf.DefaultMemoryBudget) {
		panic(errMachine)
	}
}

func listClosure(n *ast.ArrayNode) closure {
	elements, ok := closuresOf(n.Nodes)
	if !ok {
		return nil
	}
	return func(r *Run) any {
		list := make([]any, len(elements))
		for i, element := range elements {
			list[i] = element(r)
		}
		r.grow(len(list))
		return list
	}
}

// objectClosure creates an object; of a repeated name, the first value counts.
func objectClosure(n *ast.MapNode) closure {
	var parts []ast.Node
	for _, pair := range n.Pairs {
		p, ok := pair.(*ast.PairNode)
		if !ok {
			return nil
		}
		parts = append(parts, p.Key, p.Value)
	}
	all, ok := closuresOf(parts)
	if !ok {
		return nil
	}
	return func(r *Run) any {
		object := make(map[string]any, len(all)/2)
		for i := 0; i < len(all); i += 2 {
			key := all[i](r).(string)
			v := all[i+1](r)
			if _, taken := object[key]; !taken {
				object[key] = v
			}
		}
		r.grow(len(all) / 2)
		return object
	}
}

// emptyList is shared: it is never modified.
var emptyList any = []any{}

// predicateClosure evaluates the functions that take a predicate, except for sum, sortBy and
// forms that the machine has optimized.
func predicateClosure(n *ast.BuiltinNode) closure {
	if len(n.Arguments) != 2 || n.Map != nil || n.Threshold != nil || n.Throws {
		return nil
	}
	collection, each := closureOf(n.Arguments[0]), closureOf(n.Arguments[1])
	if collection == nil || each == nil {
		return nil
	}
	switch n.Name {
	case "map":
		return func(r *Run) any {
			list := collection(r).([]any)
			if len(list) == 0 {
				return emptyList
			}
			out := make([]any, len(list))
			r.forEach(list, func(i int, v any) bool { out[i] = each(r); return true })
			r.grow(len(out))
			return out
		}
	case "filter":
		return func(r *Run) any {
			out := []any{}
			r.forEach(collection(r).([]any), func(_ int, v any) bool {
				if each(r).(bool) {
					out = append(out, v)
				}
				return true
			})
			r.grow(len(out))
			return out
		}
	case "find":
		return func(r *Run) (found any) {
			r.forEach(collection(r).([]any), func(_ int, v any) bool {
				if each(r).(bool) {
					found = v
					return false
				}
				return true
			})
			return found
		}
	case "any", "none", "all":
		ends, gives := n.Name != "all", n.Name == "any"
		return func(r *Run) any {
			result := !gives
			r.forEach(collection(r).([]any), func(int, any) bool {
				if each(r).(bool) == ends {
					result = gives
					return false
				}
				return true
			})
			return result
		}
	case "count", "one":
		return func(r *Run) any {
			count := 0
			r.forEach(collection(r).([]any), func(int, any) bool {
				if each(r).(bool) {
					count++
				}
				return true
			})
			if n.Name == "one" {
				return count == 1
			}
			return count
		}
	}
	return nil
}

// forEach calls visit with each element as the current one of predicates, until visit returns
// false.
func (r *Run) forEach(list []any, visit func(i int, v any) bool) {
	outer := r.item
	for i, v := range list {
		r.item = v
		if !visit(i, v) {
			break
		}
	}
	r.item = outer
}

// direct evaluates a closure; ok is false when the machine must provide the error. In that case
// nothing is left of the evaluation except the results of defines.
func (r *Run) direct(c closure) (v any, ok bool) {
	budget, pending := r.budget, r.pending
	base, item, grown := len(r.stack), r.item, r.grown
	defer func() {
		if !ok {
			_ = recover()
			r.drop(base)
			r.budget, r.pending = budget, pending
		}
		r.item, r.grown = item, grown
	}()
	r.grown = 0
	return c(r), true
}
