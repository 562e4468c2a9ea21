package file

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/records"
)

// Source emits records from memory.
type Source struct {
	records []*component.Record
	again   records.Twice
	notes   []string
}

var _ component.Source = (*Source)(nil)

// New makes a source of records, completed as the model's own source would. Of two records
// with the same ref the last one counts.
func New(all []component.Recorded, m component.Model) (*Source, error) {
	recorder, ok := m.(component.Recorder)
	if !ok {
		return nil, fault.Errorf(fault.Fatal, "", "the pipeline's source cannot read records from a file")
	}
	s := &Source{}
	var last []component.Recorded
	place := map[string]int{}
	for _, r := range all {
		made, err := recorder.Record(r.Raw)
		if err != nil {
			return nil,
				fault.Errorf(fault.Fatal, "give entities in the format of the source's API or of catalog files",
					"%s: not a record: %w", r.Pos, err)
		}
		if i, twice := place[made.Ref]; twice {
			s.again.Add(made.Ref, r)
			last[i] = r
			continue
		}
		place[made.Ref] = len(last)
		last = append(last, r)
	}
	raw, notes, err := recorder.Complete(last)
	if err != nil {
		return nil, err
	}
	s.notes = notes
	for _, one := range raw {
		r, err := recorder.Record(one)
		if err != nil {
			return nil, fmt.Errorf("complete the records: %w", err)
		}
		s.records = append(s.records, r)
	}
	return s, nil
}

// Read emits the records of the kinds of a phase.
func (s *Source) Read(ctx context.Context, phase component.Phase, emit component.Emit) error {
	var out []*component.Record
	for _, r := range s.records {
		if slices.ContainsFunc(phase.Kinds, func(k component.Kind) bool { return strings.EqualFold(k.Name, r.Kind) }) {
			out = append(out, &component.Record{Entry: r.Entry, Raw: r.Raw})
		}
	}
	if len(out) == 0 {
		return nil
	}
	return emit(ctx, out)
}

// Refs returns the refs of all records, including kinds that no phase reads.
func (s *Source) Refs() []string {
	out := make([]string, len(s.records))
	for i, r := range s.records {
		out[i] = r.Ref
	}
	return out
}

// Notes returns sentences about placeholders that were not resolved.
func (s *Source) Notes() []string { return s.notes }

// Twice describes which of several records with the same ref counts, "" if refs are unique.
func (s *Source) Twice() string { return s.again.Sentence() }

// Close has nothing to close.
func (s *Source) Close() error { return nil }
