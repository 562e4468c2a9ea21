package audit

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
)

// blocks calls visit for each block of the ledger with this path: with its lines except the last, its
// whole text, and its verified checksum.
func blocks(r io.Reader, path string, visit func(lines, text []byte, sum string) error) error {
	in := bufio.NewReaderSize(r, 1<<16)
	var text []byte
	before, n := "", 0
	for {
		line, err := in.ReadBytes('\n')
		if err == io.EOF {
			if len(text)+len(line) > 0 {
				return &unfinishedError{n + 1}
			}
			return nil
		}
		if err != nil {
			return err
		}
		n++
		if !bytes.HasPrefix(line, []byte(`{"end":`)) {
			text = append(text, line...)
			continue
		}
		var e end
		if codec.Unmarshal(line, &e) != nil || e.Sum != sumOf(before, text) {
			return &DamagedError{path, n}
		}
		if err := visit(text, append(bytes.Clone(text), line...), e.Sum); err != nil {
			return err
		}
		before, text = e.Sum, text[:0]
	}
}

// At returns the state at a time; the zero time means now.
func (l *Ledger) At(at time.Time) (*State, error) {
	f, err := l.files.Open(ledgerName)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	s := &State{documents: map[[2]string]told{}, groups: map[string]toldGroup{}}
	errLater := errors.New("later")
	err = blocks(f, l.Path(), func(lines, _ []byte, _ string) error {
		e, rest, err := eventOf(lines)
		if err != nil {
			return err
		}
		if !at.IsZero() && e.At.After(at) {
			s.Next = &e
			return errLater
		}
		return s.apply(e, rest)
	})
	var unfinished *unfinishedError
	if err != nil && !errors.Is(err, errLater) && !errors.As(err, &unfinished) {
		return nil, err
	}
	return s, nil
}

func eventOf(lines []byte) (e Event, rest []byte, err error) {
	first, rest, _ := bytes.Cut(lines, []byte("\n"))
	if err := codec.Unmarshal(first, &e); err != nil {
		return e, nil, fmt.Errorf("read an event of the ledger: %w", err)
	}
	return e, rest, nil
}
