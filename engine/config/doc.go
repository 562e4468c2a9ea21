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
// A component's settings are one struct with tags, the component spec, from
// which parsing, checking (Decode), documentation and schema (Describe) come.
// Defaults stand first, the file decodes over them.
//
// The tags of a field:
//
//	yaml:"page_size"   its key; ",inline" takes the fields of a struct in place
//	default:"500"      the text it decodes from when the file says nothing
//	doc:"…"            one sentence; CheckSpec insists on it
//	required:"true"    absent or empty is a problem
//	required:"preset"  the same, unless a preset gives a value (Presetter)
//	min:"1" max:"9"    bounds, in the notation of the field's type
//	enum:"a|b|c"       the only texts allowed
//
// The files are in four groups: the tree of nodes with its traps and edits (parse,
// syntax, trap, node, place, set, …), variables (interpolate, variables, names, …),
// decoding and describing structs (decode, structure, fields, describe, encode, …), and
// problems (problem, render, nearest, codes). They are one package because decoding
// works on what a node hides from everyone else: the position of its key, its style,
// whether it is broken, and whether its text is secret. A package of nodes would export
// some 45 names that only decoding may use, the one that uncovers a secret among them.
// The JSON Schema, which needs none of that, is package schema.
//
// Invariants kept here. Secrets stay secret (6): a Secret prints as
// [redacted], no problem quotes a value that came from a variable, and
// Document.Source hides secrets that are written in the file. A variable can
// never add structure or code: it is replaced after parsing, in scalars only,
// and never in an Expression.
package config
