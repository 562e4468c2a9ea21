package cli

import (
	"os"
	"path/filepath"
	"testing"
)

// TestPerson: a person watches where both files are terminals.
func TestPerson(t *testing.T) {
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("this machine has no terminals: ", err)
	}
	defer terminal.Close()
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if !person(terminal, terminal) || person(terminal, file) || person(file, terminal) || person(file, file) {
		t.Error("wrong")
	}
}
