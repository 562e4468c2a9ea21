package suite

import (
	"cmp"
	"slices"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/explain"
	"github.com/pipe-engine/pipe/engine/pipeline"
)

// Coverage is which lines of a pipeline the tests of it touched. A rule is
// touched when a test says who finds what it decided about, a line of the mapping
// when it gave a value to an item that a test looks at.
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

// Untouched are those that no test touched.
func Untouched(lines []Line) []Line {
	return slices.DeleteFunc(slices.Clone(lines), func(l Line) bool { return l.Touched })
}

// enter puts the lines of a pipeline into the coverage, as they are without any
// test.
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

// eachField visits the lines of a mapping, properties instead of what holds them.
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

// note marks what made a record's items and decided about them, as far as a test
// looks at it: under these keys.
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
