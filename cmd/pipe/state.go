package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine"
	"github.com/pipe-engine/pipe/engine/state"
)

// noState is what --state is given when nothing is to be remembered.
const noState = "none"

// stateFolder is the folder that remembers the last good run; "" for none. A
// sandbox is another place each time: nothing of it is remembered unless asked.
// That the user's own folder cannot be made is a warning, since a container may
// have none; one that is there, or that was named, has to work: what was
// remembered yesterday must not be passed over today.
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
		if _, statErr := os.Stat(dir); err != nil && !errors.Is(statErr, fs.ErrNotExist) {
			return "", engine.Errorf(engine.Fatal, "see who may write there, name another folder with --state DIR, or go without with --state none: then nothing is compared with the last good run", "the state folder is there and cannot be used: %w", err)
		}
	}
	if err != nil {
		a.log.Warn("nothing is remembered of this run, and it is compared with no earlier one: name a folder with --state DIR, or say --state none", "error", err)
		return "", nil
	}
	return dir, nil
}
