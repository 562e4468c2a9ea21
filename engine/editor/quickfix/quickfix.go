package quickfix

import (
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/editor/text"
)

// Fix is a change that ends a problem.
type Fix struct {
	// Title says what the change does.
	Title string `json:"title"`
	// Certain means that it is the only fix of its problem, and what its author most likely meant.
	Certain bool   `json:"certain"`
	Edits   []Edit `json:"edits"`

	bytes []text.Edit
}

// Edit replaces a part of the file. Lines and columns are from 1, columns in runes; the end is
// not part of it.
type Edit struct {
	Line    int    `json:"line"`
	Col     int    `json:"col"`
	EndLine int    `json:"end_line"`
	EndCol  int    `json:"end_col"`
	Text    string `json:"text"`
}

// Bytes returns the edits by bytes.
func (f Fix) Bytes() []text.Edit { return f.bytes }

// Check returns the problems of a changed text.
type Check func(changed []byte) config.Problems

// mostChecks bounds the checks of one call.
const mostChecks = 200

// Finder finds the fixes of one text.
type Finder struct {
	d      *text.Document
	before config.Problems
	check  Check
	checks int
}

// New returns a finder for a text with these problems.
func New(d *text.Document, problems config.Problems, check Check) *Finder {
	return &Finder{d: d, before: problems, check: check, checks: mostChecks}
}

// Of returns the fixes of a problem of the text, the best first. After many checks it returns
// none.
func (f *Finder) Of(p config.Problem) []Fix {
	if p.Line == 0 || p.Hint == "" {
		return nil
	}
	var out []Fix
	done := map[string]bool{} // titles with a fix
	for _, c := range candidates(f.d, p) {
		if done[c.title] || f.checks == 0 {
			continue
		}
		f.checks--
		changed := text.Apply(f.d.Text(), c.edits)
		if changed == f.d.Text() || !better(f.before, f.check([]byte(changed)), p) {
			continue
		}
		done[c.title] = true
		out = append(out, Fix{Title: c.title, Certain: !c.guess, Edits: f.places(c.edits), bytes: c.edits})
	}
	if len(out) > 1 {
		for i := range out {
			out[i].Certain = false
		}
	}
	return out
}

func (f *Finder) places(edits []text.Edit) []Edit {
	var out []Edit
	for _, e := range edits {
		one := Edit{Text: e.New}
		one.Line, one.Col = f.d.PlaceOf(e.From)
		one.EndLine, one.EndCol = f.d.PlaceOf(e.To)
		out = append(out, one)
	}
	return out
}

// better reports whether a problem is gone and the rest is no worse. Behind a line that YAML
// cannot read, more problems may come into view.
func better(before, after config.Problems, p config.Problem) bool {
	same := func(q config.Problem) bool { return q.Code == p.Code && q.Message == p.Message }
	if count(after, same) >= count(before, same) {
		return false
	}
	if OfYAML(p) {
		return count(after, OfYAML) < count(before, OfYAML)
	}
	return weight(after) < weight(before)
}

func count(all config.Problems, is func(config.Problem) bool) (n int) {
	for _, p := range all {
		if is(p) {
			n++
		}
	}
	return n
}

func weight(all config.Problems) int {
	const anError = 1000
	return len(all) + (anError-1)*len(all.Errors())
}

// OfYAML reports whether a problem hides others.
func OfYAML(p config.Problem) bool {
	return strings.HasPrefix(p.Code, "trap-") || slices.Contains([]string{"yaml-syntax", "tab", "complex-key"}, p.Code)
}

// mostFixes bounds the passes of All.
const mostFixes = 100

// All applies every certain fix of a text, one after the other, and returns the result with the
// fixes that were applied.
func All(src []byte, check Check) (fixed []byte, applied []Applied) {
	fixed = src
	for range mostFixes {
		problems := check(fixed)
		f := New(text.New(string(fixed)), problems, check)
		one := f.next(problems)
		if one == nil {
			break
		}
		applied = append(applied, *one)
		fixed = []byte(text.Apply(string(fixed), one.Fix.bytes))
	}
	return fixed, applied
}

// Applied is a fix with its problem, at its place when it was applied.
type Applied struct {
	Problem config.Problem
	Fix     Fix
}

func (f *Finder) next(problems config.Problems) *Applied {
	for _, p := range problems {
		if all := f.Of(p); len(all) == 1 && all[0].Certain {
			return &Applied{p, all[0]}
		}
	}
	return nil
}
