package mcp

import (
	"slices"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

const shipped = "backstage.yaml"

// TestTools: there is no tool but these, and each only reads.
func TestTools(t *testing.T) {
	c := start(t, Options{})
	list, err := c.session.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, tool := range list.Tools {
		names = append(names, tool.Name)
		if a := tool.Annotations; a == nil || !a.ReadOnlyHint || *a.OpenWorldHint || *a.DestructiveHint {
			t.Errorf("%s: %+v", tool.Name, a)
		}
	}
	slices.Sort(names)
	if got := strings.Join(names, " "); got !=
		"check components diff eval explain functions sandbox_run schema search_as test" {
		t.Error(got)
	}
	r, err := c.session.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: workflowURI})
	if err != nil || !strings.Contains(r.Contents[0].Text, "A person runs it") {
		t.Error(r, err)
	}
}

// TestEachTool: every tool answers for the shipped file and the sandbox's company.
func TestEachTool(t *testing.T) {
	c := start(t, Options{})
	c.want("check", args{"file": shipped}, `"ok":true`)
	c.want("check", args{"file": "backstage.test.yaml"}, `"ok":true`)
	c.want("explain", args{"file": shipped, "ref": "booking-service", "as": "mei.tanaka@larkspur.example"},
		`"ref":"component:default/booking-service"`, `"as":{`, `"rules":[`, `backstage.yaml:`)
	c.want("eval", args{"file": shipped, "expression": "spec.type", "ref": "component:default/booking-service"},
		`"value":"service"`)
	c.want("eval", args{"file": shipped, "expression": "kind"}, `"total":90`, "api:default/booking-api")
	c.want("test", args{"file": shipped}, `"ok":true`, `"failed":0`)
	c.want("test", args{"file": shipped, "run": "^nothing$ |private"}, `"untested_rules":[]`)
	c.want("functions", args{}, "display(")
	c.want("functions", args{"name": "related"}, `"examples":[`)
	c.want("components", args{}, `"name":"backstage"`, `"name":"glean"`)
	c.want("components", args{"name": "permissions"}, "rules")
	c.want("schema", args{}, `"mapping":`)
	c.want("schema", args{"path": "permissions"}, `"properties":`)
	c.want("schema", args{"tests": true, "path": "tests"}, "can_see")
	c.want("sandbox_run", args{"file": shipped}, `"verdict":"`, `"rejected":[]`, "In the index of")
	c.want("search_as", args{"file": shipped, "query": "booking"}, `"ref":"component:default/booking-service"`,
		`"audience":"datasource-users"`)
	c.refused("functions", args{"name": "relatd"}, "did you mean related?")
	c.refused("explain", args{"file": shipped, "ref": "no-such"}, "the source holds no")
	c.refused("eval", args{"file": shipped, "expression": "metadata.titel("}, `"code":"`)
	c.refused("check", args{"file": "no-such.yaml"}, "does not exist")
}

// TestDiff: a diff with a kept output shows who finds what after an edit.
func TestDiff(t *testing.T) {
	c := start(t, Options{})
	c.keep("out", "")
	c.want("diff", args{"file": shipped, "against": "out"}, `"changes":false`)
	c.change("        tags: metadata.tags\n", "        tags: concat(metadata.tags, \"edited\")\n")
	c.change("    # - name: payments  ",
		"    - {name: owners of production, when: spec.lifecycle == \"production\", allow: owner}\n"+
			"    # - name: payments  ")
	c.want("diff", args{"file": shipped, "against": "out"}, `"changes":true`, `"rule":"owners of production"`, `"narrower":true`,
		`"from":"datasource-users"`, `"to":"listed"`)
}
