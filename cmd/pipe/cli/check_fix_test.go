package cli

import (
	"os"
	"strings"
	"testing"
)

// TestCheckFix: --fix writes what is certain, keeps the mode of the file, and leaves the rest.
func TestCheckFix(t *testing.T) {
	src, err := os.ReadFile("testdata/good/small.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for old, new := range map[string]string{"title: name\n": "titel: name\n", "metadata.tags": "metadata.tgas",
		"keep: 400d": "keep: 400"} {
		if !strings.Contains(string(src), old) && old != "keep: 400d" {
			t.Fatalf("no %q", old)
		}
		src = []byte(strings.Replace(string(src), old, new, 1))
	}
	file := write(t, "wrong.yaml", strings.ReplaceAll(string(src), "\n", "\r\n"))
	pipe(t, nil, "check", file).expect(t, 2)
	pipe(t, nil, "check", "--json", file).expect(t, 2, `"title": "Change to title"`, `"certain": true`, `"end_col"`)
	pipe(t, nil, "check", "--fix", file).expect(t, 0, "fixed: Change to title", "fixed: Change to tags")
	after, err := os.ReadFile(file)
	if err != nil || strings.Count(string(after), "\r\n") != strings.Count(string(after), "\n") {
		t.Errorf("%v: line ends changed", err)
	}
	pipe(t, nil, "check", file).expect(t, 0)
}
