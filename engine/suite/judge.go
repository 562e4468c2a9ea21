package suite

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/explain"
	"github.com/pipe-engine/pipe/engine/pipeline"
)

// Failure is an expectation that was not met, with its position in the test file.
type Failure struct {
	config.Pos
	Message string `json:"message"`
	// Diff compares the expected with the actual value in - and + lines; "" when the message is
	// sufficient.
	Diff string `json:"diff,omitempty"`
}

// judge compares the expectation of one record with its journey.
type judge struct {
	d        *pipeline.Definition
	t        *explain.Trace
	j        *explain.Journey
	failures []Failure
}

func (g *judge) fail(n *config.Node, format string, args ...any) {
	g.failures = append(g.failures, Failure{Pos: n.Pos(), Message: g.j.Entry.Ref + ": " + fmt.Sprintf(format, args...)})
}

func (g *judge) differ(n *config.Node, what, want, got string) {
	g.failures = append(g.failures, Failure{Pos: n.Pos(), Message: g.j.Entry.Ref + ": " + what, Diff: diff(want, got)})
}

func (g *judge) expect(n *config.Node) {
	for _, e := range n.Entries() {
		switch e.Key {
		case keyFiltered:
			g.ending(e.Value, component.Filtered)
		case keyWithheld:
			g.ending(e.Value, component.Withheld)
		case keyRejected:
			g.ending(e.Value, component.Rejected)
		case keyMerged:
			g.ending(e.Value, component.Merged)
		case keyRule:
			g.rule(e.Value)
		case keyAudience:
			g.audience(e.Value)
		case keyCanSee, keyCannotSee:
			for _, who := range e.Value.Items() {
				g.access(who, e.Key == keyCanSee)
			}
		case keyMembers:
			g.members(e.Value)
		default:
			g.item(e.Key, e.Value)
		}
	}
}

// happened returns the ending of the record in words.
func (g *judge) happened() string {
	end := g.j.Ending()
	word := end.Ending.String()
	if end.Ending == component.Delivered {
		word = "to be delivered"
	}
	if because := end.Because(); because != "" {
		return word + " (" + because + ")"
	}
	return word
}

// ending checks that the record or one of its items has this ending, with a reason that
// contains the text. For a filter, the text must be its full name.
func (g *judge) ending(n *config.Node, want component.Ending) {
	for _, end := range g.j.Ends {
		because := end.Because()
		text := n.Text()
		if end.Ending == want &&
			(text == "true" || want == component.Filtered && (because == text || strings.HasPrefix(because, text+": ")) ||
				want != component.Filtered && strings.Contains(because, text)) {
			return
		}
	}
	if n.Text() == "true" {
		g.fail(n, "it is not %s, it is %s", want, g.happened())
		return
	}
	g.differ(n, "another outcome", want.String()+" ("+n.Text()+")", g.happened())
}

func (g *judge) rule(n *config.Node) {
	switch {
	case g.j.Decision == nil:
		g.fail(n, "no rule decided, the record is %s", g.happened())
	case g.j.Decision.Rule != n.Text():
		g.differ(n, "another rule decided", n.Text(), g.j.Decision.Rule)
	}
}

func (g *judge) audience(n *config.Node) {
	got := access.Nobody
	if doc := g.t.Document(g.j); doc != nil {
		got = doc.Audience
	}
	if got.String() != n.Text() {
		g.differ(n, "another audience", n.Text(), got.String())
	}
}

// access checks that a person finds the document, or does not. A person without a record is an
// error, unless the expectation says stranger.
func (g *judge) access(who *config.Node, want bool) {
	name, stranger := strings.CutPrefix(who.Text(), strangerWord+" ")
	name = strings.TrimSpace(name)
	recorded, near := g.t.Recorded(name)
	a := g.t.Finds(g.j, name)
	switch {
	case stranger && recorded:
		g.fail(who, "%s is one of the records, not a stranger", name)
	case !stranger && !recorded && !want:
		hint := "write " + strangerWord + " " + name + " for a person without a record"
		if near != "" {
			hint = "similar: " + near + "; " + hint
		}
		g.fail(who, "no record is of %s; %s", name, hint)
	case a.Unknown:
		g.fail(who, "whether %s can see it is not known: %s", name, a.Why)
	case want && !a.Finds:
		g.fail(who, "%s cannot see it: %s", name, a.Why)
	case !want && a.Finds:
		way := ""
		for _, chain := range a.Chains() {
			way += "; " + strings.Join(chain, " → ")
		}
		g.fail(who, "%s can see it: %s%s", name, a.Why, way)
	}
}

