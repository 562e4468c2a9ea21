package expression

import (
	"errors"
	"fmt"

	"github.com/expr-lang/expr/ast"
)

// bind replaces a node by the call of a function; the Run precedes the arguments.
func (c *compilation) bind(node *ast.Node, f *Function, arguments []ast.Node) {
	if n := len(arguments); n < f.MinArgs || f.MaxArgs >= 0 && n > f.MaxArgs {
		c.failAt(*node, CodeWrongArguments, "write "+f.Signature, "%s takes %s, but got %d", f.Name, f.arity(), n)
		return
	}
	b := &bound{f, place{c.src, (*node).Location().From}}
	c.reads.add(f.Reads...)
	what := call{name: f.Name, gives: f.Gives, shape: f.shape}
	if f.Gives == ListKind && f.Elements == TextKind {
		what.known = knownOf(ListOf(Text()))
	}
	all := append([]ast.Node{environment()}, arguments...)
	switch len(arguments) {
	case 0:
		c.replace(node, what, b.call0, all...)
	case 1:
		c.replace(node, what, b.call1, all...)
	default:
		c.replace(node, what, b.calls, all...)
	}
}

func (f *Function) arity() string {
	switch {
	case f.MaxArgs < 0:
		return fmt.Sprintf("at least %d arguments", f.MinArgs)
	case f.MinArgs != f.MaxArgs:
		return fmt.Sprintf("%d to %d arguments", f.MinArgs, f.MaxArgs)
	case f.MinArgs == 1:
		return "1 argument"
	}
	return fmt.Sprintf("%d arguments", f.MinArgs)
}

// bound is a function at a position in an expression.
type bound struct {
	*Function
	at place
}

func (b *bound) call0(env any) any { return b.invoke(env.(*Run), nil) }

func (b *bound) call1(env, argument any) any {
	r := env.(*Run)
	r.argument[0] = argument
	v := b.invoke(r, r.argument[:])
	r.argument[0] = nil
	return v
}

func (b *bound) calls(args ...any) any { return b.invoke(args[0].(*Run), args[1:]) }

func (b *bound) invoke(r *Run, args []any) any {
	for _, arg := range args {
		if text, ok := arg.(string); ok && len(text) >= workUnit {
			b.must(r.budget.look(len(text) / workUnit))
		}
	}
	v, err := b.Call(r, args)
	b.must(err)
	switch v := v.(type) {
	case string:
		b.must(r.budget.write(len(v)))
	case []any:
		b.must(r.budget.look(len(v)))
	}
	return v
}

func (b *bound) must(err error) {
	if err == nil {
		return
	}
	var limit limitError
	var argument argumentError
	var value valueError
	switch {
	case errors.As(err, &limit):
		panic(b.at.errorf("%v", err))
	case errors.As(err, &argument), errors.As(err, &value):
		panic(b.at.errorf("%s(…) %v", b.Name, err))
	}
	panic(b.at.errorf("%s(…): %v", b.Name, err))
}

// argumentError says what a function takes and what it got.
type argumentError struct {
	takes string
	given any
}

func (e argumentError) Error() string {
	return "takes " + e.takes + ", but is given " + kindOfValue(e.given).String() + " here"
}

// valueError describes an argument of the right kind with a wrong value; like argumentError, it
// begins with a verb.
type valueError string

func (e valueError) Error() string { return string(e) }
