package preview

import (
	"context"
	"fmt"

	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/explain"
)

// UnknownRefError reports that a text means no single record that was read.
type UnknownRefError struct {
	Ref string
	// Near are refs that the text may mean or that are similar.
	Near []string
	// Many means that the text may mean any of Near.
	Many bool
}

// Error returns what is wrong with the text.
func (e *UnknownRefError) Error() string {
	if e.Many {
		return fmt.Sprintf("%q may mean %s", e.Ref, display.Plural(len(e.Near), "record"))
	}
	return fmt.Sprintf("the source holds no %q among the records that the pipeline reads", e.Ref)
}

// Explain returns how a record becomes a document, or why there is none, whoever finds it. ref may
// be the part of a ref that one record alone has. who is an e-mail or a ref; unless it is "", the
// Answer says whether that person finds the document after this run. Texts of more than 4,000
// characters are cut, and lists of more than 200 values. Explain returns an *UnknownRefError when
// ref means no single record, and ErrClosed after Close.
func (x *Index) Explain(ctx context.Context, ref, who string) (*explain.Explanation, error) {
	if err := x.begin(); err != nil {
		return nil, err
	}
	defer x.end(&x.searches)
	j, steps, err := x.journey(ctx, x.trace.Spelling(ref))
	if err != nil {
		return nil, err
	}
	if j == nil {
		whole, err := x.whole(ctx, ref)
		if err != nil {
			return nil, err
		}
		if j, steps, err = x.journey(ctx, whole); err != nil {
			return nil, err
		}
	}
	out := x.explanation(j, steps)
	if who != "" {
		answer := x.trace.Finds(j, who)
		out.Answer = &answer
	}
	return &out, nil
}

// explanation returns the explanation of a journey whose transforms are kept apart from it.
func (x *Index) explanation(j *explain.Journey, steps []explain.TransformStep) explain.Explanation {
	out := explain.Record(x.definition, x.trace, j)
	out.Transforms = append([]explain.TransformStep{}, steps...)
	return out
}

// whole returns the ref of the only record that a part of a ref means, or an *UnknownRefError.
func (x *Index) whole(ctx context.Context, part string) (string, error) {
	rows, err := x.db.QueryContext(ctx, "SELECT DISTINCT ref FROM record ORDER BY ref")
	if err != nil {
		return "", err
	}
	defer rows.Close()
	var known []string
	for rows.Next() {
		var ref string
		if err := rows.Scan(&ref); err != nil {
			return "", err
		}
		known = append(known, ref)
	}
	if err := rows.Err(); err != nil {
		return "", err
	}
	m := explain.NewMatcher(x.definition.Model, part)
	ref, near := m.Pick(known)
	if ref != "" {
		return ref, nil
	}
	return "", &UnknownRefError{Ref: part, Near: near, Many: len(near) > 0 && m.Matches(near[0])}
}
