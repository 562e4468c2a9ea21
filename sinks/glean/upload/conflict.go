package upload

import (
	"context"
	"net/http"
	"slices"

	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// inTheWay looks for the upload that caused the refusal of a first page. again means that
// the page is to be sent again: the other upload may be discarded, or has had time to end.
// err is the refusal.
func (u *upload) inTheWay(ctx context.Context, err error, wait *patience) (again bool, _ error) {
	conflict := api.StatusOf(err) == http.StatusConflict
	s, statusErr := u.publisher.client.Status(ctx)
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	discard, busy := false, false
	if statusErr == nil {
		if u.closedIn(s) { // a page that is both, whose answer was lost
			return false, nil
		}
		if discard, busy, statusErr = u.competitors(api.UnderWay(s), conflict); statusErr != nil {
			return false, statusErr
		}
	}
	if !discard && !busy && conflict {
		discard = slices.Contains(u.publisher.o.Discard, Unnamed)
	}
	switch {
	case discard && !u.force:
		u.force = true
		return true, nil
	case !conflict && !busy:
		return false, err
	case statusErr == nil && wait.next(ctx):
		return true, nil
	case ctx.Err() != nil:
		return false, ctx.Err()
	}
	return false, fault.Errorf(fault.Transient, "wait until it ends and run again; if nothing else writes to the "+
		"datasource, discard it with --discard-upload "+Unnamed,
		"Glean refuses an upload of %s because another upload is under way, which its status does not name: %v",
		u.stream,
		err)
}

// competitors examines the unfinished uploads that may be in the way: those of the stream,
// or if there are none, those of other streams. discard means that some are abandoned, busy
// that some belong to this run and are in progress. Uploads of other runs in other streams
// count only in a conflict.
func (u *upload) competitors(all []api.Unfinished, conflict bool) (discard, busy bool, err error) {
	elsewhere := !slices.ContainsFunc(all, func(o api.Unfinished) bool { return o.Stream == u.stream })
	for _, o := range all {
		if !elsewhere && o.Stream != u.stream {
			continue
		}
		if other := u.publisher.uploadOf(o.ID); other != nil && other != u {
			busy = true
			continue
		}
		note, err := u.publisher.discardable(o)
		switch {
		case err == nil:
			discard = true
			if note != "" && !u.force {
				u.plan.Note("%s", note)
			}
		case !elsewhere || conflict:
			return false, false, err
		}
	}
	return discard, busy, nil
}
