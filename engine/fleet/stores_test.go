package fleet

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/pipe-engine/pipe/engine/fault"
)

// database is the settings of a store with an address.
type database struct {
	URL string `yaml:"url"`
	Key string `yaml:"key"`
}

func stores() []StoreSpec {
	return []StoreSpec{FolderStore(), {Name: "database", Config: func() any { return &database{} },
		At: func(from any, address string) (any, error) {
			if address == "database://ann:secret@x" {
				return nil, &fault.Invalid{Reason: "it has a password"}
			}
			at := *from.(*database)
			at.URL = address
			return &at, nil
		}}}
}

// TestStateFlag: --state is a store, its address or a folder. What is neither is refused: it would be an
// empty store.
func TestStateFlag(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"there", "database"} {
		if err := os.Mkdir(name, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write(t, "file", "")
	folder := func(path string) any { return &folderConfig{path: path} }
	for word, want := range map[string]any{
		"database": &database{Key: "k"}, "database://x/y": &database{URL: "database://x/y", Key: "k"},
		"there": folder("there"), "./new": folder("./new"), "new/": folder("new/"), ".": folder("."),
		filepath.Join(t.TempDir(), "x"): folder(""),
		"databas":                       nil, "fold": nil, "folder": nil, "file": nil, "": nil,
		"database://ann:secret@x": nil,
		"host=x":                  nil, "a b": nil, "a\tb": nil, "./a=b": nil,
	} {
		s := State{specs: stores(), Config: &database{Key: "k"}}
		s.spec = s.find("database")
		err := s.use(word)
		switch got := s.Config.(type) {
		case *folderConfig:
			if _, is := want.(*folderConfig); !is || got.path != word || s.spec.Name != folderStore || err != nil {
				t.Errorf("%q: the folder %s, %v", word, got.path, err)
			}
		case *database:
			if w, is := want.(*database); want != nil && (!is || *got != *w || err != nil) ||
				want == nil && (!errors.As(err, new(*fault.Invalid)) || *got != (database{Key: "k"})) {
				t.Errorf("%q: %+v, %v", word, got, err)
			}
		default:
			t.Errorf("%q: the settings are %T, %v", word, got, err)
		}
	}
	// The settings of a folder in the file are not those of a database.
	s := State{specs: stores(), Config: folder("there")}
	s.spec = s.find(folderStore)
	if err := s.use("database://x"); err != nil || *s.Config.(*database) != (database{URL: "database://x"}) {
		t.Errorf("%+v, %v", s.Config, err)
	}
	s.spec, s.Config = s.find(folderStore), folder("there")
	if err := s.use(folderStore); err != nil || s.Config.(*folderConfig).path != "there" {
		t.Errorf("the store of the file: %+v, %v", s.Config, err)
	}
}
