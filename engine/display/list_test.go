package display

import "testing"

func TestList(t *testing.T) {
	for _, tc := range []struct {
		texts []string
		most  int
		want  string
	}{
		{nil, 2, ""},
		{[]string{"a"}, 2, "a"},
		{[]string{"a", "b"}, 2, "a; b"},
		{[]string{"a", "b", "c"}, 2, "a; b and 1 more"},
		{make([]string, 1500), 0, " and 1,500 more"},
	} {
		if got := List(tc.texts, tc.most, "; "); got != tc.want {
			t.Errorf("the first %d of %d: %q, want %q", tc.most, len(tc.texts), got, tc.want)
		}
	}
}
