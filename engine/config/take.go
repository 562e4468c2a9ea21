package config

import (
	"slices"
	"strings"
)

// Take replaces what is at a dotted path of keys by what another document has there, and
// removes it where the other has nothing. Mappings on the way have to be in both. The
// positions stay those of the other document. Call it before Decode.
func (d *Document) Take(path string, from *Document) {
	keys := strings.Split(path, ".")
	into, other := d.root, from.root
	for _, key := range keys[:len(keys)-1] {
		into, other = into.Get(key), other.Get(key)
	}
	if into.Kind() != Mapping {
		return
	}
	last := keys[len(keys)-1]
	entries := make([]Entry, 0, len(into.entries)+1)
	var taken *Entry
	for i, e := range other.Entries() {
		if e.Key == last {
			taken = &other.entries[i]
		}
	}
	for _, e := range into.entries {
		switch {
		case e.Key != last:
			entries = append(entries, e)
		case taken != nil:
			entries = append(entries, *taken)
			taken = nil
		}
	}
	if taken != nil {
		entries = append(entries, *taken)
	}
	into.entries = entries
}

// Remove removes what is at a dotted path of keys. Call it before Decode.
func (d *Document) Remove(path string) {
	keys := strings.Split(path, ".")
	n := d.root
	for _, key := range keys[:len(keys)-1] {
		n = n.Get(key)
	}
	if n.Kind() == Mapping {
		n.entries = slices.DeleteFunc(n.entries, func(e Entry) bool { return e.Key == keys[len(keys)-1] })
	}
}

// VariableNames are the variables that a node and what is below it name in ${NAME}, also
// inside defaults, sorted.
func (n *Node) VariableNames() []string { return variableNames(n, false) }

// FileNames are the ${file:PATH} that a node and what is below it name, as they are written, also
// inside defaults, sorted.
func (n *Node) FileNames() (out []string) {
	switch n.Kind() {
	case Scalar:
		n.named(func(p part) {
			if p.file != nil {
				out = append(out, n.text[p.start:p.end])
			}
		})
	case Mapping:
		for _, e := range n.entries {
			out = append(out, e.Value.FileNames()...)
		}
	case List:
		for _, item := range n.items {
			out = append(out, item.FileNames()...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
