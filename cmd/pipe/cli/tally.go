package cli

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/read"
)

// tally is how far a run has come: first by kind, while it reads, then by stream.
type tally struct {
	mu      sync.Mutex
	now     func() time.Time
	last    time.Time // of the last event, from which a count that begins is timed
	kinds   []count
	streams []count
	read    bool // reading is done: the counts of the kinds are final
}

// count is how far one kind or stream has come.
type count struct {
	name     string
	n, total int
	estimate bool // total is a guess of the source, 0 for none
	begun    time.Time
	pace     string // records a second, and the time left
}

func newTally(now func() time.Time) *tally { return &tally{now: now, last: now()} }

// kindsRead takes what has been read so far.
func (t *tally) kindsRead(kinds []read.KindRead) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	for _, k := range kinds {
		i := slices.IndexFunc(t.kinds, func(c count) bool { return c.name == k.Kind })
		if i < 0 {
			i = len(t.kinds)
			t.kinds = append(t.kinds, count{name: k.Kind, begun: t.last, estimate: true})
		}
		if t.kinds[i].n != k.Read {
			t.kinds[i].n, t.kinds[i].total = k.Read, k.Estimate
			t.kinds[i].pace = paceOf(k.Read, k.Estimate, now.Sub(t.kinds[i].begun))
		}
	}
	t.last = now
}

// reviewed ends the reading, and takes what will be sent.
func (t *tally) reviewed(streams []component.StreamPlan) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.read, t.last = true, t.now()
	for i := range t.kinds {
		t.kinds[i].total, t.kinds[i].pace = 0, ""
	}
	for _, s := range streams {
		t.streams = append(t.streams, count{name: s.Name, total: s.Count})
	}
}

// sent takes that n more items of a stream were acknowledged.
func (t *tally) sent(stream string, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if i := slices.IndexFunc(t.streams, func(c count) bool { return c.name == stream }); i >= 0 {
		s := &t.streams[i]
		if s.n == 0 {
			s.begun = t.last
		}
		if s.n += n; s.n < s.total {
			s.pace = paceOf(s.n, s.total, now.Sub(s.begun))
		} else {
			s.pace = ""
		}
	}
	t.last = now
}

// counts are copies of what is counted.
func (t *tally) counts() (kinds, streams []count, read bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.kinds), slices.Clone(t.streams), t.read
}

// totalRead is the sum of the kinds.
func totalRead(kinds []count) (n int) {
	for _, k := range kinds {
		n += k.n
	}
	return n
}

// String is the count in words, such as "4,500 of about 12,000 (1,200/s, 7 s left)".
func (c count) String() string {
	text := display.Number(c.n)
	switch {
	case c.estimate && c.total > c.n:
		text += " of about " + display.Number(c.total)
	case !c.estimate:
		text += " of " + display.Number(c.total)
	}
	if c.pace != "" {
		text += " (" + c.pace + ")"
	}
	return text
}

// paceOf is the rate of a count since it began, and with a total the time that is left; ""
// for less than a second, which says little.
func paceOf(n, total int, took time.Duration) string {
	if n == 0 || took < time.Second {
		return ""
	}
	rate := float64(n) / took.Seconds()
	text := display.Number(int(rate+0.5)) + "/s"
	if left := total - n; left > 0 {
		text += ", " + timeLeft(time.Duration(float64(left)/rate*float64(time.Second))) + " left"
	}
	return text
}

// timeLeft is a time in its largest units.
func timeLeft(d time.Duration) string {
	switch d = d.Round(time.Second); {
	case d < time.Minute:
		return fmt.Sprintf("%d s", max(1, int(d.Seconds())))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Round(time.Minute).Minutes()))
	}
	d = d.Round(time.Minute)
	return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
}

// plain is the tally in one line.
func (t *tally) plain() string {
	kinds, streams, done := t.counts()
	parts := []string{"read " + display.Number(totalRead(kinds)) + " records"}
	all := streams
	if !done {
		all = kinds
	}
	for _, c := range all {
		parts = append(parts, c.name+" "+c.String())
	}
	return strings.Join(parts, " · ")
}

// json is the tally as a JSON value.
func (t *tally) json() map[string]any {
	kinds, streams, _ := t.counts()
	v := map[string]any{"read": totalRead(kinds)}
	byKind := map[string]any{}
	for _, k := range kinds {
		one := map[string]int{"read": k.n}
		if k.total > 0 {
			one["estimate"] = k.total
		}
		byKind[k.name] = one
	}
	if len(byKind) > 0 {
		v["kinds"] = byKind
	}
	byStream := map[string]any{}
	for _, s := range streams {
		byStream[s.name] = map[string]int{"sent": s.n, "total": s.total}
	}
	if len(byStream) > 0 {
		v["streams"] = byStream
	}
	return v
}
