package audit

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/pipe-engine/pipe/engine/codec"
)

// Since is the documents and groups in the events after a run.
type Since struct {
	Documents map[Key]string // with the ref of each
	Groups    map[Key]string // with the ref of each; the ID is the principal

	own bool // the current event is the one of the run
}

// Key identifies a document or a group of a stream.
type Key struct{ Stream, ID string }

// Since returns the documents and groups in the events after a run; found is false when the
// ledger has no event of the run. Memory grows with what these events mention, not with the
// ledger. Since verifies no checksum.
func (l *Ledger) Since(run string) (out Since, found bool, err error) {
	f, err := l.files.Open(ledgerName)
	if errors.Is(err, fs.ErrNotExist) {
		return Since{}, false, nil
	}
	if err != nil {
		return Since{}, false, err
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, 1<<16)
	for n := 1; ; n++ {
		line, err := in.ReadBytes('\n')
		if err == io.EOF { // a line without its end is no part of the ledger
			return out, found, nil
		}
		if err == nil {
			err = out.line(line, run, &found)
		}
		if err != nil {
			return Since{}, false, fmt.Errorf("%s:%d: %w", l.Path(), n, err)
		}
	}
}

// line processes one line of the ledger.
func (s *Since) line(line []byte, run string, found *bool) error {
	switch {
	case bytes.HasPrefix(line, []byte(`{"event":`)):
		var e Event
		if err := codec.Unmarshal(line, &e); err != nil {
			return err
		}
		if s.own = e.Run == run; s.own {
			*found, s.Documents, s.Groups = true, map[Key]string{}, map[Key]string{}
		}
	case !*found || s.own:
	case bytes.HasPrefix(line, []byte(`{"group":`)):
		var g Group
		if err := codec.Unmarshal(line, &g); err != nil {
			return err
		}
		s.Groups[Key{g.Stream, g.Principal}] = g.Ref
	case bytes.HasPrefix(line, []byte(`{"doc":`)):
		var d Document
		if err := codec.Unmarshal(line, &d); err != nil {
			return err
		}
		s.Documents[Key{d.Stream, d.ID}] = d.Ref
	}
	return nil
}
