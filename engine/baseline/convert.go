package baseline

import (
	"bytes"
	"fmt"
	"io"
)

// suffixEarlier is the suffix of the copy of a baseline of an earlier version.
const suffixEarlier = ".state-earlier"

// goodRuns is the number of good runs for which the copy of an earlier version's file is kept.
// Until then the earlier version of the program can be reinstalled.
const goodRuns = 2

// convert sets the number of good runs since the file was converted, and keeps a copy of a file
// of an earlier version.
func (s *Store) convert(h *Header) error {
	h.Converted = 0
	before, there := s.writtenHeader()
	switch {
	case !there || before.Version > version:
	case before.Version < version:
		h.Converted = 1
		return s.copyEarlier()
	case before.Converted == 0:
	case before.Run == h.Run:
		h.Converted = before.Converted
	default:
		h.Converted = before.Converted + 1
	}
	return nil
}

// writtenHeader returns the header of the existing file; false when there is none or it cannot
// be read.
func (s *Store) writtenHeader() (Header, bool) {
	f, err := s.files.Open(suffixState)
	if err != nil {
		return Header{}, false
	}
	defer f.Close()
	snap := &Snapshot{f: f}
	sc := snap.lines()
	if !sc.Scan() {
		return Header{}, false
	}
	kind, rest, _ := bytes.Cut(sc.Bytes(), []byte("\t"))
	if string(kind) != lineHeader || snap.header(string(rest), s.place) != nil {
		return Header{}, false
	}
	return snap.Header, true
}

func (s *Store) copyEarlier() error {
	text, err := s.readFile(suffixState)
	if err == nil {
		err = s.replaceFile(suffixEarlier, func(w io.Writer) error {
			_, err := w.Write(text)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("keep the baseline of the earlier version: %w", err)
	}
	return nil
}

// dropEarlier removes the copy once enough good runs have written the baseline. It ignores
// errors: nothing reads the copy.
func (s *Store) dropEarlier(converted int) {
	if converted > goodRuns {
		s.files.Remove(suffixEarlier)
	}
}
