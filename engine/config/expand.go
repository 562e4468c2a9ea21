package config

import (
	"fmt"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

const (
	// maxAliases is the bound of the JavaScript library: the uses of an anchor,
	// times those of the anchors inside it.
	maxAliases = 100
	// maxExpanded is how much aliases may add to a document.
	maxExpanded = 16 << 20
	// maxDataDepth is how deep data may be nested.
	maxDataDepth = 500
)

const mergesMappings = "<< merges mappings only"

const anchorUnset = "no anchor of this name above the alias in this document"

func anchorHint(name string) string {
	return "write &" + name + " at the value that is meant, above this line"
}

// Error makes a problem an error of one place.
func (p Problem) Error() string { return p.String() }

// expander makes the value of a document, aliases followed.
type expander struct {
	file    string
	offset  int // lines above the document
	merge   bool
	anchors map[*yaml.Node]*anchor
	added   int // by aliases: bytes, and 16 for each value
}

// anchor is a value that aliases may refer to.
type anchor struct {
	value   any
	size    int
	done    bool
	uses    int // the anchor itself counts
	aliases int // uses of the most used anchor inside it, at least 1
}

func (e *expander) pos(n *yaml.Node) Pos { return Pos{e.file, n.Line + e.offset, n.Column} }

func (e *expander) wrong(n *yaml.Node, code, message, hint string) error {
	return Problem{Pos: e.pos(n), Width: max(1, utf8.RuneCountInString(n.Value)), Code: code, Message: message, Hint: hint}
}

func (e *expander) root(n *yaml.Node) (any, error) {
	e.anchors = map[*yaml.Node]*anchor{}
	v, _, err := e.value(n, 0)
	return v, err
}

// value is what a node holds and how large it is when written out.
func (e *expander) value(n *yaml.Node, depth int) (v any, size int, err error) {
	if depth > maxDataDepth {
		return nil, 0, e.wrong(n, codeTooDeep, fmt.Sprintf("values are nested more than %d levels deep",
			maxDataDepth), "")
	}
	if n.Kind == yaml.AliasNode {
		return e.alias(n)
	}
	var a *anchor
	if n.Anchor != "" {
		a = &anchor{uses: 1}
		e.anchors[n] = a
	}
	switch n.Kind {
	case yaml.MappingNode:
		v, size, err = e.mapping(n, depth)
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, item := range n.Content {
			one := 0
			if list[i], one, err = e.value(item, depth+1); err != nil {
				return nil, 0, err
			}
			size += one
		}
		v = list
	default:
		v, size = scalarOf(n), len(n.Value)
	}
	size += 16
	if a != nil && err == nil {
		a.value, a.size, a.done = v, size, true
	}
	return v, size, err
}

// alias is the value of its anchor, within the bounds.
func (e *expander) alias(n *yaml.Node) (any, int, error) {
	a := e.anchors[n.Alias]
	if a == nil || !a.done {
		return nil, 0, e.wrong(n, codeAlias, anchorUnset, anchorHint(n.Value))
	}
	a.uses++
	if a.aliases == 0 {
		a.aliases = e.inside(n.Alias)
	}
	e.added += a.size
	if a.uses*a.aliases > maxAliases || e.added > maxExpanded {
		return nil, 0,
			e.wrong(n, codeAlias, "aliases make this document too large", "write the values out or use fewer aliases")
	}
	return a.value, a.size, nil
}

// inside is how often the most used anchor inside a node is used.
func (e *expander) inside(n *yaml.Node) int {
	if n.Kind == yaml.AliasNode {
		if a := e.anchors[n.Alias]; a != nil {
			return a.uses * a.aliases
		}
		return 0
	}
	if len(n.Content) == 0 {
		return 1
	}
	most := 0
	for _, c := range n.Content {
		most = max(most, e.inside(c))
	}
	return most
}

func (e *expander) mapping(n *yaml.Node, depth int) (map[string]any, int, error) {
	out, size := map[string]any{}, 0
	merged := map[string]bool{} // keys that a merge brought: one of the mapping itself wins
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if e.merge && isMerge(k) {
			added, err := e.mergeInto(out, merged, v, depth)
			if err != nil {
				return nil, 0, err
			}
			size += added
			continue
		}
		name, ok := e.key(k)
		if !ok {
			return nil, 0, e.wrong(k, codeKey, "a key must be plain text", "write the key out")
		}
		if _, twice := out[name]; twice && !merged[name] {
			return nil, 0, e.wrong(k, codeDuplicate, quote(name)+" is written twice in one mapping", "keep one of the two lines")
		}
		value, one, err := e.value(v, depth+1)
		if err != nil {
			return nil, 0, err
		}
		out[name] = value
		delete(merged, name)
		size += one + len(name)
	}
	return out, size, nil
}

func isMerge(k *yaml.Node) bool {
	return k.Kind == yaml.ScalarNode && k.Value == "<<" &&
		k.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle|yaml.TaggedStyle) == 0
}

// mergeInto adds what a merge key brings: a mapping, or a list of mappings in which
// the first wins.
func (e *expander) mergeInto(out map[string]any, merged map[string]bool, n *yaml.Node, depth int) (int, error) {
	value, size, err := e.value(n, depth+1)
	if err != nil {
		return 0, err
	}
	sources, list := value.([]any)
	if !list {
		sources = []any{value}
	}
	for _, source := range sources {
		m, ok := source.(map[string]any)
		if !ok {
			return 0, e.wrong(n, codeAlias, mergesMappings, "use the alias of a mapping or a list of such aliases")
		}
		for name, v := range m {
			if _, there := out[name]; !there {
				out[name], merged[name] = v, true
			}
		}
	}
	return size, nil
}

// key is the text of a key. A number, true or null is spelt as JavaScript does.
func (e *expander) key(k *yaml.Node) (string, bool) {
	var v any
	switch k.Kind {
	case yaml.ScalarNode:
		v = scalarOf(k)
		if k.Anchor != "" {
			e.anchors[k] = &anchor{value: v, size: len(k.Value) + 16, done: true, uses: 1}
		}
	case yaml.AliasNode:
		var err error
		if v, _, err = e.alias(k); err != nil {
			return "", false
		}
	default:
		return "", false
	}
	switch v := v.(type) {
	case nil:
		return "", true
	case string:
		return v, true
	case bool, float64:
		return fmt.Sprint(jsNumber(v)), true
	}
	return "", false
}
