package backstage

import (
	"github.com/pipe-engine/pipe/engine/component"
)

var _ component.Tabler = (*Model)(nil)

// Columns returns the columns of a table of one kind.
func (m *Model) Columns(kind string) []component.Column {
	switch kind {
	case "User":
		return []component.Column{
			{Title: "name", Expression: "coalesce(spec.profile.displayName, metadata.title)"},
			{Title: "e-mail", Expression: "spec.profile.email"},
			{Title: "member of", Expression: `join(related("memberOf"), ", ")`},
		}
	case "Group":
		return []component.Column{
			{Title: "name", Expression: "coalesce(metadata.title, spec.profile.displayName)"},
			{Title: "type", Expression: "spec.type"},
			{Title: "parent", Expression: `first(related("childOf"))`},
			{Title: "members", Expression: `text(len(related("hasMember")))`},
		}
	case PageKind:
		return []component.Column{
			{Title: "title", Expression: "page.title"},
			{Title: "entity", Expression: "entity.ref"},
			{Title: "path", Expression: "page.path"},
		}
	}
	return []component.Column{
		{Title: "title", Expression: "metadata.title"},
		{Title: "type", Expression: "spec.type"},
		{Title: "lifecycle", Expression: "spec.lifecycle"},
		{Title: "owner", Expression: `join(related("ownedBy"), ", ")`},
		{Title: "system", Expression: `first(related("partOf", "system"))`},
	}
}
