package audit

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"maps"
	"slices"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/state"
)

// maxSlack is how much longer than keep the oldest event may stay, at most a tenth of keep: by
// default the ledger is rewritten about once a month.
const maxSlack = 30 * 24 * time.Hour

func isGroup(principal string) bool {
	_, group := component.PrincipalName(principal)
	return group
}

// Compact replaces the events that are older than keep by one event with the state at that
// time. It does nothing while there is little to gain.
func (l *Ledger) Compact(now time.Time, keep time.Duration) error {
	cutoff := now.Add(-keep)
	first, err := l.first()
	if err != nil || first.IsZero() || !first.Before(cutoff.Add(-min(maxSlack, keep/10))) {
		return err
	}
	l, unlock, err := l.lock()
	if err != nil {
		return err
	}
	defer unlock()
	old, err := l.At(cutoff)
	if err != nil {
		return err
	}
	if len(old.Events) == 0 || slices.ContainsFunc(old.pending, func(p *pending) bool { return len(p.Whole) > 0 }) {
		return nil // a later run drops more
	}
	var b block
	last := old.Events[len(old.Events)-1]
	b.line(Event{Kind: "state", Run: last.Run, At: last.At, Pipeline: last.Pipeline, File: last.File})
	for _, key := range slices.SortedFunc(maps.Keys(old.documents), func(a, b [2]string) int {
		return slices.Compare(a[:], b[:])
	}) {
		b.line(old.documents[key].Document)
	}
	for _, p := range slices.Sorted(maps.Keys(old.groups)) {
		b.line(old.groups[p].Group)
	}
	written := []*block{&b}
	for _, p := range old.pending {
		written = append(written, p.block())
	}
	after := old.all[len(old.all)-1].At
	return state.Replace(l.files, ledgerName, func(w io.Writer) error { return l.rewrite(w, written, after) })
}

// block returns a block of what is still pending.
func (p *pending) block() *block {
	b := &block{}
	b.line(p.Event)
	for _, d := range p.documents {
		b.line(d)
	}
	for _, g := range p.groups {
		b.line(g)
	}
	return b
}

// rewrite writes the given blocks, followed by those of the events after a time.
func (l *Ledger) rewrite(w io.Writer, first []*block, after time.Time) error {
	sum := ""
	for _, b := range first {
		var err error
		if sum, err = b.writeTo(w, sum); err != nil {
			return err
		}
	}
	f, err := l.files.Open(ledgerName)
	if err != nil {
		return err
	}
	defer f.Close()
	err = blocks(f, l.Path(), func(lines, _ []byte, _ string) error {
		e, _, err := eventOf(lines)
		if err != nil || !e.At.After(after) {
			return err
		}
		_, err = w.Write(seal(lines, sum))
		sum = sumOf(sum, lines)
		return err
	})
	var unfinished *unfinishedError
	if errors.As(err, &unfinished) {
		return nil
	}
	return err
}

// first returns the time of the first event; zero when there is none.
func (l *Ledger) first() (time.Time, error) {
	f, err := l.files.Open(ledgerName)
	if errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	defer f.Close()
	head := make([]byte, 64<<10)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return time.Time{}, err
	}
	if n == 0 {
		return time.Time{}, nil
	}
	line, _, _ := bytes.Cut(head[:n], []byte("\n"))
	e, _, err := eventOf(line)
	return e.At, err
}
