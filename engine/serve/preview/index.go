package preview

import (
	"errors"
	"sync"
	"time"

	"github.com/pipe-engine/pipe/engine/explain"
	"github.com/pipe-engine/pipe/engine/pipeline"
	"github.com/pipe-engine/pipe/engine/run"
	"github.com/pipe-engine/pipe/engine/sqlite"
)

// schema has the words of documents in fts, whose rowid is doc.id, and who finds them in acl and
// member: a person finds a listed document when both have a common principal. record has the records
// with and without documents. rule and unknown are of the last good run, see earlier. The values of
// facets are in memory. The hash size of fts, in bytes, is what it keeps before it writes a part of
// its index: few parts are merged.
const schema = `
CREATE TABLE doc (
	id INTEGER PRIMARY KEY, key TEXT NOT NULL, title TEXT NOT NULL,
	after INTEGER NOT NULL, before INTEGER NOT NULL DEFAULT 0,
	rule INTEGER NOT NULL DEFAULT 0, unknown INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE content (doc INTEGER PRIMARY KEY, card BLOB NOT NULL);
CREATE TABLE record (ref TEXT NOT NULL, value BLOB, journey BLOB NOT NULL);
CREATE VIRTUAL TABLE fts USING fts5(title, words, text, tokenize = 'unicode61 remove_diacritics 2', prefix = '1 2 3');
INSERT INTO fts (fts, rank) VALUES ('hashsize', 16000000);
CREATE TABLE acl (
	doc INTEGER NOT NULL, view INTEGER NOT NULL, principal INTEGER NOT NULL, PRIMARY KEY (view, principal, doc)
) WITHOUT ROWID;
CREATE TABLE member (
	person INTEGER NOT NULL, view INTEGER NOT NULL, principal INTEGER NOT NULL, PRIMARY KEY (person, view, principal)
) WITHOUT ROWID;
`

// indexes are created when everything is inserted.
const indexes = `
CREATE INDEX doc_key ON doc (key);
CREATE INDEX record_ref ON record (ref);
CREATE INDEX doc_audience ON doc (after, before);
`

// View is whose audiences a search uses.
type View int

const (
	After  View = 1 // those that this run would publish
	Before View = 2 // those that the last good run published
)

// ErrClosed reports that an index was closed.
var ErrClosed = errors.New("the search index was closed")

// Index is the documents that a run would publish, and who finds them. It is safe for concurrent
// use.
type Index struct {
	// Pipeline is the name of the pipeline.
	Pipeline string
	Built    time.Time
	Report   *run.Report
	// Refused is the refusal of such a run by a guard; nil for none.
	Refused error
	// Documents is the number of documents.
	Documents int
	// Earlier is when the last good run finished; zero without one, in which case the view
	// Before is empty.
	Earlier time.Time
	// Gone is the number of documents of the last good run that this run would delete.
	Gone int

	definition *pipeline.Definition
	trace      *explain.Trace
	earlier    *earlier // nil without an earlier run
	db         *sqlite.Scratch
	people     []person
	byName     map[string]int // the index in people by e-mail and by ref
	byTitle    []int32        // the place of a document in the order of titles, by doc.id - 1
	facets     []int32        // the values of all documents
	facetsAt   []int32        // where those of a document begin, by doc.id - 1; and the end
	values     []FacetValue

	mu       sync.Mutex
	lent     int // how often it is
	searches int // that go on, with Document and Explain
	closing  bool
	closed   chan struct{} // closed when db is
	closeErr error
}

func newIndex(db *sqlite.Scratch) *Index {
	return &Index{db: db, facetsAt: []int32{0}, closed: make(chan struct{})}
}

// Lend returns the index, which stays open until release is called, also when Close is called
// meanwhile. After Close, Lend returns nil, and release does nothing.
func (x *Index) Lend() (_ *Index, release func()) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closing {
		return nil, func() {}
	}
	x.lent++
	return x, sync.OnceFunc(func() { x.end(&x.lent) })
}

// begin begins a search, unless the index is closed and not lent. end(&x.searches) ends it.
func (x *Index) begin() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closing && x.lent == 0 {
		return ErrClosed
	}
	x.searches++
	return nil
}

func (x *Index) end(use *int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	*use--
	x.closeUnused()
}

// Close removes the texts of the index, and returns when that is done: as soon as it is not lent,
// and no Search, Document or Explain goes on. Further calls return the same.
func (x *Index) Close() error {
	x.mu.Lock()
	if !x.closing {
		x.closing = true
		x.closeUnused()
	}
	x.mu.Unlock()
	<-x.closed
	return x.closeErr
}

// closeUnused closes the database after Close, when there is no use. The caller holds mu.
func (x *Index) closeUnused() {
	if x.closing && x.lent == 0 && x.searches == 0 {
		x.closeErr = x.db.Close()
		close(x.closed)
	}
}
