package config

import "slices"

// Data is a part of the file whose shape is known elsewhere, as in the configuration schema
// of a plugin. Variables are replaced, and scalars stay texts. ${file:PATH} and
// ${secret:NAME} are allowed everywhere in it; the code that knows the shape rejects them
// where no secret is expected. The zero value is absent.
type Data struct {
	Node    *Node
	Entries []DataEntry // of a mapping, in the order of the file
	Items   []Data      // of a list
	// Text is the text of a scalar. It may be a secret and prints like one.
	Text Secret
	// Quoted reports whether the scalar is in quotation marks or a block scalar.
	Quoted bool
	// Variable reports whether part of Text came from a variable or a file.
	Variable bool
	// Written reports whether part of Text is written in the pipeline file.
	Written bool
	// Unknown reports whether Text could not be determined: a variable is not set, or a
	// problem was reported.
	Unknown bool
}

// DataEntry is one line of a mapping.
type DataEntry struct {
	Entry
	Value Data
}

var _ Decodable = (*Data)(nil)

// DecodeNode accepts a node of any kind.
func (v *Data) DecodeNode(n *Node, d *Decoder) {
	*v = Data{Node: n}
	switch {
	case n.broken:
		d.settled[n] = true
		v.Unknown = true
	case n.null:
	case n.kind == Mapping:
		for _, e := range n.entries {
			one := DataEntry{Entry: e}
			one.Value.DecodeNode(e.Value, d)
			v.Entries = append(v.Entries, one)
		}
	case n.kind == List:
		for _, item := range n.items {
			var one Data
			one.DecodeNode(item, d)
			v.Items = append(v.Items, one)
		}
	default:
		d.vars.lend(n)
		r, ok := d.resolve(n, true)
		v.Text = Secret{&secret{text: &r.text, read: r.read, limits: r.limits}}
		d.vars.limits = append(d.vars.limits, r.limits...)
		v.Quoted, v.Variable, v.Written, v.Unknown = n.style != plain, r.variable, r.written, !ok
	}
}

// Get returns the value at a path, or the zero Data when there is none. Items are named by
// their index, from 0.
func (v Data) Get(path ...string) Data {
	for _, name := range path {
		if i := slices.IndexFunc(v.Entries, func(e DataEntry) bool { return e.Key == name }); i >= 0 {
			v = v.Entries[i].Value
			continue
		}
		i, ok := index(name)
		if !ok || i >= len(v.Items) {
			return Data{}
		}
		v = v.Items[i]
	}
	return v
}

func index(name string) (i int, ok bool) {
	for _, c := range name {
		if c < '0' || c > '9' || i > 1<<20 {
			return 0, false
		}
		i = i*10 + int(c-'0')
	}
	return i, name != ""
}

// Hide removes the text from Document.Source. It is for secrets written in the file itself.
func (v Data) Hide() { v.Node.hide() }

// DescribeConfig returns a field of type any.
func (v *Data) DescribeConfig() Field { return Field{Type: "any"} }
