package operate

import (
	"context"
	"errors"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/audit"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/state"
)

// Purge empties the sink's place and removes the baseline. Hidden refs stay hidden.
func Purge(ctx context.Context, pipeline string, sink component.Sink, in state.Store, run string) error {
	purger, can := sink.(component.Purger)
	if !can {
		return fault.Errorf(fault.Fatal, "", "the sink cannot be emptied")
	}
	var place *Place
	ids := map[string][]string{}
	if in != nil && sink.Place() != "" {
		var err error
		if place, err = TakePlace(in, sink.Place(), run); err != nil {
			return err
		}
		defer place.Release()
		if ids, err = knownIDs(place.Store); err != nil {
			return err
		}
		// after an interruption the next run publishes everything
		telling, err := place.Store.Begin(baseline.Purging, run, time.Now())
		if err != nil {
			return baseline.Unusable(err)
		}
		defer telling.Close()
	}
	held, end, err := place.sending(ctx)
	if err != nil {
		return err
	}
	defer end()
	err = purger.Purge(held, ids, place.opening(pipeline, run))
	var unconfirmed *fault.Unconfirmed
	if place == nil || err != nil && !errors.As(err, &unconfirmed) {
		return fault.Cause(held, err)
	}
	purged := audited(place.Store, audit.Event{Kind: "purge", Run: run, Pipeline: pipeline},
		func(*audit.Writer) error { return nil })
	return errors.Join(err, purged, place.Store.Forget())
}

// knownIDs returns the known IDs of the items that the last good run delivered, by stream.
func knownIDs(store *baseline.Store) (map[string][]string, error) {
	out := map[string][]string{}
	base, err := store.Load()
	if err != nil {
		return nil, baseline.Unreadable(err)
	}
	defer base.Close()
	if base.Condition != baseline.Intact {
		return out, nil
	}
	for e, err := range base.Entries() {
		if err != nil {
			return nil, err
		}
		if id := e.KnownID(); id != "" && e.Audience != access.Nobody.String() {
			out[e.Stream] = append(out[e.Stream], id)
		}
	}
	return out, nil
}
