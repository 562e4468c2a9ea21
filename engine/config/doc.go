// Package config reads the pipeline file: nodes with positions, ${VARIABLES},
// component specs, and every problem at once with file, line, column, caret and
// hint. It is the only importer of yaml.v3 and knows nothing about pipelines.
//
// A file goes through it in four steps:
//
//	Load or Parse   text to a tree of Nodes; syntax, duplicate keys, aliases
//	Document.Set    single values replaced from the command line
//	Decode          nodes into component structs, variables replaced
//	Problems        sorted, rendered, or used as an error
//
// A component's settings are one struct with tags, the component spec. It drives decoding and
// checks (Decode), documentation and schema (Describe). Defaults are set first, and the file
// is decoded over them.
//
// The tags of a field:
//
//	yaml:"page_size"   the key; ",inline" puts the fields of a struct in its place
//	default:"500"      the text to decode when the file does not have the key
//	doc:"…"            one sentence; CheckSpec requires it
//	required:"true"    an absent or empty value is a problem
//	required:"preset"  the same, unless a preset gives a value (Presetter)
//	min:"1" max:"9"    bounds, in the notation of the field's type
//	enum:"a|b|c"       the only texts allowed
//
// The files are in four groups: the tree of nodes with its traps and edits (parse,
// syntax, trap, node, place, set, …), variables (interpolate, variables, names, …),
// decoding and describing structs (decode, structure, fields, describe, encode, …), and
// problems (problem, render, nearest, codes). They are one package because decoding
// uses the unexported state of a node: the position of its key, its style, whether it is
// broken, and whether its text is secret. A separate package of nodes would export about
// 45 names for decoding only, including the one that reveals a secret. The JSON Schema
// does not need this state; it is package schema.
//
// The package keeps two invariants. Secrets stay secret (6): a Secret prints as
// [redacted], no problem quotes a value that came from a variable, and
// Document.Source hides secrets that are written in the file. A variable can
// never add structure or code: it is replaced after parsing, in scalars only,
// and never in an Expression.
package config
