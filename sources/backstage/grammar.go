package backstage

import (
	"strings"

	"github.com/pipe-engine/pipe/sources/backstage/ref"
	"github.com/pipe-engine/pipe/sources/backstage/techdocs"
)

// ParseRef reads a full entity ref, kind:namespace/name, in any case.
func (*Model) ParseRef(text string) (string, bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	kind, _, _, ok := ref.Split(text)
	return text, ok && !strings.Contains(kind, " ")
}

// RefHint completes a ref with its kind and the default namespace, and shows the grammar if
// that is not enough.
func (m *Model) RefHint(text, kind string) string {
	if kind == "" {
		return "KIND:NAMESPACE/NAME, as component:default/payments"
	}
	rest := strings.ToLower(strings.TrimSpace(text))
	if name, _, address := strings.Cut(rest, "@"); address && name != "" && !strings.ContainsAny(name, ":/") {
		return "the ref of the user instead of an e-mail address, such as user:default/" + name
	}
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
	kind, _, _ := strings.Cut(strings.ToLower(of), ":")
	if _, page := techdocs.EntityOf(strings.ToLower(of)); page && kind == techdocs.Prefix {
		return strings.ToLower(PageKind)
	}
	return kind
}

// NamespaceOf returns the namespace of a full entity ref.
func (*Model) NamespaceOf(of string) string {
	_, namespace, _ := ref.Parts(strings.ToLower(of))
	return namespace
}

// MayMean compares the parts that the text has, in any case: component:default/checkout,
// component:checkout, default/checkout and checkout may mean the first.
func (*Model) MayMean(text, of string) bool {
	kind, namespace, name := ref.Parts(strings.ToLower(strings.TrimSpace(text)))
	k, ns, n := ref.Parts(of)
	return name == n && (kind == "" || kind == k) && (namespace == "" || namespace == ns)
}

// Name returns the name, without kind and namespace.
func (*Model) Name(text string) string {
	_, _, name := ref.Parts(strings.ToLower(strings.TrimSpace(text)))
	return name
}

// Examples differ in namespace and name.
func (*Model) Examples(kind string) [2]string {
	return [2]string{ref.New(kind, ref.DefaultNamespace, "one"), ref.New(kind, "other", "two")}
}
