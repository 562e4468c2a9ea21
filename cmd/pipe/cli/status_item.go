package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/operate"
)

// itemStatus is what Glean says of a document beside what the pipeline would send
// now.
type itemStatus struct {
	Ref string `json:"ref"`
	*component.ItemInspection
	AudienceNow string    `json:"audience"`
	Pipeline    wouldSend `json:"pipeline"`
	Same        *bool     `json:"samePermissions"` // nil where one of the two is not known
}

type wouldSend struct {
	Ending   string   `json:"ending"`
	Reason   string   `json:"reason,omitempty"`
	Audience string   `json:"audience,omitempty"`
	Rule     string   `json:"rule,omitempty"`
	Named    []string `json:"named"`
	Error    string   `json:"error,omitempty"` // why it is not known
}

func (a *app) statusOfItem(ctx context.Context, c *urfave.Context, o *operating, inspector component.Inspector) error {
	ref := o.refs[0]
	out := itemStatus{Ref: ref, Pipeline: wouldSend{Named: []string{}}}
	q := component.ItemQuery{ID: ref, Person: c.String("as")}
	sel, err := operate.Select(ctx, o.Pipeline, o.selecting(a, nil))
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil: // what Glean has is worth knowing all the same
		out.Pipeline.Error = err.Error()
	default:
		q.Selection = sel
		r := sel.Records[0]
		out.Pipeline.Ending, out.Pipeline.Reason = r.Ending.String(), r.Undelivered()
		if len(r.Items) > 0 {
			item := r.Items[0]
			q.ID, q.Types = item.ID, []string{item.Type}
			out.Pipeline.Audience, out.Pipeline.Rule = item.Audience.String(), item.Rule
		}
	}
	var unknown string // why it is not known which document is meant
	if len(q.Types) == 0 && o.State != "" {
		ids, lost, err := operate.RememberedIDs(o.Pipeline.Sink, o.State, ref)
		switch {
		case err != nil:
			unknown = err.Error()
		case lost:
			unknown = "the last good run delivered it under an id that is not its ref, and neither the source nor the hidden " +
				"list says which"
		}
		if len(ids) > 0 {
			q.ID = ids[len(ids)-1]
		}
	}
	done, err := poll(ctx, c, func() (bool, error) {
		var err error
		out.ItemInspection, err = inspector.InspectItem(ctx, q)
		return err == nil && out.Indexed == "yes", err
	})
	if err != nil {
		return err
	}
	if unknown != "" && out.Uploaded != "yes" {
		out.Uploaded, out.Indexed, out.Audience = "unknown", "unknown", access.Undecided
		out.Notes = append(out.Notes, "the id of its document is not known: "+unknown)
	}
	out.compare()
	if c.IsSet("wait") && !done {
		err = &fault.Unconfirmed{Reason: fmt.Sprintf("Glean has not indexed %s within %s", ref, waitOf(c)),
			Remedy: "wait longer with --wait=1h, or have Glean process it now with pipe process FILE"}
	}
	if c.Bool("json") {
		return a.printJSON(out, err)
	}
	a.printItem(out)
	return err
}

// compare tells whether Glean has the permissions that would be sent.
func (s *itemStatus) compare() {
	s.AudienceNow = s.Audience.String()
	s.Pipeline.Named = append(s.Pipeline.Named, s.Planned...)
	if s.Uploaded != "yes" || s.Audience == access.Undecided || s.Pipeline.Error != "" {
		return
	}
	same := s.Pipeline.Audience == s.AudienceNow && slices.Equal(s.Pipeline.Named, s.Named)
	s.Same = &same
}

func (a *app) printItem(s itemStatus) {
	w := a.Stdout
	line := func(what, format string, args ...any) {
		display.Fprintf(w, "  %-12s %s\n", what, fmt.Sprintf(format, args...))
	}
	display.Fprintln(w, s.Ref)
	line("uploaded", "%s", s.Uploaded+at(s.UploadedAt))
	line("indexed", "%s", s.Indexed+at(s.IndexedAt))
	if s.Uploaded != "no" {
		line("in Glean", "%s", audienceText(s.AudienceNow, s.Named))
	}
	switch {
	case s.Pipeline.Error != "":
		line("pipeline", "not known: %s", s.Pipeline.Error)
	case s.Pipeline.Audience == "":
		line("pipeline", "%s", s.Pipeline.Reason)
	default:
		line("pipeline", "%s (rule %s)", audienceText(s.Pipeline.Audience, s.Pipeline.Named), s.Pipeline.Rule)
	}
	if s.Same != nil && !*s.Same {
		line("", "they differ: the next run brings Glean to what the pipeline says; pipe hide and pipe push do so now")
	}
	if s.Uploaded != "no" && s.Principals == "no" {
		line("", "Glean does not know all that its permissions name")
	}
	for i, e := range s.Events {
		what := ""
		if i == 0 {
			what = "events"
		}
		line(what, "%s %s", clock(e.At), e.What)
	}
	if x := s.Access; x != nil {
		verdict := "finds it"
		if !x.Has {
			verdict = "does not find it"
		}
		line("access", "%s %s", x.Person, verdict)
		for _, r := range x.Reasons {
			line("", "→ %s", a.named(r))
		}
	}
	for _, n := range s.Notes {
		display.Fprintf(w, "! %s\n", display.Indent(n, "  "))
	}
}

func at(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return ", " + clock(t)
}

func audienceText(audience string, named []string) string {
	if audience == access.Undecided.String() {
		return "permissions not known"
	}
	if len(named) == 0 {
		return audience
	}
	return audience + ": " + strings.Join(named, ", ")
}
