package operate

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/state"
)

// ItemStatus is what a sink reports about a document, and what the pipeline would send now.
type ItemStatus struct {
	Ref string `json:"ref"`
	*component.ItemInspection
	AudienceNow string    `json:"audience"`
	Pipeline    WouldSend `json:"pipeline"`
	Same        *bool     `json:"samePermissions"` // nil when one of the two is not known
}

// WouldSend is what the pipeline would send for a document now.
type WouldSend struct {
	Ending   string   `json:"ending"`
	Reason   string   `json:"reason,omitempty"`
	Audience string   `json:"audience,omitempty"`
	Rule     string   `json:"rule,omitempty"`
	Named    []string `json:"named"`
	Error    string   `json:"error,omitempty"` // why it is not known
}

// ItemStatusOptions are the options of InspectItem. SelectOptions.Refs contains the ref.
type ItemStatusOptions struct {
	SelectOptions
	Person string        // the e-mail of a person to check access for, or ""
	Wait   time.Duration // for the document to be indexed; 0 queries it once
}

// InspectItem returns what the sink has of one document. It returns a *fault.Unconfirmed, with
// the status, when the sink has not indexed the document within Wait.
func InspectItem(ctx context.Context, p *component.Pipeline, o ItemStatusOptions) (*ItemStatus, error) {
	inspector, can := p.Sink.(component.Inspector)
	if !can {
		return nil, fault.Errorf(fault.Fatal, "", "the sink does not report what it holds")
	}
	ref := o.Refs[0]
	out := &ItemStatus{Ref: ref, Pipeline: WouldSend{Named: []string{}}}
	q := component.ItemQuery{ID: ref, Person: o.Person}
	sel, err := Select(ctx, p, o.SelectOptions)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil: // what the sink has is useful nevertheless
		out.Pipeline.Error = err.Error()
	default:
		q.Selection = sel
		out.selected(sel.Records[0], &q)
	}
	unknown := ""
	if len(q.Types) == 0 && o.State != nil {
		unknown = remembered(p.Sink, o.State, ref, &q)
	}
	done, err := poll(ctx, o.Wait, func() (bool, error) {
		var err error
		out.ItemInspection, err = inspector.InspectItem(ctx, q)
		return err == nil && out.Indexed == "yes", err
	})
	if err != nil {
		return nil, err
	}
	if unknown != "" && out.Uploaded != "yes" {
		out.Uploaded, out.Indexed, out.Audience = "unknown", "unknown", access.Undecided
		out.Notes = append(out.Notes, "the id of its document is unknown: "+unknown)
	}
	out.compare()
	if o.Wait > 0 && !done {
		return out,
			&fault.Unconfirmed{Reason: fmt.Sprintf("the sink has not indexed %s within %s", ref, o.Wait), Remedy: waitLonger}
	}
	return out, nil
}

// selected sets what the pipeline would send, and the id and type for the query.
func (s *ItemStatus) selected(r component.Selected, q *component.ItemQuery) {
	s.Pipeline.Ending, s.Pipeline.Reason = r.Ending.String(), r.Undelivered()
	if len(r.Items) > 0 {
		item := r.Items[0]
		q.ID, q.Types = item.ID, []string{item.Type}
		s.Pipeline.Audience, s.Pipeline.Rule = item.Audience.String(), item.Rule
	}
}

// remembered sets the latest ID of a ref in the state folder, and returns why the document is
// not known; "" when it is.
func remembered(sink component.Sink, in state.Store, ref string, q *component.ItemQuery) (unknown string) {
	ids, lost, err := RememberedIDs(sink, in, ref)
	switch {
	case err != nil:
		unknown = err.Error()
	case lost:
		unknown = "the last good run delivered it with an id that is not its ref, and neither the source nor the " +
			"hidden list has that id"
	}
	if len(ids) > 0 {
		q.ID = ids[len(ids)-1]
	}
	return unknown
}

// compare sets whether the sink has the permissions that would be sent.
func (s *ItemStatus) compare() {
	s.AudienceNow = s.Audience.String()
	s.Pipeline.Named = append(s.Pipeline.Named, s.Planned...)
	if s.Uploaded != "yes" || s.Audience == access.Undecided || s.Pipeline.Error != "" {
		return
	}
	same := s.Pipeline.Audience == s.AudienceNow && slices.Equal(s.Pipeline.Named, s.Named)
	s.Same = &same
}
