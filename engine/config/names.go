package config

import (
	"regexp"
	"slices"
)

// nameAlone is a scalar that is the name of a variable, such as an item of the list
// of variables that a plugin is given.
var nameAlone = regexp.MustCompile(`^[A-Z_][A-Z0-9_]*$`)

// VariableNames are the variables that the file names, sorted: in ${NAME}, also
// inside defaults, and as a scalar of its own. Call it before Set, which replaces
// values.
func (d *Document) VariableNames() []string { return variableNames(d.root, true) }

// variableNames are the names in ${NAME}, and with alone those of scalars of their own.
func variableNames(root *Node, alone bool) []string {
	var out []string
	var add func(parts []part)
	add = func(parts []part) {
		for _, p := range parts {
			if p.name != "" {
				out = append(out, p.name)
			}
			add(p.fallback)
			add(p.file)
		}
	}
	var walk func(n *Node)
	walk = func(n *Node) {
		switch n.Kind() {
		case Scalar:
			parts, _ := parseTemplate(n.text)
			add(parts)
			if alone && nameAlone.MatchString(n.text) {
				out = append(out, n.text)
			}
		case Mapping:
			for _, e := range n.entries {
				walk(e.Value)
			}
		case List:
			for _, item := range n.items {
				walk(item)
			}
		}
	}
	walk(root)
	slices.Sort(out)
	return slices.Compact(out)
}
