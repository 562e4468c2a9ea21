package store

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestReplace: a value is obtained only for a secret that is there, in a store that can be
// written, and goes where the old one may go.
func TestReplace(t *testing.T) {
	_, s := newStore(t)
	set(t, s, "token", "old-value", "https://portal.example.com")
	asked := 0
	obtain := func(text string, err error) func() (string, error) {
		return func() (string, error) { asked++; return text, err }
	}
	fails(t, s.Replace("other", obtain("x", nil)), `no secret "other"`)
	equal(t, asked, 0)
	fails(t, s.Replace("token", obtain("", errors.New("no answer"))), "no answer")
	fails(t, s.Replace("token", obtain("\n", nil)), "is empty")
	got, err := s.Get("token")
	noError(t, err)
	equal(t, got.Text, "old-value")

	noError(t, s.Replace("token", obtain("new-value", nil)))
	got, err = s.Get("token")
	noError(t, err)
	equal(t, got.Text, "new-value")
	equal(t, got.Origins, []string{"https://portal.example.com"})
	equal(t, asked, 3)

	// a folder has the name of the temporary file: nothing can be written
	noError(t, os.MkdirAll(filepath.Join(filepath.Dir(s.path), "."+filepath.Base(s.path)+".new", "x"), 0o700))
	isTrue(t, s.Replace("token", obtain("newest", nil)) != nil)
	equal(t, asked, 3)
}
