package file

import (
	"bufio"
	"context"
	"fmt"
	"os"

	"github.com/pipe-engine/pipe/engine/atomicfile"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
)

// publishing replaces the files of a plan.
type publishing struct {
	sink     *Sink
	plan     *component.Plan
	files    []*atomicfile.File // by stream of the plan
	withheld map[string]bool    // IDs of documents that were hidden since the plan was made
}

// Publish writes every file to a temporary one and replaces those of the last run only when
// all are complete: a run that fails or is stopped earlier leaves them unchanged.
func (s *session) Publish(ctx context.Context, plan *component.Plan) error {
	if err := os.MkdirAll(s.sink.folder, 0o750); err != nil {
		return err
	}
	p := &publishing{sink: s.sink, plan: plan, files: make([]*atomicfile.File, len(plan.Streams)),
		withheld: map[string]bool{}}
	defer p.abort()
	for i := range plan.Streams {
		if err := p.write(ctx, i); err != nil {
			return err
		}
	}
	if err := p.hideLate(ctx, false); err != nil {
		return err
	}
	select {
	case <-plan.Stop:
		return fault.ErrStopped
	default:
	}
	if err := plan.StillHeld(); err != nil {
		return err
	}
	for i := range plan.Streams {
		if err := p.commit(i); err != nil {
			return err
		}
	}
	return p.hideLate(ctx, true)
}

func (p *publishing) abort() {
	for _, f := range p.files {
		if f != nil {
			f.Abort()
		}
	}
}

// write writes the items of a stream to its temporary file.
func (p *publishing) write(ctx context.Context, i int) error {
	s := &p.plan.Streams[i]
	if p.files[i] != nil {
		p.files[i].Abort()
	}
	f, err := atomicfile.Create(p.sink.path(s.Name), atomicfile.Options{})
	if err != nil {
		return fmt.Errorf("write %s: %w", s.Name, err)
	}
	p.files[i] = f
	w := bufio.NewWriterSize(f, 64<<10)
	for e, err := range s.Items {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		if s.Name == streamDocuments && p.withheld[e.ID] {
			continue
		}
		w.Write(e.Body) // Flush returns the first error
		w.WriteByte('\n')
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write %s: %w", s.Name, err)
	}
	return nil
}

func (p *publishing) commit(i int) error {
	s := &p.plan.Streams[i]
	if err := p.files[i].Commit(); err != nil {
		return fmt.Errorf("replace %s: %w", p.sink.path(s.Name), err)
	}
	sent := s.Count
	if s.Name == streamDocuments {
		sent -= len(p.withheld)
	}
	p.plan.Sent(s.Name, sent)
	return nil
}

// hideLate rewrites the documents without those that were hidden since they were written.
// replaced means that the files are in place, and may have been read.
func (p *publishing) hideLate(ctx context.Context, replaced bool) error {
	for i := range p.plan.Streams {
		s := &p.plan.Streams[i]
		for s.Name == streamDocuments {
			found, err := p.newlyHidden(s, replaced)
			if err != nil {
				return fmt.Errorf("read the hidden list: %w", err)
			}
			if !found {
				break
			}
			if err := p.write(ctx, i); err != nil {
				return err
			}
			if replaced {
				if err := p.files[i].Commit(); err != nil {
					return fmt.Errorf("replace %s: %w", p.sink.path(s.Name), err)
				}
			}
		}
	}
	return nil
}

// newlyHidden reads the hidden list and withholds the documents that were added to it.
func (p *publishing) newlyHidden(s *component.StreamPlan, sent bool) (found bool, err error) {
	hidden, err := p.plan.Hidden()
	if err != nil || hidden == nil {
		return false, err
	}
	for e, err := range s.Items {
		if err != nil {
			return found, err
		}
		if hidden(e) && !p.withheld[e.ID] {
			p.withheld[e.ID], found = true, true
			p.plan.Withhold(s.Name, e, sent)
		}
	}
	return found, nil
}
