package engine

import "github.com/pipe-engine/pipe/engine/state"

// Unfilled refuses to set a place up as new that the last good run filled, as
// far as the folder remembers one.
func Unfilled(dir, place string) error {
	store, err := state.Open(dir, place)
	if err != nil {
		return unusable(err)
	}
	last, _, err := store.Load(true)
	if err != nil || last == nil {
		return err
	}
	defer last.Close()
	return unfilled(last)
}

func unfilled(last *state.Snapshot) error {
	if last == nil {
		return nil
	}
	for _, stream := range sortedKeys(last.Streams) {
		if n := last.Streams[stream]; n > 0 {
			return &Refusal{Guard: "datasource", Reason: "the sink says that there is no such place, and the run of " + last.Finished.Local().Format("2006-01-02 15:04") + " filled it: it is not set up as new, as that would drop what it has",
				Remedy: "try it again; if it was deleted on purpose, begin with another folder: --state DIR"}
		}
	}
	return nil
}
