package run

import (
	"fmt"
	"slices"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
)

// remember takes the lock of the sink's place and opens the state of the last good run. A dry
// run takes no lock: it may run at the same time as another run.
func (r *run) remember() error {
	if r.replaced != nil {
		r.hidden = *r.replaced
	}
	r.owner = baseline.Owner{ID: baseline.NewOwnerID()}
	place := r.p.Sink.Place()
	if r.o.State == nil || place == "" {
		return nil
	}
	var err error
	if r.store, err = baseline.Open(r.o.State, place); err != nil {
		return baseline.Unusable(err)
	}
	if !r.dry() {
		if r.lock, err = baseline.Take(r.store, r.o.RunID); err != nil {
			return err
		}
		if r.lose != nil {
			r.unwatch = r.lock.Watch(r.lose)
		}
	}
	hidden, err := baseline.HiddenNow(r.store, component.HostsOf(r.p.Model))
	if err != nil {
		return err
	}
	if r.replaced == nil {
		r.hidden = hidden
	}
	if r.base, err = r.store.Load(); err != nil {
		return baseline.Unreadable(err)
	}
	r.last = r.base.Snapshot
	if err := r.hiddenLost(hidden); err != nil {
		return err
	}
	r.hiddenRefs = hidden.HiddenRefs()
	r.owner, err = baseline.OwnerOf(r.store, r.base, !r.dry())
	if err == nil && !r.dry() && r.covered() { // the run that wrote it was killed before it could record that
		err = r.keep()
	}
	return err
}

// hiddenLost returns an error when the hidden list lacks a ref that the last good run read from
// it. A ref that was let back stays on the list until the next good run. A missing ref
// therefore means that the list was removed, replaced by an older one, or started again.
func (r *run) hiddenLost(list baseline.Hiding) error {
	if r.last == nil {
		return nil
	}
	lost := slices.DeleteFunc(slices.Clone(r.last.Hidden), func(ref string) bool {
		_, listed := list.Refs[ref]
		return listed
	})
	if len(lost) == 0 {
		return nil
	}
	x := display.Examples{N: len(lost), Refs: lost[:min(len(lost), display.Shown)]}
	return &fault.StateError{Err: fmt.Errorf("the hidden list %s lacks %s that it had in the last good run: %s",
		r.store.HiddenFile(), display.Plural(len(lost), "document"), x.String()),
		Remedy: "restore the file from a copy; if there is none, hide the documents again with pipe hide FILE REF"}
}

// close closes what newRun and remember opened.
func (r *run) close() {
	r.staged.Close()
	if r.journalWriter != nil {
		r.journalWriter.Close()
	}
	if r.last != nil {
		r.last.Close()
	}
	if r.unwatch != nil {
		r.unwatch()
	}
	if r.lock != nil {
		if err := r.lock.Release(); err != nil {
			r.o.Log.Warn("the lock was not released", "error", err)
		}
	}
}
