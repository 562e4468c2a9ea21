package glean_test

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestEveryWriteIsAcknowledged: requests are made by the client, and by what
// reads the answer.
func TestEveryWriteIsAcknowledged(t *testing.T) {
	want := map[string]int{"api/client.go": 2, "operate/item.go": 1, "operate/rotate.go": 1}
	got := map[string]int{}
	err := filepath.WalkDir(".", func(file string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return err
		}
		text, err := os.ReadFile(file)
		if n := strings.Count(string(text), "onn.Do("); n > 0 {
			got[filepath.ToSlash(file)] = n
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(got, want) {
		t.Errorf("files that make requests: %v, want %v; a write goes through Client.Write", got, want)
	}
}
