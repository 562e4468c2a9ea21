//go:build unix

package baseline

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/fault"
)

// TestRefusalIsAFIFO: anything but a regular file is an error, and reading it does not block.
func TestRefusalIsAFIFO(t *testing.T) {
	s := open(t, t.TempDir())
	id := fault.Digest(changes)
	for suffix, records := range map[string]func() error{
		".refusal-":  func() error { _, err := s.Refusal(id); return err },
		".approval-": func() error { _, err := s.Approval(id); return err },
	} {
		if err := syscall.Mkfifo(s.path(suffix+id), 0o600); err != nil {
			t.Skipf("the temporary folder cannot hold a FIFO: %v", err)
		}
		done := make(chan error, 1)
		go func() { done <- records() }()
		select {
		case err := <-done:
			if err == nil || !strings.Contains(err.Error(), "not a regular file") {
				t.Errorf("%s: %v", suffix, err)
			}
		case <-time.After(5 * time.Second):
			t.Errorf("%s: reading it hangs", suffix)
		}
	}
}
