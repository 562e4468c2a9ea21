package baseline

import (
	"bytes"
	"fmt"
	"io"
	"os"
)

// suffixEarlier is that of the baseline of an earlier version of this program.
const suffixEarlier = ".state-earlier"

// goodRuns is how many good runs keep the file of an earlier version: until then the
// earlier version of the program can be put back.
const goodRuns = 2

// convert sets how many good runs the file was written by since it was converted, and
// keeps a copy of a file of an earlier version.
func (s *Store) convert(h *Header) error {
	h.Converted = 0
	before, there := s.writtenHeader()
	switch {
	case !there || before.Version > version:
	case before.Version < version:
		h.Converted = 1
		return s.copyEarlier(s.path(suffixState))
	case before.Converted == 0:
	case before.Run == h.Run:
		h.Converted = before.Converted
	default:
		h.Converted = before.Converted + 1
	}
	return nil
}

// writtenHeader is the header of the file that is there, unless it cannot be read.
func (s *Store) writtenHeader() (Header, bool) {
	f, err := openFile(s.path(suffixState))
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

func (s *Store) copyEarlier(path string) error {
	text, err := readFile(path)
	if err == nil {
		err = s.replaceLocked(suffixEarlier, func(w io.Writer) error {
			_, err := w.Write(text)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("keep the baseline of the earlier version: %w", err)
	}
	return nil
}

// dropEarlier removes the copy once enough good runs have written the baseline. When it
// cannot be removed it stays: nothing reads it.
func (s *Store) dropEarlier(converted int) {
	if converted > goodRuns {
		os.Remove(s.path(suffixEarlier))
	}
}
