package analysis

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestSampleInReadme: the sample of the sandbox that pipelines/editors.md shows is there.
func TestSampleInReadme(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../pipelines/editors.md")
	if err != nil {
		t.Fatal(err)
	}
	comments := regexp.MustCompile(`(?m)^# sample: sandbox (.*)$`).FindAllStringSubmatch(string(page), -1)
	if len(comments) == 0 {
		t.Fatal("the page has no sample of the sandbox")
	}
	folder, content := copiedShipped(t)
	path := filepath.Join(folder, "backstage.yaml")
	ref := comments[0][1]
	for _, comment := range []string{comments[0][0], "# sample: sandbox fraud-scorer"} {
		w := New(host(), []string{folder})
		w.Set(path, comment+"\n"+content)
		if text, err := w.Explain(t.Context(), path); err != nil || !strings.Contains(text, ref) {
			t.Errorf("%s: %v\n%s", comment, err, text)
		}
	}
}
