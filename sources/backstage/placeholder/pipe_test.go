//go:build unix

package placeholder

import (
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// A pipe without a writer is refused at once.
func TestResolvePipe(t *testing.T) {
	dir := files(t, nil)
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	done := make(chan []Missed, 1)
	go func() {
		_, missed := New(dir).Resolve("api:default/a", map[string]any{"a": map[string]any{"$text": "pipe"}})
		done <- missed
	}()
	select {
	case missed := <-done:
		if len(missed) != 1 || missed[0].Why != "it is not a regular file" {
			t.Errorf("got %v", missed)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it waits for a writer")
	}
}
