package print

import (
	"io"
	"strings"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Refusal prints what a refused run would have changed: totals by stream and
// class, and the first refs of each.
func Refusal(w io.Writer, r *baseline.Refusal) {
	display.Fprintf(w, "Run %s of %s was refused on %s:\n", r.Run, r.Pipeline, r.At.Local().Format("2006-01-02 15:04"))
	for _, reason := range r.Reasons {
		display.Fprintf(w, "  %s\n", reason)
	}
	display.Fprintf(w, "\nThe approval allows:\n")
	for _, g := range groupChanges(r.Changes) {
		display.Fprintf(w, "  %s: %s\n", g.what, display.Number(g.n))
		if len(g.refs) > 0 {
			display.Fprintf(w, "    %s\n", display.Block(display.Line(g.list())))
		}
	}
}

// changeGroup is the changes of one stream from one class to another.
type changeGroup struct {
	what string
	n    int
	all  int // changes
	refs []string
}

// shownRefs is how many refs are printed of each group.
const shownRefs = 10

func (g *changeGroup) list() string {
	text := strings.Join(g.refs, ", ")
	if more := g.all - len(g.refs); more > 0 {
		text += " and " + display.Number(more) + " more"
	}
	return text
}

// groupChanges sums changes up, in the order of their streams and classes.
func groupChanges(changes []fault.Change) []*changeGroup {
	var out []*changeGroup
	byText := map[string]*changeGroup{}
	for _, ch := range changes {
		what := changeText(ch)
		g := byText[what]
		if g == nil {
			g = &changeGroup{what: what}
			byText[what] = g
			out = append(out, g)
		}
		g.n += ch.N
		g.all++
		if ch.Ref != "" && len(g.refs) < shownRefs {
			g.refs = append(g.refs, ch.Ref)
		}
	}
	return out
}

// changeText is what a change does, without the item.
func changeText(ch fault.Change) string {
	before, after := access.Class(ch.Before), access.Class(ch.After)
	stream := ch.Stream
	if ch.Type != "" && ch.ID == "" {
		stream += " of type " + ch.Type
	}
	switch {
	case ch.ID == "" && before == fault.Unknown:
		return stream + ": everything is deleted, the number is unknown"
	case ch.ID == "":
		return stream + " that only the sink's count knows, deleted"
	case after == fault.Gone && before == "":
		return stream + ", deleted"
	case after == fault.Gone:
		return stream + " for " + before + ", deleted"
	case before == after:
		return stream + " for " + before + ", with other names"
	}
	return stream + ", " + before + " → " + after
}
