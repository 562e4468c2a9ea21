package config

// Code is a stable name for a kind of problem.
type Code struct{ Name, Meaning string }

const (
	codeUnreadable     = "unreadable-file"
	codeTooLarge       = "file-too-large"
	codeNotUTF8        = "not-utf8"
	codeEmpty          = "empty-file"
	codeDocuments      = "several-documents"
	codeSyntax         = "yaml-syntax"
	codeTab            = "tab"
	codeTooDeep        = "too-deep"
	codeTooMany        = "too-many-nodes"
	codeDuplicate      = "duplicate-key"
	codeKey            = "complex-key"
	codeAlias          = "alias"
	codeTrapColon      = "trap-colon"
	codeTrapQuote      = "trap-quote"
	codeTrapTag        = "trap-tag"
	codeTrapHash       = "trap-hash"
	codeTrapFlow       = "trap-flow"
	codeTrapIndicator  = "trap-indicator"
	codeUnknownKey     = "unknown-key"
	codeRequired       = "required"
	codeWrongFile      = "wrong-file"
	codeWrongKind      = "wrong-kind"
	codeInvalid        = "invalid-value"
	codeOutOfRange     = "out-of-range"
	codeNotAllowed     = "not-allowed"
	codeBadVariable    = "bad-variable"
	codeUndefined      = "undefined-variable"
	codeSecret         = "secret"
	codeSecretFile     = "secret-file"
	codeSecretOrigin   = "secret-origin"
	codeLiteralSecret  = "literal-secret"
	codeVariableInExpr = "variable-in-expression"
)

// Codes are the problems that this package reports, in alphabetical order.
// Components add their own through Decoder.Problem and Validate.
func Codes() []Code {
	return []Code{
		{codeAlias, "a YAML alias or merge key that cannot be resolved"},
		{codeBadVariable, "a ${…} that is not ${NAME}, ${NAME:-default} or, in a secret, ${file:PATH} or ${secret:NAME}"},
		{codeKey, "a key that is not plain text"},
		{codeDuplicate, "a key that is written twice in one mapping"},
		{codeEmpty, "a file without content"},
		{codeTooLarge, "a file of more than 4 MiB"},
		{codeInvalid, "a text that is not a value of the field's type"},
		{codeLiteralSecret, "a secret that is written in the file itself (a warning)"},
		{codeNotAllowed, "a text that is not one of the allowed values"},
		{codeNotUTF8, "a file that is not UTF-8 text"},
		{codeOutOfRange, "a value below the least or above the greatest allowed"},
		{codeRequired, "a required field is missing or empty"},
		{codeSecret, "a ${secret:NAME} that its provider does not have, or that cannot be read"},
		{codeSecretFile, "a file named by ${file:PATH} that is missing, unreadable, empty or too large"},
		{codeSecretOrigin, "a stored secret that the file would send to an address that it is not stored for"},
		{codeDocuments, "more than one YAML document in a file"},
		{codeTab, "a tab where YAML wants spaces"},
		{codeTooDeep, "values nested more than 100 levels deep"},
		{codeTooMany, "a file of more than 100,000 values"},
		{codeTrapColon, "a colon and a space inside an unquoted value"},
		{codeTrapFlow, "brackets or ${…} inside { } or [ ], or text after them"},
		{codeTrapHash, "a space and a # that cut off an expression"},
		{codeTrapIndicator, "an unquoted value that starts with a special character of YAML"},
		{codeTrapQuote, "an unquoted value that starts with a quotation mark and continues after the closing one"},
		{codeTrapTag, "an unquoted value that starts with !, which YAML reads as a tag"},
		{codeUndefined, "a variable that is not set and has no default"},
		{codeUnknownKey, "an unknown key"},
		{codeUnreadable, "a file that is missing, a directory or not readable"},
		{codeVariableInExpr, "a ${…} inside an expression, where it is never replaced"},
		{codeWrongFile, "a file of another kind, such as an agent's where a pipeline is expected"},
		{codeWrongKind, "a list, mapping or text where another type is expected"},
		{codeSyntax, "text that is not valid YAML"},
	}
}
