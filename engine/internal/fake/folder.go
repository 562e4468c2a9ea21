package fake

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/state"
)

// Place is the place of a Store.
const Place = "https://store.example.com/company"

// Folder is a state folder for the place of a Store. Every method fails the test on an error.
type Folder struct {
	T   *testing.T
	Dir string
}

// Store returns the folder as a store; nil for no folder.
func (f Folder) Store() state.Store {
	if f.Dir == "" {
		return nil
	}
	return state.Folder(f.Dir)
}

// Baseline opens the state of the place.
func (f Folder) Baseline() *baseline.Store {
	f.T.Helper()
	s, err := baseline.Open(state.Folder(f.Dir), Place)
	if err != nil {
		f.T.Fatal(err)
	}
	return s
}

// Header returns the header of the last good run.
func (f Folder) Header() baseline.Header {
	f.T.Helper()
	snap, err := f.Baseline().Load()
	if err != nil || snap.Condition != baseline.Intact {
		f.T.Fatal(snap.Problem, err)
	}
	defer snap.Close()
	return snap.Header
}

// File returns the path of the only file with a suffix.
func (f Folder) File(suffix string) string {
	f.T.Helper()
	files, _ := filepath.Glob(filepath.Join(f.Dir, "*"+suffix))
	if len(files) != 1 {
		f.T.Fatalf("files with the suffix %s: %v", suffix, files)
	}
	return files[0]
}

// Texts returns the content of every file, by path.
func (f Folder) Texts() map[string]string {
	f.T.Helper()
	out := map[string]string{}
	files, _ := filepath.Glob(filepath.Join(f.Dir, "*"))
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.T.Fatal(err)
		}
		out[file] = string(b)
	}
	return out
}

// Change rewrites the only file with a suffix.
func (f Folder) Change(suffix string, change func(text string) string) {
	f.T.Helper()
	path := f.File(suffix)
	b, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, []byte(change(string(b))), 0o600)
	}
	if err != nil {
		f.T.Fatal(err)
	}
}

// ChangeBaseline rewrites the file of the last good run.
func (f Folder) ChangeBaseline(change func(text string) string) {
	f.T.Helper()
	f.Change(".state", change)
}

// Damage flips a bit of the only file with a suffix.
func (f Folder) Damage(suffix string) {
	f.T.Helper()
	f.Change(suffix, func(text string) string {
		b := []byte(text)
		b[10] ^= 1
		return string(b)
	})
}

// Owner returns the owner id.
func (f Folder) Owner() string {
	f.T.Helper()
	o, found, err := f.Baseline().Owner()
	if err != nil || !found {
		f.T.Fatalf("%+v, %v, %v", o, found, err)
	}
	return o.ID
}

// Hide replaces the hidden list.
func (f Folder) Hide(all ...baseline.Hidden) *baseline.Store {
	f.T.Helper()
	store := f.Baseline()
	err := store.UpdateHidden(func([]baseline.Hidden) ([]baseline.Hidden, error) { return all, nil })
	if err != nil {
		f.T.Fatal(err)
	}
	return store
}

// Hidden returns the hidden list.
func (f Folder) Hidden() []baseline.Hidden {
	f.T.Helper()
	all, err := f.Baseline().Hidden()
	if err != nil {
		f.T.Fatal(err)
	}
	return all
}

// LaterVersion returns the text of a baseline of a later version of pipe.
func LaterVersion(string) string {
	head := "pipe-state\t{\"version\":9,\"place\":\"" + Place + "\"}\n"
	return head + fmt.Sprintf("end\t0\t%x\n", sha256.Sum256([]byte(head)))
}
