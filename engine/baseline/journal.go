package baseline

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/state"
)

// suffixJournal is the suffix of the journal: what was sent since the last good run.
const suffixJournal = ".journal"

// The kinds of lines in a journal. Each line ends with a checksum, which distinguishes a line
// that a crash cut off from one that was changed.
const (
	lineJournal = "pipe-journal" // the format and the place
	lineBegun   = "b"            // the kind of operation that began, its run and the time
	lineIntent  = "i"            // an item is about to be sent or deleted
	lineResult  = "r"            // the sink acknowledged an intent
	lineDone    = "d"            // an operation is complete
)

// The states of an intent.
const (
	stateGone     = "gone"
	stateResolved = "resolved"
)

// journalVersion is the version of the journal's format.
const journalVersion = "1"

// Intent is what is about to be sent for an item.
type Intent struct {
	Stream, ID, Ref, Type string
	// Gone means that the item is deleted.
	Gone bool
	// Resolved is Encoded.Resolved.
	Resolved           bool
	Content, Substance uint64
	access.Grant
}

// Told is what was last sent for an item, as far as it is known.
type Told struct {
	Stream, ID, Ref, Type string
	// There means that the sink may hold the item.
	There bool
	// Sure means that the other fields are what was last sent. When it is false, the result of
	// some requests is unknown.
	Sure bool
	// Resolved means that the item names every principal of its permission decision, in
	// everything that may have been sent last.
	Resolved           bool
	Content, Substance uint64
	// Least is who certainly finds the item, and Most who may find it, depending on the unknown
	// results.
	Least, Most access.Grant
}

// Journal is what was sent since the last good run. The zero value is an empty journal.
type Journal struct {
	items map[journalItem]*Told
	// Interrupted means that a run, a tightening or a purge began and did not end.
	Interrupted bool
	// Purged means that a purge began and no run has published everything since: for no item is
	// it known whether the sink still has it.
	Purged bool
	// Damaged is why the journal cannot be read; "" when it can. With a damaged journal it is
	// unknown what was sent.
	Damaged string
	open    map[string]bool // runs that began to publish and did not end
}

type journalItem struct {
	stream string
	id     uint64
}

// Empty reports whether the journal has no content.
func (j *Journal) Empty() bool { return len(j.items) == 0 && !j.Interrupted && j.Damaged == "" }

// Told returns what was last sent for an item: by the journal, or else by the last good run.
func (j *Journal) Told(c *Comparison, stream, id string) Told {
	if t := j.find(stream, codec.Hash([]byte(id))); t != nil {
		return *t
	}
	last, found := c.Last(stream, id)
	return toldLast(last, found, stream, id)
}

func toldLast(last Last, found bool, stream, id string) Told {
	return Told{
		Stream: stream, ID: id, Type: last.Type, There: found, Sure: true, Content: last.Content, Substance: last.Substance,
		Resolved: last.Resolved, Least: last.Grant, Most: last.Grant,
	}
}

// Knows reports whether the journal has an item.
func (j *Journal) Knows(stream string, id uint64) bool { return j.find(stream, id) != nil }

func (j *Journal) find(stream string, id uint64) *Told {
	if j == nil || len(j.items) == 0 {
		return nil
	}
	return j.items[journalItem{stream, id}]
}

// Len returns the number of items in the journal.
func (j *Journal) Len() int { return len(j.items) }

// Items yields the items of the journal, in no particular order.
func (j *Journal) Items(yield func(Told) bool) {
	for _, t := range j.items {
		if !yield(*t) {
			return
		}
	}
}

// Journal reads the journal of the place. c contains what the last good run sent; nil for
// nothing. A file that cannot be opened is an error; a file that cannot be parsed gives a
// Journal with Damaged set.
func (s *Store) Journal(c *Comparison) (*Journal, error) {
	j := &Journal{items: map[journalItem]*Told{}, open: map[string]bool{}}
	f, err := s.files.Open(suffixJournal)
	if errors.Is(err, fs.ErrNotExist) {
		return j, nil
	}
	if damaged := new(state.DamagedError); errors.As(err, &damaged) {
		j.Damaged, j.Interrupted = damaged.Problem, true
		return j, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	defer f.Close()
	if err := j.read(f, s.place, c); err != nil {
		j.Damaged = err.Error()
	}
	j.Interrupted = len(j.open) > 0 || j.Damaged != ""
	return j, nil
}

func (j *Journal) read(f io.Reader, place string, c *Comparison) error {
	r := bufio.NewReaderSize(f, 64<<10)
	intents := map[string]Intent{}
	for n := 0; ; n++ {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			// A line that a crash cut off was not acted on. Without a first line nothing was.
			return nil
		}
		if err != nil {
			return err
		}
		fields, err := journalFields(line)
		if err != nil {
			if _, after := r.Peek(1); errors.Is(after, io.EOF) && n > 0 {
				return nil
			}
			return err
		}
		if n == 0 {
			if len(fields) != 3 || fields[0] != lineJournal || fields[1] != journalVersion || fields[2] != place {
				return errors.New("it is not a journal of this datasource that this version of pipe can read")
			}
			continue
		}
		if err := j.line(fields, intents, c); err != nil {
			return err
		}
	}
}

