package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Set writes a scalar at a dotted path, as --set limits.workers=4
// does. A segment names the key of a mapping, or the item of a list by its
// number from 0 or by its name. Mappings on the way that are missing are made.
// ${…} in value is replaced as in the file, and value adds no structure. Call it
// before Decode.
func (d *Document) Set(path, value string) error {
	if d.root.broken {
		return fmt.Errorf("set %s: the file could not be parsed", path)
	}
	segments := strings.Split(path, ".")
	if slices.Contains(segments, "") {
		return fmt.Errorf("set %q: a path is keys joined by single dots, as source.file.path", path)
	}
	n := d.root
	for i, segment := range segments {
		next, err := n.step(segment)
		if err != nil {
			return fmt.Errorf("set %s: %w", path, err)
		}
		if next == nil {
			next = n.grow(segment, Pos{File: "--set " + strings.Join(segments[:i+1], ".")})
		}
		n = next
	}
	if !n.null && n.kind != Scalar {
		return fmt.Errorf("set %s: it is %s; set one value inside it", path, n.describe())
	}
	plain := !strings.Contains(value, "${") && !bareVariable.MatchString(value)
	*n = Node{doc: d, kind: Scalar, text: value, style: quoted, fixed: plain,
		path: n.path, key: n.key, pos: Pos{File: "--set " + path}}
	return nil
}

// step goes to the child that a segment names, nil when a mapping has no such
// key.
func (n *Node) step(segment string) (*Node, error) {
	switch {
	case n.null, n.kind == Mapping:
		return n.Get(segment), nil
	case n.kind == Scalar:
		return nil, fmt.Errorf("%s is a single value and has no %s", n.path, segment)
	}
	if i, err := strconv.Atoi(segment); err == nil {
		if i < 0 || i >= len(n.items) {
			return nil, fmt.Errorf("%s has %d items, numbered from 0", n.path, len(n.items))
		}
		return n.items[i], nil
	}
	var names []string
	for _, item := range n.items {
		if name := item.Get("name"); name.Kind() == Scalar {
			if name.text == segment {
				return item, nil
			}
			names = append(names, name.text)
		}
	}
	return nil,
		fmt.Errorf("%s is a list without an item named %s (named items: %s)", n.path, segment, strings.Join(names, ", "))
}

// grow adds an empty entry to a mapping, or to a null that becomes one.
func (n *Node) grow(key string, pos Pos) *Node {
	if n.null {
		n.kind, n.null, n.text = Mapping, false, ""
	}
	child := &Node{doc: n.doc, kind: Scalar, null: true, key: key, path: joinPath(n.path, key), pos: pos}
	n.entries = append(n.entries, Entry{key, pos, child})
	return child
}

func joinPath(path, segment string) string {
	if path == "" || strings.HasPrefix(segment, "[]") {
		return path + segment
	}
	return path + "." + segment
}
