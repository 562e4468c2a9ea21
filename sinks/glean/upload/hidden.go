package upload

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
)

// withoutHidden reads the hidden list again and returns a page without the items
// that were hidden since the plan was made.
func (u *upload) withoutHidden(p *page) (*page, error) {
	if u.hidden == nil {
		return p, nil
	}
	hidden, err := u.hidden()
	if err != nil || hidden == nil || !slices.ContainsFunc(p.items, hidden) {
		return p, err
	}
	for _, e := range p.items {
		if hidden(e) {
			u.withheld[e.ID] = true
			u.plan.Withhold(u.stream, e, false)
		}
	}
	return p.some(u.stream, func(i int) bool { return !hidden(p.items[i]) }), nil
}

// hideAgain hides the items of an upload that are on the hidden list by now: their
// pages may have reached Glean after the requests of `pipe hide`. It is called when
// the upload has closed, after its last page, and when it failed.
func (u *upload) hideAgain(ctx context.Context, items iter.Seq2[component.Encoded, error]) error {
	if u.hidden == nil {
		return nil
	}
	hidden, err := u.hidden()
	if err != nil || hidden == nil {
		return notHidden(nil, err)
	}
	var failed []string
	for e, err := range items {
		if err != nil {
			return notHidden(failed, err)
		}
		if !hidden(e) || u.withheld[e.ID] || u.refusals.has(u.stream, e.ID) {
			continue
		}
		note, err := u.publisher.client.TakeAway(ctx, e.ID, e.Type)
		if err != nil {
			failed = append(failed, e.Ref+": "+err.Error())
			continue
		}
		if note != "" {
			u.plan.Note("%s: %s", e.Ref, note)
		}
		u.plan.Withhold(u.stream, e, true)
	}
	return notHidden(failed, nil)
}

// notHidden is the error that something may be found although it is hidden.
func notHidden(failed []string, err error) error {
	if len(failed) > 0 {
		err = errors.Join(err, errors.New(display.List(failed, 5, "; ")))
	}
	if err == nil {
		return nil
	}
	return &fault.Unconfirmed{
		Reason: fmt.Sprintf("documents that were hidden while the run published may have been sent and were not "+
			"hidden again: %s", strings.ReplaceAll(err.Error(), "\n", "; ")),
		Remedy: "hide them again with pipe hide; the next run does not send them",
	}
}
