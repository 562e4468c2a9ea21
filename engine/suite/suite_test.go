package suite

import (
	"reflect"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/config"
)

func TestDiff(t *testing.T) {
	for _, c := range []struct{ want, got, diff string }{
		{"a", "b", "- a\n+ b"},
		{"a\nb", "a\nb\nc", "  a\n  b\n+ c"},
		{"1\n2\n3\n4\n5\nx\n6\n7\n8\n9", "1\n2\n3\n4\n5\n6\n7\n8\n9", "  …\n  4\n  5\n- x\n  6\n  7\n  …"},
		{"same", "same", "  …"},
		{"", "a", "- \n+ a"},
	} {
		if got := diff(c.want, c.got); got != c.diff {
			t.Errorf("%q and %q:\n%s\nwant\n%s", c.want, c.got, got, c.diff)
		}
	}
	long := strings.Repeat("x\n", 2500)
	if got := diff(long, "y"); !strings.HasPrefix(got, "- x\n") || !strings.HasSuffix(got, "+ y") {
		t.Error(got[:10])
	}
}

// TestMerged: changes are applied to a fixture, null removes a value, and the fixture is
// unchanged for the next test.
func TestMerged(t *testing.T) {
	doc, problems := config.Parse("x",
		[]byte("metadata: {title: null, tags: [z], annotations: {a: \"1\"}, gone: null}\nspec: 7\n"+
			"new: {deep: {er: true, nothing: null}}\n"))
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	fixture := map[string]any{"kind": "X", "metadata": map[string]any{"title": "t", "tags": []any{"a"}, "name": "n"},
		"spec": map[string]any{"a": 1.0}}
	want := map[string]any{"kind": "X",
		"metadata": map[string]any{"tags": []any{"z"}, "name": "n", "annotations": map[string]any{"a": "1"}}, "spec": 7.0,
		"new": map[string]any{"deep": map[string]any{"er": true}}}
	if got := merged(fixture, doc.Root()); !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
	if fixture["metadata"].(map[string]any)["title"] != "t" {
		t.Error("the fixture was changed")
	}
}

func TestTestPath(t *testing.T) {
	for pipeline, tests := range map[string]string{"a/b.yaml": "a/b.test.yaml", "b.yml": "b.test.yml"} {
		if got := TestPath(pipeline); got != tests || !IsTestFile(got) || IsTestFile(pipeline) {
			t.Errorf("%s: %s", pipeline, got)
		}
	}
}
