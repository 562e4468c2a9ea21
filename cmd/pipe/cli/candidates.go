package cli

import (
	"context"
	"io"
	"os"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/engine/redact"
	"github.com/pipe-engine/pipe/engine/state"
)

// candidatesCall is how the scripts of pipe completion ask for words that only the pipeline
// file and the state folder know. The words of the call so far follow it, the last of them
// unfinished.
const candidatesCall = "__complete"

// mostCandidates is how many refs are offered; more are shortened to the part before their
// next colon or slash.
const mostCandidates = 50

// printCandidates prints what the last word of a call may become, one a line. It connects to
// nothing, writes no file and reports no error: a shell would print it into the call.
func (a *app) printCandidates(ctx context.Context, words []string) {
	if len(words) == 0 {
		return
	}
	out := a.Stdout
	silent := newWriter(io.Discard, &redact.Redactor{}, plainWidth)
	a.Stdout, a.Stderr = silent, silent
	found := a.candidates(ctx, words[:len(words)-1], words[len(words)-1])
	a.Stdout = out
	for _, one := range found {
		display.Fprintf(out, "%s\n", one)
	}
}

// candidates returns what a word after others may become.
func (a *app) candidates(ctx context.Context, before []string, word string) (found []string) {
	c := a.cli()
	p := parse(c, append([]string{a.program().Name}, before...), a.globalFlags())
	cmd := p.command()
	if cmd == nil || !strings.HasPrefix(cmd.ArgsUsage, "FILE") {
		return nil
	}
	flag := ""
	if last := before[len(before)-1]; strings.HasPrefix(last, "-") && takesValue(cmd.Flags, last) {
		flag = strings.TrimLeft(last, "-")
		p.options = p.options[:len(p.options)-1] // it has no value yet
	}
	if a.findFile(&p) != nil || len(p.words) == 0 {
		return nil
	}
	list := a.listFor(p.name(), flag, len(p.words)-1)
	if list == nil {
		return nil
	}
	cmd.Action = func(c *urfave.Context) error {
		found = list(c, word)
		return nil
	}
	if c.RunContext(ctx, p.args()) != nil {
		return nil
	}
	return found
}

// listFor returns how the words at a place of a call are listed: the value of a flag, or with
// "" the word after so many others behind the file. It is nil where nothing is known.
func (a *app) listFor(command, flag string, after int) func(c *urfave.Context, word string) []string {
	switch {
	case flag == "only":
		return a.streamCandidates
	case flag == "ref":
		return a.refCandidates
	case flag != "":
		return nil
	case command == "show" && after == 0:
		return a.kindCandidates
	case slices.Contains([]string{"explain", "status", "audit who"}, command) && after == 0,
		slices.Contains([]string{"hide", "push"}, command):
		return a.refCandidates
	}
	return nil
}

// definition is the file of a call, whatever its variables and problems; nil when it cannot
// be read.
func (a *app) definition(c *urfave.Context) *pipeline.Definition {
	d, err := a.parse(c, c.Args().First(), loading{lenient: true, unpinned: true})
	if err != nil {
		return nil
	}
	return d
}

func (a *app) kindCandidates(c *urfave.Context, word string) []string {
	d := a.definition(c)
	if d == nil || d.Model == nil {
		return nil
	}
	return beginning(kindNames(d), word)
}

// streamCandidates lists streams, the last of several after its comma.
func (a *app) streamCandidates(c *urfave.Context, word string) []string {
	d := a.definition(c)
	if d == nil {
		return nil
	}
	given := word[:strings.LastIndex(word, ",")+1]
	var names []string
	for _, s := range d.Streams {
		if !slices.Contains(strings.Split(given, ","), s.Name) {
			names = append(names, given+s.Name)
		}
	}
	return beginning(names, word)
}

// refCandidates lists the refs of the baseline.
func (a *app) refCandidates(c *urfave.Context, word string) []string {
	dir, place, err := a.statePlace(c)
	if err != nil {
		return nil
	}
	if _, err := os.Stat(dir); err != nil { // Open would make it
		return nil
	}
	store, err := baseline.Open(state.Folder(dir), place)
	if err != nil {
		return nil
	}
	b, err := store.Load()
	if err != nil || b.Snapshot == nil {
		return nil
	}
	defer b.Close()
	refs := map[string]bool{}
	for e, err := range b.Entries() {
		if err != nil {
			return nil
		}
		if strings.HasPrefix(e.Ref, word) && e.Away.IsZero() {
			refs[e.Ref] = true
		}
	}
	return shortened(refs, word)
}

// shortened are refs in their order; many are cut after the next colon or slash behind word.
func shortened(refs map[string]bool, word string) []string {
	if len(refs) > mostCandidates {
		parts := map[string]bool{}
		for ref := range refs {
			if i := strings.IndexAny(ref[len(word):], ":/"); i >= 0 {
				ref = ref[:len(word)+i+1]
			}
			parts[ref] = true
		}
		refs = parts
	}
	out := make([]string, 0, len(refs))
	for ref := range refs {
		out = append(out, ref)
	}
	slices.Sort(out)
	return out
}

func beginning(words []string, with string) []string {
	return slices.DeleteFunc(words, func(w string) bool { return !strings.HasPrefix(w, with) })
}
