package audit

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/gofrs/flock"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/atomicfile"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Keep is how long the ledger keeps events, unless a pipeline file says otherwise.
const Keep = 400 * 24 * time.Hour

// Beginning is the kind of an event that is written before the first request: what a run
// or a push is about to send. The event of the run with the same id confirms it, except for
// the items that it lists itself. A push lists what it sent. What no later event confirms
// or replaces may have been sent.
const Beginning = "begin"

// Event is what told the sink something: a run, or what a person did beside it.
type Event struct {
	// Kind is run, tighten, push, hide or purge; state after old events were dropped; or
	// Beginning.
	Kind      string    `json:"event"`
	Run       string    `json:"run"`
	At        time.Time `json:"at"`
	Pipeline  string    `json:"pipeline,omitempty"`
	File      string    `json:"sha256,omitempty"` // of the pipeline file
	By        string    `json:"by,omitempty"`
	Approvals []Used    `json:"approvals,omitempty"`
	// Whole are the streams of which the event has everything that the sink was sent: what
	// earlier events say of them no longer holds.
	Whole []string `json:"whole,omitempty"`
}

// Used is an approval that a run used.
type Used struct {
	ID string `json:"id"`
	By string `json:"by,omitempty"`
}

// Document is who finds a document. Nobody is one that is withheld, hidden or gone.
type Document struct {
	ID         string     `json:"doc"`
	Stream     string     `json:"stream"`
	Ref        string     `json:"ref"`
	Audience   string     `json:"audience"`
	Rule       string     `json:"rule,omitempty"`
	Principals []string   `json:"principals,omitempty"` // made by component.UserPrincipal and GroupPrincipal
	AllOf      [][]string `json:"all_of,omitempty"`
}

// Group is who is in a group; Principal is how documents name it.
type Group struct {
	Principal string   `json:"group"`
	Stream    string   `json:"stream"` // the sink's own, of groups' members
	Ref       string   `json:"ref"`
	Members   []string `json:"members"` // principals; none for a group that went
	// Adds means that these members were added to those before.
	Adds bool `json:"adds,omitempty"`
}

// end is the last line of a block.
type end struct {
	Sum string `json:"end"`
}

// Ledger is the file. Several processes may write to it: a person hides documents while
// a run publishes.
type Ledger struct{ path string }

// lockWait is how long a writer waits for another, which takes milliseconds, or a second
// where it drops old events.
const lockWait = 30 * time.Second

func (l *Ledger) lock() (unlock func(), err error) {
	ctx, cancel := context.WithTimeout(context.Background(), lockWait)
	defer cancel()
	lock := flock.New(l.path+"-lock", flock.SetPermissions(0o600))
	if ok, err := lock.TryLockContext(ctx, 10*time.Millisecond); err != nil || !ok {
		return nil, fmt.Errorf("lock %s: %w", l.path, err)
	}
	return func() { _ = lock.Unlock() }, nil
}

// Open names the file; it need not be there.
func Open(path string) *Ledger { return &Ledger{path} }

// Unusable is the error for a ledger that cannot be read or written, before the sink is
// sent anything. err is nil for none.
func (l *Ledger) Unusable(err error) error {
	if err == nil {
		return nil
	}
	return &fault.StateError{Err: fmt.Errorf("the audit ledger cannot be used: %w", err),
		Remedy: "make " + l.path + " writable for this user; if it is damaged, move it away, and the run begins a new one"}
}

// Exists reports whether anything was ever written.
func (l *Ledger) Exists() (bool, error) {
	info, err := os.Stat(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && info.Size() > 0, err
}

// block is a block before it is appended. It is held compressed: the first run of a large
// catalog writes 150 bytes an item, which take a tenth of that.
type block struct {
	packed bytes.Buffer
	packer *gzip.Writer
	err    error
}

func (b *block) line(v any) {
	text, err := codec.Marshal(v)
	if err == nil {
		if b.packer == nil {
			b.packer, _ = gzip.NewWriterLevel(&b.packed, gzip.BestSpeed) // the level is a valid one
		}
		_, err = b.packer.Write(append(text, '\n'))
	}
	if err != nil {
		b.err = errors.Join(b.err, err)
	}
}

// writeTo writes the block with its last line behind one with the checksum before, and
// returns its own checksum. A block is written once.
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

// Writer gathers what one event told the sink.
type Writer struct {
	ledger *Ledger
	block  block
}

// Begin begins the block of an event. Nothing is written before Commit.
func (l *Ledger) Begin(e Event) *Writer {
	w := &Writer{ledger: l}
	w.block.line(e)
	return w
}

// Document notes who finds a document now.
func (w *Writer) Document(d Document) { w.block.line(d) }

// Gone notes that nobody finds a document any more.
func (w *Writer) Gone(stream, id, ref string) {
	w.block.line(Document{ID: id, Stream: stream, Ref: ref, Audience: access.Nobody.String()})
}

// Group notes who is in a group now.
func (w *Writer) Group(g Group) {
	if g.Members == nil {
		g.Members = []string{}
	}
	w.block.line(g)
}

// Commit appends the block, also one without a change: that nothing changed is known
// then. What a killed run left half written is removed first.
func (w *Writer) Commit() error {
	if w.block.err != nil {
		return w.block.err
	}
	unlock, err := w.ledger.lock()
	if err != nil {
		return err
	}
	defer unlock()
	f, err := atomicfile.Open(w.ledger.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	size, sum, err := whole(f)
	if err != nil {
		return err
	}
	if err := f.Truncate(size); err != nil {
		return err
	}
	if _, err := w.block.writeTo(io.NewOffsetWriter(f, size), sum); err != nil {
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

// lastLine is that of a block with a checksum.
func lastLine(sum string) []byte {
	line, _ := codec.Marshal(end{sum}) // a text always can
	return append(line, '\n')
}

func sumOf(before string, text []byte) string {
	h := sha256.New()
	io.WriteString(h, before)
	h.Write(text)
	return hex.EncodeToString(h.Sum(nil))
}

// endLength is that of the last line of a block.
const endLength = len(`{"end":""}`) + 2*sha256.Size + 1

// whole returns how much of the file is whole blocks, and the checksum of the last one.
// A file that ends with a block is not read whole for that; in any other an unfinished
// block follows the last one.
func whole(f *os.File) (size int64, sum string, err error) {
	info, err := f.Stat()
	if err != nil {
		return 0, "", err
	}
	if size = info.Size(); size == 0 {
		return 0, "", nil
	}
	last := make([]byte, min(size, int64(endLength)))
	if _, err := f.ReadAt(last, size-int64(len(last))); err != nil {
		return 0, "", err
	}
	var e end
	if bytes.HasSuffix(last, []byte("\n")) && codec.Unmarshal(last, &e) == nil && e.Sum != "" {
		return size, e.Sum, nil
	}
	size = 0
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return 0, "", err
	}
	err = blocks(f, func(_ []byte, text []byte, of string) error {
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

// DamagedError is a ledger that was changed from outside.
type DamagedError struct {
	Path string
	Line int
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("%s:%d: the ledger is damaged: a checksum is wrong", e.Path, e.Line)
}

// unfinishedError is a last block without its end.
type unfinishedError struct{ line int }

func (e *unfinishedError) Error() string {
	return fmt.Sprintf("line %d: the last block has no end", e.line)
}
