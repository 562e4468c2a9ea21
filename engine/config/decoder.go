package config

import (
	"reflect"
	"strings"
	"unicode/utf8"
)

// Decodable is a type with a shape of its own in the file. n is neither absent
// nor null; the receiver holds the default.
type Decodable interface {
	DecodeNode(n *Node, d *Decoder)
}

// Validator is a struct that checks itself after it was decoded. field is the
// key that a problem is about, or a path such as facets.0.order, "" for the
// struct itself, or several keys joined by a space: the problem stands at the first that the file has, at the key
// itself where a colon follows it. A report is
// passed over when one of the fields could not be known (see
// Variables.Lenient) or has a problem already. Inlined structs are asked too. Messages must not quote values
// of text fields: they may have come from a variable.
type Validator interface {
	Validate(report func(field, code, message, hint string))
}

// Cautioner is a struct that warns of what works and is rarely meant, by the rules of
// Validator.
type Cautioner interface {
	Caution(report func(field, code, message, hint string))
}

// Decoder decodes nodes and collects problems. It lives for one Decode.
type Decoder struct {
	vars     *Variables
	problems Problems
	settled  map[*Node]bool // nodes whose value is unresolved or has a problem
	blank    map[*Node]bool // scalars that variables left empty: as good as absent
}

// Decode reads a node into a struct (or another supported value) that into
// points to and returns everything that is wrong, sorted. Fields that the file
// leaves out keep what they hold, or their default when that is nothing.
// vars nil means that no variable is set.
func Decode(n *Node, into any, vars *Variables) Problems {
	if vars == nil {
		vars = &Variables{}
	}
	d := &Decoder{vars: vars, settled: map[*Node]bool{}, blank: map[*Node]bool{}}
	d.Decode(n, into)
	return d.problems.Sorted()
}

// Decode reads n into what into points to, with its defaults and checks.
func (d *Decoder) Decode(n *Node, into any) {
	v := reflect.ValueOf(into).Elem()
	applyDefaults(v)
	d.value(n, v, n)
}

// Variables are those that the Decode was called with, never nil.
func (d *Decoder) Variables() *Variables { return d.vars }

// Text is the text of a scalar with its variables replaced. ok is false when
// it could not be known or a problem was reported.
func (d *Decoder) Text(n *Node) (text string, ok bool) {
	r, ok := d.resolve(n, false)
	return r.text, ok
}

// Problem reports something wrong with the value of a node.
func (d *Decoder) Problem(n *Node, code, message, hint string) {
	d.fail(Problem{Pos: n.Pos(), Width: n.width()}, n, code, message, hint)
}

// KeyProblem reports something wrong with the key of an entry.
func (d *Decoder) KeyProblem(e Entry, code, message, hint string) {
	d.fail(Problem{Pos: e.KeyPos, Width: utf8.RuneCountInString(e.Key)}, e.Value, code, message, hint)
}

// UnknownKey reports the key of an entry that is none of known, with the
// nearest ones.
func (d *Decoder) UnknownKey(e Entry, known []string) {
	if looksSecret(e.Key) || looksSecret(nearest(e.Key, known)...) {
		e.Value.hide()
	}
	e.Value.hideBelow()
	d.KeyProblem(e, codeUnknownKey, "unknown key "+quote(e.Key), knownHint(e.Key, known))
}

// Unresolved says that the value of a node could not be known or has a problem.
func (d *Decoder) Unresolved(n *Node) bool { return n != nil && (d.settled[n] || n.broken) }

func (d *Decoder) add(p Problem) { d.problems = append(d.problems, p) }

// fail adds a problem at a place and settles the node that it is about.
func (d *Decoder) fail(at Problem, n *Node, code, message, hint string) {
	at.Code, at.Message, at.Hint = code, message, hint
	d.add(at)
	if n != nil && d.settled != nil {
		d.settled[n] = true
	}
}

// leave notes that the value of a node is not known.
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
