package read

import (
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
)

// outlet receives the identities that the session seals.
type outlet struct{ a *reading }

func (o outlet) Keep(stream string, e component.Encoded) error {
	e.Hash()
	if _, declared := o.a.p.Stream(stream); !declared {
		other, err := o.a.stage.Put(stream, e, len(e.Principals), func(string) bool { return false })
		if err == nil && other != "" {
			err = fault.Errorf(fault.Permanent, "", "the sink staged %q twice in %s: this is a defect in pipe",
				e.ID, stream)
		}
		o.a.staged(stream, e)
		return err
	}
	if watch := component.Watching(o.a.watch, e.Ref); watch != nil {
		watch.Named(e.Ref, e.Principal)
	}
	if why := o.a.p.Unwritten(stream); why != "" {
		o.a.ledger.endItem(stream, e.Ref, component.Filtered, why)
		return nil
	}
	_, err := o.a.keep(stream, e)
	return err
}

func (o outlet) End(stream, ref string, ending component.Ending, reason string) {
	if why := o.a.p.Unwritten(stream); why != "" {
		ending, reason = component.Filtered, why
	}
	if ending == component.Rejected {
		o.a.ledger.reject(stream, ref, fault.Reject(fault.StageEncode, "", "%s", reason))
		return
	}
	o.a.ledger.endItem(stream, ref, ending, reason)
}

func (o outlet) Note(format string, args ...any) { o.a.note(format, args...) }
