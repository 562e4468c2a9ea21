package job

import (
	"fmt"
	"path/filepath"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/fault"
)

// NoState is the value of Options.State that keeps no state. The guards then treat the baseline
// as missing.
const NoState = "none"

// StateFolder returns the state folder; "" for none. It returns a *fault.StateError when the
// folder cannot be used. A sandbox keeps no state unless State names a folder.
func (o Options) StateFolder() (string, error) {
	dir := o.State
	if dir == NoState || dir == "" && o.Sandbox {
		return "", nil
	}
	var err error
	if dir == "" {
		dir, err = baseline.DefaultDir(o.Lookup)
	} else {
		dir, err = filepath.Abs(dir)
	}
	if err != nil {
		return "", &fault.StateError{
			Err: fmt.Errorf("there is no default state folder: %w", err),
			Remedy: "name a folder that is kept between runs with --state DIR (--state none is for trials: a run " +
				"without state is refused once the datasource has documents)",
		}
	}
	if err := baseline.Usable(dir); err != nil {
		return "", &fault.StateError{
			Err:    fmt.Errorf("the state folder cannot be used: %w", err),
			Remedy: "make the folder writable for this user, or name another with --state DIR",
		}
	}
	return dir, nil
}
