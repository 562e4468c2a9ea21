package operate

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// TestNeedles: titles and refs are found as words, in any case.
func TestNeedles(t *testing.T) {
	var n needles
	n.add("component:default/pay", "ref")
	n.add("Fraud Scorer (EU)", "title")
	n.add("pay", "name")
	n.add("--", "never")
	for text, want := range map[string]string{
		"depends on fraud scorer (eu), and more": "title",
		"**Fraud Scorer (EU)**":                  "title",
		"fraud scorer (euro)":                    "",
		"unfraud scorer (eu)":                    "",
		"see component:default/pay.":             "name ref",
		"see component:default/pay-v2":           "",
		"prepay and pay_later":                   "",
		"we PAY":                                 "name",
		"--":                                     "",
	} {
		hits := map[string]bool{}
		n.in(text, hits)
		if got := strings.Join(slices.Sorted(maps.Keys(hits)), " "); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
