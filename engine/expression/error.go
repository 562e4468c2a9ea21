package expression

import "fmt"

// The codes of compile errors. They are stable.
const (
	CodeSyntax          = "syntax"
	CodeUnknownName     = "unknown-name"
	CodeUnknownFunction = "unknown-function"
	CodeBareWord        = "bare-word"
	CodeWrongArguments  = "wrong-arguments"
	CodeWrongType       = "wrong-type"
	CodeNotACondition   = "not-a-condition"
	CodeForbidden       = "forbidden"
	CodeTooComplex      = "too-complex"
	CodeCycle           = "cycle"
	CodeTaken           = "taken"
)

// CodeNoValue is the code under which a RuntimeError is shown.
const CodeNoValue = "no-value"

// Error is why an expression does not compile.
type Error struct {
	Define  string // the define that contains the error; "" for the expression itself
	Line    int    // 1-based, in the expression's own text
	Col     int    // 0-based, in runes
	Width   int    // length of the faulty text in runes, at least 1
	Code    string
	Message string
	Hint    string // what to write instead; "" when there is nothing useful to say
}

// Error returns the position and the message. Callers that print it add the hint.
func (e *Error) Error() string {
	if e.Define != "" {
		return fmt.Sprintf("define.%s:%d:%d: %s", e.Define, e.Line, e.Col+1, e.Message)
	}
	return fmt.Sprintf("%d:%d: %s", e.Line, e.Col+1, e.Message)
}

// RuntimeError is why an expression has no value for one record. The message names parts of the
// expression, never values of the record.
type RuntimeError struct {
	Define  string // the define that contains the error; "" for the expression itself
	Line    int    // 1-based
	Col     int    // 0-based, in runes
	Message string
	limit   bool // the evaluation exceeded a limit
}

// Error returns the message, with the define that contains the error.
func (e *RuntimeError) Error() string {
	if e.Define != "" {
		return "define." + e.Define + ": " + e.Message
	}
	return e.Message
}
