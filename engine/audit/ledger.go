package audit

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/state"
)

// Keep is how long the ledger keeps events by default.
const Keep = 400 * 24 * time.Hour

// Beginning is the kind of an event that is written before the first request: what a run or a
// push is about to send. The event of the run with the same id confirms it, except for the
// items that it lists itself. A push lists what it sent. What no later event confirms or
// replaces may have been sent.
const Beginning = "begin"

// Event is an operation that sent something: a run, or a command such as push.
type Event struct {
	// Kind is run, tighten, push, hide or purge; state for the event that replaces dropped
	// events; or Beginning.
	Kind      string    `json:"event"`
	Run       string    `json:"run"`
	At        time.Time `json:"at"`
	Pipeline  string    `json:"pipeline,omitempty"`
	File      string    `json:"sha256,omitempty"` // of the pipeline file
	By        string    `json:"by,omitempty"`
	Approvals []Used    `json:"approvals,omitempty"`
	// Whole are the streams for which the event contains everything that was sent. It replaces
	// what earlier events say about them.
	Whole []string `json:"whole,omitempty"`
}

// Used is an approval that a run used.
type Used struct {
	ID string `json:"id"`
	By string `json:"by,omitempty"`
	// Others approved it, too. Alone means that By did without the other people that the file
	// asks for.
	Others []string `json:"others,omitempty"`
	Alone  bool     `json:"alone,omitempty"`
}

// Document is the audience of a document. The audience "nobody" means that it is withheld,
// hidden or deleted.
type Document struct {
	ID         string     `json:"doc"`
	Stream     string     `json:"stream"`
	Ref        string     `json:"ref"`
	Audience   string     `json:"audience"`
	Rule       string     `json:"rule,omitempty"`
	Principals []string   `json:"principals,omitempty"` // made by component.UserPrincipal and GroupPrincipal
	AllOf      [][]string `json:"all_of,omitempty"`
}

// Group is the members of a group. Principal is the name by which documents refer to it.
type Group struct {
	Principal string   `json:"group"`
	Stream    string   `json:"stream"` // the stream of group members, which the session derives
	Ref       string   `json:"ref"`
	Members   []string `json:"members"` // principals; none for a deleted group
	// Adds means that these members were added to the earlier ones.
	Adds bool `json:"adds,omitempty"`
}

// end is the last line of a block.
type end struct {
	Sum string `json:"end"`
}

// Ledger is the file. Several processes may write to it, such as pipe hide during a run.
type Ledger struct{ files state.Files }

// The names of the file and its lock.
const (
	ledgerName = ".audit"
	ledgerLock = ".audit-lock"
)

// lockWait is how long a writer waits for another one, which takes milliseconds, or a second
// when it drops old events.
const lockWait = 30 * time.Second

// lock returns the ledger for the only writer until unlock is called.
func (l *Ledger) lock() (locked *Ledger, unlock func(), err error) {
	files, release, err := l.files.Lock(ledgerLock, lockWait)
	if err != nil {
		return nil, nil, fmt.Errorf("lock %s: %w", l.Path(), err)
	}
	return &Ledger{files}, func() { _ = release() }, nil
}

// Open returns the ledger of a place. The file need not exist.
func Open(files state.Files) *Ledger { return &Ledger{files} }

// Path returns the name of the file, for messages.
func (l *Ledger) Path() string { return l.files.Path(ledgerName) }

// Unusable returns the error for a ledger that cannot be read or written, before anything is
// sent; nil for nil.
func (l *Ledger) Unusable(err error) error {
	if err == nil {
		return nil
	}
	return state.Explain(err, &fault.StateError{Err: fmt.Errorf("the audit ledger cannot be used: %w", err),
		Remedy: "make " + l.Path() + " writable for this user; if it is damaged, move it away, and the run begins a new one"})
}

// Exists reports whether anything was ever written.
func (l *Ledger) Exists() (bool, error) {
	info, err := l.files.Stat(ledgerName)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && info.Size > 0, err
}

// block is a block before it is appended. It is kept compressed: the first run of a large
// catalog writes 150 bytes per item, which compress to a tenth.
type block struct {
	packed bytes.Buffer
	packer *gzip.Writer
	err    error
}

