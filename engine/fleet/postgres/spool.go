package postgres

import (
	"bytes"
	"io"
	"os"

	"github.com/pipe-engine/pipe/engine/atomicfile"
)

// inMemory is how much a spool keeps in memory.
const inMemory = 1 << 20

// spool keeps what is written until its transaction: in memory, and on disk when it is much. A
// transaction is then as long as the transfer takes, and can be tried again.
type spool struct {
	memory []byte
	file   *os.File
	size   int64
}

func (s *spool) Write(b []byte) (int, error) {
	if s.file == nil && len(s.memory)+len(b) > inMemory {
		f, err := atomicfile.Nameless(os.TempDir(), "pipe-state")
		if err != nil {
			return 0, err
		}
		s.file = f
		if _, err := f.Write(s.memory); err != nil {
			return 0, err
		}
		s.memory = nil
	}
	s.size += int64(len(b))
	if s.file != nil {
		return s.file.Write(b)
	}
	s.memory = append(s.memory, b...)
	return len(b), nil
}

// reader reads everything from the beginning.
func (s *spool) reader() io.Reader {
	if s.file != nil {
		return io.NewSectionReader(s.file, 0, s.size)
	}
	return bytes.NewReader(s.memory)
}

func (s *spool) close() {
	if s.file != nil {
		s.file.Close()
	}
	s.memory, s.file = nil, nil
}
