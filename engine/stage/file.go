package stage

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/pipe-engine/pipe/engine/atomicfile"
)

const bufferSize = 64 << 10

// File is a sequence of frames, each a few byte strings. One goroutine appends frames; after
// Flush, any number of readers may read them from the start.
type File struct {
	f      *os.File
	w      *bufio.Writer
	head   []byte
	frames int
	bytes  int64
}

// Create creates an empty file in dir; "" means the system's folder for temporary files.
func Create(dir string) (*File, error) {
	if dir == "" {
		dir = os.TempDir()
	}
	f, err := atomicfile.Nameless(dir, "pipe-stage")
	if err != nil {
		return nil, fmt.Errorf("make a stage file: %w", err)
	}
	return &File{f: f, w: bufio.NewWriterSize(f, bufferSize)}, nil
}

// Append appends a frame. It copies the parts.
func (s *File) Append(parts ...[]byte) error {
	h := binary.AppendUvarint(s.head[:0], uint64(len(parts)))
	for _, p := range parts {
		h = binary.AppendUvarint(h, uint64(len(p)))
	}
	s.head = h
	if _, err := s.w.Write(h); err != nil {
		return fmt.Errorf("write stage: %w", err)
	}
	s.bytes += int64(len(h))
	for _, p := range parts {
		if _, err := s.w.Write(p); err != nil {
			return fmt.Errorf("write stage: %w", err)
		}
		s.bytes += int64(len(p))
	}
	s.frames++
	return nil
}

// Flush makes all appended frames readable.
func (s *File) Flush() error {
	if err := s.w.Flush(); err != nil {
		return fmt.Errorf("write stage: %w", err)
	}
	return nil
}

// Frames returns the number of appended frames.
func (s *File) Frames() int { return s.frames }

// Bytes returns the length of the file.
func (s *File) Bytes() int64 { return s.bytes }

// Close closes the file, which frees its disk space.
func (s *File) Close() error { return s.f.Close() }

// Reader returns a reader of the flushed frames, from the first.
func (s *File) Reader() *Reader {
	return &Reader{left: s.frames, r: bufio.NewReaderSize(io.NewSectionReader(s.f, 0, s.bytes), bufferSize)}
}

// Reader is one pass over a File. It belongs to one goroutine.
type Reader struct {
	r     *bufio.Reader
	left  int // frames
	sizes []int
	parts [][]byte
	buf   []byte
}

// maxParts is the maximum number of parts of a frame.
const maxParts = 64

// sizesOfNext reads the sizes of the next frame's parts and returns their sum. It returns
// io.EOF after the last frame.
func (r *Reader) sizesOfNext() (total int, err error) {
	n, err := binary.ReadUvarint(r.r)
	if err == io.EOF && r.left == 0 {
		return 0, io.EOF
	}
	if err != nil || n > maxParts || r.left == 0 {
		return 0, errDamaged
	}
	r.left--
	r.sizes = r.sizes[:0]
	for range n {
		size, err := binary.ReadUvarint(r.r)
		if err != nil || size > 1<<32 {
			return 0, errDamaged
		}
		r.sizes = append(r.sizes, int(size))
		total += int(size)
	}
	return total, nil
}

var errDamaged = errors.New("stage file is damaged")

// Next returns the next frame, or io.EOF after the last one. The parts are valid until the next
// call.
func (r *Reader) Next() ([][]byte, error) {
	total, err := r.sizesOfNext()
	if err != nil {
		return nil, err
	}
	r.parts = r.parts[:0]
	if cap(r.buf) < total {
		r.buf = make([]byte, total+total/4)
	}
	b := r.buf[:total]
	if _, err := io.ReadFull(r.r, b); err != nil {
		return nil, errDamaged
	}
	for _, size := range r.sizes {
		r.parts = append(r.parts, b[:size:size])
		b = b[size:]
	}
	return r.parts, nil
}