var errJournalLine = errors.New("it has a line that cannot be read")

func (j *Journal) line(fields []string, intents map[string]Intent, c *Comparison) error {
	switch {
	case fields[0] == lineBegun && len(fields) == 4:
		// numbers restart with each beginning
		clear(intents)
		if fields[1] != Pushing {
			j.open[fields[2]] = true
		}
		j.Purged = j.Purged || fields[1] == Purging
	case fields[0] == lineDone && len(fields) == 2:
		delete(j.open, fields[1])
	case fields[0] == lineIntent && len(fields) == 11:
		in, err := intentOf(fields[2:])
		if err != nil {
			return err
		}
		intents[fields[1]] = in
		j.intend(in, c)
	case fields[0] == lineResult && len(fields) == 2:
		in, known := intents[fields[1]]
		if !known {
			return errJournalLine
		}
		j.items[journalItem{in.Stream, codec.Hash([]byte(in.ID))}] = in.told()
	default:
		return errJournalLine
	}
	return nil
}

// intend records that something new may have been sent.
func (j *Journal) intend(in Intent, c *Comparison) {
	key := journalItem{in.Stream, codec.Hash([]byte(in.ID))}
	t := j.items[key]
	if t == nil {
		last := j.Told(c, in.Stream, in.ID)
		t = &last
		j.items[key] = t
	}
	before := *t
	t.Sure, t.Content, t.Substance = false, 0, 0
	t.Ref, t.Type, t.Resolved = in.Ref, in.Type, before.Resolved && in.Resolved
	switch {
	case in.Gone:
		if !before.There {
			return
		}
		t.Type = before.Type
		t.Least = access.Grant{Audience: access.Nobody}
	case !before.There:
		t.There, t.Most = true, in.Grant
		t.Least = access.Grant{Audience: access.Nobody}
		if in.Audience == access.Undecided {
			t.Least = access.Grant{}
		}
	default:
		t.Least, t.Most = access.Meet(before.Least, in.Grant), access.Join(before.Most, in.Grant)
	}
}

// told returns what was sent for an item once the sink has acknowledged an intent.
func (in Intent) told() *Told {
	return &Told{
		Stream: in.Stream, ID: in.ID, Ref: in.Ref, Type: in.Type, There: !in.Gone, Sure: true, Content: in.Content,
		Substance: in.Substance, Resolved: in.Resolved, Least: in.Grant, Most: in.Grant,
	}
}

func journalLine(fields ...string) []byte {
	var b []byte
	for _, f := range fields {
		b = appendField(b, f)
		b = append(b, '\t')
	}
	return fmt.Appendf(b, "%08x\n", crc32.ChecksumIEEE(b))
}

func journalFields(line []byte) ([]string, error) {
	at := bytes.LastIndexByte(line, '\t') + 1
	if at == 0 || string(line[at:]) != fmt.Sprintf("%08x\n", crc32.ChecksumIEEE(line[:at])) {
		return nil, errJournalLine
	}
	fields := strings.Split(string(line[:at-1]), "\t")
	for i, f := range fields {
		var err error
		if fields[i], err = unescape(f); err != nil {
			return nil, errJournalLine
		}
	}
	return fields, nil
}

func intentOf(f []string) (in Intent, err error) {
	in = Intent{Stream: f[0], ID: f[1], Ref: f[2], Type: f[3], Gone: f[4] == stateGone, Resolved: f[4] == stateResolved}
	in.Audience = access.ParseAudience(f[5])
	content, err := strconv.ParseUint(f[6], 16, 64)
	substance, substanceErr := strconv.ParseUint(f[7], 16, 64)
	if err != nil || substanceErr != nil {
		return in, errJournalLine
	}
	in.Content, in.Substance = content, substance
	for _, name := range strings.Fields(f[8]) {
		n, err := strconv.ParseUint(name, 16, 64)
		if err != nil {
			return in, errJournalLine
		}
		in.Names = append(in.Names, n)
	}
	return in, nil
}

// Of returns what the journal has about an item, by the hash of its ID; said is false when it
// has nothing.
func (j *Journal) Of(stream string, id uint64) (t Told, said bool) {
	if one := j.find(stream, id); one != nil {
		return *one, true
	}
	return Told{}, false
}
