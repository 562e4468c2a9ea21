package explain

import (
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/config"
)

// Matcher tells which refs a person may mean by a whole ref or a part of one:
// component:default/checkout, component:checkout, default/checkout, checkout.
type Matcher struct{ text string }

// NewMatcher makes one; case makes no difference.
func NewMatcher(text string) Matcher { return Matcher{strings.ToLower(strings.TrimSpace(text))} }

// Matches tells whether a ref may be meant.
func (m Matcher) Matches(ref string) bool {
	kind, namespace, name := cut(m.text)
	k, ns, n := cut(ref)
	return name == n && (kind == "" || kind == k) && (namespace == "" || namespace == ns)
}

// Pick finds the one that is meant among refs that were read. Where there is
// none, near are the closest, or all that it may mean.
func (m Matcher) Pick(refs []string) (ref string, near []string) {
	if slices.Contains(refs, m.text) {
		return m.text, nil
	}
	var all []string
	for _, r := range refs {
		if m.Matches(r) {
			all = append(all, r)
		}
	}
	switch len(all) {
	case 0:
		return "", m.nearest(refs)
	case 1:
		return all[0], nil
	}
	return "", all
}

// nearest compares names, so that a kind that was left out is no distance.
func (m Matcher) nearest(refs []string) []string {
	_, _, name := cut(m.text)
	var names []string
	for _, r := range refs {
		_, _, n := cut(r)
		names = append(names, n)
	}
	best := config.Nearest(name, names)
	var out []string
	for i, n := range names {
		if n == best && best != "" || name != "" && len(out) < 5 && strings.Contains(n, name) {
			out = append(out, refs[i])
		}
	}
	return out[:min(5, len(out))]
}

// cut takes a ref, or a part of one, apart.
func cut(text string) (kind, namespace, name string) {
	if before, after, ok := strings.Cut(text, ":"); ok {
		kind, text = before, after
	}
	if before, after, ok := strings.Cut(text, "/"); ok {
		namespace, text = before, after
	}
	return kind, namespace, text
}
