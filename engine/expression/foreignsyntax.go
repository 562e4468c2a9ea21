package expression

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
)

// foreignSyntax is the syntax of another language that does not parse here.
type foreignSyntax struct {
	pattern *regexp.Regexp // for the text without quoted strings
	message string         // %s is the match
	hint    func(found string) string
}

func write(what string) func(string) string { return func(string) string { return "write " + what } }

// foreignSyntaxes returns the known forms, the most specific first.
func foreignSyntaxes() []foreignSyntax {
	return []foreignSyntax{
		{regexp.MustCompile(`^\s*\{\{.*\}\}\s*$`), "%s is a template, but an expression is expected",
			func(found string) string {
				return "write " + strings.TrimSpace(strings.Trim(found, "{} \t\n"))
			}},
		{regexp.MustCompile(`[“”„‟«»‘’]`), "%s is not a quotation mark for text", write(`"`)},
		{regexp.MustCompile(`\b(?i:is\s+not)\s+(?i:nil|null|none)\b`), "`%s` is not part of this language", write("!= nil")},
		{regexp.MustCompile(`\b(?i:is)\s+(?i:nil|null|none)\b`), "`%s` is not part of this language", write("== nil")},
		{regexp.MustCompile(`\b(AND|OR|NOT|IN)\b`), "`%s` is not allowed here", func(found string) string {
			return "write " + strings.ToLower(found)
		}},
		{regexp.MustCompile(`\bin\s*\([^()\[\]]*,[^()\[\]]*\)`), "a list needs square brackets",
			func(found string) string {
				open := strings.Index(found, "(")
				return "write in [" + found[open+1:len(found)-1] + "]"
			}},
		{regexp.MustCompile(`[\w.)\]]+\s*\|\s*[A-Za-z]\w*\s*$`), "`%s` is not part of this language", func(found string) string {
			value, function, _ := strings.Cut(found, "|")
			return "write " + strings.TrimSpace(function) + "(" + strings.TrimSpace(value) + ")"
		}},
		{regexp.MustCompile(`^\s*\.[A-Za-z][\w.]*`), "an expression does not begin with a dot", func(found string) string {
			return "write " + strings.TrimLeft(found, ".") + " without the dot"
		}},
		{regexp.MustCompile(`(\b\w+|\))\s*=>`), "`%s` is not part of this language", func(string) string {
			return "# is the element: write any(metadata.tags, # == \"pci\")"
		}},
	}
}

// foreignSyntaxError returns the error for an expression in such a form; nil when there is none.
func (c *compilation) foreignSyntaxError() *Error {
	text := withoutTexts(c.src.text)
	for _, s := range foreignSyntaxes() {
		at := s.pattern.FindStringIndex(text)
		if at == nil {
			continue
		}
		from, to := utf8.RuneCountInString(text[:at[0]]), utf8.RuneCountInString(text[:at[1]])
		found := strings.TrimLeft(string([]rune(c.src.text)[from:to]), " \t\n")
		from = to - utf8.RuneCountInString(found)
		found = strings.TrimSpace(found)
		return c.src.errorAt(file.Location{From: from, To: from + utf8.RuneCountInString(found)}, CodeSyntax, s.hint(found),
			"%s", strings.ReplaceAll(s.message, "%s", found))
	}
	return nil
}

// withoutTexts returns an expression with quoted strings replaced by spaces, which keeps
// positions in runes.
func withoutTexts(text string) string {
	var out strings.Builder
	var quote rune
	escaped := false
	for _, r := range text {
		switch {
		case quote == 0:
			if r == '"' || r == '\'' || r == '`' {
				quote = r
			}
			out.WriteRune(r)
			continue
		case r == quote && !escaped:
			quote = 0
			out.WriteRune(r)
		default:
			out.WriteByte(' ')
		}
		escaped = r == '\\' && !escaped && quote != '`'
	}
	return out.String()
}

// methodHint returns the function for a method of other languages.
func (c *compilation) methodHint(n *ast.CallNode) string {
	m, ok := n.Callee.(*ast.MemberNode)
	if !ok {
		return ""
	}
	name, ok := m.Property.(*ast.StringNode)
	if !ok {
		return ""
	}
	value, argument := c.shown(m.Node), "…"
	if len(n.Arguments) == 1 {
		argument = n.Arguments[0].String()
	}
	switch name.Value {
	case "includes", "has":
		return "write " + argument + " in " + value
	case "contains", "indexOf", "startsWith", "endsWith", "matches":
		word := strings.Replace(name.Value, "indexOf", "contains", 1)
		return "write " + value + " " + word + " " + argument
	case "toLowerCase":
		return "write lower(" + value + ")"
	case "toUpperCase":
		return "write upper(" + value + ")"
	}
	if lengthHint := c.lengthHint(m.Node, name.Value); lengthHint != "" {
		return lengthHint
	}
	if c.functions[name.Value] != nil || predicates[name.Value] > 0 {
		return "write " + name.Value + "(…) around it"
	}
	return ""
}

// lengthHint returns the function for the length member of other languages.
func (c *compilation) lengthHint(of ast.Node, name string) string {
	switch name {
	case "length", "size", "len", "count":
		return "write len(" + c.shown(of) + ")"
	}
	return ""
}

// shown returns the text of a value if it is short, or else …
func (c *compilation) shown(node ast.Node) string {
	if what := c.describe(node); what != thisValue {
		return what
	}
	return "…"
}
