// Package ref is the grammar of entity refs: how entities refer to each other
// in their specs, and the one spelling in which the catalog gives relations
// and pipe knows records: kind:namespace/name, all lower case.
package ref

import "strings"

// DefaultNamespace is where an entity is that names no namespace.
const DefaultNamespace = "default"

// New is the ref of an entity.
func New(kind, namespace, name string) string {
	return strings.ToLower(kind + ":" + namespace + "/" + name)
}

// Resolve parses a reference in a spec, [kind:][namespace/]name. A colon ends the kind only
// before the first slash. kind and namespace are the defaults: the given kind, and the
// namespace of the referring entity. ok is false for a text that is not a reference.
func Resolve(text, kind, namespace string) (ref string, ok bool) {
	rest := text
	if colon := strings.IndexByte(text, ':'); colon >= 0 {
		if slash := strings.IndexByte(text, '/'); slash < 0 || colon < slash {
			kind, rest = text[:colon], text[colon+1:]
		}
	}
	name := rest
	if slash := strings.IndexByte(rest, '/'); slash >= 0 {
		namespace, name = rest[:slash], rest[slash+1:]
	}
	if kind == "" || namespace == "" || name == "" {
		return "", false
	}
	return New(kind, namespace, name), true
}

// Split takes a full ref apart; ok is false when a part is missing or empty.
func Split(ref string) (kind, namespace, name string, ok bool) {
	kind, rest, colon := strings.Cut(ref, ":")
	namespace, name, slash := strings.Cut(rest, "/")
	ok = colon && slash && kind != "" && namespace != "" && name != "" && !strings.Contains(kind, "/")
	return kind, namespace, name, ok
}

// Parts takes a ref, or the end of one that a person writes for it, apart: name,
// namespace/name, kind:name or kind:namespace/name. Missing parts are "".
func Parts(text string) (kind, namespace, name string) {
	if before, after, ok := strings.Cut(text, ":"); ok {
		kind, text = before, after
	}
	if before, after, ok := strings.Cut(text, "/"); ok {
		namespace, text = before, after
	}
	return kind, namespace, text
}
