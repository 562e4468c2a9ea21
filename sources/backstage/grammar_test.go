package backstage

import (
	"slices"
	"testing"
)

// TestMayMean: a text matches a ref by its name, with or without its kind and namespace.
func TestMayMean(t *testing.T) {
	m := NewModel(&Config{})
	refs := []string{"api:default/orders", "component:default/checkout", "component:other/orders"}
	for text, want := range map[string][]string{
		"component:default/checkout": {"component:default/checkout"},
		" Component:checkout":        {"component:default/checkout"},
		"default/checkout":           {"component:default/checkout"},
		"CHECKOUT":                   {"component:default/checkout"},
		"api:orders":                 {"api:default/orders"},
		"other/orders":               {"component:other/orders"},
		"orders":                     {"api:default/orders", "component:other/orders"},
		"component:default/orders":   nil,
		"check":                      nil,
		"":                           nil,
	} {
		var got []string
		for _, ref := range refs {
			if m.MayMean(text, ref) {
				got = append(got, ref)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %q", text, got)
		}
	}
	names := map[string]string{"Component:default/Checkout": "checkout", "default/a": "a", " a ": "a", "": ""}
	for text, want := range names {
		if got := m.Name(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}

// TestExamples: two full refs of the kind.
func TestExamples(t *testing.T) {
	m := NewModel(&Config{})
	for _, example := range m.Examples("API") {
		if ref, ok := m.ParseRef(example); !ok || ref != example || m.KindOf(ref) != "api" {
			t.Errorf("%q", example)
		}
	}
}
