package config

import "slices"

// Data is a part of the file whose shape somebody else knows, such as a plugin
// with the schema of its configuration: variables are replaced, and scalars are
// texts until then. ${file:PATH} and ${secret:NAME} are allowed everywhere in it; whoever
// knows the shape refuses them where no secret is meant. The zero value is absent.
type Data struct {
	Node    *Node
	Entries []DataEntry // of a mapping, in the order of the file
	Items   []Data      // of a list
	// Text is that of a scalar. It prints like a secret, since it may be one.
	Text Secret
	// Quoted says that the file puts the scalar in quotation marks or in a block.
	Quoted bool
	// Variable says that a variable or a file has a part in the text.
	Variable bool
	// Written says that text of the file has a part in it.
	Written bool
	// Unknown says that the text is not known: a variable is not set, or a
	// problem was reported.
	Unknown bool
}

// DataEntry is one line of a mapping.
type DataEntry struct {
	Entry
	Value Data
}

var _ Decodable = (*Data)(nil)

// DecodeNode takes anything.
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

// Get is the value at a path, absent when there is none; items are named by
// their number.
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

// Hide keeps the text out of Document.Source, for a secret that is written in
// the file itself.
func (v Data) Hide() { v.Node.hide() }

// DescribeConfig says that anything may stand there.
func (v *Data) DescribeConfig() Field { return Field{Type: "any"} }
