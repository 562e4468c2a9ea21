package analysis

import (
	"context"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/explain"
	"github.com/pipe-engine/pipe/engine/suite"
)

// Trial is what a run would make of the sample's record.
type Trial struct {
	// Ref is the record; "" when the sample has no such record, and then there is no Explanation.
	Ref string
	// Explanation has an Answer when a person was named.
	Explanation *explain.Explanation
	// Card is what people see of the document in results; nil when there is none.
	Card *component.Card
	// Refs are those of the sample, and People its users, by e-mail.
	Refs   []string
	People []explain.Person
	// Notes are about what was left out.
	Notes []string

	trace *explain.Trace
}

// Trial runs the sample of a file up to where something would be sent. who is an e-mail or a ref, or ""
// for no person. It starts no plugin, and reads no secret, no variable and no state folder. It returns
// an error when the file has errors, and when there is no sample.
func (w *Workspace) Trial(ctx context.Context, path, who string) (*Trial, error) {
	r, err := w.try(ctx, path)
	if err != nil {
		return nil, err
	}
	out := &Trial{Ref: r.ref, Refs: r.Refs(), People: r.People(), Notes: r.notes, trace: r.Trace}
	j := r.Journey(r.ref)
	if r.ref == "" || j == nil {
		return out, nil
	}
	e := explain.Record(r.definition, r.Trace, j)
	if who != "" {
		a := r.Finds(j, who)
		e.Answer = &a
	}
	out.Explanation, out.Card = &e, r.card(j)
	return out, nil
}

// card returns what people see of a record's document; nil when there is none.
func (r *sampleRun) card(j *explain.Journey) *component.Card {
	presenter, can := r.sink.(component.Presenter)
	if !can {
		return nil
	}
	for _, s := range r.streams {
		if doc := j.Sent(s.Name); s.Permissions && doc != nil {
			if c, err := presenter.Card(s.Name, doc.Body); err == nil {
				return &c
			}
		}
	}
	return nil
}

// NameOf returns the title of the user or group of a principal or a ref; "" for any other.
func (t *Trial) NameOf(principal string) string {
	for _, ref := range []string{t.trace.RecordOf(principal), principal} {
		if j := t.trace.Journey(ref); j != nil {
			return j.Entry.Title
		}
	}
	return ""
}

// Chosen returns the sample of a pipeline file; fixed means that a comment of the file chooses it.
func (w *Workspace) Chosen(path string) (s Sample, fixed bool) {
	return w.sample(path), sampleComment.MatchString(w.Document(path).Text())
}

// HasFixtures reports whether the tests of a pipeline file have records.
func (w *Workspace) HasFixtures(path string) bool {
	tests := suite.TestPath(path)
	f, _ := suite.Parse(tests, []byte(w.Document(tests).Text()))
	return len(f.Samples()) > 0
}
