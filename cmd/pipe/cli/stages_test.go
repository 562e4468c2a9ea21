package cli

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestStagesAreConstants: the stage of a rejection is one of the constants of package
// fault.
func TestStagesAreConstants(t *testing.T) {
	for _, path := range repositoryFiles(t, ".go") {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		if strings.Contains(fileText(t, filepath.Join("../../..", path)), `fault.Reject("`) {
			t.Errorf("%s rejects at a stage without a constant", path)
		}
	}
}
