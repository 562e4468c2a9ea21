package print

import (
	"fmt"
	"io"
	"strings"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/lipgloss/tree"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/explain"
)

// leaf is text for one line of a tree.
func leaf(text string) string { return display.Short(text, display.MaxValue) }

// Explanation prints the way of a record as a tree, with the whole record if it
// is asked for.
func Explanation(w io.Writer, e explain.Explanation, record bool, st Style) {
	t := tree.Root(leaf(st.Bold.Render(e.Ref) + "  " +
		endingText(e.Ending, e.Reason, st))).Enumerator(tree.RoundedEnumerator)
	if record {
		t.Child(recordTree(e.Record, st))
	}
	if len(e.Transforms) > 0 {
		t.Child(transformTree(e.Transforms, st))
	}
	for _, item := range e.Items {
		t.Child(itemTree(item, st))
	}
	if e.Decision != nil {
		t.Child(decisionTree(e.Decision, e.Reason, st))
	}
	if e.Identity != nil {
		t.Child(identityTree(e.Identity, st))
	}
	display.Fprintln(w, display.Block(t.String()))
	if e.Answer != nil {
		printAnswer(w, *e.Answer, st)
	}
}

func printAnswer(w io.Writer, answer explain.Answer, st Style) {
	verdict := st.Bad.Render("no") + ", " + answer.Who + " does not find it: "
	switch {
	case answer.Unknown:
		verdict = st.Bold.Render("not known") + ", whether " + answer.Who + " finds it: "
	case answer.Finds:
		verdict = st.Good.Render("yes") + ", " + answer.Who + " finds it: "
	}
	display.Fprintf(w, "\n%s%s\n", verdict, answer.Why)
	for _, chain := range answer.Chains() {
		display.Fprintf(w, "  %s\n", strings.Join(chain, " → "))
	}
}

func endingText(ending, reason string, st Style) string {
	switch ending {
	case component.Delivered.String():
		return st.Good.Render("to be delivered")
	case component.Rejected.String():
		return st.Bad.Render("rejected") + ": " + reason
	}
	if reason == "" {
		return ending
	}
	return ending + ": " + reason
}

func recordTree(record map[string]any, st Style) *tree.Tree {
	t := tree.Root("record")
	text, err := codec.MarshalIndent(record)
	if err != nil {
		return t.Child(leaf(err.Error()))
	}
	for line := range strings.Lines(string(text)) {
		t.Child(st.Dim.Render(display.Line(strings.TrimRight(line, "\n"))))
	}
	return t
}

func transformTree(all []explain.TransformStep, st Style) *tree.Tree {
	t := tree.Root("transforms")
	paint := map[string]func(...string) string{explain.Changed: st.Good.Render, explain.Dropped: st.Bad.Render,
		explain.Failed: st.Bad.Render}
	var rows [][]string
	for _, one := range all {
		outcome := one.Outcome
		if p, ok := paint[outcome]; ok {
			outcome = p(outcome)
		}
		if one.Reason != "" {
			outcome += ": " + one.Reason
		}
		rows = append(rows, []string{one.Name, outcome, one.At[strings.LastIndexByte(one.At, ':'):]})
	}
	for i, line := range aligned(rows, st) {
		branch := tree.Root(leaf(line))
		for _, d := range all[i].Changes {
			branch.Child(leaf(fmt.Sprintf("%s: %s → %s", display.Line(d.Path), Short(d.Before, ValueWidth),
				Short(d.After, ValueWidth))))
		}
		t.Child(branch)
	}
	return t
}

// The widths, in characters, to which values and expressions are cut.
const (
	ValueWidth      = 64
	expressionWidth = 56
)

func itemTree(item explain.ItemResult, st Style) *tree.Tree {
	t := tree.Root(leaf(item.Stream + "  " + endingText(item.Ending, item.Reason, st) + "  " + st.Dim.Render(item.At)))
	var nothing []string
	var rows [][]string
	for _, f := range item.Fields {
		if f.Value == nil {
			nothing = append(nothing, f.Name)
			continue
		}
		line := f.At[strings.LastIndexByte(f.At, ':'):]
		rows = append(rows,
			[]string{f.Name, Short(f.Value, ValueWidth), "← " + cut(f.Expression, expressionWidth) + "  " + line})
	}
	for _, line := range aligned(rows, st) {
		t.Child(leaf(line))
	}
	if len(nothing) > 0 {
		t.Child(leaf(st.Dim.Render("no value: " + strings.Join(nothing, ", "))))
	}
	return t
}

