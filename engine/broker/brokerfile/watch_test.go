package brokerfile

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestWatch(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("aaaa")
	began := time.Now()
	if err := os.Chtimes(file, began, began); err != nil {
		t.Fatal(err)
	}
	if early := NewWatch(State("another"), file); early.Changed(began, file) ||
		!early.Changed(began.Add(time.Second), file) {
		t.Error("a change during the first reading is not noticed")
	}
	w := NewWatch(State(file), file)
	at := func(after time.Duration) bool { return w.Changed(began.Add(after), file) }
	if at(0) {
		t.Error("a file that did not change")
	}
	write("aa") // half of what is being written
	if at(time.Second) {
		t.Error("a file that is being written was read")
	}
	write("bbbb")
	if err := os.Chtimes(file, began, began); err != nil { // the same size and time
		t.Fatal(err)
	}
	if at(time.Second+settled/2) || at(time.Second+settled) {
		t.Error("a file that is being written was read")
	}
	if !at(time.Second + 2*settled) {
		t.Error("a change of the text alone is not noticed")
	}
	if at(2 * time.Second) {
		t.Error("a change is noticed twice")
	}
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	if at(3*time.Second) || !at(4*time.Second) {
		t.Error("a change of the mode is not noticed")
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if at(5*time.Second) || !at(6*time.Second) {
		t.Error("a removed file is not noticed")
	}
	noticed := time.Duration(0) // of a file that changes all the time
	for d := 10 * time.Second; d < 20*time.Second && noticed == 0; d += settled / 2 {
		write(d.String())
		if at(d) {
			noticed = d - 10*time.Second
		}
	}
	if noticed == 0 || noticed > patience {
		t.Errorf("a file that changes all the time is read after %v", noticed)
	}
}
