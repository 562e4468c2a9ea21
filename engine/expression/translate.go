package expression

import (
	"errors"
	"iter"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
)

// bareText matches words that were meant as text: `team`, `all-users`.
var bareText = regexp.MustCompile(`^\s*\pL[\pL\pN_]*([ -]+[\pL\pN_]+)*\s*$`)

// nothingElsewhere are the words for nil in other languages.
var nothingElsewhere = []string{"null", "None", "undefined", "NULL", "Null"}

// recordElsewhere are names for the record in other languages.
var recordElsewhere = []string{"entity", "record", "this", "self", "item", "obj", "it"}

func (c *compilation) unknownName(n *ast.IdentifierNode) *Error {
	if slices.Contains(nothingElsewhere, n.Value) && strings.TrimSpace(c.src.text) != n.Value {
		return c.src.errorAt(n.Location(), CodeUnknownName, "write nil", "there is no name %s", n.Value)
	}
	if err := c.bareWord(); err != nil {
		return err
	}
	hint := didYouMean(n.Value, c.words())
	if slices.Contains(recordElsewhere, n.Value) {
		hint = "write the member alone, as metadata.name: an expression is about the record"
	}
	if hint == "" {
		hint = `for literal text, quote it: "` + n.Value + "\""
	}
	return c.src.errorAt(n.Location(), CodeUnknownName, hint, "there is no name %s", n.Value)
}

// address matches the address of a page.
var address = regexp.MustCompile(`^https?://\S+$`)

// bareWord returns the error for an expression that consists of unquoted words, or is an
// address.
func (c *compilation) bareWord() *Error {
	if text := strings.TrimSpace(c.src.text); address.MatchString(text) {
		begin := utf8.RuneCountInString(c.src.text[:strings.Index(c.src.text, text)])
		return c.src.errorAt(file.Location{From: begin, To: begin + utf8.RuneCountInString(text)}, CodeBareWord,
			`for the text write '"`+text+`"'`, "an address is text and needs quotation marks")
	}
	if !bareText.MatchString(c.src.text) {
		return nil
	}
	text := strings.TrimSpace(c.src.text)
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == '-' }) {
		if isWord(word) || slices.Contains(slices.Collect(c.words()), word) {
			return nil
		}
	}
	hint := `for the text write '"` + text + `"'`
	if suggestion := didYouMean(text, c.words()); suggestion != "" {
		hint = suggestion + " " + hint
	}
	begin := utf8.RuneCountInString(c.src.text[:strings.Index(c.src.text, text)])
	return c.src.errorAt(file.Location{From: begin, To: begin + utf8.RuneCountInString(text)}, CodeBareWord, hint,
		"%s is read as a name, but there is no such name", text)
}

var tokenPattern = regexp.MustCompile(`^unexpected token (\w+)(?:\((.*)\))?$`)

// syntaxError describes an error of the parser in words.
func (c *compilation) syntaxError(err error) *Error {
	if word := c.bareWord(); word != nil {
		return word
	}
	if foreign := c.foreignSyntaxError(); foreign != nil {
		return foreign
	}
	var located *file.Error
	if !errors.As(err, &located) {
		return c.src.errorAt(file.Location{}, CodeSyntax, "", "%s", firstLine(err))
	}
	code, message, hint, loc := CodeSyntax, located.Message, "", located.Location
	if token := tokenPattern.FindStringSubmatch(message); token != nil {
		message, hint = unexpected(token[1], token[2])
		if token[1] == "EOF" {
			end := utf8.RuneCountInString(strings.TrimRight(c.src.text, " \t\n"))
			loc = file.Location{From: end, To: end + 1}
		}
	}
	switch {
	case strings.TrimSpace(c.src.text) == "":
		message = "the expression is empty"
	case strings.Contains(message, "exceeds maximum allowed nodes"):
		code, message, hint = CodeTooComplex, "the expression has more than 1,000 parts", "move parts of it to define"
	case strings.Contains(message, "coalesce expressions"):
		message, hint = "?? next to another operator", "put the part with ?? in parentheses: (a ?? b) + c"
	case strings.HasPrefix(message, "expected at least"):
		code, message = CodeWrongArguments, "an argument is missing"
	}
	return c.src.errorAt(loc, code, hint, "%s", plainWords(message))
}

func unexpected(kind, token string) (message, hint string) {
	token = strings.Trim(token, `"`)
	switch {
	case kind == "EOF":
		return "the expression ends too early", "check for a missing bracket or operand"
	case token == "=":
		return "= is not a comparison", "write =="
	case token == "|":
		return "| is followed by the name of a function", ""
	}
	return "`" + token + "` is not allowed here", ""
}

var (
	unknownField = regexp.MustCompile(`^unknown field (.+)$`)
	mismatched   = regexp.MustCompile(`^invalid operation: (\S+) \(mismatched types? (.+?)(?: and (.+))?\)$`)
	notAList     = regexp.MustCompile(`^builtin (\w+) takes only array \(got (.+)\)$`)
	notBool      = regexp.MustCompile(`^(?:non-bool expression \(type (.+)\) used as condition|predicate should return boolean \(got (.+)\))$`)
	noField      = regexp.MustCompile(`^type (.+) has no (?:field|method) (.+)$`)
)