// aligned makes lines of rows, each cell below that of the row before; the last
// cell is the dim one.
func aligned(rows [][]string, st Style) []string {
	var widths []int
	for _, row := range rows {
		for i := range row {
			row[i] = display.Short(row[i], display.MaxCell)
			cell := row[i]
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], lipgloss.Width(cell))
		}
	}
	out := make([]string, len(rows))
	for n, row := range rows {
		for i, cell := range row[:len(row)-1] {
			out[n] += cell + strings.Repeat(" ", widths[i]-lipgloss.Width(cell)+2)
		}
		out[n] += st.Dim.Render(row[len(row)-1])
	}
	return out
}

func decisionTree(d *explain.DecisionResult, reason string, st Style) *tree.Tree {
	t := tree.Root("permissions")
	if d.From != "" {
		why := reason
		if d.Rule != "" {
			why = explain.RuleText(d.Rule) + ": " + st.Good.Render(d.Audience)
		}
		t.Child(leaf("as " + d.From + ": " + why + "; " + st.Dim.Render("pipe explain FILE "+d.From+" shows why")))
	}
	var rows [][]string
	for _, r := range d.Rules {
		outcome := r.Outcome
		switch r.Outcome {
		case explain.RuleDecided:
			outcome = st.Good.Render(outcome + ": " + d.Audience)
		case explain.RuleFailed:
			outcome = st.Bad.Render(outcome)
		}
		at := r.At[strings.LastIndexByte(r.At, ':'):]
		if r.When != "" {
			at = "when " + cut(r.When, expressionWidth) + "  " + at
		}
		rows = append(rows, []string{r.Name, outcome, at})
	}
	for _, line := range aligned(rows, st) {
		t.Child(leaf(line))
	}
	if len(d.Named) > 0 {
		t.Child(leaf("names " + List(d.Named)))
	}
	for _, set := range d.AllOf {
		t.Child(leaf("names the members of all of " + List(set)))
	}
	for _, ref := range d.LeftOut {
		t.Child(leaf(st.Bad.Render("left out: ") + ref + ", which is not a delivered user or group"))
	}
	switch {
	case len(d.Finders) > 0:
		t.Child(findersTree("found by "+people(len(d.People)), d.Finders, st))
	case d.Everyone > 0:
		t.Child(leaf("found by every user that is delivered: " + people(d.Everyone)))
	case d.Audience == access.AllUsers.String():
		t.Child("found by everyone who can sign in")
	default:
		t.Child(leaf("found by " + st.Bad.Render("no one")))
	}
	return t
}

func people(n int) string {
	if n == 1 {
		return "1 person"
	}
	return display.Number(n) + " people"
}

// mostFinders is how many members of one group are printed.
const mostFinders = 15

func findersTree(title string, finders []explain.Finder, st Style) *tree.Tree {
	t := tree.Root(leaf(title))
	for _, f := range finders[:min(mostFinders, len(finders))] {
		switch {
		case !f.Group:
			t.Child(leaf(f.Name + "  " + st.Dim.Render(strings.Join(f.Refs, ", "))))
		case f.Unknown:
			t.Child(leaf(f.Name + "  " +
				st.Dim.Render("an earlier run decided its members; this run does not write it")))
		case len(f.Members) == 0:
			t.Child(leaf(f.Name + "  " + st.Dim.Render("no members")))
		default:
			t.Child(findersTree(f.Name, f.Members, st))
		}
	}
	if more := len(finders) - mostFinders; more > 0 {
		t.Child(leaf(fmt.Sprintf("… and %d more; --json lists all", more)))
	}
	return t
}

func identityTree(i *explain.IdentityResult, st Style) *tree.Tree {
	if i.Group {
		if len(i.Members) == 0 {
			return tree.Root("a group without members")
		}
		return findersTree("a group of "+people(len(i.People)), i.Members, st)
	}
	t := tree.Root(leaf("a user: " + i.Person.Email))
	if len(i.Person.Refs) > 1 {
		t.Child(leaf("one with " + strings.Join(i.Person.Refs, ", ") + ", which have the same e-mail"))
	}
	if i.Person.Inactive {
		t.Child("not active: member of no group, and no document names it")
	}
	if len(i.Groups) > 0 {
		t.Child(leaf("member of " + List(i.Groups)))
	}
	return t
}
