package access_test

import (
	"testing"

	"github.com/pipe-engine/pipe/engine/access"
)

// TestFinds: who finds a document, for a user who is in the groups a and b.
func TestFinds(t *testing.T) {
	in := func(name string) bool { return name == "a" || name == "b" }
	for name, tt := range map[string]struct {
		audience   access.Audience
		principals []string
		allOf      [][]string
		want       bool
	}{
		"undecided":         {access.Undecided, []string{"a"}, nil, false},
		"nobody":            {access.Nobody, []string{"a"}, nil, false},
		"datasource":        {access.DatasourceUsers, nil, nil, true},
		"all":               {access.AllUsers, nil, nil, true},
		"a group":           {access.Listed, []string{"x", "b"}, nil, true},
		"another group":     {access.Listed, []string{"x"}, nil, false},
		"nothing":           {access.Listed, nil, nil, false},
		"both of a set":     {access.Listed, nil, [][]string{{"x", "a"}, {"a", "b"}}, true},
		"one of a set":      {access.Listed, nil, [][]string{{"a", "x"}}, false},
		"an empty set":      {access.Listed, nil, [][]string{{}}, false},
		"a set that is nil": {access.Listed, []string{"x"}, [][]string{nil}, false},
	} {
		if got := access.Finds(tt.audience, tt.principals, tt.allOf, in); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
