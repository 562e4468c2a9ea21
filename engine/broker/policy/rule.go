package policy

import (
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/config"
)

// Rules is the value of allow: the requests that may be made, in the order in which they are
// compared.
type Rules []Rule

// Rule allows requests of one method and path, or those of a preset.
type Rule struct {
	Preset  string       `yaml:"preset" doc:"The requests of a reader that pipe has. The rule has no other key then."`
	Method  string       `yaml:"method" enum:"GET|HEAD|POST|PUT|PATCH|DELETE" doc:"The method. Required without preset."`
	Path    string       `yaml:"path" doc:"The decoded path below the address: * is any text within a segment, ** at the end any further segments. Required without preset."`
	Query   []string     `yaml:"query" doc:"Keys that the query may have. Other keys deny the request."`
	MaxBody config.Bytes `yaml:"max_body" doc:"The largest body of a request. By default it has none."`
}

// Presets are the rules of each preset, by name.
type Presets map[string][]Rule

// Names returns the names of the presets, sorted.
func (p Presets) Names() []string {
	var out []string
	for name := range p {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

const codePolicy = "allow"

var _ config.Validator = (*Rule)(nil)

// Validate reports a rule that cannot be used.
func (r *Rule) Validate(report func(field, code, message, hint string)) {
	switch {
	case r.Preset != "" && (r.Method != "" || r.Path != "" || len(r.Query) > 0 || r.MaxBody != 0):
		report("preset:", codePolicy, "a rule has either preset or the other keys", "write two rules")
		return
	case r.Preset != "":
		return
	case r.Method == "":
		report("method", codePolicy, "the rule has no method", "add method: GET")
	case r.Path == "":
		report("path", codePolicy, "the rule has no path", "add path: /api/…")
	default:
		if _, problem := parsePattern(r.Path); problem != "" {
			report("path", codePolicy, problem, "write the decoded path, as /api/items/* or /docs/**")
		}
	}
	if r.MaxBody < 0 || r.MaxBody > maxBody {
		report("max_body", codePolicy, "not a size that a body may have", "write 0 to 64MiB: bodies are kept in memory")
	}
	for _, key := range r.Query {
		if key == "" || strings.ContainsAny(key, "*") {
			report("query", codePolicy, "not a key of a query", "list each key")
		}
	}
}

// maxBody is the largest body that a rule may allow.
const maxBody = 64 << 20

// ValidatePresets reports rules with an unknown preset.
func (rs Rules) ValidatePresets(presets Presets, report func(i int, message, hint string)) {
	for i, r := range rs {
		if _, known := presets[r.Preset]; r.Preset != "" && !known {
			report(i, "unknown preset", "use "+strings.Join(presets.Names(), " or "))
		}
	}
}

// pattern is the path of a rule.
type pattern struct {
	segments []string
	open     bool // further segments may follow, at least one
}

// parsePattern reads the path of a rule.
func parsePattern(text string) (p pattern, problem string) {
	if !strings.HasPrefix(text, "/") {
		return p, "the path does not start with /"
	}
	text, p.open = strings.CutSuffix(text, "/**")
	if text == "" || text == "/" {
		return p, ""
	}
	for _, s := range strings.Split(text[1:], "/") {
		switch {
		case s == "" || strings.Trim(s, ". ") == "":
			return p, "the path has an empty or dot segment, which no allowed request has"
		case strings.Contains(s, "**"):
			return p, "** is only possible as the last segment"
		case strings.ContainsAny(s, "\\;%?#") || strings.ContainsFunc(s, isControl):
			return p, "the path has a character that no allowed request has"
		}
		p.segments = append(p.segments, s)
	}
	return p, ""
}

// matches reports whether a decoded path matches.
func (p pattern) matches(segments []string) bool {
	if len(segments) < len(p.segments) || p.open != (len(segments) > len(p.segments)) {
		return false
	}
	for i, s := range p.segments {
		if !matchSegment(s, segments[i]) {
			return false
		}
	}
	return true
}

// matchSegment reports whether a segment matches a pattern, in which * is any text.
func matchSegment(pattern, text string) bool {
	first, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == text
	}
	text, ok := strings.CutPrefix(text, first)
	if !ok {
		return false
	}
	parts := strings.Split(rest, "*")
	for _, part := range parts[:len(parts)-1] {
		_, after, found := strings.Cut(text, part)
		if !found {
			return false
		}
		text = after
	}
	return strings.HasSuffix(text, parts[len(parts)-1])
}
