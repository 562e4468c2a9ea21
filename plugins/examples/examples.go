// Package examples gives the text of the examples that new plugins are made of.
package examples

import _ "embed"

//go:embed redact/redact.py
var redact string

// Redact is the Python example, one file.
func Redact() string { return redact }
