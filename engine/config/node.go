package config

import "unicode/utf8"

// Kind is the kind of a node.
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

// Node is one value of the file. A nil *Node is an absent node, and all methods accept it. A
// Node does not change after Document.Set.
type Node struct {
	doc     *Document
	kind    Kind
	pos     Pos
	key     string // the key of its entry, "" for items and the root
	keyPos  Pos    // zero for a node without a key
	path    string
	text    string
	style   style
	null    bool
	comment string // the comment at the end of its line, with the #
	flow    bool   // inside { } or [ ]
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

// Kind returns the kind of the node: Absent for nil, Scalar for null.
func (n *Node) Kind() Kind {
	if n == nil {
		return Absent
	}
	return n.kind
}

// Pos returns the position where the value starts.
func (n *Node) Pos() Pos {
	if n == nil {
		return Pos{}
	}
	return n.pos
}

// KeyPos returns the position of the node's key, or of the node itself when it has no key.
func (n *Node) KeyPos() Pos {
	if n == nil {
		return Pos{}
	}
	if n.keyPos == (Pos{}) {
		return n.pos
	}
	return n.keyPos
}

// Quoted reports whether the node is a scalar in quotation marks.
func (n *Node) Quoted() bool { return n != nil && n.style == quoted }

// Path returns the path of the node from the root, such as transforms.0.keep. The path of the
// root is "".
func (n *Node) Path() string {
	if n == nil {
		return ""
	}
	return n.path
}

// Text returns the text of a scalar as YAML reads it, before interpolation.
func (n *Node) Text() string {
	if n == nil {
		return ""
	}
	return n.text
}

// IsNull reports whether the node is absent or null.
func (n *Node) IsNull() bool { return n == nil || n.null }

// Entries returns the entries of a mapping, each key once, or nil for other kinds.
func (n *Node) Entries() []Entry {
	if n == nil {
		return nil
	}
	return n.entries
}

// Items returns the items of a list, or nil for other kinds.
func (n *Node) Items() []*Node {
	if n == nil {
		return nil
	}
	return n.items
}

// Get returns the value of a key of a mapping, or nil when there is none.
func (n *Node) Get(key string) *Node {
	for _, e := range n.Entries() {
		if e.Key == key {
			return e.Value
		}
	}
	return nil
}

// Problem returns a problem about the node's value. Its position is the value when that is a
// scalar, else the node's key.
func (n *Node) Problem(code, message, hint string) Problem {
	p := Problem{}
	if n != nil {
		p = n.ownSpan()
	}
	p.Code, p.Message, p.Hint = code, message, hint
	return p
}

// keySpan returns the position of a problem about the whole node: its key.
func (n *Node) keySpan() Problem {
	if n == nil || n.keyPos == (Pos{}) {
		return Problem{Pos: n.Pos()}
	}
	return Problem{Pos: n.keyPos, Width: utf8.RuneCountInString(n.key)}
}

// ownSpan returns the position of a problem about the value: a scalar itself, else the key.
func (n *Node) ownSpan() Problem {
	if n.kind != Scalar || n.null {
		return n.keySpan()
	}
	return Problem{Pos: n.pos, Width: n.width()}
}

// Width returns the number of runes that a caret line marks for the value.
func (n *Node) Width() int { return n.width() }

// width returns the number of runes that a caret line marks for the node.
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

// describe returns the kind for messages, as in "a list where text is expected".
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
