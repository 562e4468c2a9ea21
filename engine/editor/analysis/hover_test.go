package analysis

import (
	"strings"
	"testing"
)

// TestHover: what is at the mark, and the part of the text that it is about.
func TestHover(t *testing.T) {
	for name, one := range map[string]struct {
		old, new string
		want     string // all parts, separated by |
		about    string
	}{
		"key":           {"max_loss: 20%", "max_lo§ss: 20%", "**max\\_loss**|deleted", "max_loss"},
		"key in a flow": {"max_loss: 20%", "max_growth: {sha§re: 1%}", "**share**", "share"},
		"function":      {"lower(kind)", "low§er(kind)", "lower(", "lower"},
		"define": {"title: name\n", "title: na§me\n",
			"**define** name: `coalesce(|for component:default/checkout: `\"Checkout\"`", "name"},
		"member": {"objectType: lower(kind)", "objectType: lower(ki§nd)",
			"`kind` for component:default/checkout: `\"Component\"`|: `\"component\"`", "lower(kind)"},
		"double quotes": {"title: name\n", "title: \"kind == \\\"Component\\\" ? na§me : nil\"\n",
			"for component:default/checkout: `\"Checkout\"`", "kind == \\\"Component\\\" ? name : nil"},
		"function in quotes": {"title: name\n", "title: \"join([\\\"a\\\"], low§er(name))\"\n", "lower(", "lower"},
		"second plain line": {"title: name\n", "title: lower(\n          na§me)\n",
			"for component:default/checkout: `\"checkout\"`|**define** name", "lower(\n          name)"},
		"folded": {"title: name\n", "title: >-\n          lower(\n          na§me)\n",
			"for component:default/checkout: `\"checkout\"`", "          lower(\n          name)"},
		"last line quoted": {"title: name\n", "title: 'lower(\n\n          na§me)'\n",
			"for component:default/checkout: `\"checkout\"`", "lower(\n\n          name)"},
		"block": {"entry(\"Owner\", display(owner))", "entry(\"Owner\", display(ow§ner))",
			"**define** owner|`\"Owner: payments\"`", ""},
		"rule": {"      when: metadata.namespace == \"payments-internal\"\n",
			"      when: metadata.namespace == \"def§ault\"\n",
			"The rule **payments** decides 1 of the 1 document", ""},
		"rule in a flow": {"    - name: payments\n",
			"    - {name: mine, when: metadata.na§me == \"checkout\", allow: none}\n    - name: payments\n",
			"The rule **mine** decides 1 of the 1 document|`metadata.name` for component:default/checkout: `\"checkout\"`",
			"metadata.name == \"checkout\""},
		"value":       {"max_loss: 20%", "max_loss: 2§0%", "**max\\_loss**|deleted", "20%"},
		"rule's name": {"- name: payments", "- name: pay§ments", "The rule **payments** decides", "payments"},
		"comment":     {"title: name\n", "title: name # lo§wer\n", "", ""},
		"nowhere":     {"title: name\n", "title: name\n§\n", "", ""},
	} {
		for _, crlf := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				x := newWorld(t)
				if crlf {
					x.crlf()
				}
				offset := x.edit(x.file, one.old, one.new)
				got, from, to := x.Hover(t.Context(), x.file, offset)
				if one.want == "" && got != "" {
					t.Errorf("got %s", got)
				}
				for want := range strings.SplitSeq(one.want, "|") {
					if !strings.Contains(got, want) {
						t.Errorf("no %s in\n%s", want, got)
					}
				}
				about := strings.ReplaceAll(x.Document(x.file).Text()[from:to], "\r\n", "\n")
				if one.about != "" && about != one.about {
					t.Errorf("about %q", about)
				}
			})
		}
	}
}
