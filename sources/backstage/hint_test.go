package backstage

import (
	"strings"
	"testing"
)

func TestHint(t *testing.T) {
	for expression, want := range map[string]string{
		"metadata.annotations.backstage.io/orphan == nil": `metadata.annotations["backstage.io/orphan"]`,
		"metadata?.labels?.a-b":                           `metadata.labels["a-b"]`,
		"metadata.annotations.plain":                      "",
		"spec.type":                                       "",
	} {
		if got := NewModel(&Config{}).Hint(expression); !strings.HasSuffix(got, want) || (got == "") != (want == "") {
			t.Errorf("%s: %q", expression, got)
		}
	}
}
