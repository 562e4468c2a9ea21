package suite

import (
	"cmp"
	"slices"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/explain"
	"github.com/pipe-engine/pipe/engine/pipeline"
)

// Coverage is the lines of a pipeline that its tests touched. A rule is touched when a test
// checks access to a record that it decided about; a line of the mapping is touched when it set
// a value of an item that a test checks.
type Coverage struct {
	Rules   []Line `json:"rules"`
	Mapping []Line `json:"mapping"`
}

// Line is a line of the mapping, or a permission rule.
type Line struct {
	config.Pos
	Name    string `json:"name"`
	Touched bool   `json:"touched"`
}

// Untouched returns the lines that no test touched.
func Untouched(lines []Line) []Line {
	return slices.DeleteFunc(slices.Clone(lines), func(l Line) bool { return l.Touched })
}

// Untested returns the permission rules that no test touched, each as the subject of a sentence.
func (c *Coverage) Untested() []string {
	var out []string
	for _, l := range Untouched(c.Rules) {
		out = append(out, explain.RuleText(l.Name))
	}
	return out
}

// enter adds the lines of a pipeline to the coverage as untouched.
func (c *Coverage) enter(d *pipeline.Definition) {
	for _, g := range d.Grants {
		at := g.Node.Pos()
		if g.When.IsSet() {
			at = g.When.Node().Pos()
		}
		touch(&c.Rules, Line{at, g.Rule, false})
	}
	for _, m := range d.Facts {
		eachField(m, func(name string, n *config.Node) { touch(&c.Mapping, Line{n.Pos(), name, false}) })
	}
	order := func(a, b Line) int { return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col)) }
	slices.SortFunc(c.Rules, order)
	slices.SortFunc(c.Mapping, order)
}

// eachField calls visit for each line of a mapping, with properties instead of the fields that
// contain them.
func eachField(m component.MappingFacts, visit func(name string, n *config.Node)) {
	for _, f := range m.Fields {
		if f.Properties == nil {
			visit(m.Stream+"."+f.Name, f.Node)
		}
		for _, p := range f.Properties {
			visit(m.Stream+"."+f.Name+"."+p.Name, p.Node)
		}
	}
}

func touch(lines *[]Line, l Line) {
	for i := range *lines {
		if (*lines)[i].Line == l.Line && (*lines)[i].Col == l.Col {
			(*lines)[i].Touched = (*lines)[i].Touched || l.Touched
			return
		}
	}
	*lines = append(*lines, l)
}

// note marks the lines that made a record's items and decided about them, as far as the test
// checks them: under keys that looksAt reports.
func (c *Coverage) note(d *pipeline.Definition, j *explain.Journey, looksAt func(key string) bool) {
	if j.Decision != nil &&
		slices.ContainsFunc([]string{keyWithheld, keyRule, keyAudience, keyCanSee, keyCannotSee}, looksAt) {
		for i := range c.Rules {
			c.Rules[i].Touched = c.Rules[i].Touched || c.Rules[i].Name == j.Decision.Rule
		}
	}
	for _, item := range j.Items {
		if !looksAt(item.Stream) {
			continue
		}
		m, _ := d.MappingOf(item)
		eachField(m, func(name string, n *config.Node) {
			touch(&c.Mapping, Line{n.Pos(), name, hasValue(item, m, n)})
		})
	}
}

func hasValue(item component.Item, m component.MappingFacts, n *config.Node) bool {
	for _, f := range m.Fields {
		v := valueOf(item.Fields, f.Name)
		if f.Node == n {
			return v != nil
		}
		below, _ := v.([]component.Field)
		for _, p := range f.Properties {
			if p.Node == n {
				return valueOf(below, p.Name) != nil
			}
		}
	}
	return false
}
