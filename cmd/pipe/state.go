package main

import (
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine/state"
)

// noState is what --state is given when nothing is to be remembered.
const noState = "none"

// stateFolder is the folder that remembers the last good run; "" for none. A
// sandbox is another place each time: nothing of it is remembered unless asked.
// That the user's own folder cannot be used is a warning, since a container may
// have none; a folder that was named has to work.
func (a *app) stateFolder(c *cli.Context, sandboxed bool) (string, error) {
	switch dir := c.String("state"); {
	case dir == noState, dir == "" && sandboxed:
		return "", nil
	case dir != "":
		return filepath.Abs(dir)
	}
	dir, err := state.DefaultDir(a.lookup)
	if err == nil {
		err = state.Usable(dir)
	}
	if err != nil {
		a.log.Warn("nothing is remembered of this run, and it is compared with no earlier one: name a folder with --state DIR, or say --state none", "error", err)
		return "", nil
	}
	return dir, nil
}
