package cli

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// unescaped is a call that prints values as they are.
var unescaped = regexp.MustCompile(`(fmt\.Fprint\w*|io\.WriteString)\((a\.stdout|a\.stderr|w)\b`)

// TestPrinting (invariant 6): commands print through package display, which
// escapes values from outside.
func TestPrinting(t *testing.T) {
	files, err := filepath.Glob("*.go")
	printed, more := filepath.Glob("print/*.go")
	files, err = append(files, printed...), errors.Join(err, more)
	if err != nil || len(printed) == 0 {
		t.Fatal(err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for i, line := range strings.Split(string(b), "\n") {
			if found := unescaped.FindString(line); found != "" {
				t.Errorf("%s:%d: %s: print with display.Fprintf", file, i+1, found)
			}
		}
	}
}
