package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/operate"
)

func (a *app) statusOfItem(ctx context.Context, c *urfave.Context, o *operating) error {
	s, err := operate.InspectItem(ctx, o.Pipeline, operate.ItemStatusOptions{
		SelectOptions: o.selecting(a, nil), Person: c.String("as"), Wait: waitOf(c),
	})
	if s == nil {
		return err
	}
	if c.Bool("json") {
		return a.printJSON(s, err)
	}
	a.printItem(s)
	return err
}

func (a *app) printItem(s *operate.ItemStatus) {
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
		line("", "they differ: the next run updates Glean; pipe hide or pipe push does so now")
	}
	if s.Uploaded != "no" && s.Principals == "no" {
		line("", "Glean does not know all users and groups that its permissions name")
	}
	for i, e := range s.Events {
		what := ""
		if i == 0 {
			what = "events"
		}
		line(what, "%s %s", display.Second(e.At), e.What)
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
	return ", " + display.Second(t)
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
