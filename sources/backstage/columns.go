package backstage

import "github.com/pipe-engine/pipe/engine"

var _ engine.Tabler = (*Model)(nil)

// Columns is what people want to see of a kind at a glance.
func (m *Model) Columns(kind string) []engine.Column {
	switch kind {
	case "User":
		return []engine.Column{
			{Title: "name", Expression: "coalesce(spec.profile.displayName, metadata.title)"},
			{Title: "e-mail", Expression: "spec.profile.email"},
			{Title: "member of", Expression: `join(related("memberOf"), ", ")`},
		}
	case "Group":
		return []engine.Column{
			{Title: "name", Expression: "coalesce(metadata.title, spec.profile.displayName)"},
			{Title: "type", Expression: "spec.type"},
			{Title: "parent", Expression: `first(related("childOf"))`},
			{Title: "members", Expression: `text(len(related("hasMember")))`},
		}
	}
	return []engine.Column{
		{Title: "title", Expression: "metadata.title"},
		{Title: "type", Expression: "spec.type"},
		{Title: "lifecycle", Expression: "spec.lifecycle"},
		{Title: "owner", Expression: `join(related("ownedBy"), ", ")`},
		{Title: "system", Expression: `first(related("partOf", "system"))`},
	}
}