func (b *block) line(v any) {
	text, err := codec.Marshal(v)
	if err == nil {
		if b.packer == nil {
			b.packer, _ = gzip.NewWriterLevel(&b.packed, gzip.BestSpeed) // the level is valid
		}
		_, err = b.packer.Write(append(text, '\n'))
	}
	if err != nil {
		b.err = errors.Join(b.err, err)
	}
}

// writeTo writes the block with its last line, chained to the checksum of the block before, and
// returns its own checksum. It may be called once.
func (b *block) writeTo(w io.Writer, before string) (sum string, err error) {
	if b.err != nil {
		return "", b.err
	}
	if err := b.packer.Close(); err != nil {
		return "", err
	}
	text, err := gzip.NewReader(&b.packed)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	io.WriteString(h, before)
	if _, err := io.Copy(io.MultiWriter(w, h), text); err != nil {
		return "", err
	}
	sum = hex.EncodeToString(h.Sum(nil))
	_, err = w.Write(lastLine(sum))
	return sum, err
}

// Writer collects what one event sent.
type Writer struct {
	ledger *Ledger
	block  block
}

// Begin starts the block of an event. Nothing is written before Commit.
func (l *Ledger) Begin(e Event) *Writer {
	w := &Writer{ledger: l}
	w.block.line(e)
	return w
}

// Document adds the audience of a document.
func (w *Writer) Document(d Document) { w.block.line(d) }

// Gone records that no one finds a document any more.
func (w *Writer) Gone(stream, id, ref string) {
	w.block.line(Document{ID: id, Stream: stream, Ref: ref, Audience: access.Nobody.String()})
}

// Group adds the members of a group.
func (w *Writer) Group(g Group) {
	if g.Members == nil {
		g.Members = []string{}
	}
	w.block.line(g)
}

// Commit appends the block, even one without changes, which records that nothing changed. It
// first removes an incomplete block of a killed run.
func (w *Writer) Commit() error {
	if w.block.err != nil {
		return w.block.err
	}
	ledger, unlock, err := w.ledger.lock()
	if err != nil {
		return err
	}
	defer unlock()
	f, err := ledger.files.Append(ledgerName)
	if err != nil {
		return err
	}
	defer f.Close()
	size, sum, err := ledger.whole(f)
	if err != nil {
		return err
	}
	if size < f.Size() {
		if err := f.Truncate(size); err != nil {
			return err
		}
	}
	if _, err := w.block.writeTo(f, sum); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return f.Close()
}

// seal adds the last line to a block that follows one with the checksum before.
func seal(text []byte, before string) []byte {
	return append(bytes.Clone(text), lastLine(sumOf(before, text))...)
}

// lastLine returns the last line of a block with a checksum.
func lastLine(sum string) []byte {
	line, _ := codec.Marshal(end{sum}) // a string can always be encoded
	return append(line, '\n')
}

func sumOf(before string, text []byte) string {
	h := sha256.New()
	io.WriteString(h, before)
	h.Write(text)
	return hex.EncodeToString(h.Sum(nil))
}

// endLength is the length of the last line of a block.
const endLength = len(`{"end":""}`) + 2*sha256.Size + 1

// whole returns the size of the complete blocks of the file, and the checksum of the last one.
// It reads only the end of a file that ends with a complete block, and all of any other file.
func (l *Ledger) whole(file state.Appender) (size int64, sum string, err error) {
	if size = file.Size(); size == 0 {
		return 0, "", nil
	}
	last, err := file.Tail(endLength)
	if err != nil {
		return 0, "", err
	}
	var e end
	if bytes.HasSuffix(last, []byte("\n")) && codec.Unmarshal(last, &e) == nil && e.Sum != "" {
		return size, e.Sum, nil
	}
	f, err := l.files.Open(ledgerName)
	if err != nil {
		return 0, "", err
	}
	defer f.Close()
	size = 0
	err = blocks(f, l.Path(), func(_ []byte, text []byte, of string) error {
		size += int64(len(text))
		sum = of
		return nil
	})
	var unfinished *unfinishedError
	if errors.As(err, &unfinished) {
		err = nil
	}
	return size, sum, err
}

// DamagedError reports a ledger that was changed by other means.
type DamagedError struct {
	Path string
	Line int
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("%s:%d: the ledger is damaged: a checksum is wrong", e.Path, e.Line)
}

// unfinishedError reports a last block without its end.
type unfinishedError struct{ line int }

func (e *unfinishedError) Error() string {
	return fmt.Sprintf("line %d: the last block has no end", e.line)
}
