package backstage

import (
	"strings"

	"github.com/pipe-engine/pipe/engine/component"
)

// known are the kinds of a Backstage without custom ones, in the order of reading.
var known = []string{"User", "Group", "Domain", "System", "Component", "API", "Resource", "Location", "Template"}

// stitched are the kinds whose relations the catalog computes from their specs.
var stitched = []string{"user", "group", "domain", "system", "component", "api", "resource"}

func isIdentity(kind string) bool {
	return strings.EqualFold(kind, "User") || strings.EqualFold(kind, "Group")
}

// phases returns the order of reading. Users and groups come first and are read even when
// they are switched off, since owners and members are looked up in them.
func (c *Config) phases() []component.Phase {
	kinds := map[string]component.Kind{}
	var custom []component.Kind
	if len(c.Kinds) == 0 {
		for _, name := range known {
			kinds[name] = component.Kind{Name: name}
		}
	}
	for _, k := range c.Kinds {
		if name, ok := spelt(k.Key); ok {
			kinds[name] = component.Kind{Name: name, Off: !k.Value}
		} else if k.Value {
			custom = append(custom, component.Kind{Name: k.Key})
		}
	}
	phase := func(name string, members ...string) component.Phase {
		p := component.Phase{Name: name}
		for _, m := range members {
			k, ok := kinds[m]
			switch {
			case isIdentity(m) && !ok:
				p.Kinds = append(p.Kinds, component.Kind{Name: m, Off: true})
			case ok && (!k.Off || isIdentity(m)):
				p.Kinds = append(p.Kinds, k)
			}
		}
		return p
	}
	identities, structure, catalog := phase("identities", known[:2]...), phase("structure",
		known[2:4]...), phase("catalog", known[4:]...)
	identities.Identities = true
	catalog.Kinds = append(catalog.Kinds, custom...)
	phases := []component.Phase{identities, structure, catalog}
	if c.TechDocs.Enabled {
		phases = append(phases,
			component.Phase{Name: "documentation", Attached: true, Kinds: []component.Kind{{Name: PageKind}}})
	}
	return phases
}

// spelt is the usual spelling of a known kind.
func spelt(kind string) (string, bool) {
	for _, name := range known {
		if strings.EqualFold(name, kind) {
			return name, true
		}
	}
	return "", false
}
