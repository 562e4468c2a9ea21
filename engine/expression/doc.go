// Package expression implements the language of the pipeline file: it compiles the expressions
// in `when`, `fields`, `define` and `allow` against a model of the record, and evaluates them.
// It is the only importer of expr-lang/expr.
//
// The steps of a compilation: expr parses the expression. resolve gives every name and function
// its meaning and rejects what the language does not have. expr's checker finds misspelt
// members and operands of wrong types. lower replaces member access, operators and function
// calls by closures that know their position. closureOf makes one closure of the whole
// expression if it supports every node. A program runs as its closure. A program without a
// closure, or whose closure fails, runs on expr's virtual machine. A Language and its Programs
// are shared; a Run belongs to one goroutine.
//
// Rules for every expression:
//
//   - Access through an absent value gives nil; that includes an element outside a list. Access
//     through a value of the wrong shape (a list or a text where an object is expected) is an
//     error of that record.
//   - ==, != and in accept nil like any value: nil equals only nil, nil is in a list only if
//     the list contains nil, and nothing is in nil.
//   - Every other operator refuses nil and operands of the wrong type with an error that names
//     the operand. That includes startsWith, endsWith, contains and matches: an absent value is
//     neither yes nor no, and must not decide a permission. Write coalesce(x, "") if that is
//     intended.
//   - A function that gets nil returns nil or an empty list; scalars are accepted where text is
//     expected.
//   - A condition is true or false. Anything else is an error, at compile time if the type is
//     known and at run time otherwise.
//   - A result is nil, a bool, a text, a finite number, or a list or an object of those. It may
//     be a part of the record and must not be modified.
//   - Time and memory are bounded: nodes, visited elements, bytes of created text.
//
// The compiler (compile, resolve, lower, known), the evaluation (run, bind, access, limits) and
// the functions are one package: they share the kinds of values, the budget of an evaluation
// and the errors of arguments, some 30 names that no other package needs. Code that needs no
// model is elsewhere: package condition analyzes the syntax of conditions, and engine/markdown
// converts Markdown to text.
//
// Invariants kept: 2 (an error in a rule is an error, never "does not hold"), 9 (what compiles
// fails only because of data). Messages about records name parts of the expression, never
// values of the record (6).
package expression
