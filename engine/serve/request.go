package serve

import (
	"slices"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/run"
	"github.com/pipe-engine/pipe/engine/serve/history"
)

// The ways in which a run is asked for; history.Asked.How.
const (
	BySchedule = "schedule"
	ByMissed   = "missed" // a scheduled time at which the server did not run
	ByAPI      = "api"
	ByPage     = "page"
	ByPush     = "push"
	ByWebhook  = "webhook"
	ByApproval = "approval"
)

// Request asks for a run of a pipeline.
type Request struct {
	By     string
	Person bool // By is a person
	// Identity is a hash of who By is at an identity provider; "" when none has said it.
	Identity string
	How      string // BySchedule and so on
	// Full publishes everything. Dry sends nothing.
	Full, Dry bool
	// Only are the streams to write; empty means all.
	Only []string
	// Changed means that what the source holds has just changed, so a run that has already
	// begun is not enough.
	Changed bool
}

// queued is a run that has not begun, or that runs.
type queued struct {
	id    string
	dry   bool
	full  bool
	only  []string // nil means all streams
	asked []history.Asked
	ended chan struct{} // closed when the run has ended
}

func newQueued(q Request, now time.Time) *queued {
	w := &queued{id: run.NewRunID(), dry: q.Dry, full: q.Full, only: slices.Clone(q.Only), ended: make(chan struct{})}
	w.ask(q, now)
	return w
}

// ask adds who asks for the run. Each asker is named once, however often they ask, and none is
// left out: they must not approve what follows.
func (w *queued) ask(q Request, now time.Time) {
	one := history.Asked{By: q.By, Person: q.Person, Identity: q.Identity, At: now, How: q.How}
	if !slices.ContainsFunc(w.asked, func(a history.Asked) bool {
		return a.By == one.By && a.How == one.How && a.Identity == one.Identity
	}) {
		w.asked = append(slices.Clone(w.asked), one)
	}
}

// add makes a run that has not begun answer a further request: it sends something when one of
// them does, everything when one asks for that, and all streams that any of them names.
func (w *queued) add(q Request, now time.Time) {
	w.dry = w.dry && q.Dry
	w.full = w.full || q.Full
	if len(w.only) == 0 || len(q.Only) == 0 {
		w.only = nil
	} else {
		for _, s := range q.Only {
			if !slices.Contains(w.only, s) {
				w.only = append(w.only, s)
			}
		}
	}
	w.ask(q, now)
}

// answers reports whether a run that has begun does what a request asks for.
func (w *queued) answers(q Request) bool {
	if q.Changed || w.dry != q.Dry || q.Full && !w.full {
		return false
	}
	if len(w.only) == 0 {
		return true
	}
	return len(q.Only) > 0 && !slices.ContainsFunc(q.Only, func(s string) bool { return !slices.Contains(w.only, s) })
}

func (w *queued) mode() component.PublishMode {
	if w.full {
		return component.PublishFull
	}
	return ""
}

// by returns who asked for the run, for the ledger.
func (w *queued) by() string {
	if len(w.asked) == 0 {
		return ""
	}
	return w.asked[0].By
}
