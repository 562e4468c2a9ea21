package job

import (
	"fmt"
	"path/filepath"

	"github.com/pipe-engine/pipe/engine/component"
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

// bounded returns a *fault.Invalid when a request to the sink may take longer than the next run waits for
// those of a run that lost the place.
func bounded(in state.Store, sink component.Sink) error {
	store, waits := in.(state.RequestTimer)
	timer, known := sink.(component.RequestTimer)
	if !waits || !known {
		return nil
	}
	wait, of := store.RequestTime()
	most, key := timer.RequestTime()
	if most <= wait {
		return nil
	}
	return &fault.Invalid{
		Reason: fmt.Sprintf("%s of the pipeline is %v, and %s of the state is only %v: a run could send while a request "+
			"of a lost worker is on its way", key, most, of, wait),
		Remedy: fmt.Sprintf("set %s to %v or more, or %s to %v or less", of, most, key, wait),
	}
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
