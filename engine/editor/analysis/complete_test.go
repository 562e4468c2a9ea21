package analysis

import (
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/editor/text"
)

// TestComplete: what may be written at the mark. The part old of the small file is replaced by new.
func TestComplete(t *testing.T) {
	const title = "        title: name\n"
	for name, one := range map[string]struct {
		old, new    string
		want, lacks string // labels
		accept      string // what is before the mark once the first of want is taken
	}{
		"key of the file": {"guards:\n", "gua§rds:\n", "guards sink schedule", "when", "guards"},
		"key on an empty line": {title, title + "        §\n", "summary updatedAt", "guards metadata",
			"summary: "},
		"key half written": {title, title + "        summ§\n", "summary", "guards", "summary: "},
		"key of the last line": {"  max_loss: 20%\n", "  max_loss: 20%\n  §\n", "on_refusal max_widen",
			"max_lossy sink", "on_refusal: "},
		"key at the start of a line": {"guards:\n", "§\nguards:\n", "notify schedule", "max_loss", ""},
		"property":                   {"type: spec.type\n", "typ§: spec.type\n", "", "metadata", ""},
		"value of an enumeration":    {"guards:\n", "guards:\n  on_refusal: §\n", "stop tighten", "metadata", "stop"},
		"boolean":                    {"verify: true", "verify: §", "true false", "", "true"},
		"name":                       {title, "        title: na§\n", "name owner lower metadata", "", "name"},
		"nothing yet":                {title, "        title: §\n", "name owner lower metadata", "", "name"},
		"after the colon":            {title, "        title:§\n", "name owner", "guards", ""},
		"member": {title, "        title: metadata.§\n", "title tags", "owner lower",
			"metadata.title"},
		"member of the sample": {title, "        title: spec.life§\n", "lifecycle type", "", "spec.lifecycle"},
		"key of the sample": {title, "        title: metadata.annotations[\"§\"]\n", "example.com/tier", "",
			""},
		"kind": {title, "        title: 'kind == \"§\" ? name : nil'\n", "Component API",
			"name", "Component"},
		"relation": {"related(\"hasMember\")", "related(\"§\")", "hasMember ownedBy", "name",
			"hasMember"},
		"in a text":     {title, "        title: join([\"§\"])\n", "", "name", ""},
		"single quotes": {title, "        title: 'metadata.§'\n", "title tags", "", "'metadata.title"},
		"double quotes": {title, "        title: \"metadata.§\"\n", "title tags", "", "\"metadata.title"},
		"escaped text": {title, "        title: \"kind in [\\\"Comp§\\\"] ? name : nil\"\n",
			"Component", "name", "[\\\"Component"},
		"doubled quotes": {title, "        title: 'kind == ''Comp§'' ? name : nil'\n", "", "", ""},
		"behind doubled quotes": {title, "        title: '\"it''s\" + metadata.§'\n", "title", "",
			"metadata.title"},
		"literal block": {"plain(metadata.description)", "plain(metadata.§)", "description", "",
			"metadata.description"},
		"last line of a block": {title, "        title: |\n          name +\n          metadata.§\n", "title",
			"", "metadata.title"},
		"empty line of a block": {title, "        title: |\n          name +\n          §\n", "name lower",
			"summary", "name"},
		"folded block": {title, "        title: >-\n          name +\n          metadata.§\n", "title",
			"", "metadata.title"},
		"folded, text of two lines": {title, "        title: >-\n          kind in [\"API\",\n" +
			"          \"§\"] ? name : nil\n", "Component", "name", "Component"},
		"plain, second line": {title, "        title: name +\n          metadata.§\n", "title", "summary",
			"metadata.title"},
		"plain, word of its own": {title, "        title: name +\n          low§\n", "lower", "summary", "lower"},
		"plain, third line": {title, "        title: join([name,\n          name,\n          metadata.§])\n",
			"title", "summary", "metadata.title"},
		"plain, line to come":  {title, "        title: name +\n          §\n", "name lower", "summary", "name"},
		"plain, below its key": {title, "        title:\n          low§\n", "lower", "summary", "lower"},
		"single quotes, second line": {title, "        title: 'name +\n\n          metadata.§'\n", "title", "summary",
			"metadata.title"},
		"double quotes, second line": {title, "        title: \"name +\n          related(\\\"§\\\")\"\n", "ownedBy",
			"name", ""},
		"double quotes, joined lines": {title, "        title: \"metadata.\\\n          §\"\n", "title", "lower",
			"title"},
		"quotes not closed": {title, "        title: 'metadata.§\n", "title", "summary", "metadata.title"},
		"comment after it":  {title, "        title: metadata.§ # a name\n", "title", "", "metadata.title"},
		"in a comment":      {title, "        title: name # metadata.§\n", "", "title name", ""},
		"comment alone":     {title, "        # metadata.§\n", "", "title summary", ""},
		"anchor":            {title, "        title: &t metadata.§\n", "title", "", "metadata.title"},
		"list is literal": {"        tags: metadata.tags\n", "        tags:\n          - metadata.§\n", "",
			"title", ""},
		"on the line of the dash": {"    - name: payments\n", "    - §name: payments\n", "name when allow", "", ""},

		"flow, key":        {"  max_loss: 20%\n", "  max_growth: {sha§}\n", "share people", "max_loss", "{share: "},
		"flow, no key yet": {"  max_loss: 20%\n", "  max_growth: {§}\n", "share people", "max_loss", "{share: "},
		"flow, second key": {"  max_loss: 20%\n", "  max_growth: {share: 1%, §}\n", "share people", "max_loss",
			", share: "},
		"flow, not closed": {"  max_loss: 20%\n", "  max_growth: {share: 1%, peo§\n", "people", "max_loss",
			"share: 1%, people: "},
		"flow, expression": {"  groups:\n    when: kind == \"Group\"\n    fields:\n", "  groups:\n" +
			"    {when: metadata.§, fields: {}}\n  x:\n", "title", "lower", "{when: metadata.title"},
		"flow, text": {"    - name: payments\n      when: metadata.namespace == \"payments-internal\"\n",
			"    - name: payments\n      when: metadata.namespace == \"payments-internal\"\n" +
				"    - {name: x, when: kind in [\"§\"], allow: owner}\n", "Component API", "name", "[\"Component"},
		"flow, text in quotes": {"    - name: payments\n",
			"    - {name: x, when: 'kind in [\"API\", \"§\"]', allow: none}\n    - name: payments\n",
			"Component", "name", "Component"},
		"flow, call": {"    - name: payments\n",
			"    - {name: x, when: len(related(\"ownedBy\", \"§\")) > 0, allow: none}\n    - name: payments\n", "",
			"name", ""},
		"flow, half a rule": {"    - name: payments\n", "    - {name: x, when: metadata.§\n    - name: payments\n",
			"title", "lower", "metadata.title"},
		"flow, half a text": {"    - name: payments\n", "    - {name: x, when: kind == \"§\n    - name: payments\n",
			"Component", "name", "\"Component"},
		"flow, several lines": {"    - name: payments\n", "    - {\n        name: x, # why\n" +
			"        when: metadata.§,\n        allow: none,\n      }\n    - name: payments\n", "title", "lower",
			"when: metadata.title"},
		"flow, key on a line": {"    - name: payments\n", "    - {\n        name: x,\n        §\n      }\n" +
			"    - name: payments\n", "when allow", "title", "when: "},
		"flow, no space": {"    - name: payments\n", "    - {name: x, when:§}\n    - name: payments\n",
			"metadata lower", "allow", ""},
		"flow, inner mapping": {"        customProperties:\n          type: spec.type\n",
			"        customProperties: {type: spec.§}\n", "type lifecycle", "name", "{type: spec.type"},
		"flow, list of rules": {"  rules:\n", "  rules: [{name: x, when: metadata.§}]\n  x:\n", "title", "lower",
			"metadata.title"},
		"flow, whole list": {"transforms:\n  - name: not orphaned\n",
			"transforms: [{name: x, keep: kind in [\"§\"]}]\nx:\n  - name: not orphaned\n", "Component", "",
			"Component"},
		"behind a flow": {"  max_loss: 20%\n", "  max_growth: {share: 1%}\n  §\n", "max_loss", "share", ""},
	} {
		for _, crlf := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				x := newWorld(t)
				x.load(x.file) // the last good tree
				if crlf {
					x.crlf()
				}
				offset := x.edit(x.file, one.old, one.new)
				all := x.Complete(x.file, offset)
				var labels []string
				for _, c := range all {
					labels = append(labels, c.Label)
				}
				for want := range strings.FieldsSeq(one.want) {
					if !slices.Contains(labels, want) {
						t.Errorf("no %s in %v", want, labels)
					}
				}
				for lacks := range strings.FieldsSeq(one.lacks) {
					if slices.Contains(labels, lacks) {
						t.Errorf("%s in %v", lacks, labels)
					}
				}
				first, _, _ := strings.Cut(one.want, " ")
				if i := slices.Index(labels, first); one.accept != "" && i >= 0 {
					e := all[i].Edit
					got := text.Apply(x.Document(x.file).Text(), []text.Edit{e})[:e.From+len(e.New)]
					if !strings.HasSuffix(got, one.accept) {
						t.Errorf("after %s: %q", first, got[max(0, len(got)-60):])
					}
				}
			})
		}
	}
}

