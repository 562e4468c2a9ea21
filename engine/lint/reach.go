package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/expression/condition"
	"github.com/pipe-engine/pipe/engine/pipeline"
)

// unused warns about names that nothing reads.
func unused(d *pipeline.Definition) {
	for _, block := range []struct{ name, prefix, what string }{{"define", "", "define."}, {"vars", "vars.", "vars."}} {
		for _, e := range d.Document.Root().Get(block.name).Entries() {
			if !d.Language.Uses(block.prefix + e.Key) {
				d.WarnKey(e, "unused", "nothing uses "+block.what+e.Key,
					"use it as "+block.prefix+e.Key+" in an expression, or remove the line")
			}
		}
	}
}

// reach warns about permission rules and mappings that no record reaches.
func reach(d *pipeline.Definition) {
	var rules []branch
	for _, g := range d.Grants {
		if g.When.IsSet() {
			rules = append(rules, newBranch(fmt.Sprintf("the rule %q", g.Rule), g.When, g.When.Node()))
		}
	}
	branches(d, rules, decidedKinds(d))
	for _, s := range d.Streams {
		var mappings []branch
		for _, f := range d.Facts {
			if f.Stream == s.Name {
				mappings = append(mappings, newBranch("the mapping", f.When, f.Node))
			}
		}
		branches(d, mappings, d.Kinds())
	}
}

// branch is one of several alternatives; the first whose condition holds takes a record. A
// branch without a condition takes every record.
type branch struct {
	condition.Condition
	name string
	at   *config.Node // position for warnings
}

func newBranch(name string, when config.Expression, node *config.Node) branch {
	text := when.Text
	if !when.IsSet() {
		text = "true"
	} else if when.Node() != nil {
		node = when.Node()
	}
	return branch{condition.Parse(text), name, node}
}

// branches warns about branches that records of the kinds never reach.
func branches(d *pipeline.Definition, all []branch, kinds []string) {
	const code = "unreachable"
	for i, b := range all {
		if d.Misspelt(b.at) {
			continue
		}
		before := slices.IndexFunc(all[:i], func(earlier branch) bool { return b.Implies(earlier.Condition) })
		if before >= 0 {
			hint := "put the narrower of the two first"
			if all[before].Implies(b.Condition) {
				hint = "both match the same records: change one, or remove it"
			}
			d.Warn(b.at, code,
				fmt.Sprintf("no record reaches this: %s on line %d matches every record that this one would",
					all[before].name,
					all[before].at.Pos().Line), hint)
			continue
		}
		mine := slices.DeleteFunc(slices.Clone(kinds), func(k string) bool { return !b.MayHold("kind", k) })
		left := slices.DeleteFunc(slices.Clone(mine), func(k string) bool {
			return slices.ContainsFunc(all[:i], func(earlier branch) bool { return earlier.MustHold("kind", k) })
		})
		switch {
		case len(mine) == 0 && b.name != "the mapping": // for a mapping, the warning is about the kinds
			d.Warn(b.at, code, b.name+" matches no record that becomes a document",
				"the kinds that documents are made of are "+strings.Join(kinds, ", "))
		case len(mine) > 0 && len(left) == 0:
			d.Warn(b.at, code, "no record reaches this: the conditions above match every "+strings.Join(mine, ", "),
				"put the narrower condition first")
		}
	}
}

// decidedKinds returns the kinds with items that need a permission decision.
func decidedKinds(d *pipeline.Definition) []string {
	var out []string
	for _, s := range d.Streams {
		if !s.Permissions {
			continue
		}
		for _, f := range d.Facts {
			if f.Stream == s.Name {
				out = append(out, f.Kinds...)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
