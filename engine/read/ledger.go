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

// maxReason is how many characters of a reason are kept.
const maxReason = 200

// deadLetter returns what is kept of a rejection.
func deadLetter(ref string, err error) component.DeadLetter {
	r := rejection(err)
	d := component.DeadLetter{Ref: ref, Stage: r.Stage, Field: r.Field, Reason: r.Reason}
	if rs := []rune(d.Reason); len(rs) > maxReason {
		d.Reason = string(rs[:maxReason-1]) + "…"
	}
	return d
}

// Ledger keeps count of a run: every ref that was read and how it ended.
// It is safe for concurrent use. It grows with refs (invariant 7).
type Ledger struct {
	mu          sync.Mutex
	refs        refset.Set
	marks       []mark // by the numbers of refs
	kinds       []kindRefs
	again       int                                 // refs that the source handed over more than once
	reasons     []string                            // that records ended for, in the order they came up
	items       map[string]map[component.Ending]int // by stream
	deadLetters []component.DeadLetter
	write       func(component.DeadLetter) error
	writeErr    error
	watch       component.Observer // nil in ordinary runs
}

// mark is how a record stands: kind and reason are places in the ledger's
// lists, reason 0 is none.
type mark struct {
	kind, reason uint16
	ending       component.Ending
}

// kindRefs are the refs of a kind: how many there are, and some of them.
type kindRefs struct {
	kind   string
	n      int
	sample []string // Controls of them at most, each as likely as any other
}

// Shown is how many rejections a report carries itself.
const Shown = 20

// NewLedger returns an empty ledger. write is given every dead letter, watch every
// ending; both may be nil.
func NewLedger(write func(component.DeadLetter) error, watch component.Observer) *Ledger {
	return &Ledger{
		reasons: []string{""},
		items:   map[string]map[component.Ending]int{},
		write:   write,
		watch:   watch,
	}
}

// Enter enters a ref; false when it was entered before.
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

// add counts a ref, and keeps it or not.
func (k *kindRefs) add(ref string) {
	k.n++
	if len(k.sample) < Controls {
		k.sample = append(k.sample, strings.Clone(ref))
	} else if i := rand.IntN(k.n); i < Controls {
		k.sample[i] = strings.Clone(ref)
	}
}

// find returns the mark of a record, nil when it was not read.
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

// end notes how a record ended without making any item.
func (l *Ledger) end(ref string, e component.Ending, reason string) {
	l.enter("", ref, e, reason)
	l.observe("", e, component.DeadLetter{Ref: ref, Reason: reason})
}

// endItem notes how one item of a record ended.
func (l *Ledger) endItem(stream, ref string, e component.Ending, reason string) {
	l.enter(stream, ref, e, reason)
	l.observe(stream, e, component.DeadLetter{Ref: ref, Reason: reason})
}

// observe reports to the observer how a record or an item ended.
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

// reject ends a record, or one item of it when stream is not "", as rejected.
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

// place is that of an element in a list, which makes no reason of its own.
var place = regexp.MustCompile(`\[[0-9]+\]`)

// RejectLate turns an item that was staged as delivered into a rejected one.
func (l *Ledger) RejectLate(stream, ref string, err error) {
	l.count(stream, component.Delivered, -1)
	l.reject(stream, ref, err)
}

// WithholdLate turns an item that was staged as delivered into a withheld one. The
// ending of its record is for takeBack.
func (l *Ledger) WithholdLate(stream, ref, reason string) {
	l.count(stream, component.Delivered, -1)
	l.count(stream, component.Withheld, 1)
	l.observe(stream, component.Withheld, component.DeadLetter{Ref: ref, Reason: reason})
}

// count adds n to the items of a stream with an ending; a stream that is without
// endings stays so.
func (l *Ledger) count(stream string, e component.Ending, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if counts := l.items[stream]; counts != nil {
		counts[e] += n
	}
}

// TakeBack makes a record that was to be delivered a withheld one.
func (l *Ledger) TakeBack(ref, reason string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m := l.find(ref); m != nil && m.ending == component.Delivered {
		*m = mark{kind: m.kind}
		l.mark(ref, component.Withheld, reason)
	}
}

// mark gives a record an ending, unless it has a graver one already.
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

// maxReasons bounds how many different reasons are told apart.
const maxReasons = 1000

// Fate is how a record ended so far, and why; Pending when it was not read.
func (l *Ledger) Fate(ref string) (component.Ending, string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.find(ref)
	if m == nil {
		return component.Pending, ""
	}
	return m.ending, l.reasons[m.reason]
}

// Kind is that of a record, "" when it was not read.
func (l *Ledger) Kind(ref string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.find(ref)
	if m == nil {
		return ""
	}
	return l.kinds[m.kind].kind
}

// some returns Controls refs that were read, of the kinds that wanted accepts, or all
// where there are fewer. Each is as likely as any other of its kind.
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

// Total is how many distinct refs were read.
func (l *Ledger) Total() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.refs.Len()
}

// Ended counts the records that ended in one way.
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
	Again      int // refs that the source handed over more than once
	Endings    Counts
	Kinds      []KindReport
	Reasons    map[component.Ending]map[string]int
	Rejections []component.DeadLetter // the first of them
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

// Counts is a number for each way to end.
type Counts map[component.Ending]int

// KindReport counts the records of one kind.
type KindReport struct {
	Kind   string `json:"kind"`
	Read   int    `json:"read"`
	Counts Counts `json:"endings"`
}
