package state

import "errors"

// NoneName is the name of None for Named.
const NoneName = "none"

// Named returns the store for a word of a user: nil, for the user's default, for ""; None for "none";
// otherwise a folder.
func Named(name string) Store {
	switch name {
	case "":
		return nil
	case NoneName:
		return None{}
	}
	return Folder(name)
}

// None keeps nothing: Open returns an error. The guards then treat the baseline as missing.
type None struct{}

var _ Store = None{}

var errNone = errors.New("no state is kept")

// Open returns an error.
func (None) Open(string) (Files, error) { return nil, errNone }

// Usable returns an error.
func (None) Usable() error { return errNone }

// String returns the name.
func (None) String() string { return NoneName }
