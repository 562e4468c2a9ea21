package config

import (
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
)

// Expression is the text of an expression and its position. Variables are never replaced in
// it: an environment value must not become code. The zero value is no expression.
type Expression struct {
	Text string
	node *Node
}

var _ Decodable = (*Expression)(nil)

// NewExpression returns an expression that has no position in a file.
func NewExpression(text string) Expression { return Expression{Text: text} }

// IsSet reports whether the expression has a text.
func (e Expression) IsSet() bool { return e.Text != "" }

// Node returns the scalar that the expression was read from, or nil when it was not read
// from a file.
func (e Expression) Node() *Node { return e.node }

// Quoted reports whether the text is in quotation marks in the file. YAML removes them:
// title: "Hello" is the expression Hello.
func (e Expression) Quoted() bool { return e.node != nil && e.node.style == quoted }

// Pos returns the position in the file of a line and column of the expression's text. line
// counts from 1, col in runes from 0. The position is exact for text on one line and for the
// blocks | and >, and approximate for quoted text with escapes.
func (e Expression) Pos(line, col int) Pos { return e.node.at(line, col) }

// MarshalText returns the text of the expression.
func (e Expression) MarshalText() ([]byte, error) { return []byte(e.Text), nil }

// DecodeNode accepts any scalar and keeps its text unchanged.
func (e *Expression) DecodeNode(n *Node, d *Decoder) {
	if n.kind != Scalar {
		d.wrongKind(n, "an expression")
		return
	}
	if d.expressionTraps(n) {
		*e = Expression{trimText(n), n}
	}
}

// ExpressionOrList is an expression, or a YAML list of texts taken literally.
type ExpressionOrList struct {
	Expression Expression
	List       []string
	IsList     bool
	node       *Node
}

var _ Decodable = (*ExpressionOrList)(nil)

// IsSet reports whether there is an expression or a list; the list may be empty.
func (e ExpressionOrList) IsSet() bool { return e.IsList || e.Expression.IsSet() }

// Node returns the scalar or list that the value was read from, or nil when it was not read
// from a file.
func (e ExpressionOrList) Node() *Node { return e.node }

// MarshalJSON returns the expression's text or the list.
func (e ExpressionOrList) MarshalJSON() ([]byte, error) {
	if e.IsList {
		return codec.Marshal(e.List)
	}
	return codec.Marshal(e.Expression)
}

// DecodeNode decodes a scalar as an expression and a list as texts.
func (e *ExpressionOrList) DecodeNode(n *Node, d *Decoder) {
	switch n.kind {
	case List:
		e.List, e.IsList, e.node = []string{}, true, n
		d.Decode(n, &e.List)
	case Scalar:
		e.node = n
		d.Decode(n, &e.Expression)
	default:
		d.wrongKind(n, "an expression or a list of texts")
	}
}

// MarshalText returns the expression's text, or the items of the list joined by commas.
func (e ExpressionOrList) MarshalText() ([]byte, error) {
	if e.IsList {
		return []byte(strings.Join(e.List, ", ")), nil
	}
	return e.Expression.MarshalText()
}
