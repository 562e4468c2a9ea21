package operate

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/run"
	"github.com/pipe-engine/pipe/engine/state"
)

// Reconciled is the unconfirmed uploads of the last good run, by their state in a sink's list.
type Reconciled struct {
	Confirmed, Lost, Unknown []baseline.Upload

	unreadable error // why there is nothing to compare with
}

// Readable returns a *fault.StateError when the place has no intact baseline: which uploads are not
// confirmed is not known then.
func (r Reconciled) Readable() error { return r.unreadable }

// Reconcile compares the unconfirmed uploads of a state folder with the sink's current list. Without an
// intact baseline it has none; see Readable.
func Reconcile(in state.Store, place string, h *component.UploadHistory, now time.Time) (r Reconciled, err error) {
	store, err := baseline.Open(in, place)
	if err != nil {
		return r, baseline.Unusable(err)
	}
	last, err := store.Load()
	if err != nil {
		return r, baseline.Unreadable(err)
	}
	if last.Condition != baseline.Intact {
		r.unreadable = notIntact(&last)
		return r, nil
	}
	defer last.Close()
	for _, u := range last.Unconfirmed {
		switch u.Fate(h, now) {
		case baseline.Confirmed:
			r.Confirmed = append(r.Confirmed, u)
		case baseline.Lost:
			r.Lost = append(r.Lost, u)
		default:
			r.Unknown = append(r.Unknown, u)
		}
	}
	return r, nil
}

func notIntact(b *baseline.Baseline) error {
	err := fmt.Errorf("the baseline %s is %s", b.Path, b.Condition)
	if b.Problem != "" {
		err = fmt.Errorf("%w: %s", err, b.Problem)
	}
	return &fault.StateError{Err: err, Remedy: "restore the state from a copy, or run the pipeline, which says what to do"}
}

// Save marks the confirmed uploads as confirmed in the state folder. It does nothing while a
// run holds the place, because that run does the same.
func (r Reconciled) Save(in state.Store, place string) (err error) {
	if len(r.Confirmed) == 0 {
		return nil
	}
	held, err := TakePlace(in, place, run.NewRunID())
	if errors.As(err, new(*fault.Held)) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, held.Release()) }()
	return held.Store.Amend(func(h *baseline.Header) {
		h.Unconfirmed = slices.DeleteFunc(h.Unconfirmed, func(u baseline.Upload) bool {
			return slices.Contains(r.Confirmed, u)
		})
	})
}
