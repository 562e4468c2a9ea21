package operate

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/pipe-engine/pipe/engine/audit"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/state"
)

// ToldAt returns what had been sent about access at a time, by the audit ledger of a state
// folder; the zero time means now. It returns a *fault.StateError when there is no ledger, when
// it is damaged, or when it begins after that time.
func ToldAt(in state.Store, place string, at time.Time) (*audit.State, error) {
	store, err := baseline.Open(in, place)
	if err != nil {
		return nil, baseline.Unusable(err)
	}
	told, err := audit.Open(store.State()).At(at)
	var damaged *audit.DamagedError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &fault.StateError{
			Err:    fmt.Errorf("there is no audit ledger in %s: no run with this state folder has published yet", in),
			Remedy: "name the state folder of the runs with --state DIR; the next run starts a ledger",
		}
	case errors.As(err, &damaged):
		return nil, &fault.StateError{Err: err, Remedy: "restore the file from a copy of the state folder"}
	case err != nil:
		return nil, err
	}
	if len(told.Events)+len(told.Begun) == 0 && told.Next != nil {
		return nil, fault.Errorf(fault.Fatal, "ask for a later time", "the audit ledger starts on %s",
			told.Next.At.Local().Format("2006-01-02 15:04:05"))
	}
	return told, nil
}
