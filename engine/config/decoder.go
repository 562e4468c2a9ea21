package config

import (
	"reflect"
	"strings"
	"unicode/utf8"
)

// Decodable is a type that decodes itself. DecodeNode is called with the default in the
// receiver, and with n neither absent nor null.
type Decodable interface {
	DecodeNode(n *Node, d *Decoder)
}

// Validator is a struct that checks itself after it was decoded; inlined structs are called
// too. field is the key that the problem is about, a path such as facets.0.order, "" for the
// struct itself, or several keys joined by a space. The problem is reported at the value of
// the first key that the file has, or at that key itself when field ends with a colon. A
// report is ignored when one of the fields is unknown (see Variables.Lenient) or already has
// a problem. Messages must not quote the values of text fields, which may come from a
// variable.
type Validator interface {
	Validate(report func(field, code, message, hint string))
}

// Cautioner is a struct that warns about settings that work but are rarely intended. The
// rules of Validator apply.
type Cautioner interface {
	Caution(report func(field, code, message, hint string))
}

// Decoder decodes nodes and collects problems. It is used for one call of the function
// Decode.
type Decoder struct {
	vars     *Variables
	problems Problems
	settled  map[*Node]bool // nodes whose value is unresolved or has a problem
	blank    map[*Node]bool // scalars left empty by variables, treated as absent
}

// Decode decodes a node into the struct or other supported value that into points to. It
// returns all problems, sorted. Fields that the file leaves out keep their value, or get
// their default when they have none. With nil vars, no variable is set.
func Decode(n *Node, into any, vars *Variables) Problems {
	if vars == nil {
		vars = &Variables{}
	}
	d := &Decoder{vars: vars, settled: map[*Node]bool{}, blank: map[*Node]bool{}}
	d.Decode(n, into)
	return d.problems.Sorted()
}

// Decode decodes n into the value that into points to, and applies its defaults and checks.
func (d *Decoder) Decode(n *Node, into any) {
	v := reflect.ValueOf(into).Elem()
	applyDefaults(v)
	d.value(n, v, n)
}

// Variables returns the variables that the function Decode was called with. It is never nil.
func (d *Decoder) Variables() *Variables { return d.vars }

// Text returns the text of a scalar with its variables replaced. ok is false when the text
// is unknown or a problem was reported.
func (d *Decoder) Text(n *Node) (text string, ok bool) {
	r, ok := d.resolve(n, false)
	return r.text, ok
}

// Problem reports a problem with the value of a node.
func (d *Decoder) Problem(n *Node, code, message, hint string) {
	d.fail(Problem{Pos: n.Pos(), Width: n.width()}, n, code, message, hint)
}

// KeyProblem reports a problem with the key of an entry.
func (d *Decoder) KeyProblem(e Entry, code, message, hint string) {
	d.fail(Problem{Pos: e.KeyPos, Width: utf8.RuneCountInString(e.Key)}, e.Value, code, message, hint)
}

// UnknownKey reports an entry whose key is not in known, and suggests the nearest known keys.
func (d *Decoder) UnknownKey(e Entry, known []string) {
	if looksSecret(e.Key) || looksSecret(nearest(e.Key, known)...) {
		e.Value.hide()
	}
	e.Value.hideBelow()
	d.KeyProblem(e, codeUnknownKey, "unknown key "+quote(e.Key), knownHint(e.Key, known))
}

// Unresolved reports whether the value of a node is unknown or has a problem.
func (d *Decoder) Unresolved(n *Node) bool { return n != nil && (d.settled[n] || n.broken) }

func (d *Decoder) add(p Problem) { d.problems = append(d.problems, p) }

// fail adds a problem at the position of at and marks n as settled.
func (d *Decoder) fail(at Problem, n *Node, code, message, hint string) {
	at.Code, at.Message, at.Hint = code, message, hint
	d.add(at)
	if n != nil && d.settled != nil {
		d.settled[n] = true
	}
}

// leave records that the value of a node is unknown.
func (d *Decoder) leave(n *Node) {
	d.settled[n] = true
	if d.vars.unresolved == nil {
		d.vars.unresolved = map[string]bool{}
	}
	d.vars.unresolved[n.path] = true
}

// skip notes that the value of a node was not read.
func (d *Decoder) skip(n *Node) {
	if d.vars.skipped == nil {
		d.vars.skipped = map[string]bool{}
	}
	d.vars.skipped[n.path] = true
}

func (d *Decoder) wrongKind(n *Node, want string) {
	hint := ""
	switch {
	case n.kind == List && want == "text":
		hint = "write one value after the key, without - or [ ]"
	case n.kind == List && strings.HasPrefix(want, "an expression"):
		hint = "put quotes around an expression that starts with [: '[…]'"
	case n.kind == Mapping && want == "a list" && len(n.entries) > 0:
		hint = "start each item with a dash: - " + n.entries[0].Key + ": …"
	case n.kind == Scalar && want == "a list":
		hint = "write the items below it, each on a line of its own: - item"
	case n.kind == Scalar && want == "a mapping" && strings.Contains(n.text, " ") && keyWithoutColon.MatchString(n.text):
		key, value, _ := strings.Cut(n.text, " ")
		hint = "a colon is missing: write " + key + ": " + strings.TrimSpace(value)
	case n.kind == Scalar && want == "a mapping":
		hint = "write key: value lines below it, indented by two spaces"
	}
	d.Problem(n, codeWrongKind, n.describe()+" where "+want+" is expected", hint)
}
