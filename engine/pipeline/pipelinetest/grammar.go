package pipelinetest

import "strings"

// ParseRef parses kind:namespace/name, in any case.
func (Model) ParseRef(text string) (string, bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	kind, rest, colon := strings.Cut(text, ":")
	namespace, name, slash := strings.Cut(rest, "/")
	return text, colon && slash && kind != "" && namespace != "" && name != "" && !strings.ContainsAny(kind, "/ ")
}

// RefHint adds the kind and the namespace default to a ref.
func (m Model) RefHint(text, kind string) string {
	rest := strings.ToLower(strings.TrimSpace(text))
	if before, after, ok := strings.Cut(rest, ":"); ok {
		kind, rest = strings.TrimSpace(before), after
	}
	if !strings.Contains(rest, "/") {
		rest = "default/" + rest
	}
	if ref, ok := m.ParseRef(kind + ":" + rest); ok && !strings.Contains(ref, "@") {
		return ref
	}
	return "kind:namespace/name, such as user:default/ann or group:default/payments"
}

// KindOf returns the part before the colon.
func (Model) KindOf(ref string) string {
	kind, _, _ := strings.Cut(ref, ":")
	return kind
}

// MayMean reports whether the names are equal.
func (m Model) MayMean(text, ref string) bool { return m.Name(text) == m.Name(ref) }

// Name returns the part after the slash.
func (Model) Name(text string) string {
	return text[strings.LastIndexByte(text, '/')+1:]
}

// Examples returns refs that differ in namespace and name.
func (Model) Examples(kind string) [2]string {
	kind = strings.ToLower(kind)
	return [2]string{kind + ":default/one", kind + ":other/two"}
}
