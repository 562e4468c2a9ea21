package config

import "unicode/utf8"

// Kind is what a node is.
type Kind uint8

const (
	Absent  Kind = iota // no node: the kind of a nil *Node
	Scalar              // text, a number, a boolean or null
	Mapping             // key: value entries in the order of the file
	List                // items
)

type style uint8

const (
	plain style = iota
	quoted
	literal // a | block
	folded  // a > block
)

// Node is one value of the file. All methods work on nil, which is an absent
// node. A Node is not changed after Document.Set.
type Node struct {
	doc     *Document
	kind    Kind
	pos     Pos
	key     string // the key that it stands under
	keyPos  Pos    // zero when it stands under no key
	path    string
	text    string
	style   style
	null    bool
	comment string // the comment at the end of its line, with the #
	flow    bool   // stands inside { } or [ ]
	fixed   bool   // written by Set, without a variable
	broken  bool   // a problem was reported when it was parsed; its value is unknown
	entries []Entry
	items   []*Node
}

// Entry is one line of a mapping.
type Entry struct {
	Key    string
	KeyPos Pos
	Value  *Node
}

// Kind is Absent for nil, Scalar for null.
func (n *Node) Kind() Kind {
	if n == nil {
		return Absent
	}
	return n.kind
}

// Pos is where the value starts.
func (n *Node) Pos() Pos {
	if n == nil {
		return Pos{}
	}
	return n.pos
}

// KeyPos is where the key starts that the node stands under; the node's own
// position when there is none.
func (n *Node) KeyPos() Pos {
	if n == nil {
		return Pos{}
	}
	if n.keyPos == (Pos{}) {
		return n.pos
	}
	return n.keyPos
}

// Quoted says that the file wrote quotation marks around a scalar.
func (n *Node) Quoted() bool { return n != nil && n.style == quoted }

// Path is the way to the node from the root, such as transforms.0.keep; "" is
// the root.
func (n *Node) Path() string {
	if n == nil {
		return ""
	}
	return n.path
}

// Text is the text of a scalar as YAML reads it, before any interpolation.
func (n *Node) Text() string {
	if n == nil {
		return ""
	}
	return n.text
}

// IsNull says that there is nothing: an absent node or a null.
func (n *Node) IsNull() bool { return n == nil || n.null }

// Entries are those of a mapping, each key once; nil for other kinds.
func (n *Node) Entries() []Entry {
	if n == nil {
		return nil
	}
	return n.entries
}

// Items are those of a list; nil for other kinds.
func (n *Node) Items() []*Node {
	if n == nil {
		return nil
	}
	return n.items
}

// Get is the value under a key of a mapping, nil when there is none.
func (n *Node) Get(key string) *Node {
	for _, e := range n.Entries() {
		if e.Key == key {
			return e.Value
		}
	}
	return nil
}

// Problem is one about the node's value, at the value when it is a scalar and
// else at its key.
func (n *Node) Problem(code, message, hint string) Problem {
	p := Problem{}
	if n != nil {
		p = n.ownSpan()
	}
	p.Code, p.Message, p.Hint = code, message, hint
	return p
}

// keySpan is where a problem about the whole node stands: at its key.
func (n *Node) keySpan() Problem {
	if n == nil || n.keyPos == (Pos{}) {
		return Problem{Pos: n.Pos()}
	}
	return Problem{Pos: n.keyPos, Width: utf8.RuneCountInString(n.key)}
}

// ownSpan is where a problem about the value stands: at a scalar, or else at
// its key.
func (n *Node) ownSpan() Problem {
	if n.kind != Scalar || n.null {
		return n.keySpan()
	}
	return Problem{Pos: n.pos, Width: n.width()}
}

// Width is how many runes a caret line marks for a value.
func (n *Node) Width() int { return n.width() }

// width is how many runes a caret line marks for the node.
func (n *Node) width() int {
	switch {
	case n == nil || n.kind != Scalar || n.style == literal || n.style == folded:
		return 1
	case n.style == quoted:
		return utf8.RuneCountInString(n.text) + 2
	default:
		return utf8.RuneCountInString(n.text)
	}
}

// describe names the kind in messages: "a list where text is expected".
func (n *Node) describe() string {
	switch {
	case n.IsNull():
		return "nothing"
	case n.kind == Mapping:
		return "a mapping"
	case n.kind == List:
		return "a list"
	default:
		return "text"
	}
}
