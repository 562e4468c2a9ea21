package run

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
)

// timer is the clock of a run.
type timer interface {
	Now() time.Time
	After(d time.Duration) <-chan time.Time
}

type realTime struct{}

func (realTime) Now() time.Time                         { return time.Now() }
func (realTime) After(d time.Duration) <-chan time.Time { return time.After(d) }

// uploaded implements Plan.Uploaded.
func (r *run) uploaded(stream, id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.track.sent = append(r.track.sent, baseline.Upload{
		Stream: stream, ID: id, Run: r.o.RunID, Items: r.plan.Stream(stream).Weight, Began: r.track.began,
		Ended: r.o.clock.Now().UTC(),
	})
}

// confirm saves the state and waits for the sink to process what was sent. It saves the state
// before the wait, which protects it if the run is killed while waiting, and again when the
// wait has changed it.
func (r *run) confirm(ctx context.Context, session component.Session) error {
	defer r.o.Act("confirm")()
	r.ask(ctx, session)
	if len(r.track.paused) > 0 { // the sink holds more than was sent: an unchanged count later is not stale
		r.held.Streams = nil
	}
	err := errors.Join(r.save(), r.markApprovalsUsed())
	began := r.o.clock.Now()
	r.wait(ctx, session)
	r.report.Seconds.Confirm = r.o.clock.Now().Sub(began).Seconds()
	r.track.exits = true
	if err == nil {
		err = r.amend()
	}
	if unconfirmed := r.verdict(); unconfirmed != nil {
		err = errors.Join(unconfirmed, err)
	}
	return err
}

// ask queries the sink once about its uploads.
func (r *run) ask(ctx context.Context, session component.Session) {
	if r.changed != nil {
		r.track.failed = r.changed.ask(ctx, session)
		return
	}
	s, can := session.(component.Historian)
	if !can || len(r.track.sent) == 0 {
		return
	}
	h, err := s.History(ctx)
	if err == nil && h == nil {
		err = fault.Errorf(fault.Permanent, "", "it does not list uploads")
	}
	if r.track.failed = err; err == nil {
		r.track.see(h, r.o.clock.Now())
	}
}

// wait polls until the sink has processed everything or has paused a deletion, until the time
// is up, or until the run is to stop.
func (r *run) wait(ctx context.Context, session component.Session) {
	end := r.o.clock.Now().Add(r.o.Wait)
	for pause := time.Second; ; pause = min(2*pause, 30*time.Second) {
		words := r.pending()
		left := end.Sub(r.o.clock.Now())
		if len(words) == 0 || left <= 0 || r.track.pausedNow() || r.track.cannotAnswer() {
			return
		}
		r.o.Progress.Waiting(words)
		select {
		case <-ctx.Done():
			return
		case <-r.o.Stop:
			return
		case <-r.o.clock.After(min(pause, left)):
			r.ask(ctx, session)
		}
	}
}

// pending returns what the sink has not processed yet of this run, each with its state.
func (r *run) pending() []string {
	words, _ := r.track.pending()
	return append(words, r.changed.words()...)
}

// amend saves what became known since save.
func (r *run) amend() error {
	if r.store == nil {
		return nil
	}
	h := r.track.saved
	r.track.header(&h, r.plan)
	if slices.Equal(h.Unconfirmed, r.track.saved.Unconfirmed) && slices.Equal(h.Paused, r.track.saved.Paused) {
		return nil
	}
	if err := r.store.Amend(func(to *baseline.Header) {
		to.Unconfirmed, to.Paused = h.Unconfirmed, h.Paused
	}); err != nil {
		return unsaved(err)
	}
	return nil
}

// verdict returns the *Unconfirmed of a run that has sent everything; nil when there is none. A
// pause that an earlier run reported does not count.
func (r *run) verdict() error {
	t := &r.track
	var reasons, remedies []string
	add := func(reason, remedy string) { reasons, remedies = append(reasons, reason), append(remedies, remedy) }
	if fresh := t.fresh(); len(fresh) > 0 {
		add(fmt.Sprintf("%s paused the deletion of %s that are no longer sent; they can still be found", t.by,
			strings.Join(fresh, ", ")),
			"find out why so many ids are missing or changed. A run that sends them again undoes it. To delete "+
				"them, run again: the next run deletes them or prints how to allow it")
	}
	if again := t.lostIn(r.plan); len(again) > 0 {
		add(fmt.Sprintf("%s lost %s after acknowledging every page; this run sent everything again", t.by,
			named(again)),
			"look at the datasource in a few hours with pipe status FILE, and report the upload ids to the sink's support if "+
				"it happens again")
	}
	if words := r.pending(); len(words) > 0 && r.o.MustConfirm {
		reason := fmt.Sprintf("everything was sent, but %s has not processed it within %s: %s", t.by, r.o.Wait,
			strings.Join(words, ", "))
		if t.failed != nil {
			reason = fmt.Sprintf("everything was sent, but asking %s whether it has processed it failed: %v", t.by,
				t.failed)
		}
		add(reason, "the next run checks again; to wait for it now: pipe status FILE --wait")
	}
	if reasons == nil {
		return nil
	}
	return &fault.Unconfirmed{Reason: strings.Join(reasons, "; "), Remedy: strings.Join(remedies, ". ")}
}

func named(uploads []baseline.Upload) string {
	var parts []string
	for _, u := range uploads {
		parts = append(parts,
			fmt.Sprintf("the upload of %s of %s (%s)", u.Stream, u.Ended.Local().Format("2006-01-02 15:04"), u.ID))
	}
	return strings.Join(parts, " and ")
}

// fill adds to the report what the exit code does not report.
func (t *tracking) fill(r *run) {
	r.report.Paused = slices.Sorted(maps.Keys(t.paused))
	for _, stream := range r.report.Paused {
		if !t.exits || !slices.Contains(t.fresh(), stream) {
			r.note("%s still pauses the deletion of %s that are no longer sent; they can still be found", t.by, stream)
		}
	}
	for _, u := range t.lost {
		if !t.exits || r.plan.Stream(u.Stream) == nil {
			r.note("%s lost %s: the next run that sends %s sends everything again", t.by, named([]baseline.Upload{u}), u.Stream)
		}
	}
	if !t.exits {
		return
	}
	_, unlisted := t.pending()
	words := r.pending()
	r.report.Unconfirmed = unlisted
	switch {
	case r.o.MustConfirm || len(words) == 0 || t.pausedNow():
	case t.failed != nil:
		r.note("everything was sent; asking %s whether it has processed it failed: %v", t.by, t.failed)
	case len(unlisted) > 0 && r.store == nil:
		r.note("everything was sent; %s has not confirmed it yet: %s", t.by, strings.Join(words, ", "))
	case len(unlisted) > 0:
		r.note("everything was sent; %s has not confirmed it yet: %s. The next run checks again; to check now: "+
			"pipe status FILE --wait", t.by, strings.Join(words, ", "))
	default:
		r.note("everything was sent; %s is still processing %s", t.by, strings.Join(words, ", "))
	}
}
