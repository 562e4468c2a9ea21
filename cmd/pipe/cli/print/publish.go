package print

import (
	"fmt"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/run"
)

// publishLine says what a run sent, or would send: everything, and why, or what changed.
func publishLine(r *run.Report) string {
	p := r.Publish
	if p == nil || r.Verdict == run.VerdictRefused {
		return ""
	}
	sent := "sent"
	if r.Verdict == run.VerdictDry {
		sent = "would be sent"
	}
	var line string
	switch {
	case p.Mode == component.PublishFull && p.Why != "":
		line = fmt.Sprintf("%s: everything, because %s", sent, p.Why)
	case p.Mode == component.PublishFull && len(p.Steps) == 0:
		return ""
	case p.Mode == component.PublishFull:
		line = sent + ": everything"
	case len(p.Steps) == 0:
		return sent + ": nothing, because nothing changed"
	default:
		return fmt.Sprintf("%s: what changed (%s)", sent, steps(p.Steps))
	}
	if len(p.Steps) > 0 {
		line += "; before that " + steps(p.Steps)
	}
	if p.Later > 0 {
		line += fmt.Sprintf(". %s with a narrower audience, or groups that lost members, wait for the upload",
			display.Plural(p.Later, "document"))
	}
	if r.Verdict == run.VerdictDry && p.Seconds >= 1 {
		line += fmt.Sprintf(", in about %s", time.Duration(p.Seconds*float64(time.Second)).Round(time.Second))
	}
	return line
}

// steps names what the steps of a publish do, a number for each.
func steps(all []run.PublishStep) string {
	var parts []string
	for _, s := range all {
		parts = append(parts, stepText(s))
	}
	return strings.Join(parts, ", ")
}

// stepText is what a step does to the items of a stream.
func stepText(s run.PublishStep) string {
	one := strings.TrimSuffix(s.Stream, "s")
	if s.Stream == "memberships" { // an item is a group
		one = "group"
	}
	what := display.Plural(s.Items, one)
	switch {
	case s.Removed && s.Stream == "users" && s.Step == "cut":
		return what + " deactivated"
	case s.Removed:
		return what + " deleted"
	case s.Step == "narrow":
		return what + " with a narrower audience"
	case s.Step == "widen":
		return what + " with a wider audience"
	case s.Stream == "memberships" && s.Step == "cut":
		return what + " reduced to the remaining members"
	case s.Stream == "memberships":
		return "members of " + what + " written"
	}
	return what + " written"
}
