package pipeline

import (
	"cmp"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/expression"
)

// builder compiles expressions and collects problems while a file is loaded. Without a
// language, because the names for expressions are unknown, it compiles nothing and reports
// nothing about expressions.
type builder struct {
	language *expression.Language
	defines  config.Map[config.Expression]
	problems config.Problems
	// broken are the lines with parts that could not be read. Problems that follow from them
	// are not reported.
	broken map[int]bool
	lines  []string // of the file
	// refs is the grammar of the source's refs; nil when it is not known.
	refs component.Refs
	// kinds are the possible kinds of records; nil when they are not known.
	kinds []string
	// misspelt are the expressions that compare the kind with an unknown kind. Problems that
	// follow from them are not reported.
	misspelt map[*config.Node]bool
	meant    map[string]bool // the kinds that these expressions most likely mean
}

func newBuilder(doc *config.Document, problems config.Problems) *builder {
	b := &builder{problems: problems, broken: map[int]bool{}, misspelt: map[*config.Node]bool{}, meant: map[string]bool{},
		lines: strings.Split(string(doc.Source()), "\n")}
	for _, p := range problems {
		b.broken[p.Line] = true
	}
	return b
}

var _ component.Builder = (*builder)(nil)

func (b *builder) Compile(e config.Expression, want expression.Want) *expression.Program {
	switch {
	case !e.IsSet() && e.Node() != nil:
		b.Problem(e.Node(), expression.CodeSyntax, "the expression is empty", "")
		return nil
	case !e.IsSet() || b.language == nil:
		return nil
	}
	p, err := b.language.Compile(e.Text, want)
	if err != nil {
		b.expressionError(e, err)
		return nil
	}
	b.warnings(e, p.Warnings())
	b.lookAlikes(e)
	return p
}

func (b *builder) CompilePath(path string, at config.Pos) *expression.Program {
	if b.language == nil {
		return nil
	}
	p, err := b.language.Compile(path, expression.WantAny)
	if err == nil {
		return p
	}
	if err.Code == expression.CodeBareWord { // a key cannot be a text
		hint, _, _ := strings.Cut(err.Hint, "for the text")
		err.Code, err.Message, err.Hint = expression.CodeUnknownName, "the record has no such member", strings.TrimSpace(hint)
	}
	if b.quoted(at) {
		at.Col++
	}
	at.Col += err.Col
	b.add(config.Problem{Pos: at, Width: err.Width, Code: err.Code, Message: err.Message, Hint: err.Hint})
	return nil
}

// quoted reports whether there is a quotation mark at a position.
func (b *builder) quoted(at config.Pos) bool {
	if at.Line < 1 || at.Line > len(b.lines) {
		return false
	}
	line := []rune(b.lines[at.Line-1])
	return at.Col >= 1 && at.Col <= len(line) && strings.ContainsRune(`"'`, line[at.Col-1])
}

func (b *builder) expressionError(e config.Expression, err *expression.Error) {
	p := config.Problem{Pos: e.Pos(err.Line, err.Col), Width: err.Width, Code: err.Code, Message: err.Message,
		Hint: err.Hint}
	if m, ok := b.refs.(component.Hinter); ok {
		p.Hint = cmp.Or(m.Hint(e.Text), p.Hint)
	}
	if err.Code == expression.CodeBareWord && e.Quoted() && p.Line > 0 {
		p.Message += " (the quotation marks are YAML's, not the expression's)"
	}
	b.add(p)
}

func (b *builder) Literal(list *config.Node) {
	if b.language == nil {
		return
	}
	var elements []string
	found := false
	for _, item := range list.Items() {
		if item.Kind() != config.Scalar || item.IsNull() || item.Quoted() || !b.language.ReadsRecord(item.Text()) {
			elements = append(elements, fmt.Sprintf("%q", item.Text()))
			continue
		}
		found = true
		elements = append(elements, item.Text())
	}
	if found {
		b.Warn(list, "literal-list", "the list is literal, but an element looks like an expression",
			"for the values write concat("+strings.Join(elements, ", ")+"); put literal text in quotation marks")
	}
}

func (b *builder) warnings(e config.Expression, all []*expression.Error) {
	for _, w := range all {
		b.add(config.Problem{Pos: e.Pos(w.Line, w.Col), Width: w.Width, Code: w.Code, Message: w.Message, Hint: w.Hint,
			Warning: true})
	}
}

// defineError reports an error in the expression or the name of a define.
func (b *builder) defineError(err *expression.Error) {
	for _, d := range b.defines {
		switch {
		case d.Key != err.Define:
		case err.Code == expression.CodeTaken && strings.HasPrefix(err.Message, "define."):
			b.KeyProblem(d.Key, d.KeyPos, err.Code, err.Message, err.Hint)
		case d.Value.IsSet(): // an unset value was reported when the file was read
			b.expressionError(d.Value, err)
		}
	}
}

// Known runs the program for two records that have only the member in common. When both give
// the same text, it follows from the member.
func (b *builder) Known(p *expression.Program, name, value string) (string, bool) {
	for _, path := range p.Reads() {
		if path != name {
			return "", false
		}
	}
	var given [2]any
	run := b.language.NewRun()
	for i, ref := range b.exampleRefs(value) {
		run.Start(ref, map[string]any{name: value}, func(asked string) (expression.Entry, expression.Presence) {
			if i == 0 {
				return expression.Entry{Ref: asked, Kind: value, Title: ref, Email: ref}, expression.Present
			}
			return expression.Entry{}, expression.Absent
		})
		v, err := run.Eval(p)
		if err != nil {
			return "", false
		}
		given[i] = v
	}
	text, ok := given[0].(string)
	again, _ := given[1].(string)
	return text, ok && text == again
}

// exampleRefs returns two refs of a kind that have nothing else in common.
func (b *builder) exampleRefs(kind string) [2]string {
	if b.refs == nil {
		return [2]string{"one", "two"}
	}
	return b.refs.Examples(kind)
}

func (b *builder) Problem(n *config.Node, code, message, hint string) {
	b.at(n, config.Problem{Code: code, Message: message, Hint: hint})
}

func (b *builder) Warn(n *config.Node, code, message, hint string) {
	b.at(n, config.Problem{Code: code, Message: message, Hint: hint, Warning: true})
}

func (b *builder) KeyProblem(key string, at config.Pos, code, message, hint string) {
	b.add(config.Problem{Pos: at, Width: utf8.RuneCountInString(key), Code: code, Message: message, Hint: hint})
}

func (b *builder) add(p config.Problem) {
	if p.Line == 0 || !b.broken[p.Line] {
		b.problems = append(b.problems, p)
	}
}

// at adds a problem at a scalar, or at the key or the dash of any other node.
func (b *builder) at(n *config.Node, p config.Problem) {
	p.Pos = n.KeyPos()
	switch {
	case n.Kind() == config.Scalar && !n.IsNull():
		p.Pos, p.Width = n.Pos(), n.Width()
	case p.Pos != n.Pos():
		p.Width = utf8.RuneCountInString(n.Path()[strings.LastIndexByte(n.Path(), '.')+1:])
	}
	b.add(p)
}
