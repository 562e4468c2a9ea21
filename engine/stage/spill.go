package stage

import (
	"io"

	"github.com/pipe-engine/pipe/engine/component"
)

// SpillBuffer keeps the raw records of a phase until the phase is sealed: in memory up to a
// limit, then on disk. It belongs to one goroutine at a time.
type SpillBuffer struct {
	limit int
	bytes int
	mem   []*component.Record
	spill *File
}

// NewSpillBuffer returns an empty buffer that keeps up to limit bytes in memory.
func NewSpillBuffer(limit int) *SpillBuffer { return &SpillBuffer{limit: limit} }

// Spilled reports whether some of the records are on disk.
func (b *SpillBuffer) Spilled() bool { return b.spill != nil }

// Add adds a record.
func (b *SpillBuffer) Add(r *component.Record) error {
	if b.spill == nil && b.bytes+len(r.Raw) <= b.limit {
		b.bytes += len(r.Raw)
		b.mem = append(b.mem, r)
		return nil
	}
	if b.spill == nil {
		f, err := Create("")
		if err != nil {
			return err
		}
		b.spill = f
	}
	return b.spill.Append([]byte(r.Ref), []byte(r.Kind), []byte(r.Title), []byte(r.Email), r.Raw)
}

// Drain calls each with the records in the order in which they were added, and removes them.
func (b *SpillBuffer) Drain(each func(*component.Record) error) error {
	defer b.Close()
	for i, r := range b.mem {
		b.mem[i] = nil
		if err := each(r); err != nil {
			return err
		}
	}
	b.mem, b.bytes = nil, 0
	if b.spill == nil {
		return nil
	}
	if err := b.spill.Flush(); err != nil {
		return err
	}
	for rd := b.spill.Reader(); ; {
		p, err := rd.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		r := &component.Record{Entry: component.Entry{Ref: string(p[0]), Kind: string(p[1]), Title: string(p[2]),
			Email: string(p[3])}, Raw: append([]byte(nil), p[4]...)}
		if err := each(r); err != nil {
			return err
		}
	}
}

// Close frees the disk space.
func (b *SpillBuffer) Close() {
	if b.spill != nil {
		b.spill.Close()
		b.spill = nil
	}
}
