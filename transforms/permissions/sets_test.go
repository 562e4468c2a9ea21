package permissions_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/pipeline/pipelinetest"
)

// TestAllOf: lists of groups, in each form, that a person has to be in all of. An absent
// value or an empty variable drops its whole list: the rest alone would give access to more
// people.
func TestAllOf(t *testing.T) {
	const block = "|\n          "
	for name, c := range map[string]struct {
		allow  string
		owners []any
		want   string
		fails  string
	}{
		"one list": {allow: `["group:default/a", "Group:default/B"]`, want: "[[group:default/a group:default/b]]"},
		"lists": {allow: "\n          - [\"group:default/a\", \"group:default/b\"]\n" +
			"          - [\"group:default/c\", \"group:default/c\"]",
			want: "[[group:default/a group:default/b] [group:default/c]]"},
		"a variable, empty": {allow: "\n          - \"group:default/a\"\n          - ${EMPTY}", want: "[]"},
		"one of two, empty": {allow: "\n          -\n            - \"group:default/a\"\n            - ${EMPTY}\n" +
			"          - [\"group:default/c\"]", want: "[[group:default/c]]"},
		"all owners": {allow: `related("ownedBy", "group")`, owners: []any{"group:default/a", "group:default/b"},
			want: "[[group:default/a group:default/b]]"},
		"no owners": {allow: `related("ownedBy", "group")`, want: "[]"},
		"one owner": {allow: `first(related("ownedBy"))`, owners: []any{"group:default/a"}, want: "[[group:default/a]]"},
		"each owner and staff": {allow: `map(related("ownedBy"), [#, "group:default/staff"])`, owners: []any{"group:default/a", "user:default/ann"},
			want: "[[group:default/a group:default/staff] [user:default/ann group:default/staff]]"},
		"owner absent":        {allow: block + `[first(related("ownedBy")), "group:default/staff"]`, want: "[]"},
		"owner absent in one": {allow: block + `[[first(related("ownedBy")), "group:default/staff"], ["group:default/b"]]`, want: "[[group:default/b]]"},
		"a list absent":       {allow: block + `[nil, ["group:default/b"]]`, want: "[[group:default/b]]"},
		"no ref":              {allow: block + `[metadata.name, "group:default/staff"]`, fails: "not a full ref"},
		"no ref, and absent":  {allow: block + `[nil, metadata.name]`, fails: "not a full ref"},
		"a ref among lists":   {allow: block + `["group:default/a", ["group:default/b"]]`, fails: "a ref among lists of refs"},
	} {
		text := "  rules:\n    - name: r\n      when: kind == \"Component\"\n      allow:\n        all_of: " + c.allow +
			"\n  default: all-users\n"
		p := open(t, text)
		got, err := decide(t, p, entity("x", c.owners...))
		var r *fault.Rejection
		switch {
		case c.fails != "":
			if !errors.As(err, &r) || !strings.Contains(r.Reason, c.fails) || got.Audience != access.Undecided {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
		case err != nil || got.Audience != access.Listed || len(got.Principals) > 0 || fmt.Sprint(got.AllOf) != c.want:
			t.Errorf("%s: %+v, %v, want %s", name, got, err, c.want)
		}
	}
}

// TestAllOfFacts: a rule with lists names groups.
func TestAllOfFacts(t *testing.T) {
	d := pipelinetest.Parse(file+
		"  rules:\n    - name: r\n      when: kind == \"API\"\n      allow:\n        all_of: [\"group:default/a\"]\n"+
		"  default: none\n", registry(&pipelinetest.Kit{}))
	if d.Problems.HasErrors() || len(d.Grants) == 0 || !d.Grants[0].Groups || d.Grants[0].Users {
		t.Errorf("%v %+v", d.Problems, d.Grants)
	}
}
