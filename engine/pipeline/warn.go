package pipeline

import (
	"unicode/utf8"

	"github.com/pipe-engine/pipe/engine/config"
)

// Warn adds a warning about a node to the problems, unless its line could not be read.
func (d *Definition) Warn(n *config.Node, code, message, hint string) {
	d.b.Warn(n, code, message, hint)
	d.Problems = d.Document.Certain(d.b.problems.Sorted())
}

// WarnKey adds a warning about the key of an entry, as Warn does.
func (d *Definition) WarnKey(e config.Entry, code, message, hint string) {
	d.b.add(config.Problem{
		Pos: e.KeyPos, Width: utf8.RuneCountInString(e.Key), Code: code, Message: message, Hint: hint, Warning: true,
	})
	d.Problems = d.Document.Certain(d.b.problems.Sorted())
}

// Partial reports whether only some streams are written (Options.Only).
func (d *Definition) Partial() bool { return len(d.o.Only) > 0 }

// Misspelt reports whether an expression compares the kind with an unknown kind; a warning
// about that exists already.
func (d *Definition) Misspelt(n *config.Node) bool { return d.b.misspelt[n] }

// Meant reports whether a misspelt kind most likely means this kind.
func (d *Definition) Meant(kind string) bool { return d.b.meant[kind] }
