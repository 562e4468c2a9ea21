package pipelinetest

import "strings"

// ParseRef reads kind:namespace/name, in any case.
func (Model) ParseRef(text string) (string, bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	kind, rest, colon := strings.Cut(text, ":")
	namespace, name, slash := strings.Cut(rest, "/")
	return text, colon && slash && kind != "" && namespace != "" && name != "" && !strings.ContainsAny(kind, "/ ")
}

// RefHint completes a ref with its kind and the namespace default.
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

// KindOf is the part before the colon.
func (Model) KindOf(ref string) string {
	kind, _, _ := strings.Cut(ref, ":")
	return kind
}

// MayMean compares names.
func (m Model) MayMean(text, ref string) bool { return m.Name(text) == m.Name(ref) }

// Name is the part behind the slash.
func (Model) Name(text string) string {
	return text[strings.LastIndexByte(text, '/')+1:]
}

// Examples differ in namespace and name.
func (Model) Examples(kind string) [2]string {
	kind = strings.ToLower(kind)
	return [2]string{kind + ":default/one", kind + ":other/two"}
}
