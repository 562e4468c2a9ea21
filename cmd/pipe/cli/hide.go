package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/pipe/cli/print"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/operate"
)

func (a *app) hideCommand() *urfave.Command {
	return &urfave.Command{
		Name:      "hide",
		Usage:     "hide documents now, and keep runs from sending them again",
		ArgsUsage: "FILE REF…",
		Description: "Writes the refs to the hidden list in the state folder, removes all permissions of the " +
			"documents, deletes them, asks Glean to process deletions now (possible once in three hours), " +
			"and checks once whether they can still be found. It does not wait for a run: runs with this " +
			"state folder read the list while they publish, and send nothing that is on it until --unhide. " +
			"Then it reads the source and lists the documents whose text contains a hidden title or ref.\n\n" +
			"Exit codes: as for pipe run. 7 when Glean still lists a document that people may find, does not " +
			"say what it lists, or the id of a document is not known.",
		Flags:  append(hideFlags(), allowUnpinned()),
		Action: a.hideAction,
	}
}

func hideFlags() []urfave.Flag {
	return []urfave.Flag{
		&urfave.BoolFlag{Name: "unhide", Usage: "take it off the list: the next run delivers it by the rules"},
		&urfave.BoolFlag{Name: "unseen",
			Usage: "keep refs on the list that neither the last good run, the source nor Glean knows"},
		&urfave.BoolFlag{Name: "no-mentions", Usage: "do not read the source for documents that mention what is " +
			"hidden"},
	}
}

// hideJSON is the result of a call.
type hideJSON struct {
	Refs  []hiddenJSON `json:"refs"`
	Notes []string     `json:"notes"` // about all refs
}

type hiddenJSON struct {
	Ref   string   `json:"ref"`
	Types []string `json:"types"` // of the documents that were taken away
	Gone  bool     `json:"gone"`  // Glean does not list it with permissions by which it may be found
	Notes []string `json:"notes"`
	// Title is null if the source was not read, and "" if it has no title.
	Title       *string  `json:"title"`
	MentionedIn []string `json:"mentionedIn"` // refs of documents whose text contains the title or the ref
	Error       string   `json:"error,omitempty"`
}

func (a *app) hideAction(c *urfave.Context) error {
	if err := needsRefs(c); err != nil {
		return err
	}
	return a.operate(c, loading{}, func(ctx context.Context, o *operating) error {
		if o.State == nil {
			return usage{"nothing was hidden: without a state folder the next run would send the documents again",
				"name the state folder of the runs with --state DIR; without one, use a permission rule with " +
					"allow: none"}
		}
		return a.hide(ctx, c, o)
	})
}

// hide hides the refs of a call, or lets them back with --unhide, and prints the result.
func (a *app) hide(ctx context.Context, c *urfave.Context, o *operating) error {
	if c.Bool("unhide") {
		return a.unhide(c, o)
	}
	if err := o.HaveDocuments(o.refs); err != nil {
		return err
	}
	done, err := operate.Hide(ctx, o.Pipeline,
		operate.HideOptions{SelectOptions: o.selecting(a, nil), KeepUnknown: c.Bool("unseen")})
	if done == nil {
		return err
	}
	out := hideJSON{Refs: []hiddenJSON{}, Notes: append([]string{}, done.Notes...)}
	for _, h := range done.Refs {
		one := hiddenJSON{Ref: h.Ref, Types: append([]string{}, h.Types...), Gone: h.Err == nil,
			Notes: append([]string{}, h.Notes...)}
		if h.Unknown && !c.Bool("unseen") {
			h.Err, one.Gone = unknownRef(a.hideCall(), o.NearRefs(h.Ref)), false
		}
		if h.Err != nil {
			one.Error = h.Err.Error()
			err = errors.Join(err, fmt.Errorf("%s: %w", h.Ref, h.Err))
		}
		out.Refs = append(out.Refs, one)
	}
	if !c.Bool("json") {
		for i, h := range out.Refs {
			if !done.Refs[i].Unknown || c.Bool("unseen") {
				a.printHidden(o, h)
			}
		}
		a.printHideNotes(out.Notes)
	}
	if ctx.Err() == nil && !c.Bool("no-mentions") {
		before := len(out.Notes)
		a.findMentions(ctx, o, done, &out)
		if !c.Bool("json") {
			a.printMentions(out.Refs)
			a.printHideNotes(out.Notes[before:])
		}
	}
	if c.Bool("json") {
		return a.printJSON(out, err)
	}
	return err
}

// hideCall is the command that hides documents.
func (a *app) hideCall() string {
	if a.program().ofFiles {
		return "pipe hide"
	}
	return a.program().Name + " fleet hide"
}

