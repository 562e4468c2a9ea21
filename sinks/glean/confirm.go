package glean

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// confirm asks for the status until Glean has processed the uploads, paused a
// deletion, or the time is up. Only a paused deletion is an error: processing
// takes as long as it takes.
func (p *publishing) confirm(ctx context.Context) error {
	limit := p.sink.cfg.Confirm.D()
	if len(p.ids) == 0 || limit == 0 {
		return nil
	}
	for waited, delay := time.Duration(0), time.Second; ; delay *= 2 {
		s, err := p.sink.status(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			p.plan.Note("everything was sent and acknowledged; how far Glean has processed it could not be asked: %v", err)
			return nil
		}
		paused, pending := p.progress(s)
		if len(paused) > 0 {
			return &engine.Unconfirmed{
				Reason: "everything was sent, and Glean has paused the deletion of what is no longer there: more than 20% of its " + strings.Join(paused, ", "),
				Remedy: "find out why so many ids went or changed; what was sent is in place, and a run that brings the missing back undoes the rest. If they are to go, run again: the next run deletes them, or says how to allow it",
			}
		}
		if len(pending) == 0 {
			return nil
		}
		if waited >= limit || p.stopped() != nil {
			p.plan.Note("everything was sent and acknowledged; Glean is still processing it: %s", strings.Join(pending, ", "))
			return nil
		}
		delay = min(delay, limit-waited)
		if err := p.sink.sleep(ctx, delay); err != nil {
			return err
		}
		waited += delay
	}
}

// progress names the streams whose deletion is paused, and those that are not
// processed with their state.
func (p *publishing) progress(s api.DatasourceStatus) (paused, pending []string) {
	all := histories(s)
	for _, stream := range slices.Sorted(maps.Keys(p.ids)) {
		i := slices.IndexFunc(all[stream], func(b api.BulkUpload) bool { return b.UploadID == p.ids[stream] })
		switch {
		case i < 0:
			pending = append(pending, stream+" (not listed yet)")
		case all[stream][i].ProcessingState == api.StateDeletionPaused:
			paused = append(paused, stream)
		case all[stream][i].ProcessingState != api.StateIndexingCompleted:
			pending = append(pending, fmt.Sprintf("%s (%s)", stream, state(all[stream][i].ProcessingState)))
		}
	}
	return paused, pending
}

// state is a processing state for people.
func state(s string) string {
	switch s {
	case api.StateUnavailable, api.StateUploadStarted, api.StateUploadInProgress, api.StateUploadCompleted, api.StateDeletionPaused, api.StateIndexingCompleted:
		return strings.ToLower(s)
	}
	return "unknown state"
}
