// Package golden compares texts with files of the repository, for the tests below cmd. With
// -update it writes the files instead.
package golden

import (
	"os"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/pipeline/pipelinetest"
)

var update = pipelinetest.UpdateFlag()

// Updating reports whether the test runs with -update.
func Updating() bool { return *update }

// Compare compares a text with a file.
func Compare(t testing.TB, file, got string) {
	t.Helper()
	if Updating() {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got == string(want) {
		return
	}
	was, is := strings.Split(string(want), "\n"), strings.Split(got, "\n")
	for len(was) > 0 && len(is) > 0 && was[0] == is[0] {
		was, is = was[1:], is[1:]
	}
	t.Errorf("%s differs from what is printed; -update writes it\nin the file:\n%s\nprinted:\n%s",
		file, first(was), first(is))
}

func first(lines []string) string { return strings.Join(lines[:min(10, len(lines))], "\n") }
