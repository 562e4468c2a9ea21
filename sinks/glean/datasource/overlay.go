package datasource

import (
	"maps"

	"github.com/pipe-engine/pipe/engine/component"
)

// overlay makes the config that Glean is to have of the one it has and the
// file's.
type overlay struct{ options component.ProvisionOptions }

// config merges the file's config over Glean's, matching named objects by name; settings
// that the file does not mention are Glean's. With Replace it is the file's config with the
// ids that Glean has assigned.
func (o overlay) config(live, file map[string]any) map[string]any {
	if !o.options.Replace {
		return o.members([]string{"datasource"}, live, file)
	}
	links, _ := file["quicklinks"].([]any)
	theirs, _ := live["quicklinks"].([]any)
	for _, link := range links {
		ours := object(link)
		if old, ok := itemNamed(theirs, nameIn(link)); ok && ours["id"] == nil && old["id"] != nil {
			ours["id"] = old["id"]
		}
	}
	return file
}

func (o overlay) members(path []string, live, file map[string]any) map[string]any {
	out := maps.Clone(live)
	if out == nil {
		out = map[string]any{}
	}
	for field := range live {
		if _, said := file[field]; !said && o.options.Cleared != nil && o.options.Cleared(append(path, field)...) {
			delete(out, field)
		}
	}
	for field, v := range file {
		theirs, ours := object(live[field]), object(v)
		list, isList := v.([]any)
		switch {
		case isList && named(field):
			old, _ := live[field].([]any)
			out[field] = o.items(append(path, field), old, list)
		case theirs != nil && ours != nil:
			out[field] = o.members(append(path, field), theirs, ours)
		default:
			out[field] = v
		}
	}
	return out
}

// items returns the file's items in their order, then Glean's other ones.
func (o overlay) items(path []string, live, file []any) []any {
	out := make([]any, 0, len(live)+len(file))
	for _, one := range file {
		name := nameIn(one)
		old, _ := itemNamed(live, name)
		out = append(out, o.members(append(path, name), old, object(one)))
	}
	for _, one := range live {
		if _, said := itemNamed(file, nameIn(one)); !said {
			out = append(out, one)
		}
	}
	return out
}
