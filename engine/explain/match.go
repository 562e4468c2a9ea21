package explain

import (
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
)

// Matcher finds the refs that a person may mean by a full ref or a part of one.
type Matcher struct {
	refs component.Refs
	text string
}

// NewMatcher returns a matcher for refs of a source.
func NewMatcher(refs component.Refs, text string) Matcher { return Matcher{refs, text} }

// Matches reports whether the text may mean a ref.
func (m Matcher) Matches(ref string) bool { return m.refs.MayMean(m.text, ref) }

// Pick returns the ref that is meant among known refs. When there is none, near are the closest
// refs, or all that may be meant.
func (m Matcher) Pick(known []string) (ref string, near []string) {
	if whole, ok := m.refs.ParseRef(m.text); ok && slices.Contains(known, whole) {
		return whole, nil
	}
	var all []string
	for _, r := range known {
		if m.Matches(r) {
			all = append(all, r)
		}
	}
	switch len(all) {
	case 0:
		return "", m.nearest(known)
	case 1:
		return all[0], nil
	}
	return "", all
}

// nearest compares names: an omitted kind does not count as a difference.
func (m Matcher) nearest(known []string) []string {
	name := m.refs.Name(m.text)
	var names []string
	for _, r := range known {
		names = append(names, m.refs.Name(r))
	}
	best := config.Nearest(name, names)
	var out []string
	for i, n := range names {
		if n == best && best != "" || name != "" && len(out) < 5 && strings.Contains(n, name) {
			out = append(out, known[i])
		}
	}
	return out[:min(5, len(out))]
}
