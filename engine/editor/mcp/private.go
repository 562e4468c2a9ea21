package mcp

import (
	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/explain"
)

// leftOut replaces the text of a document that not everyone finds.
const leftOut = "[left out: not everyone finds this document; pipe mcp --inspect shows it]"

// privacy decides what an answer shows. The text of a document is shown when every user of the
// datasource finds it, by a file that the caller did not edit or on the sandbox's own records. For
// data that is not the sandbox's own, the same holds for its ref, and no person is named who was not
// asked for.
type privacy struct {
	inspect bool
	bundled bool // the records are those of the program itself
}

// names reports whether refs and people may be named.
func (p privacy) names() bool { return p.inspect || p.bundled }

// hides reports whether the text of a record is left out. A record without a document is shown
// only where it is the sandbox's own and no rule restricts it.
func (p privacy) hides(t *explain.Trace, j *explain.Journey) bool {
	switch doc := t.Document(j); {
	case p.inspect:
		return false
	case doc != nil:
		return !open(doc.Audience)
	case !p.bundled:
		return true
	}
	return j.Decision != nil && !open(j.Decision.Audience)
}

// open reports whether every user of the datasource finds a document.
func open(a access.Audience) bool { return a == access.AllUsers || a == access.DatasourceUsers }

// explanation removes what is not shown of an explanation.
func (p privacy) explanation(e *explain.Explanation, hides bool) {
	if !p.names() {
		e.Identity = nil
		if d := e.Decision; d != nil {
			d.Finders, d.People = nil, nil
		}
	}
	if !hides {
		return
	}
	if !p.names() {
		if d := e.Decision; d != nil {
			d.Named, d.AllOf, d.LeftOut = nil, nil, nil
		}
		if e.Answer != nil {
			e.Answer.Why = "the rule that decided is in permissions; the people and groups that it allows are left out"
		}
	}
	e.Title, e.Record = "", nil
	e.Reason = reasonOf(e.Ending, e.Reason)
	for i := range e.Transforms {
		step := &e.Transforms[i]
		if step.Outcome == explain.Failed && step.Reason != "" {
			step.Reason = leftOut
		}
		for k := range step.Changes {
			step.Changes[k].Before, step.Changes[k].After = leftOut, leftOut
		}
		if !p.names() {
			step.Changes = nil // their paths name what the record has
		}
	}
	for i := range e.Items {
		item := &e.Items[i]
		item.Reason = reasonOf(item.Ending, item.Reason)
		for k := range item.Fields {
			item.Fields[k].Value = leftOut // also in place of nil, which would show what the record lacks
		}
	}
}

// reasonOf returns the reason of an ending: that of a rejection may quote the record.
func reasonOf(ending, reason string) string {
	if ending == component.Rejected.String() && reason != "" {
		return leftOut
	}
	return reason
}
