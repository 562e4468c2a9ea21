package state_test

import (
	"os"
	"testing"

	"github.com/pipe-engine/pipe/engine/state"
	"github.com/pipe-engine/pipe/engine/state/statetest"
)

var folders = statetest.Subject{
	New:  func(t *testing.T) string { return t.TempDir() },
	Open: func(where string) (state.Store, error) { return state.Folder(where), nil },
	Lose: func(t *testing.T, where string, _ state.Hold) {
		files, err := state.Folder(where).Open(statetest.Place)
		if err == nil {
			err = os.Remove(files.Path(".lock"))
		}
		if err != nil {
			t.Fatal(err)
		}
	},
}

func TestMain(m *testing.M) {
	statetest.Child(folders)
	os.Exit(m.Run())
}

// TestFolder: a folder keeps the promises of a store.
func TestFolder(t *testing.T) { statetest.Run(t, folders) }
