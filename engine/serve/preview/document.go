package preview

import (
	"context"
	"database/sql"
	"errors"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/explain"
)

// Document is a document that a person finds, and why.
type Document struct {
	ID     string
	Card   Hit // without Snippet
	Before access.Audience
	After  access.Audience
	// FindsAfter and FindsBefore report whether the person finds it.
	FindsAfter, FindsBefore bool
	// Explanation has the fields with their lines, the rules, and everyone who finds the document
	// after this run. Its Answer is nil for AnyUser.
	Explanation explain.Explanation
	// Earlier is who found the document before this run; nil without an earlier run.
	Earlier *Earlier
}

// ErrNotFound reports that there is no such document, or that the person does not find it.
var ErrNotFound = errors.New("there is no such document, or this person does not find it")

// Document returns a document by its ID. It returns ErrNotFound unless the person finds it in the
// view, and ErrClosed after Close.
func (x *Index) Document(ctx context.Context, id string, p Person, v View) (*Document, error) {
	if err := x.begin(); err != nil {
		return nil, err
	}
	defer x.end(&x.searches)
	var number int64
	var before, after int
	args := append([]any{}, x.permitArgs(v, p)...)
	args = append(args, x.permitArgs(v.other(), p)...)
	var finds, other bool
	err := x.db.QueryRowContext(ctx, "SELECT d.id, d.before, d.after,"+v.permit()+","+v.other().permit()+
		" FROM doc d WHERE d.key = ?", append(args, id)...).
		Scan(&number, &before, &after, &finds, &other)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !finds {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	out := &Document{ID: id, Before: access.Audience(before), After: access.Audience(after)}
	out.FindsAfter, out.FindsBefore = finds, other
	if v == Before {
		out.FindsAfter, out.FindsBefore = other, finds
	}
	var shown []byte
	if err := x.db.QueryRowContext(ctx, "SELECT card FROM content WHERE doc = ?", number).Scan(&shown); err != nil {
		return nil, err
	}
	var c card
	if err := codec.Unmarshal(shown, &c); err != nil {
		return nil, err
	}
	out.Card = Hit{ID: id, Ref: c.Ref, Type: c.Type, Owner: c.Owner, URL: c.URL, Updated: c.Updated,
		Properties: c.Properties, Title: []Part{{Text: c.Title}}}
	j, steps, err := x.journey(ctx, c.Ref)
	if err != nil {
		return nil, err
	}
	only(c.Stream, j)
	out.Explanation = x.explanation(j, steps)
	if p.number > 0 {
		answer := x.trace.Finds(j, x.people[p.number-1].Email)
		out.Explanation.Answer = &answer
	}
	if x.earlier != nil {
		out.Earlier, err = x.foundEarlier(ctx, number, out.Before, p)
	}
	return out, err
}
