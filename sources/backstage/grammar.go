package backstage

import (
	"strings"

	"github.com/pipe-engine/pipe/sources/backstage/ref"
)

// ParseRef reads a full entity ref, kind:namespace/name, in any case.
func (*Model) ParseRef(text string) (string, bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	kind, _, _, ok := ref.Split(text)
	return text, ok && !strings.Contains(kind, " ")
}

// RefHint completes a ref with its kind and the default namespace, and shows the
// grammar where that is not enough.
func (m *Model) RefHint(text, kind string) string {
	if kind == "" {
		return "KIND:NAMESPACE/NAME, as component:default/payments"
	}
	rest := strings.ToLower(strings.TrimSpace(text))
	if before, after, ok := strings.Cut(rest, ":"); ok {
		kind, rest = strings.TrimSpace(before), after
	}
	if !strings.Contains(rest, "/") {
		rest = ref.DefaultNamespace + "/" + rest
	}
	if whole, ok := m.ParseRef(kind + ":" + rest); ok && !strings.Contains(whole, "@") {
		return whole
	}
	return "kind:namespace/name, such as user:default/ann or group:default/payments"
}

// KindOf returns the kind of a full entity ref.
func (*Model) KindOf(of string) string {
	kind, _, _ := strings.Cut(of, ":")
	return strings.ToLower(kind)
}
