package cli

import (
	"fmt"
	"path/filepath"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/fault"
)

// noState is the value of --state that keeps no state. The guards then treat the
// baseline as missing.
const noState = "none"

// stateFolder is the state folder, "" for none; its error is an *engine.StateError
// when it cannot be used. A sandbox that is started for one call keeps no state
// unless --state names a folder.
func (a *app) stateFolder(c *urfave.Context, sandboxed bool) (string, error) {
	dir := c.String("state")
	if dir == noState || dir == "" && sandboxed {
		return "", nil
	}
	var err error
	if dir == "" {
		dir, err = baseline.DefaultDir(a.lookup)
	} else {
		dir, err = filepath.Abs(dir)
	}
	if err != nil {
		return "", &fault.StateError{Err: fmt.Errorf("there is no default state folder: %w", err), Remedy: "name a folder that is kept between runs with --state DIR (--state none is for trying out: a run without state is refused once the datasource holds documents)"}
	}
	if err := baseline.Usable(dir); err != nil {
		return "", &fault.StateError{Err: fmt.Errorf("the state folder cannot be used: %w", err), Remedy: "make the folder writable for this user, or name another with --state DIR"}
	}
	return dir, nil
}
