package read

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/refset"
)

// maxReason is the maximum length of a kept reason, in characters.
const maxReason = 200

// deadLetter returns the dead letter of a rejection.
func deadLetter(ref string, err error) component.DeadLetter {
	r := rejection(err)
	d := component.DeadLetter{Ref: ref, Stage: r.Stage, Field: r.Field, Reason: r.Reason}
	if rs := []rune(d.Reason); len(rs) > maxReason {
		d.Reason = string(rs[:maxReason-1]) + "…"
	}
	return d
}

// Ledger records every ref that a run read and how it ended. It is safe for concurrent use. Its
// memory grows with refs (invariant 7).
type Ledger struct {
	mu          sync.Mutex
	refs        refset.Set
	marks       []mark // indexed by the number of the ref
	kinds       []kindRefs
	again       int                                 // refs that the source returned more than once
	reasons     []string                            // distinct reasons of endings, in the order of their first use
	items       map[string]map[component.Ending]int // by stream
	deadLetters []component.DeadLetter
	write       func(component.DeadLetter) error
	writeErr    error
	watch       component.Observer // nil in ordinary runs
}

// mark is the state of a record. kind and reason are indexes into the ledger's lists; reason 0
// means none.
type mark struct {
	kind, reason uint16
	ending       component.Ending
}

// kindRefs counts the refs of a kind and holds a sample.
type kindRefs struct {
	kind   string
	n      int
	sample []string // at most Controls refs, a uniform sample
}

// Shown is the number of rejections in a report.
const Shown = 20

// NewLedger returns an empty ledger. write receives every dead letter and watch every ending;
// both may be nil.
func NewLedger(write func(component.DeadLetter) error, watch component.Observer) *Ledger {
	return &Ledger{
		reasons: []string{""},
		items:   map[string]map[component.Ending]int{},
		write:   write,
		watch:   watch,
	}
}

// Enter adds a ref; it returns false when the ref was added before.
func (l *Ledger) Enter(ref, kind string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, added := l.refs.Add(ref); !added {
		l.again++
		return false
	}
	k := slices.IndexFunc(l.kinds, func(k kindRefs) bool { return k.kind == kind })
	if k < 0 {
		k = len(l.kinds)
		l.kinds = append(l.kinds, kindRefs{kind: kind})
	}
	l.kinds[k].add(ref)
	l.marks = append(l.marks, mark{kind: uint16(k)})
	return true
}

// add counts a ref and may put it into the sample.
func (k *kindRefs) add(ref string) {
	k.n++
	if len(k.sample) < Controls {
		k.sample = append(k.sample, strings.Clone(ref))
	} else if i := rand.IntN(k.n); i < Controls {
		k.sample[i] = strings.Clone(ref)
	}
}

// find returns the mark of a record; nil when the record was not read.
func (l *Ledger) find(ref string) *mark {
	if n, known := l.refs.Find(ref); known {
		return &l.marks[n]
	}
	return nil
}

// Knows reports whether a ref was read.
func (l *Ledger) Knows(ref string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.find(ref) != nil
}

// end sets the ending of a record without items.
func (l *Ledger) end(ref string, e component.Ending, reason string) {
	l.enter("", ref, e, reason)
	l.observe("", e, component.DeadLetter{Ref: ref, Reason: reason})
}

// endItem sets the ending of one item of a record.
func (l *Ledger) endItem(stream, ref string, e component.Ending, reason string) {
	l.enter(stream, ref, e, reason)
	l.observe(stream, e, component.DeadLetter{Ref: ref, Reason: reason})
}

// observe reports the ending of a record or an item to the observer.
func (l *Ledger) observe(stream string, e component.Ending, why component.DeadLetter) {
	if o := component.Watching(l.watch, why.Ref); o != nil {
		o.Ended(stream, e, why)
	}
}

func (l *Ledger) enter(stream, ref string, e component.Ending, reason string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mark(ref, e, reason)
	if stream == "" {
		return
	}
	if l.items[stream] == nil {
		l.items[stream] = map[component.Ending]int{}
	}
	l.items[stream][e]++
}

// reject ends a record, or one of its items when stream is not "", as rejected.
func (l *Ledger) reject(stream, ref string, err error) {
	d := deadLetter(ref, err)
	where := string(d.Stage)
	if d.Field != "" {
		where += " " + place.ReplaceAllString(d.Field, "[]")
	}
	l.enter(stream, ref, component.Rejected, where)
	l.observe(stream, component.Rejected, d)
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.deadLetters) < Shown {
		l.deadLetters = append(l.deadLetters, d)
	}
	if l.write != nil && l.writeErr == nil {
		l.writeErr = l.write(d)
	}
}

// place matches an index in a list, which reasons leave out.
var place = regexp.MustCompile(`\[[0-9]+\]`)

// sentAs returns the ending of an item that the sink holds or receives: delivered or kept.
func (l *Ledger) sentAs(ref string) component.Ending {
	if e, _ := l.Fate(ref); e == component.Kept {
		return e
	}
	return component.Delivered
}

// RejectLate changes an item from delivered to rejected.
func (l *Ledger) RejectLate(stream, ref string, err error) {
	l.count(stream, l.sentAs(ref), -1)
	l.reject(stream, ref, err)
}

