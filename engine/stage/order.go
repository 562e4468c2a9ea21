package stage

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
)

// place is the position of a frame in its file, and its sort key.
type place struct {
	key    string
	offset int64
	size   int
}

// InOrder returns the flushed frames sorted by keys; keys yields the key of each frame in the
// order in which the frames were appended. It keeps the keys in memory, but not the frames. The
// parts are valid until the next frame.
func (s *File) InOrder(keys iter.Seq2[string, error]) iter.Seq2[[][]byte, error] {
	return func(yield func([][]byte, error) bool) {
		places, err := s.places(keys)
		if err != nil {
			yield(nil, err)
			return
		}
		var buf []byte
		var parts [][]byte
		for _, p := range places {
			if cap(buf) < p.size {
				buf = make([]byte, p.size+p.size/4)
			}
			if _, err = s.f.ReadAt(buf[:p.size], p.offset); err != nil {
				err = fmt.Errorf("read stage: %w", err)
			} else {
				parts, err = frame(parts[:0], buf[:p.size])
			}
			if !yield(parts, err) || err != nil {
				return
			}
		}
	}
}

// places returns the positions of all frames, sorted.
func (s *File) places(keys iter.Seq2[string, error]) ([]place, error) {
	places := make([]place, 0, s.frames)
	rd, offset := s.Reader(), int64(0)
	for key, err := range keys {
		if err != nil {
			return nil, err
		}
		size, err := rd.skip()
		if err != nil {
			return nil, err
		}
		places = append(places, place{key, offset, size})
		offset += int64(size)
	}
	if _, err := rd.skip(); err != io.EOF { // some frames have no key
		return nil, errDamaged
	}
	slices.SortFunc(places, func(a, b place) int {
		return cmp.Or(strings.Compare(a.key, b.key), cmp.Compare(a.offset, b.offset))
	})
	return places, nil
}

// skip skips a frame and returns its length, or io.EOF after the last one.
func (r *Reader) skip() (int, error) {
	total, err := r.sizesOfNext()
	if err != nil {
		return 0, err
	}
	if _, err := r.r.Discard(total); err != nil {
		return 0, errDamaged
	}
	head := len(binary.AppendUvarint(nil, uint64(len(r.sizes))))
	for _, size := range r.sizes {
		head += len(binary.AppendUvarint(nil, uint64(size)))
	}
	return head + total, nil
}

// frame returns the parts of an encoded frame.
func frame(parts [][]byte, b []byte) ([][]byte, error) {
	n, width := binary.Uvarint(b)
	if width <= 0 || n > maxParts {
		return nil, errDamaged
	}
	b = b[width:]
	sizes := make([]int, 0, maxParts)
	for range n {
		size, width := binary.Uvarint(b)
		if width <= 0 {
			return nil, errDamaged
		}
		sizes, b = append(sizes, int(size)), b[width:]
	}
	for _, size := range sizes {
		if size > len(b) {
			return nil, errDamaged
		}
		parts, b = append(parts, b[:size:size]), b[size:]
	}
	return parts, nil
}
