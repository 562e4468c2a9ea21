package backstage

import (
	"testing"

	"github.com/pipe-engine/pipe/engine/expression"
)

// TestColumns: every column compiles for every kind.
func TestColumns(t *testing.T) {
	m := NewModel(&Config{})
	l, errs := expression.New(m.Language(), nil, nil)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	for _, kind := range []string{"User", "Group", "Component"} {
		for _, c := range m.Columns(kind) {
			if _, err := l.Compile(c.Expression, expression.WantAny); err != nil {
				t.Errorf("%s, %s: %v", kind, c.Title, err)
			}
		}
	}
}
