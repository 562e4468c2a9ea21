package config

import (
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
)

// Expression is the text of an expression and where it stands. Variables are
// never replaced in it: an environment value must not become code. The zero
// value is no expression.
type Expression struct {
	Text string
	node *Node
}

var _ Decodable = (*Expression)(nil)

// NewExpression makes an expression that stands in no file.
func NewExpression(text string) Expression { return Expression{Text: text} }

// IsSet says that there is an expression.
func (e Expression) IsSet() bool { return e.Text != "" }

// Node is the scalar that the expression was read from, nil when it stands in
// no file.
func (e Expression) Node() *Node { return e.node }

// Quoted says that the file wrote quotation marks around the text, which YAML
// took away: title: "Hello" is the expression Hello.
func (e Expression) Quoted() bool { return e.node != nil && e.node.style == quoted }

// Pos is where in the file a place of the expression's text is; line counts
// from 1, col in runes from 0. It is exact for text on one line and for blocks,
// | and >, and near for quoted text with escapes.
func (e Expression) Pos(line, col int) Pos { return e.node.at(line, col) }

// MarshalText is the text.
func (e Expression) MarshalText() ([]byte, error) { return []byte(e.Text), nil }

// DecodeNode takes the text of any scalar as it is.
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

// IsSet says that there is an expression or a list, which may be empty.
func (e ExpressionOrList) IsSet() bool { return e.IsList || e.Expression.IsSet() }

// Node is what it was read from, nil when it stands in no file.
func (e ExpressionOrList) Node() *Node { return e.node }

// MarshalJSON is the expression's text or the list.
func (e ExpressionOrList) MarshalJSON() ([]byte, error) {
	if e.IsList {
		return codec.Marshal(e.List)
	}
	return codec.Marshal(e.Expression)
}

// DecodeNode takes a scalar as an expression and a list as it is.
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

// MarshalText is the expression's text, or the list with commas.
func (e ExpressionOrList) MarshalText() ([]byte, error) {
	if e.IsList {
		return []byte(strings.Join(e.List, ", ")), nil
	}
	return e.Expression.MarshalText()
}
