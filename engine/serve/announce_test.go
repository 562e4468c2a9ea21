package serve_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/serve"
)

// TestAnnounced: the address of a server is that of the state folder that it uses, and an error
// says whether there is no server or that this is not known.
func TestAnnounced(t *testing.T) {
	w := newWorld(t, "")
	w.Start()
	state := w.Server.State()
	asked := func(state, want string) {
		t.Helper()
		got, err := serve.Announced(state)
		if err != nil {
			got = err.Error()
			if !errors.As(err, new(*fault.StateError)) {
				t.Errorf("the error is %T", err)
			}
		}
		if !strings.Contains(got, want) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	asked(state, "is not ready yet")
	forget, err := serve.Announce(state, "http://127.0.0.1:7979")
	if err != nil {
		t.Fatal(err)
	}
	asked(state, "http://127.0.0.1:7979")
	if err := forget(); err != nil {
		t.Error(err)
	}
	w.End()
	asked(state, "no server uses the state folder")
	asked(filepath.Join(t.TempDir(), "none"), "no server uses the state folder")
	other := t.TempDir()
	if err := os.MkdirAll(filepath.Join(serve.Folder(other), "lock"), 0o700); err != nil {
		t.Fatal(err)
	}
	asked(other, "it is not known whether a server uses")
}
