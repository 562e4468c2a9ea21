package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/component"
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
	kinds := decidedKinds(d)
	for _, g := range d.Grants {
		if !g.When.IsSet() {
			continue
		}
		rule := newBranch(fmt.Sprintf("the rule %q", g.Rule), g.When, g.When.Node())
		if of := attachedKinds(d, g.When.Text); len(of) > 0 {
			d.Warn(rule.at, "unreachable", fmt.Sprintf("%s names %s, for which no rule is evaluated", rule.name,
				strings.Join(of, ", ")),
				"it is found by the people who find the record that it belongs to; withhold it with keep under transforms")
			if !slices.ContainsFunc(kinds, func(k string) bool { return rule.MayHold("kind", k) }) {
				continue
			}
		}
		rules = append(rules, rule)
	}
	branches(d, rules, kinds)
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
	conditions := make([]condition.Condition, len(all))
	for i, b := range all {
		conditions[i] = b.Condition
	}
	index := condition.NewIndex(conditions)
	taken := map[string]bool{} // the kinds whose records earlier branches take
	for i, b := range all {
		left := slices.DeleteFunc(slices.Clone(kinds), func(k string) bool { return taken[k] })
		for _, k := range left {
			taken[k] = b.MustHold("kind", k)
		}
		if d.Misspelt(b.at) {
			continue
		}
		before := index.First(b.Condition, i)
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
		left = slices.DeleteFunc(slices.Clone(mine), func(k string) bool { return !slices.Contains(left, k) })
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

// attachedKinds returns the attached kinds that a condition names.
func attachedKinds(d *pipeline.Definition, text string) (out []string) {
	for _, c := range condition.Constants(text) {
		if c.Of == "kind" && c.Argument < 0 && isAttached(d, c.Text) && !slices.Contains(out, c.Text) {
			out = append(out, c.Text)
		}
	}
	return out
}

// isAttached reports whether the records of a kind belong to records of other kinds.
func isAttached(d *pipeline.Definition, kind string) bool {
	return slices.ContainsFunc(d.Model.Phases(), func(ph component.Phase) bool {
		return ph.Attached && slices.ContainsFunc(ph.Kinds, func(k component.Kind) bool { return k.Name == kind })
	})
}

// decidedKinds returns the kinds with items that need a permission decision: the people who find
// an attached record are those who find its host.
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
	return slices.DeleteFunc(slices.Compact(out), func(k string) bool { return isAttached(d, k) })
}
