// Package expression is the language of the pipeline file: it compiles the
// expressions under `when`, `fields`, `define`, `allow` against a model of the
// record, and runs them. It is the only importer of expr-lang/expr.
//
// The way of an expression: expr parses it; resolve gives every name and
// function its meaning and refuses what the language does not have; expr's
// checker finds misspelt members and operands that cannot fit; lower replaces
// member access, operators and function calls by closures that know their
// position; closureOf makes one closure of the whole, where it knows every node. A
// program runs as its closure; one without a closure, and one whose closure fails, runs
// on expr's virtual machine. A Language and its Programs are shared, a Run belongs to one
// goroutine.
//
// What holds for every expression:
//
//   - Reading through something absent gives nil, an element that a list does
//     not have included. Reading through something of the wrong shape (a list
//     or a text where an object is expected) is an error of that record.
//   - ==, != and in take nil like any value: nil equals only nil, nil is in no
//     list unless the list holds nil, and nothing is in nil.
//   - Every other operator refuses nil and operands of the wrong type with an
//     error that names the operand. That includes startsWith, endsWith,
//     contains and matches: "not there" is neither yes nor no, and a permission
//     must not be decided by it. Write coalesce(x, "") where it is meant.
//   - A function that is given nil gives nil or an empty list; a scalar is taken
//     where text is expected.
//   - A condition is true or false. Anything else is an error, at compile time
//     where the type is known and at run time otherwise.
//   - A result is nil, a bool, a text, a finite number, a list or an object of
//     those. It may be a part of the record: it must not be changed.
//   - Time and memory are bounded: nodes, elements looked at, bytes of text made.
//
// The compiler (compile, resolve, lower, known), the run (run, bind, access, limits) and
// the functions are one package: all three share the kinds of values, the budget of an
// evaluation and the errors of arguments, some 30 names that no one else needs. What
// needs no model is elsewhere: package condition reads conditions as written, and
// engine/markdown makes text of Markdown.
//
// Invariants kept: 2 (an error in a rule is an error, never "does not hold"), 9
// (what compiles fails only because of data). Messages about records name parts
// of the expression, never values of the record (6).
package expression