func (g *judge) members(n *config.Node) {
	principals, known := g.t.Members(g.j.Entry.Ref)
	if !known {
		g.fail(n, "it is not a group of the sink, it is %s", g.happened())
		return
	}
	var want, got []string
	for _, item := range n.Items() {
		want = append(want, g.t.Spelling(item.Text()))
	}
	for _, f := range g.t.Finders(principals) {
		got = append(got, f.Name)
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		g.differ(n, "other members", strings.Join(want, "\n"), strings.Join(got, "\n"))
	}
}

// item checks what would be sent for the record in a stream.
func (g *judge) item(stream string, n *config.Node) {
	sent := g.j.Sent(stream) != nil
	if n.Kind() == config.Scalar {
		if sent {
			g.fail(n, "%s hold an item of it", stream)
		}
		return
	}
	item := g.j.Item(stream)
	switch end := g.j.EndIn(stream); {
	case sent && item != nil:
	case end.Ending == component.Merged && item != nil: // another record has the item, this one still its fields
	default:
		g.fail(n, "%s hold no item of it, it is %s", stream, g.happened())
		return
	}
	for _, e := range n.Entries() {
		got := valueOf(item.Fields, e.Key)
		name := stream + "." + e.Key
		properties, isProperties := got.([]component.Field)
		if e.Value.Kind() == config.Mapping && (isProperties || got == nil && g.isProperties(stream, e.Key)) {
			for _, p := range e.Value.Entries() {
				g.value(p.Value, name+"."+p.Key, valueOf(properties, p.Key))
			}
			continue
		}
		g.value(e.Value, name, got)
	}
}

func (g *judge) isProperties(stream, field string) bool {
	for _, s := range g.d.Streams {
		if f, ok := s.Field(field); ok && s.Name == stream {
			return f.Type == component.Properties
		}
	}
	return false
}

func valueOf(fields []component.Field, name string) any {
	for _, f := range fields {
		if f.Name == name {
			return f.Value
		}
	}
	return nil
}

// value compares a value with its expectation.
func (g *judge) value(n *config.Node, name string, v any) {
	got := plain(v)
	if n.Kind() != config.Mapping {
		if !same(n, got) {
			g.differ(n, name, shown(wanted(n)), shown(got))
		}
		return
	}
	for _, e := range n.Entries() {
		items := []*config.Node{e.Value}
		if e.Value.Kind() == config.List {
			items = e.Value.Items()
		}
		for _, item := range items {
			if has := contains(got, item); has != (e.Key == keyContains) {
				word := map[bool]string{true: "does not contain", false: "contains"}[e.Key == keyContains]
				g.fail(item, "%s %s %q; it is\n%s", name, word, item.Text(), indented(shown(got)))
			}
		}
	}
}

// contains reports whether a text contains another one, or a list has an element.
func contains(got any, n *config.Node) bool {
	if list, ok := got.([]any); ok {
		return slices.ContainsFunc(list, func(one any) bool { return same(n, one) })
	}
	text, _ := got.(string)
	return got != nil && strings.Contains(text, strings.TrimRight(n.Text(), "\n"))
}

// same compares a value with a node. Text is compared as text, which makes quotes around
// numbers unnecessary.
func same(n *config.Node, got any) bool {
	if text, ok := got.(string); ok && n.Kind() == config.Scalar && !n.IsNull() {
		return strings.TrimRight(text, "\n") == strings.TrimRight(n.Text(), "\n")
	}
	if list, ok := got.([]any); ok && n.Kind() == config.List {
		return slices.EqualFunc(n.Items(), list, same)
	}
	return reflect.DeepEqual(n.Value(), got)
}

func wanted(n *config.Node) any {
	if n.Kind() == config.Scalar && !n.IsNull() {
		return n.Text()
	}
	return n.Value()
}

// plain converts a value to its JSON types.
func plain(v any) any {
	b, err := codec.Marshal(map[string]any{"v": v})
	if err != nil {
		return err.Error()
	}
	m, err := codec.Decode(b)
	if err != nil {
		return err.Error()
	}
	return m["v"]
}

// shown formats a value as users write it: text as it is, a list with one element per line.
func shown(v any) string {
	switch v := v.(type) {
	case nil:
		return "(nothing)"
	case string:
		return strings.TrimRight(v, "\n")
	case []any:
		lines := make([]string, len(v))
		for i, one := range v {
			lines[i] = "- " + shown(one)
		}
		if len(lines) == 0 {
			return "[]"
		}
		return strings.Join(lines, "\n")
	}
	b, err := codec.MarshalIndent(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func indented(text string) string { return "  " + strings.ReplaceAll(text, "\n", "\n  ") }
