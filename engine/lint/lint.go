package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/pipeline"
)

// Check adds warnings to the problems of a definition without errors.
func Check(d *pipeline.Definition) {
	if d.Problems.HasErrors() {
		return
	}
	identities(d)
	unmapped(d)
	unused(d)
	reach(d)
	notifications(d)
}

// notifications warns about names of restricted documents in notifications, and about a block
// without a receiver.
func notifications(d *pipeline.Definition) {
	n := d.File.Notify
	if n == nil {
		return
	}
	if d.Notify.Details {
		d.Warn(n.Get("details"), "notify-details",
			"notifications name documents, restricted ones included, to everyone who reads them",
			"remove details where the channel is open to people who may not find these documents")
	}
	if n.Get("slack").IsNull() && n.Get("webhook").IsNull() {
		d.Warn(n, "notify-empty", "notify names no receiver", "add slack or webhook with its url")
	}
}

// identities warns about documents for users and groups that this pipeline does not deliver:
// without them, no one finds the documents.
func identities(d *pipeline.Definition) {
	restricted := slices.ContainsFunc(d.Streams, func(s component.Stream) bool {
		return s.Permissions && d.Unwritten(s.Name) == ""
	})
	if !restricted || d.Partial() { // a user of --only knows what is left out
		return
	}
	for _, st := range d.Streams {
		why := d.Unwritten(st.Name)
		if !st.Identities || why == "" || st.Elsewhere != "" && len(d.FedBy(st.Name)) > 0 {
			continue
		}
		var needing []component.GrantFacts
		for _, g := range d.Grants {
			if needs(g, st) && (st.Elsewhere == "" || g.Audience == access.Listed) {
				needing = append(needing, g)
			}
		}
		if len(needing) == 0 {
			continue
		}
		at := needing[0]
		if i := slices.IndexFunc(needing, func(g component.GrantFacts) bool {
			return g.Audience == access.DatasourceUsers
		}); i >= 0 {
			at = needing[i] // the widest of the affected audiences
		}
		effect, hint := withoutStream(d, st)
		d.Warn(at.Node, "identities-off",
			fmt.Sprintf("%s are not sent (%s): what %s is %s", st.Name, why, decide(needing), effect), hint)
	}
}

// withoutStream returns the effect on documents of a missing stream that they need, and what to
// do.
func withoutStream(d *pipeline.Definition, st component.Stream) (effect, hint string) {
	kinds := d.FedBy(st.Name)
	switch {
	case kinds == nil && !st.Groups:
		effect = "found by none of the users that this pipeline delivers"
	case kinds == nil:
		effect = "not found through groups: the groups that it names are left out"
	case !st.Groups:
		effect = "found only by users that an earlier run delivered, not by new ones"
	default:
		effect = "not found by new members of groups, nor through new groups"
	}
	switch {
	case kinds == nil:
		return effect, "add a mapping for " + st.Name
	case len(kinds) == 0:
		return effect, "check the spelling of the kinds in the mapping's when"
	}
	return effect, "switch " + strings.Join(kinds, ", ") + " on in the source"
}

// needs reports whether a grant gives access to no new people without a stream. A group needs
// its members, and therefore users, too.
func needs(g component.GrantFacts, st component.Stream) bool {
	switch g.Audience {
	case access.DatasourceUsers:
		return !st.Groups
	case access.Listed:
		return !st.Groups || g.Groups
	}
	return false
}

// decide returns grants as the subject of a sentence.
func decide(grants []component.GrantFacts) string {
	var rules []string
	byDefault := false
	for _, g := range grants {
		if g.Rule == "default" {
			byDefault = true
		} else {
			rules = append(rules, fmt.Sprintf("%q", g.Rule))
		}
	}
	const most = 3
	if more := len(rules) - most; more > 0 {
		rules = append(rules[:most], fmt.Sprintf("%d more", more))
	}
	subject := "the rules " + strings.Join(rules, ", ")
	switch {
	case len(rules) == 0:
		return "the default decides"
	case len(rules) == 1:
		subject = "the rule " + rules[0]
	}
	switch {
	case byDefault:
		return subject + " and the default decide"
	case len(rules) == 1:
		return subject + " decides"
	}
	return subject + " decide"
}

// unmapped warns about kinds that are read but not mapped.
func unmapped(d *pipeline.Definition) {
	var lost []string
	for _, ph := range d.Model.Phases() {
		for _, k := range ph.Kinds {
			if !k.Off && !mapped(d, k) && !d.Meant(k.Name) {
				lost = append(lost, k.Name)
			}
		}
	}
	if len(lost) > 0 {
		d.Warn(d.File.Mapping, "unmapped-kind", "records are read but "+
			"no mapping uses them: "+strings.Join(lost, ", "),
			"add a mapping for it, check the spelling of the kinds in each when, or switch the kind off in the "+
				"source")
	}
}

func mapped(d *pipeline.Definition, k component.Kind) bool {
	return slices.ContainsFunc(d.Facts, func(f component.MappingFacts) bool { return slices.Contains(f.Kinds, k.Name) })
}
