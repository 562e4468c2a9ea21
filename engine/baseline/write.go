package baseline

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"strconv"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/state"
)

// version is the format that is written, oldest the oldest format that is read: a release reads
// those of the two before it. Version 2 added Header.Owner, version 3 the fields of an entry
// after its ref.
const (
	version = 3
	oldest  = 1
)

// The file consists of lines of tab-separated fields: a header, entries, each set of names
// before the first entry that has it, and an end line with a checksum of everything before it.
const (
	lineHeader = "pipe-state"
	lineNames  = "n"
	lineEntry  = "e"
	lineMark   = "m" // what was read of the attached records of a host; earlier programs ignore it
	lineEnd    = "end"
)

// Writer writes the state of a run. The state takes effect with Commit.
type Writer struct {
	store *Store
	f     state.Writer
	w     *bufio.Writer
	sum   hash.Hash
	line  []byte
	// fields are the fields of an entry, reused for the next one.
	fields    []string
	sets      map[string]int
	key       []byte // of a set, reused for the next one
	count     int
	converted int // Header.Converted
	err       error
}

// Create starts writing the state of a run.
func (s *Store) Create(h Header) (*Writer, error) {
	if err := s.convert(&h); err != nil {
		return nil, err
	}
	f, err := s.files.Create(suffixState)
	if err != nil {
		return nil, fmt.Errorf("write the state: %w", err)
	}
	sum := sha256.New()
	w := &Writer{store: s, f: f, sum: sum, converted: h.Converted, w: bufio.NewWriterSize(io.MultiWriter(f, sum), 64<<10),
		sets: map[string]int{}}
	h.Version, h.Place = version, s.place
	head, err := codec.Marshal(h)
	if err != nil {
		w.Abort()
		return nil, err
	}
	w.put(lineHeader, string(head))
	return w, nil
}

// Add appends an entry. Commit returns its error.
func (w *Writer) Add(e Entry) {
	set := w.set(e.Names)
	fields := append(w.fields[:0], e.Stream, e.Kind, e.Type, e.Audience, seconds(e.Away), set, hexOf(e.ID),
		hexOf(e.Content), e.Ref)
	more := func(key byte, value string) { fields = append(fields, string(key)+value) }
	if e.ClearID != "" {
		more(fieldClearID, e.ClearID)
	}
	if e.Rule != "" {
		more(fieldRule, e.Rule)
	}
	if !e.Told.IsZero() {
		more(fieldTold, seconds(e.Told))
	}
	if !e.Delivered.IsZero() {
		more(fieldDelivered, seconds(e.Delivered))
	}
	if e.Covered {
		more(fieldCovered, "")
	}
	if e.Substance != 0 && e.Substance != e.Content {
		more(fieldSubstance, hexOf(e.Substance))
	}
	if e.Resolved {
		more(fieldResolved, "")
	}
	if e.Leaving {
		more(fieldLeaving, "")
	}
	if e.Floor.Audience != access.Undecided {
		more(fieldFloor, e.Floor.Audience.String()+" "+w.set(e.Floor.Names))
	}
	if !e.Floor.At.IsZero() {
		more(fieldFloorAt, seconds(e.Floor.At))
	}
	if !e.Floor.Further.IsZero() {
		more(fieldFurther, seconds(e.Floor.Further))
	}
	for _, l := range e.Left {
		value := hexOf(l.Name) + " " + seconds(l.At)
		if l.Covered {
			value += " covered"
		}
		more(fieldLeft, value)
	}
	w.fields = fields
	w.put(lineEntry, fields...)
	w.count++
}

// Mark is the component.Attached.Mark of a host, and how many of its records the sink holds.
type Mark struct {
	Text  string
	Items int
}

// Mark appends the mark of a host.
func (w *Writer) Mark(host string, m Mark) { w.put(lineMark, host, m.Text, strconv.Itoa(m.Items)) }

// The fields of an entry after its ref: a letter and the value. Empty fields are left out.
const (
	fieldClearID   = 'i'
	fieldRule      = 'r'
	fieldTold      = 't'
	fieldDelivered = 'd'
	fieldCovered   = 'c'
	fieldSubstance = 's'
	fieldLeaving   = 'g'
	fieldResolved  = 'p'
	fieldFloor     = 'f' // the class, a space, and the number of the set
	fieldFloorAt   = 'a'
	fieldFurther   = 'w'
	fieldLeft      = 'l' // may occur more than once
)

// set writes a set of names before the first entry that has it and returns its number; "" for
// an empty set.
func (w *Writer) set(names []uint64) string {
	if len(names) == 0 {
		return ""
	}
	w.key = w.key[:0]
	for _, n := range names {
		w.key = binary.BigEndian.AppendUint64(w.key, n)
	}
	n, known := w.sets[string(w.key)]
	if !known {
		n = len(w.sets)
		w.sets[string(w.key)] = n
		w.put(lineNames, access.NamesText(names))
	}
	return strconv.Itoa(n)
}

// seconds returns a time in the form of the file; "" for the zero time.
func seconds(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return strconv.FormatInt(at.Unix(), 10)
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

// appendField writes a field. It escapes control characters, which keeps a tab or a line break
// in a value from ending the field.
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

// Commit makes the written state that of the place. When it fails, nothing is changed.
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
	w.store.files.Sweep()
	w.store.dropEarlier(w.converted)
	return nil
}

// Abort discards the written state.
func (w *Writer) Abort() { w.f.Abort() }