// WithholdLate changes an item from delivered to withheld. TakeBack changes the ending of its
// record.
func (l *Ledger) WithholdLate(stream, ref, reason string) {
	l.count(stream, l.sentAs(ref), -1)
	l.count(stream, component.Withheld, 1)
	l.observe(stream, component.Withheld, component.DeadLetter{Ref: ref, Reason: reason})
}

// count adds n to the items of a stream with an ending, unless the stream has no endings.
func (l *Ledger) count(stream string, e component.Ending, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if counts := l.items[stream]; counts != nil {
		counts[e] += n
	}
}

// TakeBack changes a record from delivered to withheld.
func (l *Ledger) TakeBack(ref, reason string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m := l.find(ref); m != nil && (m.ending == component.Delivered || m.ending == component.Kept) {
		*m = mark{kind: m.kind}
		l.mark(ref, component.Withheld, reason)
	}
}

// mark sets the ending of a record, unless it has a greater one.
func (l *Ledger) mark(ref string, e component.Ending, reason string) {
	m := l.find(ref)
	if m == nil || e <= m.ending {
		return
	}
	m.ending = e
	i := slices.Index(l.reasons, reason)
	if i < 0 && len(l.reasons) < maxReasons {
		i = len(l.reasons)
		l.reasons = append(l.reasons, reason)
	}
	m.reason = uint16(max(i, 0))
}

// maxReasons bounds the number of distinct reasons.
const maxReasons = 1000

// Fate returns the ending of a record so far and its reason; Pending when the record was not
// read.
func (l *Ledger) Fate(ref string) (component.Ending, string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.find(ref)
	if m == nil {
		return component.Pending, ""
	}
	return m.ending, l.reasons[m.reason]
}

// Kind returns the kind of a record; "" when it was not read.
func (l *Ledger) Kind(ref string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.find(ref)
	if m == nil {
		return ""
	}
	return l.kinds[m.kind].kind
}

// some returns a random sample of Controls refs, or all if there are fewer, of the kinds that
// wanted accepts.
func (l *Ledger) some(wanted func(kind string) bool) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	for _, k := range l.kinds {
		if wanted(k.kind) {
			out = append(out, k.sample...)
		}
	}
	rand.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out[:min(len(out), Controls)]
}

// Total returns the number of distinct refs that were read.
func (l *Ledger) Total() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.refs.Len()
}

// kindsRead returns how many records of each kind were read, without estimates.
func (l *Ledger) kindsRead() []KindRead {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]KindRead, len(l.kinds))
	for i, k := range l.kinds {
		out[i] = KindRead{Kind: k.kind, Read: k.n}
	}
	return out
}

// Ended returns the number of records with an ending.
func (l *Ledger) Ended(e component.Ending) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, m := range l.marks {
		if m.ending == e {
			n++
		}
	}
	return n
}

// Settle checks invariant 3: every record that was read has ended.
func (l *Ledger) Settle() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.writeErr != nil {
		return fmt.Errorf("write the dead letters: %w", l.writeErr)
	}
	lost, first := 0, 0
	for i := len(l.marks) - 1; i >= 0; i-- {
		if l.marks[i].ending == component.Pending {
			lost, first = lost+1, i
		}
	}
	if lost == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d records have no outcome, the first is record %d, a %s; nothing was sent: this is a "+
		"defect in pipe", lost, len(l.marks), first+1, l.kinds[l.marks[first].kind].kind)
}

// Totals are the counts of all records of a run.
type Totals struct {
	Read       int // distinct refs
	Again      int // refs that the source returned more than once
	Endings    Counts
	Kinds      []KindReport
	Reasons    map[component.Ending]map[string]int
	Rejections []component.DeadLetter // the first ones
	Items      map[string]Counts      // by stream
}

// Totals returns the counts so far.
func (l *Ledger) Totals() Totals {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := Totals{
		Read: len(l.marks), Again: l.again, Endings: Counts{}, Kinds: make([]KindReport, len(l.kinds)),
		Reasons: map[component.Ending]map[string]int{}, Rejections: l.deadLetters, Items: map[string]Counts{},
	}
	for i, k := range l.kinds {
		t.Kinds[i] = KindReport{Kind: k.kind, Counts: Counts{}}
	}
	for _, m := range l.marks {
		t.Kinds[m.kind].Read++
		t.Kinds[m.kind].Counts[m.ending]++
		t.Endings[m.ending]++
		if m.reason > 0 {
			if t.Reasons[m.ending] == nil {
				t.Reasons[m.ending] = map[string]int{}
			}
			t.Reasons[m.ending][l.reasons[m.reason]]++
		}
	}
	slices.SortFunc(t.Kinds, func(a, b KindReport) int { return b.Read - a.Read })
	for stream, counts := range l.items {
		t.Items[stream] = Counts(counts)
	}
	return t
}

// Counts is a number for each ending.
type Counts map[component.Ending]int

// Shown returns the endings to show in tables: all of them, without Kept when nothing is kept.
func (c Counts) Shown() []component.Ending {
	return slices.DeleteFunc(slices.Clone(component.Endings[:]), func(e component.Ending) bool {
		return e == component.Kept && c[e] == 0
	})
}

// KindReport counts the records of one kind.
type KindReport struct {
	Kind   string `json:"kind"`
	Read   int    `json:"read"`
	Counts Counts `json:"endings"`
}
