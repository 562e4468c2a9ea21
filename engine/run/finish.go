package run

import (
	"errors"
	"fmt"
	"slices"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
)

func (r *run) finish(err error) {
	rep := r.report
	rep.Audience, rep.Rules = map[access.Audience]int{}, map[string]int{}
	for _, s := range r.p.Streams {
		sr := StreamReport{Name: s.Name, Written: r.p.Unwritten(s.Name) == ""}
		if staged, found := r.staged.Summary(s.Name); found {
			sr.Staged, sr.Bytes, sr.Types = staged.Items, staged.Bytes, staged.Types
			delete(sr.Types, "")
			for a, n := range staged.Audience {
				rep.Audience[a] += n
			}
			for rule, n := range staged.Rules {
				rep.Rules[rule] += n
			}
		}
		rep.Streams = append(rep.Streams, sr)
	}
	for _, name := range r.staged.Names() {
		if _, declared := r.p.Stream(name); !declared {
			staged, _ := r.staged.Summary(name)
			rep.Streams = append(rep.Streams, StreamReport{
				Name: name, Written: true, Staged: staged.Items, Rows: staged.Weight, Bytes: staged.Bytes,
				Empty: r.empty(name),
			})
		}
	}
	books := r.ledger.Totals()
	rep.Read, rep.Endings, rep.Kinds = books.Read, books.Endings, books.Kinds
	rep.Reasons, rep.Rejections = books.Reasons, books.Rejections
	for i := range rep.Streams {
		rep.Streams[i].Counts = books.Items[rep.Streams[i].Name]
	}
	for _, s := range rep.Streams {
		if st, _ := r.p.Stream(s.Name); st.Permissions {
			rep.Audience[access.Nobody] += s.Counts[component.Withheld]
		}
	}
	if again := books.Again; again > 0 {
		r.note("the source returned %d refs more than once; the first record of each was used", again)
	}
	r.fillChanges()
	r.track.fill(r)
	if r.reviewer != nil && rep.Since == nil {
		rep.FirstRun, rep.Stateless = r.store != nil, r.store == nil
	}
	rep.Notes = slices.Compact(rep.Notes)
	rep.Verdict = verdict(err, r.dry())
}

// empty returns the number of items of a stream that name no principal. It stops at an item
// that cannot be read.
func (r *run) empty(stream string) (n int) {
	for t, err := range r.staged.Tags(stream) {
		if err != nil {
			return n
		}
		if len(t.Names) == 0 {
			n++
		}
	}
	return n
}

func verdict(err error, dry bool) Verdict {
	var refused *fault.Refusal
	var unconfirmed *fault.Unconfirmed
	switch {
	case err == nil && dry:
		return VerdictDry
	case err == nil:
		return VerdictDelivered
	case errors.As(err, &refused):
		return VerdictRefused
	case errors.As(err, &unconfirmed):
		return VerdictUnconfirmed
	case errors.Is(err, fault.ErrStopped):
		return VerdictStopped
	}
	return VerdictFailed
}

func (r *run) note(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Notes = append(r.report.Notes, fmt.Sprintf(format, args...))
}

func (r *run) notesOf(v any) {
	if n, ok := v.(component.Noter); ok {
		for _, s := range n.Notes() {
			r.note("%s", s)
		}
	}
}
