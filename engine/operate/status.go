package operate

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/state"
)

// PlaceStatus is what a sink reports about its place, and the uploads in the state folder.
type PlaceStatus struct {
	*component.Inspection
	// Unconfirmed are the uploads of the last good run that the sink has acknowledged but not
	// listed yet, Lost those that it does not have.
	Unconfirmed []baseline.Upload
	Lost        []baseline.Upload
}

// InspectPlace queries the state of what was sent: once, or until everything is processed, for
// up to wait. With wait, it also confirms the uploads of the last good run. in is where
// state is kept; nil for nowhere. It returns a *fault.Unconfirmed, with the status, when the sink has
// paused a deletion, lost an upload, or not processed everything within wait.
func InspectPlace(ctx context.Context, sink component.Sink, in state.Store, wait time.Duration) (*PlaceStatus, error) {
	inspector, can := sink.(component.Inspector)
	if !can {
		return nil, fault.Errorf(fault.Fatal, "", "the sink does not report what it holds")
	}
	var found *component.Inspection
	var uploads Reconciled
	done, err := poll(ctx, wait, func() (bool, error) {
		var err error
		if found, err = inspector.Inspect(ctx); err != nil {
			return false, err
		}
		if in != nil {
			uploads, err = Reconcile(in, sink.Place(), found.History, time.Now())
		}
		return len(found.Pending)+len(uploads.Unknown) == 0 || len(found.Paused)+len(uploads.Lost) > 0, err
	})
	if err != nil {
		return nil, err
	}
	if wait > 0 {
		if err := uploads.Save(in, sink.Place()); err != nil {
			return nil, err
		}
	}
	s := &PlaceStatus{found, append([]baseline.Upload{}, uploads.Unknown...), append([]baseline.Upload{}, uploads.Lost...)}
	return s, s.verdict(wait, done)
}

func (s *PlaceStatus) verdict(wait time.Duration, done bool) error {
	by := "the sink"
	if s.History != nil {
		by = s.History.By
	}
	switch {
	case len(s.Paused) > 0:
		return &fault.Unconfirmed{Reason: by + " has paused the deletion of " + strings.Join(s.Paused, ", "),
			Remedy: "check whether the documents to delete are sensitive: pipe hide removes single documents, " +
				"and a run that sends the missing items again undoes the pause"}
	case len(s.Lost) > 0:
		return &fault.Unconfirmed{Reason: by + " lost " + UploadsText(s.Lost) + " after acknowledging every page",
			Remedy: "run pipe run FILE: it sends everything again"}
	case wait > 0 && !done:
		return &fault.Unconfirmed{
			Reason: fmt.Sprintf("%s has not processed everything within %s: %s", by, wait, strings.Join(s.pending(), ", ")),
			Remedy: waitLonger,
		}
	}
	return nil
}

const waitLonger = "wait longer with --wait=1h, or request processing now with pipe process FILE"

// pending returns the streams that the sink has not processed, or not even listed.
func (s *PlaceStatus) pending() []string {
	out := slices.Clone(s.Pending)
	for _, u := range s.Unconfirmed {
		out = append(out, u.Stream+" (not listed yet)")
	}
	return out
}

// UploadsText returns uploads with their streams and times.
func UploadsText(uploads []baseline.Upload) string {
	var parts []string
	for _, u := range uploads {
		parts = append(parts, fmt.Sprintf("the upload of %s of %s", u.Stream, display.Second(u.Ended)))
	}
	return strings.Join(parts, " and ")
}

// poll calls ask until it is done or wait has passed; once when wait is 0. The pauses grow to
// half a minute.
func poll(ctx context.Context, wait time.Duration, ask func() (done bool, err error)) (done bool, err error) {
	end := time.Now().Add(wait)
	for pause := time.Second; ; pause = min(2*pause, 30*time.Second) {
		if done, err = ask(); done || err != nil || wait == 0 {
			return done, err
		}
		left := time.Until(end)
		if left <= 0 {
			return false, nil
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-time.After(min(pause, left)):
		}
	}
}
