package datasource

import (
	"slices"
	"strings"
)

// named reports whether the items of a list have names.
func named(list string) bool {
	switch list {
	case "objectDefinitions", "propertyDefinitions", "propertyGroups", "quicklinks":
		return true
	}
	return false
}

func nameIn(v any) string {
	m, _ := v.(map[string]any)
	name, _ := m["name"].(string)
	return name
}

func itemNamed(list []any, name string) (map[string]any, bool) {
	for _, one := range list {
		if m, ok := one.(map[string]any); ok && nameIn(one) == name {
			return m, true
		}
	}
	return nil, false
}

// usual returns Glean's default of a field, nil for none.
func usual(field string) any {
	switch field {
	case "trustUrlRegexForViewActivity", "stripFragmentInCanonicalUrl":
		return true
	case "propertyType":
		return "TEXT"
	case "datasourceCategory", "docCategory":
		return "UNCATEGORIZED"
	}
	return nil
}

// plain normalizes a value for comparison: nil for a value that equals an absent one, and
// sorted words where their order has no meaning.
func plain(field string, v any) any {
	switch x := v.(type) {
	case []any:
		if len(x) == 0 {
			return nil
		}
		if _, words := x[0].(string); words {
			x = slices.Clone(x)
			slices.SortFunc(x, func(a, b any) int { return strings.Compare(text(a), text(b)) })
		}
		return x
	case map[string]any:
		if len(x) == 0 {
			return nil
		}
	case string:
		if x == "" {
			return nil
		}
	case bool:
		if !x && usual(field) != true {
			return nil
		}
	}
	if u := usual(field); u != nil && v == u {
		return nil
	}
	return v
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

func object(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}