// checkError describes an error of the checker in words.
func (c *compilation) checkError(root ast.Node, err error) *Error {
	var located *file.Error
	if !errors.As(err, &located) {
		return c.src.errorAt(leftmost(root), CodeWrongType, "", "%s", plainWords(firstLine(err)))
	}
	code, hint, message := CodeWrongType, "", plainWords(located.Message)
	if m := unknownField.FindStringSubmatch(located.Message); m != nil {
		return c.unknownField(root, located.Location, m[1])
	}
	if m := mismatched.FindStringSubmatch(located.Message); m != nil {
		message = m[1] + " does not take " + plainWords(m[2])
		if m[3] != "" {
			message += " and " + plainWords(m[3])
		}
		if m[1] == "or" || m[1] == "||" {
			hint = "or joins two conditions; for a value when there is none write ??, as metadata.title ?? \"none\""
		}
		if m[1] == "contains" && strings.HasPrefix(m[2], "[]") {
			hint = "contains searches text; for an element of a list write VALUE in LIST"
		}
	}
	if strings.HasPrefix(located.Message, "array elements can only be selected") {
		message, hint = "the elements of a list are selected by a number", c.elementHint(root, located.Location)
	}
	if m := notAList.FindStringSubmatch(located.Message); m != nil {
		message, hint = m[1]+" takes a list, but this is "+plainWords(m[2]), ""
		if strings.HasPrefix(m[2], "map[") {
			hint = "wrap it in keys(…) or values(…)"
		}
	}
	if m := notBool.FindStringSubmatch(located.Message); m != nil {
		code, message = CodeNotACondition, "a condition is true or false, but this is "+plainWords(m[1]+m[2])
	}
	if m := noField.FindStringSubmatch(located.Message); m != nil {
		message = m[2] + " cannot be read from " + plainWords(m[1])
	}
	return c.src.errorAt(located.Location, code, hint, "%s", message)
}

// unknownField names the value without such a member, and the nearest member that it has.
func (c *compilation) unknownField(root ast.Node, loc file.Location, name string) *Error {
	owner, hint := thisValue, ""
	ast.Find(root, func(node ast.Node) bool {
		m, ok := node.(*ast.MemberNode)
		if !ok || m.Property.Location() != loc {
			return false
		}
		if _, deeper := m.Property.(*ast.MemberNode); deeper { // a[b.c] and b.c share a position
			return false
		}
		owner = c.describe(m.Node)
		if nature := m.Node.Nature(); nature.TypeData != nil {
			hint = didYouMean(name, names(nature.Fields))
		}
		return true
	})
	if _, member := c.names[name]; member && slices.Contains(recordElsewhere, owner) {
		hint = "write the member alone, as metadata.name: an expression is about the record"
	}
	if owner == "#" {
		owner = "the element"
	}
	return c.src.errorAt(loc, CodeUnknownName, hint, "%s has no member %s", owner, name)
}

// elementHint returns a hint for a member access on a list.
func (c *compilation) elementHint(root ast.Node, loc file.Location) (hint string) {
	ast.Find(root, func(node ast.Node) bool {
		m, ok := node.(*ast.MemberNode)
		if !ok || m.Property.Location() != loc {
			return false
		}
		if name, ok := m.Property.(*ast.StringNode); ok {
			hint = c.lengthHint(m.Node, name.Value)
		}
		return true
	})
	return hint
}

func names[T any](m map[string]T) iter.Seq[string] { return maps.Keys(m) }

// goTypes matches the names of types in messages of expr, the longest first.
var goTypes = regexp.MustCompile(`map\[string\]interface \{\}|\[\]interface \{\}|interface \{\}|<nil>|\b(?:string|float64|int|bool|unknown|nil)\b`)

func inWords(goType string) string {
	switch goType {
	case "map[string]interface {}":
		return ObjectKind.String()
	case "[]interface {}":
		return ListKind.String()
	case "string":
		return TextKind.String()
	case "float64", "int":
		return NumberKind.String()
	case "bool":
		return BoolKind.String()
	case "<nil>", "nil":
		return "nothing"
	}
	return AnyKind.String()
}

// plainWords replaces the names of Go types in messages of expr.
func plainWords(message string) string {
	switch {
	case strings.Contains(message, "interface conversion"):
		return "a value is missing or has the wrong type for its operator"
	case strings.Contains(message, "MapIndex"):
		return "the members of an object have text names"
	case strings.Contains(message, "integer divide by zero"):
		return "a number is divided by zero"
	}
	if words := strings.Fields(message); len(words) == 5 && strings.HasPrefix(message, "invalid operation: ") {
		message = words[3] + " does not take " + words[2] + " and " + words[4]
	}
	return strings.ReplaceAll(goTypes.ReplaceAllStringFunc(message, inWords), "\n", " ")
}
