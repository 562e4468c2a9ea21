package job

import (
	"fmt"
	"path/filepath"

	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/state"
)

// StateStore returns where state is kept; nil for nowhere. It returns a *fault.StateError when the
// store cannot be used. A sandbox keeps no state unless State says where.
func (o Options) StateStore() (state.Store, error) {
	_, none := o.State.(state.None)
	if none || o.State == nil && o.Sandbox {
		return nil, nil
	}
	store, err := o.named()
	if err != nil {
		return nil, &fault.StateError{
			Err: fmt.Errorf("there is no default state folder: %w", err),
			Remedy: "name a folder that is kept between runs with --state DIR (--state none is for trials: a run " +
				"without state is refused once the datasource has documents)",
		}
	}
	if err := store.Usable(); err != nil {
		return nil, unusable(err)
	}
	return store, nil
}

// named returns the store that State names, with an absolute path for a folder.
func (o Options) named() (state.Store, error) {
	if o.State == nil {
		return state.DefaultFolder(o.Lookup)
	}
	folder, is := o.State.(state.Folder)
	if !is {
		return o.State, nil
	}
	path, err := filepath.Abs(string(folder))
	return state.Folder(path), err
}

func unusable(err error) error {
	return state.Explain(err, &fault.StateError{
		Err:    fmt.Errorf("the state folder cannot be used: %w", err),
		Remedy: "make the folder writable for this user, or name another with --state DIR",
	})
}
