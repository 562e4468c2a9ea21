// Package ref implements the grammar of entity refs: the short forms in specs, and the full
// form of relations and records, kind:namespace/name in lower case.
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

// Split splits a full ref; ok is false if a part is missing or empty.
func Split(ref string) (kind, namespace, name string, ok bool) {
	kind, rest, colon := strings.Cut(ref, ":")
	namespace, name, slash := strings.Cut(rest, "/")
	ok = colon && slash && kind != "" && namespace != "" && name != "" && !strings.Contains(kind, "/")
	return kind, namespace, name, ok
}

// Parts splits a ref or a short form of it: name, namespace/name, kind:name or
// kind:namespace/name. Missing parts are "".
func Parts(text string) (kind, namespace, name string) {
	if before, after, ok := strings.Cut(text, ":"); ok {
		kind, text = before, after
	}
	if before, after, ok := strings.Cut(text, "/"); ok {
		namespace, text = before, after
	}
	return kind, namespace, text
}
