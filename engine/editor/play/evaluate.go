package play

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/editor/analysis"
	"github.com/pipe-engine/pipe/engine/editor/text"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/page"
)

// The most problems, and completions, of an answer.
const (
	mostProblems    = 100
	mostCompletions = 200
)

// problem is a problem of the file.
type problem struct {
	Place   string        `json:"place"` // line:column as pipe check counts them, "" for the whole file
	Warning bool          `json:"warning"`
	Code    string        `json:"code"`
	Message string        `json:"message"`
	Hint    string        `json:"hint"`
	From    text.Position `json:"from"`
	To      text.Position `json:"to"`
}

// option is an entry of a list to choose from.
type option struct {
	Value string `json:"value"`
	Text  string `json:"text"`
}

// evaluated is the answer to a text.
type evaluated struct {
	Problems []problem `json:"problems"`
	More     int       `json:"more"` // problems that are left out
	// HTML is what the text makes of the sample. Why is why there is none.
	HTML string `json:"html"`
	Why  string `json:"why"`

	Ref    string   `json:"ref"`
	Refs   []option `json:"refs"`
	People []option `json:"people"`
	// File is where the sample comes from, and Fixed means that a comment of the text chooses it.
	File  string `json:"file"`
	Fixed bool   `json:"fixed"`
}

// evaluate answers with the problems of a text and what it makes of the sample.
func (p *Playground) evaluate(r *http.Request) (any, error) {
	return work(p, r, func(ctx context.Context, w *analysis.Workspace) (evaluated, error) {
		w.Choose(p.path, analysis.Sample{File: r.PostForm.Get("file"), Ref: r.PostForm.Get("ref")})
		var out evaluated
		problems := w.Problems(p.path)
		d := w.Document(p.path)
		for _, one := range problems[:min(len(problems), mostProblems)] {
			out.Problems = append(out.Problems, p.problemOf(d, one))
		}
		out.More = len(problems) - len(out.Problems)
		chosen, fixed := w.Chosen(p.path)
		out.File, out.Fixed = chosen.File, fixed
		t, err := w.Trial(ctx, p.path, strings.TrimSpace(r.PostForm.Get("as")))
		if err != nil {
			out.Why = p.why(problems, err)
			return out, ctx.Err()
		}
		out.Ref = t.Ref
		for _, ref := range t.Refs {
			out.Refs = append(out.Refs, option{ref, p.clean(ref)})
		}
		for _, one := range t.People {
			out.People = append(out.People, option{one.Email, p.clean(nameOf(t, one.Email))})
		}
		var b bytes.Buffer
		if err := templates.ExecuteTemplate(&b, "result.html", page.Clean(view(t, chosen.Ref), p.o.Secrets)); err != nil {
			return out, err
		}
		out.HTML = b.String()
		return out, nil
	})
}

// why returns why there is no result.
func (p *Playground) why(problems config.Problems, err error) string {
	invalid := (*fault.Invalid)(nil)
	switch {
	case problems.HasErrors():
		return "The file has problems."
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, fault.ErrStopped):
		return "The records of the sample took too long, so there is no result."
	case errors.As(err, &invalid):
		return p.clean(fmt.Sprintf("There is no result: %s; %s.", invalid.Reason, invalid.Remedy))
	}
	return p.clean("There is no result: " + err.Error() + ".")
}

// clean returns a text of one line without secrets, escaped and not too long.
func (p *Playground) clean(s string) string { return page.Clean([]string{s}, p.o.Secrets)[0] }

// cleanLines is clean for a text of several lines.
func (p *Playground) cleanLines(s string) string {
	var out []string
	for line := range strings.SplitSeq(s, "\n") {
		out = append(out, p.clean(line))
	}
	return strings.Join(out[:min(len(out), mostLines)], "\n")
}

func (p *Playground) problemOf(d *text.Document, one config.Problem) problem {
	out := problem{Warning: one.Warning, Code: one.Code, Message: p.cleanLines(one.Message),
		Hint: p.cleanLines(strings.ReplaceAll(one.Hint, "FILE", "the file"))}
	if one.Line > 0 {
		out.Place = fmt.Sprintf("%d:%d", one.Line, max(one.Col, 1))
		span := d.Span(d.OffsetOf(one.Line, one.Col), d.OffsetOf(one.Line, one.Col+max(one.Width, 1)))
		out.From, out.To = span.Start, span.End
	}
	return out
}

// fix is a fix of a problem.
type fix struct {
	Problem int    `json:"problem"` // the number of the problem in the list, from 0
	Title   string `json:"title"`
	Edits   []edit `json:"edits"`
}

// fixTime is how long fixes are looked for. Those that are found by then are shown.
const fixTime = 3 * time.Second

// fixes answers with the fixes of the problems of a text.
func (p *Playground) fixes(r *http.Request) (any, error) {
	return work(p, r, func(ctx context.Context, w *analysis.Workspace) ([]fix, error) {
		out := []fix{}
		d, problems := w.Document(p.path), w.Problems(p.path)
		shown := problems[:min(len(problems), mostProblems)]
		some, cancel := context.WithTimeout(ctx, fixTime)
		defer cancel()
		for _, found := range w.Fixes(some, p.path, 0, d.Lines()) {
			one := fix{Title: p.clean(found.Fix.Title), Problem: slices.Index(shown, found.Problem)}
			for _, e := range found.Fix.Bytes() {
				one.Edits = append(one.Edits, editOf(d, e))
			}
			if one.Problem >= 0 {
				out = append(out, one)
			}
		}
		return out, ctx.Err()
	})
}

// completion is a text to write at the cursor.
type completion struct {
	Label  string `json:"label"`
	Detail string `json:"detail"`
	Doc    string `json:"doc"`
	Edit   edit   `json:"edit"`
}

// complete answers with what may be written at a place.
func (p *Playground) complete(r *http.Request) (any, error) {
	line, err := strconv.Atoi(r.PostForm.Get("line"))
	character, wrong := strconv.Atoi(r.PostForm.Get("character"))
	if err != nil || wrong != nil {
		return nil, refused{http.StatusBadRequest, "The place is not a line and a character."}
	}
	return work(p, r, func(_ context.Context, w *analysis.Workspace) ([]completion, error) {
		out := []completion{}
		d := w.Document(p.path)
		at := d.Offset(text.Position{Line: line, Character: character})
		for _, c := range w.Complete(p.path, at) {
			if typed := d.Text()[min(c.Edit.From, at):at]; !strings.HasPrefix(strings.ToLower(c.Label), strings.ToLower(typed)) {
				continue
			}
			if len(out) == mostCompletions {
				break
			}
			doc := strings.ReplaceAll(c.Doc, "`", "") // it is Markdown
			out = append(out, completion{p.clean(c.Label), p.clean(c.Detail), p.cleanLines(doc), editOf(d, c.Edit)})
		}
		return out, nil
	})
}