// TestCompleteInTests: names of fixtures and rules.
func TestCompleteInTests(t *testing.T) {
	for name, one := range map[string]struct{ old, new, want string }{
		"fixture":         {"      - fixture: checkout\n", "      - fixture: §\n", "checkout payments"},
		"fixture in flow": {"{fixture: payments}", "{fixture: §}", "checkout payments"},
		"rule":            {"        rule: default\n", "        rule: §\n", "private to its owners,payments"},
		"rule in a flow":  {"{rule: payments}", "{rule: §}", "private to its owners,payments"},
		"key":             {"    records:\n", "    reco§:\n", "records golden expect"},
		"expected":        {"        rule: default\n", "        ru§\n", "rule can_see"},
		"field":           {"{title: Checkout}", "{ti§}", "title summary"},
	} {
		t.Run(name, func(t *testing.T) {
			x := newWorld(t)
			offset := x.edit(x.test, one.old, one.new)
			var labels []string
			for _, c := range x.Complete(x.test, offset) {
				labels = append(labels, c.Label)
			}
			separator := " "
			if strings.Contains(one.want, ",") {
				separator = ","
			}
			for want := range strings.SplitSeq(one.want, separator) {
				if !slices.Contains(labels, want) {
					t.Errorf("no %s in %v", want, labels)
				}
			}
		})
	}
}
