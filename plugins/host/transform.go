package host

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/sync/semaphore"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/redact"
	"github.com/pipe-engine/pipe/plugins/host/output"
	"github.com/pipe-engine/pipe/plugins/proto"
)

// inFlight is how many concurrent calls a process gets.
const inFlight = 2

// longestCall is how many bytes of records one call carries; a single larger record is sent
// alone.
const longestCall = 4 << 20

// Transform passes records to a plugin.
type Transform struct {
	o       Options
	label   string // what messages call the plugin
	secrets redact.Redactor
	out     *output.Log
	calls   *semaphore.Weighted // the calls in flight

	mu       sync.Mutex
	current  *process // nil while none runs
	about    *Description
	needs    needs
	config   []byte // as sent to the plugin
	starts   int    // of processes
	failures int    // in a row
	closed   bool

	counts sync.Mutex
	// reasons are those for which records were dropped, passed the records that
	// were left unchanged by on_error.
	reasons map[string]bool
	passed  int
	lastErr error
}

var (
	_ component.Transform  = (*Transform)(nil)
	_ component.Starter    = (*Transform)(nil)
	_ component.Prober     = (*Transform)(nil)
	_ component.Noter      = (*Transform)(nil)
	_ component.Programmed = (*Transform)(nil)
	_ io.Closer            = (*Transform)(nil)
)

// New makes a transform that has started nothing yet.
func New(o Options) *Transform {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Lookup == nil {
		o.Lookup = func(string) (string, bool) { return "", false }
	}
	if o.AccessReads == nil {
		o.AccessReads = func() []string { return nil }
	}
	if o.startLimit == 0 {
		o.startLimit = startLimit
	}
	t := &Transform{
		o:       o,
		label:   cmp.Or(o.command().Label(), o.Name),
		calls:   semaphore.NewWeighted(inFlight),
		reasons: map[string]bool{},
	}
	t.out = output.New(o.Log.With("plugin", t.label), t.secrets.Clean)
	return t
}

// Name is the transform's name.
func (t *Transform) Name() string { return t.o.Name }

// Options returns the options of New.
func (t *Transform) Options() Options { return t.o }

// Program returns the command and the checksums of the file.
func (t *Transform) Program() component.Program {
	return component.Program{Command: t.o.Command, Checksums: t.o.Sums}
}

// Apply sends the records in batches and applies the plugin's answers, or on_error.
func (t *Transform) Apply(
	ctx context.Context,
	_ *component.Worker,
	records []*component.Record,
) ([]component.Outcome, error) {
	out := make([]component.Outcome, len(records))
	b := batch{t: t, out: out}
	defer b.warn()
	for i, r := range records {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		doc, err := codec.Marshal(t.needs.document(r))
		if err != nil {
			err = fmt.Errorf("the record cannot be written as JSON: %w", err)
			if err := b.give(&out[i], r, []*component.Record{r}, err); err != nil {
				return nil, err
			}
			continue
		}
		if len(b.docs) > 0 && (len(b.docs) >= t.o.Batch || b.bytes+len(doc) > longestCall) {
			if err := b.send(ctx); err != nil {
				return nil, err
			}
		}
		b.add(i, r, doc)
	}
	return out, b.send(ctx)
}

// batch is the content of one call.
type batch struct {
	t       *Transform
	out     []component.Outcome
	records []*component.Record
	where   []int // in out
	docs    [][]byte
	bytes   int

	passed  []*component.Record // records left unchanged by on_error since the last warning
	failure error               // of the first of them
}

func (b *batch) add(i int, r *component.Record, doc []byte) {
	b.records, b.where, b.docs = append(b.records, r), append(b.where, i), append(b.docs, doc)
	b.bytes += len(doc)
}

// send makes the call and empties the batch.
func (b *batch) send(ctx context.Context) error {
	if len(b.docs) == 0 {
		return nil
	}
	answer, err := b.t.call(ctx, &proto.TransformRequest{Records: b.docs})
	if err == nil && len(answer.GetOutcomes()) != len(b.docs) {
		err = fmt.Errorf("it returned %d outcomes for %d records", len(answer.GetOutcomes()), len(b.docs))
	}
	for i, r := range b.records {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		out := &b.out[b.where[i]]
		if err != nil {
			if err := b.give(out, r, b.records, err); err != nil {
				return err
			}
			continue
		}
		if err := b.take(out, r, answer.GetOutcomes()[i]); err != nil {
			return err
		}
	}
	b.warn()
	b.records, b.where, b.docs, b.bytes = b.records[:0], b.where[:0], nil, 0
	return nil
}

// take applies a plugin's answer for one record.
func (b *batch) take(out *component.Outcome, r *component.Record, o *proto.Outcome) error {
	err := error(nil)
	switch {
	case o.GetError() != "":
		err = fmt.Errorf("%s", cmp.Or(b.t.words(o.GetError(), longestError), noReason))
	case o.GetDropped() != "":
		out.Dropped = b.t.dropped(cmp.Or(b.t.words(o.GetDropped(), longestReason), noReason))
	default:
		err = change(r, o, b.t.about.Writes)
	}
	if err != nil {
		return b.give(out, r, []*component.Record{r}, err)
	}
	return nil
}

// dropped returns the name under which a dropped record is counted (invariant 3). It limits
// the number of names, so a plugin with a different reason for each record does not fill the
// memory.
func (t *Transform) dropped(reason string) string {
	t.counts.Lock()
	defer t.counts.Unlock()
	if !t.reasons[reason] {
		if len(t.reasons) >= distinctReason {
			return t.o.Name + ": other reasons"
		}
		t.reasons[reason] = true
	}
	return t.o.Name + ": " + reason
}

// words returns a plugin's own words, safe to show. They are empty if nothing in them is
// visible.
func (t *Transform) words(s string, most int) string {
	if strings.IndexFunc(s, func(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) }) < 0 {
		return ""
	}
	return cut(strings.TrimSpace(t.secrets.Clean(display.Lines(s))), most)
}

// Close ends the plugin.
func (t *Transform) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	if t.current != nil {
		t.current.stop()
		t.current = nil
	}
	return nil
}

// cut shortens text to a number of characters, with an ellipsis.
func cut(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
