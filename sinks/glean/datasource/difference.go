package datasource

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sinks/glean/settings"
)

// A config is compared as JSON, including fields of Glean that this program does not know.
// Named objects are matched by name, not by position; a missing name is "", the default
// object type.

// difference lists what leads from one config to another.
type difference struct {
	changes []component.ProvisionChange
}

func compare(from, to map[string]any) []component.ProvisionChange {
	var d difference
	d.members(nil, from, to)
	return d.changes
}

func (d *difference) add(path []string, before, after any) {
	d.changes = append(d.changes, component.ProvisionChange{Path: slices.Clone(path), Before: shown(before),
		After: shown(after)})
}

// members compares two objects member by member. It ignores the name of a datasource, by
// which it was found (Glean returns CUSTOM_BACKSTAGE for backstage), and a title that Glean
// derives from the name.
func (d *difference) members(path []string, from, to map[string]any) {
	for _, field := range slices.Sorted(maps.Keys(union(from, to))) {
		a, b := from[field], to[field]
		if len(path) == 0 && (field == "name" || field == "displayName" &&
			(titled(a, from, to) && b == nil || titled(b, from, to) && a == nil)) {
			continue
		}
		at := append(path, field)
		before, listed := a.([]any)
		after, also := b.([]any)
		switch ma, mb := object(a), object(b); {
		case named(field) && (listed || a == nil) && (also || b == nil):
			d.items(at, before, after)
		case ma != nil && mb != nil:
			d.members(at, ma, mb)
		case !reflect.DeepEqual(plain(field, a), plain(field, b)):
			d.add(at, plain(field, a), plain(field, b))
		}
	}
}

func union(a, b map[string]any) map[string]any {
	out := maps.Clone(a)
	if out == nil {
		out = map[string]any{}
	}
	maps.Copy(out, b)
	return out
}

// titled reports whether a title is one that Glean derives from a name.
func titled(title any, configs ...map[string]any) bool {
	letters := func(s string) string {
		return strings.Map(func(r rune) rune {
			if strings.ContainsRune(" _-", r) {
				return -1
			}
			return r
		}, strings.ToLower(s))
	}
	return slices.ContainsFunc(configs, func(c map[string]any) bool {
		name := letters(text(c["name"]))
		return title != nil && name != "" && (letters(text(title)) == name || "custom"+letters(text(title)) == name)
	})
}

// items compares lists of named objects. An added or removed object is one change, and each
// difference within an object another.
func (d *difference) items(path []string, from, to []any) {
	seen := map[string]bool{}
	for _, list := range [][]any{to, from} {
		for _, one := range list {
			name := nameIn(one)
			if seen[name] {
				continue
			}
			seen[name] = true
			before, had := itemNamed(from, name)
			after, has := itemNamed(to, name)
			at := append(path, name)
			switch {
			case had && has:
				d.members(at, before, after)
			case has:
				d.add(at, nil, scalars(after))
				d.within(at, after)
			default:
				d.add(at, scalars(before), nil)
			}
		}
	}
}

// within lists the things with names of a thing that is added.
func (d *difference) within(path []string, of map[string]any) {
	for _, field := range slices.Sorted(maps.Keys(of)) {
		if list, ok := of[field].([]any); ok && named(field) {
			d.items(append(path, field), nil, list)
		}
	}
}

// scalars is a thing without its name, the things with names in it, and what
// might as well be left out.
func scalars(of map[string]any) map[string]any {
	out := map[string]any{}
	for field, v := range of {
		if p := plain(field, v); p != nil && field != "name" && !named(field) {
			out[field] = p
		}
	}
	return out
}

// shown is a value as JSON, "" for none; the bytes of an icon are left out.
func shown(v any) string {
	switch x := v.(type) {
	case nil:
		return ""
	case string:
		if mime, data, err := settings.IconData(x); strings.HasPrefix(x, "data:") && err == nil {
			return settings.DescribeIcon(mime, data)
		}
	}
	b, err := codec.Marshal(v)
	if err != nil {
		return "?"
	}
	return string(b)
}
