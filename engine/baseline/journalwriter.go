package baseline

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"sync"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/state"
)

// The kinds of operations that send something.
const (
	Publishing = "run"
	Tightening = "tighten"
	Purging    = "purge"
	Pushing    = "push"
)

// JournalWriter records what is about to be sent, and what the sink acknowledged. Told may be
// called from many goroutines.
type JournalWriter struct {
	mu  sync.Mutex
	f   state.Appender
	w   *bufio.Writer
	run string
	err error
}

// Begin continues the journal of the place for a run that is about to publish, a tightening, a
// purge or a push. The caller holds the lock, and closes the writer.
func (s *Store) Begin(what, run string, at time.Time) (*JournalWriter, error) {
	end, err := s.journalEnd()
	if errors.As(err, new(*state.DamagedError)) { // what is appended is read as damaged, too, until DropJournal
		end = int64(len(damagedJournal))
		err = s.replaceFile(suffixJournal, func(w io.Writer) error {
			_, err := io.WriteString(w, damagedJournal)
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("write the journal: %w", err)
	}
	f, err := s.files.Append(suffixJournal)
	if err == nil && f.Size() > end {
		if err = f.Truncate(end); err != nil {
			f.Close()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("write the journal: %w", err)
	}
	w := &JournalWriter{f: f, w: bufio.NewWriterSize(f, 64<<10), run: run}
	if f.Size() == 0 {
		w.put(lineJournal, journalVersion, s.place)
	}
	w.put(lineBegun, what, run, seconds(at))
	if err := w.Sync(); err != nil {
		f.Close()
		return nil, err
	}
	return w, nil
}

// damagedJournal replaces a journal that the store cannot read.
const damagedJournal = "damaged\n"

// journalEnd returns where to append: a last line that a crash cut off is left out, since an
// appended line would become a part of it. It leaves a damaged journal unchanged.
func (s *Store) journalEnd() (int64, error) {
	text, err := s.readFile(suffixJournal)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	end := bytes.LastIndexByte(text, '\n') + 1
	last := bytes.LastIndexByte(text[:max(0, end-1)], '\n') + 1
	if last > 0 { // a damaged first line stays, and shows that the journal is damaged
		if _, err := journalFields(text[last:end]); err != nil {
			end = last
		}
	}
	return int64(end), nil
}

// Intend records what is about to be sent for an item. number identifies the intent in Told and
// is unique since Begin. The intent is on disk after Sync.
func (w *JournalWriter) Intend(number int, in Intent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	state := ""
	switch {
	case in.Gone:
		state = stateGone
	case in.Resolved:
		state = stateResolved
	}
	audience := ""
	if in.Audience != access.Undecided {
		audience = in.Audience.String()
	}
	w.put(lineIntent, strconv.Itoa(number), in.Stream, in.ID, in.Ref, in.Type, state, audience, hexOf(in.Content),
		hexOf(in.Substance), access.NamesText(in.Names))
}

// Told records that the sink has acknowledged an intent. It is not synced: when the record is
// lost, the next run sends the item once more.
func (w *JournalWriter) Told(number int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.put(lineResult, strconv.Itoa(number))
	w.flush()
}

// Sync writes all intents to disk. Nothing may be sent before it has returned nil.
func (w *JournalWriter) Sync() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.flush()
	if w.err == nil {
		w.err = w.f.Sync()
	}
	if w.err != nil {
		return fmt.Errorf("write the journal: %w", w.err)
	}
	return nil
}

// Done records that the operation is complete.
func (w *JournalWriter) Done() error {
	w.mu.Lock()
	w.put(lineDone, w.run)
	w.mu.Unlock()
	return w.Sync()
}

// Close closes the file.
func (w *JournalWriter) Close() error { return w.f.Close() }

func (w *JournalWriter) flush() {
	if w.err == nil {
		w.err = w.w.Flush()
	}
}

func (w *JournalWriter) put(fields ...string) {
	if w.err != nil {
		return
	}
	_, w.err = w.w.Write(journalLine(fields...))
}

// DropJournal drops the journal after a good run has written a baseline. Items of streams that
// the run did not write stay.
func (s *Store) DropJournal(written func(stream string) bool) error {
	text, err := s.readFile(suffixJournal)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil && !errors.As(err, new(*state.DamagedError)) {
		return fmt.Errorf("drop the journal: %w", err)
	}
	kept := journalLine(lineJournal, journalVersion, s.place)
	any := false
	begun := []byte(nil)
	numbers := map[string]bool{}
	for line := range bytes.Lines(text) {
		fields, err := journalFields(line)
		if err != nil {
			continue
		}
		switch fields[0] {
		case lineBegun:
			begun = journalLine(lineBegun, Pushing, fields[2], fields[3])
			clear(numbers)
		case lineIntent:
			if len(fields) == 11 && !written(fields[2]) {
				any, numbers[fields[1]] = true, true
				kept = append(append(kept, begun...), line...)
				begun = nil
			}
		case lineResult:
			if len(fields) == 2 && numbers[fields[1]] {
				kept = append(kept, line...)
			}
		}
	}
	if !any {
		if err := s.files.Remove(suffixJournal); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("drop the journal: %w", err)
		}
		return nil
	}
	return s.replaceFile(suffixJournal, func(w io.Writer) error {
		_, err := w.Write(kept)
		return err
	})
}
