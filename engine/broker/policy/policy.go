package policy

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Policy is a list of rules that was checked. It is safe for concurrent use. The zero value and nil
// deny everything.
type Policy struct{ rules []rule }

type rule struct {
	Rule
	name    string
	pattern pattern
}

// New returns the policy of rules, with those of presets in their places.
func New(rules Rules, presets Presets) (*Policy, error) {
	p := &Policy{}
	for i, r := range rules {
		own := []Rule{r}
		if r.Preset != "" {
			known, ok := presets[r.Preset]
			if !ok {
				return nil, fmt.Errorf("allow.%d: unknown preset %q", i, r.Preset)
			}
			own = known
		}
		for _, one := range own {
			pattern, problem := parsePattern(one.Path)
			one.Validate(func(_, _, message, _ string) { problem = message })
			if problem != "" {
				return nil, fmt.Errorf("allow.%d: %s", i, problem)
			}
			name := one.Method + " " + one.Path
			if r.Preset != "" {
				name = r.Preset + ": " + name
			}
			p.rules = append(p.rules, rule{one, name, pattern})
		}
	}
	return p, nil
}

// Names returns the names of the rules in their order.
func (p *Policy) Names() (out []string) {
	if p == nil {
		return nil
	}
	for _, r := range p.rules {
		out = append(out, r.name)
	}
	return out
}

// Probe returns the target of a request that the first rule with a fixed path allows, and "" when there is
// none. It is a GET that a check may send.
func (p *Policy) Probe() string {
	if p == nil {
		return ""
	}
	for _, r := range p.rules {
		if r.Method != "GET" || r.pattern.open || strings.Contains(r.Path, "*") {
			continue
		}
		raw := (&url.URL{Path: r.Path}).EscapedPath()
		if slices.Contains(r.Query, "limit") {
			raw += "?limit=1"
		}
		if p.Decide(r.Method, raw, 0).Allowed {
			return raw
		}
	}
	return ""
}

// Decision is what a policy says about a request.
type Decision struct {
	Allowed bool
	// Rule is the name of the rule that decided; "" when none did.
	Rule string
	// Reason is why a request is denied.
	Reason string
	// Path is the decoded path and Keys are the keys of the query; empty for a target that was
	// refused before any rule.
	Path string
	Keys []string
	// Shown is the path for a log: the decoded one, or the beginning of one that was refused.
	Shown string
	// RawPath and RawQuery are what may be sent, written anew.
	RawPath, RawQuery string
	// MaxBody is the largest body that the request may have.
	MaxBody int64
}

// Decide decides about a request. target is that of the request line: a path with its query, not
// decoded. body is the size of the body, -1 when it is not known yet; then the caller holds it to
// Decision.MaxBody.
func (p *Policy) Decide(method, raw string, body int64) Decision {
	t, refused := parseTarget(raw)
	if refused != "" {
		return Decision{Reason: refused, Shown: shown(raw)}
	}
	d := Decision{Path: t.path(), Shown: t.path(), Keys: t.keys()}
	if p == nil {
		d.Reason = "no rule allows it"
		return d
	}
	for _, r := range p.rules {
		if r.Method != method || !r.pattern.matches(t.segments) {
			continue
		}
		d.Rule, d.MaxBody = r.name, int64(r.MaxBody)
		for _, key := range d.Keys {
			if !slices.Contains(r.Query, key) {
				d.Reason = "the rule does not allow a key of the query"
				return d
			}
		}
		if body > d.MaxBody {
			d.Reason = "the body is larger than the rule allows"
			return d
		}
		d.Allowed = true
		d.RawPath, d.RawQuery = t.encode()
		return d
	}
	d.Reason = "no rule allows it"
	return d
}

// shown returns the beginning of a refused path as it was sent, without the query.
func shown(raw string) string {
	const most = 200
	path, _, _ := strings.Cut(raw, "?")
	return strings.Trim(strconv.QuoteToASCII(path[:min(len(path), most)]), `"`)
}

// Describe returns the decision in a few words for an error: the rule, or that there is none.
func (d Decision) Describe() string {
	if d.Rule == "" {
		return d.Reason
	}
	return d.Reason + " (rule " + d.Rule + ")"
}
