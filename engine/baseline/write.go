package baseline

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"strconv"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/atomicfile"
	"github.com/pipe-engine/pipe/engine/codec"
)

// version is the format that is written, oldest the first one that is read.
// Version 2 added Header.Owner.
const (
	version = 2
	oldest  = 1
)

// The file is lines of fields that are separated by tabs: a header, entries,
// each set of names before the first entry that has it, and an end that proves
// that everything before it is as it was written.
const (
	lineHeader = "pipe-state"
	lineNames  = "n"
	lineEntry  = "e"
	lineEnd    = "end"
)

// Writer writes the state of a run. Only Commit makes anything of it last.
type Writer struct {
	store *Store
	f     *atomicfile.File
	w     *bufio.Writer
	sum   hash.Hash
	line  []byte
	sets  map[string]int
	count int
	err   error
}

// Create begins the state of a run.
func (s *Store) Create(h Header) (*Writer, error) {
	f, err := atomicfile.Create(s.path(suffixState), s.lockedOptions())
	if err != nil {
		return nil, fmt.Errorf("write the state: %w", err)
	}
	sum := sha256.New()
	w := &Writer{store: s, f: f, sum: sum, w: bufio.NewWriterSize(io.MultiWriter(f, sum), 64<<10), sets: map[string]int{}}
	h.Version, h.Place = version, s.place
	head, err := codec.Marshal(h)
	if err != nil {
		w.Abort()
		return nil, err
	}
	w.put(lineHeader, string(head))
	return w, nil
}

// Add appends an entry; an error shows at Commit.
func (w *Writer) Add(e Entry) {
	set := ""
	if len(e.Names) > 0 {
		key := access.NamesText(e.Names)
		n, known := w.sets[key]
		if !known {
			n = len(w.sets)
			w.sets[key] = n
			w.put(lineNames, key)
		}
		set = strconv.Itoa(n)
	}
	away := ""
	if !e.Away.IsZero() {
		away = strconv.FormatInt(e.Away.Unix(), 10)
	}
	w.put(lineEntry, e.Stream, e.Kind, e.Type, e.Audience, away, set, hexOf(e.ID), hexOf(e.Content), e.Ref)
	w.count++
}

func hexOf(v uint64) string { return strconv.FormatUint(v, 16) }

func (w *Writer) put(kind string, fields ...string) {
	if w.err != nil {
		return
	}
	b := append(w.line[:0], kind...)
	for _, f := range fields {
		b = append(b, '\t')
		b = appendField(b, f)
	}
	b = append(b, '\n')
	w.line = b
	_, w.err = w.w.Write(b)
}

// appendField writes a field; control characters in it are escaped, so that it
// never ends early.
func appendField(b []byte, field string) []byte {
	for i := range len(field) {
		switch c := field[i]; {
		case c < ' ' || c == '\\':
			b = append(b, '\\', "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
		default:
			b = append(b, c)
		}
	}
	return b
}

// Commit makes it the place's state. Nothing is changed when it fails.
func (w *Writer) Commit() error {
	if w.err == nil {
		w.err = w.w.Flush()
	}
	if w.err == nil {
		_, w.err = fmt.Fprintf(w.f, "%s\t%d\t%s\n", lineEnd, w.count, hex.EncodeToString(w.sum.Sum(nil)))
	}
	if w.err == nil {
		w.err = w.f.Commit()
	}
	if w.err != nil {
		w.Abort()
		return fmt.Errorf("write the state: %w", w.err)
	}
	w.store.sweep()
	return nil
}

// Abort gives it up.
func (w *Writer) Abort() { w.f.Abort() }