// unknownRef is that neither the last good run, the source nor Glean has a ref.
func unknownRef(call string, near []string) error {
	remedy := "to keep it hidden in case it appears: " + call + " --unseen"
	if len(near) > 0 {
		remedy = "did you mean " + print.List(near) + "? " + remedy
	}
	return fault.Errorf(fault.Permanent, remedy,
		"neither the last good run, nor the source, nor Glean has it; it was not put on the hidden list")
}

// findMentions reads the source for documents that mention the hidden ones. If the source
// does not answer, it adds a note.
func (a *app) findMentions(ctx context.Context, o *operating, done *operate.HideResult, out *hideJSON) {
	s := o.selecting(a, nil)
	s.Refs = nil
	for _, h := range done.Refs {
		if !h.Unknown {
			s.Refs = append(s.Refs, h.Ref)
		}
	}
	if len(s.Refs) == 0 {
		return
	}
	err := done.SourceErr
	var found map[string]*operate.Mentioned
	if err == nil {
		found, err = operate.Mentions(ctx, o.Pipeline, s)
	}
	if err != nil {
		out.Notes = append(out.Notes, fmt.Sprintf("the search for documents that mention hidden ones was "+
			"skipped: %v", err))
		return
	}
	for i := range out.Refs {
		if m := found[out.Refs[i].Ref]; m != nil {
			out.Refs[i].Title, out.Refs[i].MentionedIn = &m.Title, m.Refs
		}
	}
}

func (a *app) printHidden(o *operating, h hiddenJSON) {
	what := h.Ref
	if o.IsIdentity(h.Ref) {
		what = "the page of " + h.Ref
	}
	switch {
	case h.Error != "":
		display.Fprintf(a.Stdout, "%s: on the hidden list; see below\n", what)
	case len(h.Types) == 0:
		display.Fprintf(a.Stdout, "%s: Glean does not have it; it is on the hidden list\n", what)
	default:
		display.Fprintf(a.Stdout, "%s: deleted, and hidden until `%s --unhide`\n", what, a.hideCall())
	}
	for _, n := range h.Notes {
		display.Fprintf(a.Stdout, "  ! %s\n", display.Indent(n, "    "))
	}
}

func (a *app) printHideNotes(notes []string) {
	for _, n := range notes {
		display.Fprintf(a.Stdout, "! %s\n", display.Indent(n, "  "))
	}
}

// shownMentions is how many documents are listed for a ref; --json lists all.
const shownMentions = 20

func (a *app) printMentions(all []hiddenJSON) {
	for _, h := range all {
		switch n := len(h.MentionedIn); {
		case h.Title == nil:
		case n == 0 && *h.Title == "":
			display.Fprintf(a.Stdout, "%s: no other document contains its ref; its title is not known\n", h.Ref)
		case n == 0:
			display.Fprintf(a.Stdout, "%s: no other document contains its title or its ref\n", h.Ref)
		default:
			what := "its ref (the title is not known)"
			if *h.Title != "" {
				what = fmt.Sprintf("its title \"%s\" or its ref", *h.Title)
			}
			word := "documents"
			if n == 1 {
				word = "document"
			}
			display.Fprintf(a.Stdout, "%s: %d other %s with %s in the text:\n", h.Ref, n, word, what)
			for _, ref := range h.MentionedIn[:min(n, shownMentions)] {
				display.Fprintf(a.Stdout, "  %s\n", ref)
			}
			if n > shownMentions {
				display.Fprintf(a.Stdout, "  and %d more, which --json lists\n", n-shownMentions)
			}
		}
	}
}

func (a *app) unhide(c *urfave.Context, o *operating) error {
	if err := operate.Unhide(o.Pipeline, o.selecting(a, nil)); err != nil {
		return err
	}
	if c.Bool("json") {
		return a.printJSON(o.refs, nil)
	}
	for _, ref := range o.refs {
		now := ""
		if a.program().ofFiles {
			now = ", or deliver it now with `pipe push`"
		}
		display.Fprintf(a.Stdout, "%s: no longer hidden; the next run delivers it by the rules%s\n", ref, now)
	}
	return nil
}

// who returns the name of the user with that of the machine.
func (a *app) who() string {
	host, _ := os.Hostname()
	if name := a.userName(); name != "" {
		return name + "@" + host
	}
	if id := os.Getuid(); id >= 0 {
		return fmt.Sprintf("uid %d@%s", id, host)
	}
	return host
}

// userName returns the name of the user from the environment; "" when there is none.
func (a *app) userName() string {
	for _, name := range []string{"USER", "LOGNAME", "USERNAME"} {
		if v, _ := a.Env(name); v != "" {
			return v
		}
	}
	return ""
}
